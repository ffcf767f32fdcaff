package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/parallel-fusion/pfr/evaluation/judge"
	"github.com/parallel-fusion/pfr/evaluation/serps"
	"github.com/parallel-fusion/pfr/evaluation/testset"
)

// pageCases is how many cases of each use case of Table 2 have pages in tests.
//
// A gate opens from six groups on.
const pageCases = 6

// withPages returns a folder with pages of regular search and of a candidate, as an earlier
// run would have left it, and the file of their cases. The candidate finds what is asked
// for unless its pages are bad.
func withPages(t *testing.T, candidate string) (dir, cases string) {
	t.Helper()
	dir = t.TempDir()
	cases = filepath.Join(dir, "cases.jsonl")
	var list []testset.Case
	var pages []serps.Pages
	for _, u := range table2() {
		for i := range pageCases {
			c := testset.Case{
				ID: fmt.Sprintf("%s-%d", u, i), Query: fmt.Sprintf("%s number %d", u, i), UseCase: u, Market: "US", Split: testset.Test,
				Cluster: fmt.Sprintf("%s-%d", u, i), Origin: testset.Written,
			}
			list = append(list, c)
			pages = append(pages, serps.Pages{Case: c, Today: "2025-06-28", Candidate: madeBy(candidate), Baseline: madeBy("poor")})
		}
	}
	write(t, cases, func(w io.Writer) error { return testset.Write(w, list) })
	made := evaluateSERPsCmd{Cases: cases, Split: "test", Candidate: "pre-fusion", Baseline: "search"}
	_, about, err := made.cases()
	if err != nil {
		t.Fatal(err)
	}
	of, err := made.provenance(&program{cli: &cli{}}, about)
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "pages.jsonl"), func(w io.Writer) error { return serps.WritePages(w, of, pages) })
	return dir, cases
}

func madeBy(title string) serps.Made {
	return serps.Made{Route: "search", Page: judge.Page{Sections: []judge.Section{{Title: "Results", Items: []judge.Item{
		{ID: "track:" + title, Type: "track", Title: title, Artists: []string{"Ada"}, ReleaseDate: "2025-06-01"},
	}}}}}
}

func write(t *testing.T, file string, fn func(io.Writer) error) {
	t.Helper()
	if err := writeFile(file, fn); err != nil {
		t.Fatal(err)
	}
}

// looking is a model that passes pages with a good title and prefers them, wherever they
// stand.
func looking(turn string) string {
	const good = `"title":"good"`
	first, second, pair := strings.Cut(turn, `"second":`)
	switch {
	case pair && strings.Contains(first, good) == strings.Contains(second, good):
		return says(turn, "", "tie")
	case pair && strings.Contains(second, good):
		return says(turn, "", "second")
	case strings.Contains(turn, good):
		return says(turn, "PASS", "first")
	}
	return says(turn, "NO_PASS", "")
}

// says is the answer to a turn: the verdict on a page, or which of a pair is better.
func says(turn, verdict, better string) string {
	if strings.Contains(turn, `"second":`) {
		return `{"reason":"r","better":"` + better + `"}`
	}
	v := `{"evidence":[1],"reason":"r","verdict":"` + verdict + `"}`
	return `{"relevance":` + v + `,"diversity":` + v + `,"freshness":{"reason":"r","wants":"no"},"overall":` + v + `}`
}

// judgingModel is a server whose answers depend on the whole turn, not on its query alone.
type judgingModel struct {
	*httptest.Server

	asked atomic.Int64
}

func startModel(t *testing.T, answer func(turn string) string) *judgingModel {
	t.Helper()
	m := &judgingModel{}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/chat/completions", func(w http.ResponseWriter, r *http.Request) {
		m.asked.Add(1)
		var body struct{ Messages []struct{ Content string } }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{
			"id": "1", "object": "chat.completion", "created": 1, "model": "big", "usage": map[string]int{"prompt_tokens": 1000, "completion_tokens": 50, "total_tokens": 1050},
			"choices": []any{map[string]any{"index": 0, "finish_reason": "stop", "message": map[string]string{"role": "assistant", "content": answer(body.Messages[len(body.Messages)-1].Content)}}},
		})
	})
	m.Server = httptest.NewServer(mux)
	t.Cleanup(m.Close)
	return m
}

// priced returns a file of settings with a price for the model.
func priced(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "pfr.yaml")
	write(t, file, func(w io.Writer) error {
		_, err := io.WriteString(w, "router:\n  llm:\n    prices:\n      big: {prompt_per_m: 1, completion_per_m: 1}\n")
		return err
	})
	return file
}

