package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/internal/llm/llmtest"
	"github.com/parallel-fusion/pfr/schemas"
)

// precomputeReport is the part of the report that these tests read.
type precomputeReport struct {
	Skipped       int     `json:"skipped"`
	RefusedBefore int     `json:"refused_before"`
	Routed        int     `json:"routed"`
	Published     int     `json:"published"`
	Withdrawn     int     `json:"withdrawn"`
	Left          int     `json:"left"`
	Cost          float64 `json:"cost_usd"`
	Coverage      []struct {
		Share float64 `json:"share"`
	} `json:"coverage"`
}

// precompute runs pfr precompute on a list of queries and returns its report.
func (p *pipeline) precompute(t *testing.T, list string, args ...string) (r precomputeReport) {
	t.Helper()
	out, err := runPFR(t, list, append([]string{"precompute", "--json", "--kafka", p.kafka}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return r
}

// ahead returns the state of every entry of the topic, by query, as pfr precompute list
// with more flags sees it.
func (p *pipeline) ahead(t *testing.T, args ...string) map[string]string {
	t.Helper()
	out, err := runPFR(t, "", append([]string{"precompute", "list", "--json", "--kafka", p.kafka}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	states := map[string]string{}
	for line := range strings.Lines(out) {
		var e struct{ Query, Source, State string }
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatal(err)
		}
		states[e.Query] = e.Source + " " + e.State
	}
	return states
}

func (p *pipeline) source(t *testing.T, query string) schemas.Source {
	t.Helper()
	return p.search(t, query).Route.Source
}

func TestPrecompute(t *testing.T) {
	p := up(t, "")
	const list = "Latest albums by  Lady Gaga\t70\nartists like radiohead\t20\nlatest albums by lady gaga\t10\n"
	if r := p.precompute(t, list, "--from-file", "-"); r.Published != 2 || r.Coverage[0].Share != 0.8 {
		t.Errorf("%+v", r)
	}
	eventually(t, "a page that was decided ahead of time", func() bool {
		return p.source(t, "latest albums by lady gaga") == schemas.SourcePrecomputed
	})
	page := p.search(t, "LATEST albums by Lady Gaga")
	if page.Route.Name != "new_releases" || page.Status != schemas.SERPComplete {
		t.Errorf("%s", outline(page))
	}
	if r := p.precompute(t, list, "--from-file", "-"); r.Published != 0 || r.Skipped != 2 || r.Withdrawn != 0 {
		t.Errorf("second run: %+v", r)
	}
	if out, err := runPFR(t, "", "precompute", "withdraw", "--kafka", p.kafka, "Artists like Radiohead"); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	eventually(t, "the end of the entry", func() bool { return p.source(t, "artists like radiohead") != schemas.SourcePrecomputed })
	if got := fmt.Sprint(p.ahead(t)); got != "map[latest albums by lady gaga:student current]" {
		t.Errorf("entries %s", got)
	}
	if _, err := runPFR(t, "", "precompute", "withdraw", "--kafka", p.kafka, "artists like radiohead"); err == nil {
		t.Error("what is not there was withdrawn")
	}
}

func TestPrecomputeFromTheTopics(t *testing.T) {
	p := up(t, "")
	for client := range 3 {
		ask := func(query string, n int) {
			for range n {
				_, err := p.trySearch(t.Context(), map[string]any{"query": query, "client_id": fmt.Sprint("client", client), "deadline_ms": 5000})
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		ask("artists like radiohead", 2)
		if client < 2 {
			ask("artists my sister kim would like", 3)
		}
	}
	out, err := runPFR(t, "", "popular", "--kafka", p.kafka)
	if err != nil || !strings.Contains(out, "artists like radiohead") || strings.Contains(out, "kim") {
		t.Errorf("%v\n%s", err, out)
	}
	if r := p.precompute(t, ""); r.Published != 1 {
		t.Errorf("%+v", r)
	}
	if got := fmt.Sprint(p.ahead(t)); got != "map[artists like radiohead:student current]" {
		t.Errorf("entries %s", got)
	}
}

// A run through a language model is killed, the next one goes on where it was: nothing is
// lost, and only what was in flight is paid for twice.
func TestPrecomputeGoesOnAfterSIGKILL(t *testing.T) {
	const n, concurrency = 60, 4
	fake := llmtest.New(llmtest.Config{Answer: func(q string) string {
		if strings.HasSuffix(q, "7") {
			return `{"route":"search"}` // refused: the student is surer of something else
		}
		return `{"route":"new_releases"}`
	}})
	defer fake.Close()
	p := up(t, "")
	var list strings.Builder
	for i := range n {
		fmt.Fprintf(&list, "latest albums by lady gaga number %d\t%d\n", i, n-i)
	}
	dir := t.TempDir()
	file := filepath.Join(dir, "queries.tsv")
	if err := os.WriteFile(file, []byte(list.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{
		"--from-file", file, "--tier", "llm", "--llm", fake.URL(), "--gate", "agree", "--min-confidence", "0", "--concurrency", fmt.Sprint(concurrency),
		"--journal", filepath.Join(dir, "refused.jsonl"),
		"--set", "router.llm.prices={default: {prompt_per_m: 1, cached_per_m: 1, completion_per_m: 1}}", "--set", "router.llm.guard.probe_every=1s",
	}
	asked := func() map[string]int { return timesAsked(fake, "number") }
	fake.Set(llmtest.Failing(503)) // at first: the run waits
	killed := startPFR(t, append([]string{"precompute", "--kafka", p.kafka}, args...)...)
	eventually(t, "a probe", func() bool { return strings.Contains(killed.logged(), "language model does not answer") })
	fake.Set(llmtest.Slow(100 * time.Millisecond))
	eventually(t, "half of the queries", func() bool { return len(asked()) > n/2 })
	killed.kill(t)
	before := len(asked())
	if before == n {
		t.Fatal("the run was over before it was killed: nothing was tested")
	}
	fake.Set(llmtest.Enforcing())
	r := p.precompute(t, "", args...)
	if r.Left != 0 || r.Skipped < before-2*concurrency-n/10 || r.Cost == 0 {
		t.Errorf("%d queries were asked before the kill; %+v", before, r)
	}
	repeats := 0
	for _, times := range asked() {
		repeats += times - 1
	}
	if len(asked()) != n || repeats > concurrency {
		t.Errorf("%d queries were asked, %d once more", len(asked()), repeats)
	}
	if r := p.precompute(t, "", args...); r.Routed != 0 || r.Skipped+r.RefusedBefore != n || r.RefusedBefore != n/10 {
		t.Errorf("third run: %+v", r)
	}
	entries := p.ahead(t, "--llm", fake.URL())
	if len(entries) != n-n/10 {
		t.Errorf("%d entries", len(entries))
	}
	checkOtherModelWithdraws(t, p, fake.URL())
}

// timesAsked counts the requests for each query that holds a word.
func timesAsked(fake *llmtest.Server, word string) map[string]int {
	counts := map[string]int{}
	for _, r := range fake.Requests() {
		if strings.Contains(r.Query, word) {
			counts[r.Query]++
		}
	}
	return counts
}

// checkOtherModelWithdraws wants every entry to be stale with other settings of the model.
func checkOtherModelWithdraws(t *testing.T, p *pipeline, url string) {
	t.Helper()
	other := []string{"--llm", url, "--set", "router.llm.max_tokens=77"}
	for _, c := range []struct {
		args []string
		want string
	}{{nil, "llm current"}, {[]string{"--llm", url}, "llm current"}, {other, "llm stale"}} {
		if got := p.ahead(t, c.args...)["latest albums by lady gaga number 1"]; got != c.want {
			t.Errorf("with %q: %s, want %s", c.args, got, c.want)
		}
	}
	if out, err := runPFR(t, "", append([]string{"precompute", "--withdraw-stale", "--kafka", p.kafka}, other...)...); err != nil || out != "54 withdrawn\n" {
		t.Errorf("%v: %s", err, out)
	}
	if left := p.ahead(t); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}