func reportIn(t *testing.T, dir string) (report serps.Report, data []byte) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "report.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &report); err != nil {
		t.Fatal(err)
	}
	return report, data
}

// A language model judges once: the same again asks nothing, costs nothing and gives the
// same bytes.
func TestEvaluateSERPsTwice(t *testing.T) {
	dir, cases := withPages(t, "good")
	server := startModel(t, looking)
	args := []string{"evaluate", "serps", "--config-file", priced(t), "--out", dir, "--cases", cases, "--judge-llm", server.URL, "--judge-model", "big", "--max-usd", "5", "--gate"}
	out, err := typed(t, "", args...)
	if err != nil {
		t.Fatal(err)
	}
	asked := server.asked.Load()
	if n := 4 * pageCases; asked != int64(4*n) || !strings.Contains(out, fmt.Sprintf("%d questions were asked, for $0.", 4*n)) {
		t.Errorf("%d requests\n%s", asked, out)
	}
	if !strings.Contains(out, "uncalibrated") {
		t.Errorf("nobody has labelled anything, and yet:\n%s", out)
	}
	report, first := reportIn(t, dir)
	if report.All.Wins != 4*pageCases || report.CostUSD <= 0 || report.Warning != "" {
		t.Errorf("%d wins, $%v, %q", report.All.Wins, report.CostUSD, report.Warning)
	}
	out, err = typed(t, "", args...)
	if err != nil {
		t.Fatal(err)
	}
	if server.asked.Load() != asked || !strings.Contains(out, "0 questions were asked, for $0.0000") {
		t.Errorf("%d requests more\n%s", server.asked.Load()-asked, out)
	}
	if _, second := reportIn(t, dir); !bytes.Equal(first, second) {
		t.Errorf("the reports differ:\n%s\n%s", first, second)
	}
}

// Pages that another system, or another pipeline, has made are not judged in the name of this.
func TestEvaluateSERPsOfOthers(t *testing.T) {
	dir, cases := withPages(t, "good")
	changed := filepath.Join(t.TempDir(), "cases.jsonl")
	data, err := os.ReadFile(cases)
	if err != nil {
		t.Fatal(err)
	}
	write(t, changed, func(w io.Writer) error {
		_, err := w.Write(bytes.Replace(data, []byte("number 3"), []byte("number three"), 1))
		return err
	})
	for what, more := range map[string][]string{
		`the candidate was "PFR" and is "PFR, post-fusion"`: {"--cases", cases, "--candidate", "post-fusion"},
		"the test set was":                        {"--cases", changed},
		"the pipeline was":                        {"--cases", cases, "--kafka", "localhost:1"},
		`and is "the sample catalogue, settings `: {"--cases", cases, "--set", "router.llm.url=http://127.0.0.1:1"},
	} {
		_, err := typed(t, "", append([]string{"evaluate", "serps", "--out", dir}, more...)...)
		if err == nil || !strings.Contains(err.Error(), what) || !strings.Contains(err.Error(), "--fresh") {
			t.Errorf("%v: %v", more, err)
		}
	}
}

func TestEvaluateSERPsByPlace(t *testing.T) {
	dir, cases := withPages(t, "good")
	server := startModel(t, func(turn string) string { return says(turn, "PASS", "first") })
	out, err := typed(t, "", "evaluate", "serps", "--out", dir, "--cases", cases, "--judge-llm", server.URL, "--judge-model", "big")
	if err != nil {
		t.Fatal(err)
	}
	report, _ := reportIn(t, dir)
	if report.All.Ties != 4*pageCases || report.All.Wins+report.All.Losses != 0 {
		t.Errorf("%d wins, %d ties, %d losses", report.All.Wins, report.All.Ties, report.All.Losses)
	}
	if !strings.Contains(out, "warning: ") || !strings.Contains(out, "place of a page") {
		t.Errorf("no warning in\n%s", out)
	}
}

func TestEvaluateSERPsGates(t *testing.T) {
	server := startModel(t, looking)
	judged := func(dir, cases string, more ...string) error {
		_, err := typed(t, "", append([]string{"evaluate", "serps", "--out", dir, "--cases", cases, "--judge-llm", server.URL, "--judge-model", "big"}, more...)...)
		return err
	}
	good, goodCases := withPages(t, "good")
	if err := judged(good, goodCases, "--gate"); err != nil {
		t.Errorf("better in all use cases: %v", err)
	}
	bad, badCases := withPages(t, "no better")
	if err := judged(bad, badCases, "--gate"); err == nil || !strings.Contains(err.Error(), "similar_artists: PFR passes 0.000, regular search 0.000") {
		t.Errorf("no better: %v", err)
	}
	earlier := filepath.Join(good, "report.json")
	if err := judged(bad, badCases, "--against", earlier); err == nil || !strings.Contains(err.Error(), "worse than before") {
		t.Errorf("worse than before: %v", err)
	}
	if err := judged(good, goodCases, "--against", earlier); err != nil {
		t.Errorf("as before: %v", err)
	}
	// What cannot be compared is said before anything is asked.
	asked := int(server.asked.Load())
	unread := filepath.Join(t.TempDir(), "labels.jsonl")
	if err := os.WriteFile(unread, []byte("{}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, more := range map[string][]string{
		"line 1: ":           {"--labels", unread},
		"read report":        {"--against", unread},
		"one was judged by ": {"--against", earlier, "--judge-llm", server.URL, "--judge-model", "small"},
	} {
		if err := judged(good, goodCases, more...); err == nil || !strings.Contains(err.Error(), want) || int(server.asked.Load()) != asked {
			t.Errorf("%v: %v, %d questions", more, err, int(server.asked.Load())-asked)
		}
	}
	// A use case that nobody asked about is no success.
	one, oneCases := withPages(t, "good")
	if err := os.Remove(filepath.Join(one, "pages.jsonl")); err != nil {
		t.Fatal(err)
	}
	if err := judged(one, oneCases, "--use-case", "nothing"); err == nil || !strings.Contains(err.Error(), "no case of the split test is left") {
		t.Errorf("no case: %v", err)
	}
}

// What a judge does not answer is left out, said, and asked again.
func TestEvaluateSERPsWithoutAnswer(t *testing.T) {
	dir, cases := withPages(t, "good")
	broken := true
	server := startModel(t, func(turn string) string {
		if broken && strings.Contains(turn, "new_releases number 3") {
			return `{"nonsense":1}`
		}
		return looking(turn)
	})
	args := []string{"evaluate", "serps", "--out", dir, "--cases", cases, "--judge-llm", server.URL, "--judge-model", "big"}
	out, err := typed(t, "", args...)
	if err != nil {
		t.Fatal(err)
	}
	report, _ := reportIn(t, dir)
	if len(report.Unjudged) != 1 || report.All.N != 4*pageCases-1 || !strings.Contains(out, "have no answer") || !strings.Contains(out, "- new_releases-3: ") {
		t.Errorf("%d of %d judged, without answer %+v\n%s", report.All.N, 4*pageCases, report.Unjudged, out)
	}
	broken = false
	if out, err = typed(t, "", args...); err != nil || strings.Contains(out, "have no answer") {
		t.Errorf("%v\n%s", err, out)
	}
	if report, _ = reportIn(t, dir); len(report.Unjudged) != 0 || report.All.N != 4*pageCases {
		t.Errorf("%+v", report.Unjudged)
	}
}

// Flags that do not go together are refused before anything is made or asked.
func TestEvaluateSERPsFlags(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "none")
	for flags, want := range map[string]string{
		"--judge-llm http://127.0.0.1:1":                                "1 --judge-llm, but 0 --judge-model",
		"--judge-model big":                                             "0 --judge-llm, but 1 --judge-model",
		"--judge-llm http://a --judge-llm http://b --judge-model big":   "2 --judge-llm, but 1 --judge-model",
		"--judge-llm somewhere --judge-model big":                       "url",
		"--judge-llm http://127.0.0.1:1 --judge-model big --max-usd 1":  "nobody knows what big costs",
		"--judge-llm http://127.0.0.1:1 --judge-model big --max-usd=-1": "max_usd",
		"--max-usd 1":   "name one with --judge-llm",
		"--cards .":     "name one with --judge-llm",
		"--judgments x": "name one with --judge-llm",
		"--judge-llm http://127.0.0.1:1 --judge-model big --cards .": "no table of interactions",
		"--candidate search":   "are the same",
		"--candidate guessing": "must be one of",
		"--cases nowhere":      "nowhere",
	} {
		_, err := typed(t, "", append([]string{"evaluate", "serps", "--out", dir}, strings.Fields(flags)...)...)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", flags, err)
		}
	}
	if _, err := os.Stat(dir); err == nil {
		t.Error("a command that was refused has made its folder")
	}
}
