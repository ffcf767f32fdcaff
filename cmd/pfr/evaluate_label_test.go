package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	agree "github.com/parallel-fusion/pfr/evaluation/agreement"
	"github.com/parallel-fusion/pfr/evaluation/judge"
	"github.com/parallel-fusion/pfr/evaluation/testset"
)

// pagesFile writes a file with the pages of two systems for so many cases.
func pagesFile(t *testing.T, dir string, cases int) (file string, records []judge.Record) {
	t.Helper()
	for i := range cases {
		c := testset.Case{
			ID: fmt.Sprint("c", i), Query: fmt.Sprint("calm piano ", i), Market: "US", UseCase: testset.BroadMusic,
			Profile: &testset.Profile{ID: "p", Likes: []string{"Harold Budd", "ambient"}, Features: map[string]string{"age": "30s"}},
		}
		good := judge.Page{Sections: []judge.Section{
			{Title: "For you", Items: []judge.Item{
				{ID: "album:1", Type: "album", Title: "Quiet Keys", Artists: []string{"Ada"}, Genres: []string{"piano", "ambient"}, ReleaseDate: "2025-11-02"},
				{ID: "artist:2", Type: "artist", Title: "Bo \x1b[31mred", Genres: []string{"piano"}},
			}},
			{Title: "A mix", Text: "Slow and soft."},
		}}
		for system, page := range map[string]judge.Page{"pfr": good, "regular-search": {Notice: "Nothing was found."}} {
			r, err := judge.NewRecord(system, judge.Subject{Case: c, Today: "2026-03-02", Page: page})
			if err != nil {
				t.Fatal(err)
			}
			records = append(records, r)
		}
	}
	var b bytes.Buffer
	if err := judge.WriteRecords(&b, records); err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(dir, "pages.jsonl")
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file, records
}

// typed runs a command with what somebody types.
func typed(t *testing.T, input string, args ...string) (string, error) {
	t.Helper()
	var out strings.Builder
	err := run(t.Context(), args, streams{strings.NewReader(input), &out, io.Discard}, []string{"COLUMNS=72", "TERM=xterm"})
	return out.String(), err
}

func TestLabel(t *testing.T) {
	dir := t.TempDir()
	file, _ := pagesFile(t, dir, 1)
	labels := filepath.Join(dir, "labels.jsonl")
	args := []string{"evaluate", "label", file, "--rater", "ada", "--labels", labels, "--dimension", "overall"}
	out, err := typed(t, "x\n\np\nu\nn\n", args...) // and the end of the input
	if err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join("testdata", "evaluate", "label.txt"), strings.ReplaceAll(out, labels, "LABELS"))
	if strings.Contains(out, "regular") || strings.Contains(out, "pfr") || strings.Contains(out, "\x1b") {
		t.Errorf("the rater sees who made a page, or a title moves the cursor:\n%s", out)
	}
	if out, err = typed(t, "P\n", args...); err != nil || !strings.Contains(out, "2 of 2 labelled by ada") {
		t.Errorf("%s, %v", out, err)
	}
	if out, err = typed(t, "", args...); err != nil || strings.Contains(out, "calm piano") {
		t.Errorf("all is labelled, and yet: %s, %v", out, err)
	}
	f, err := os.Open(labels)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	held, err := agree.ReadLabels(f)
	if held = agree.Latest(held); err != nil || len(held) != 2 || held[0].Label != agree.NoPass || held[1].Label != agree.Pass || held[0].UseCase != "broad_music" {
		t.Errorf("%+v, %v", held, err)
	}
}

func TestLabelPairs(t *testing.T) {
	dir := t.TempDir()
	file, _ := pagesFile(t, dir, 2)
	out, err := typed(t, "1\n0\n", "evaluate", "label", file, "--rater", "ada", "--pairs", "--labels", filepath.Join(dir, "labels.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, filepath.Join("testdata", "evaluate", "label_pairs.txt"), strings.ReplaceAll(out, dir, "DIR"))
}

func TestLabelRefuses(t *testing.T) {
	dir := t.TempDir()
	file, _ := pagesFile(t, dir, 1)
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, bytes.Replace(data, []byte("Quiet"), []byte("Loud"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := typed(t, "", "evaluate", "label", file, "--rater", "ada"); err == nil || !strings.Contains(err.Error(), "the hash") {
		t.Errorf("a page that was changed: %v", err)
	}
}

// byQuery is a judge that passes the pages that have items, but for one case in ten.
type byQuery struct{}

func (byQuery) ID() string { return "llm/fake" }

func (byQuery) Judge(_ context.Context, s judge.Subject) (judge.Judgment, error) {
	out := judge.Judgment{Judge: "llm/fake", Verdicts: map[judge.Dimension]judge.Verdict{}}
	for _, d := range judge.Dimensions() {
		out.Verdicts[d] = judge.Verdict{Pass: (len(s.Page.Sections) > 0) != strings.HasSuffix(s.Case.ID, "7")}
	}
	return out, nil
}

func (byQuery) Prefer(_ context.Context, first, _ judge.Subject) (judge.Preference, error) {
	if len(first.Page.Sections) > 0 {
		return judge.Preference{Judge: "llm/fake", Choice: judge.First}, nil
	}
	return judge.Preference{Judge: "llm/fake", Choice: judge.Second}, nil
}

// From the answers that a judge keeps and the labels of people to what the judge is worth.
func TestAgreement(t *testing.T) {
	dir := t.TempDir()
	_, records := pagesFile(t, dir, 110)
	store, err := judge.OpenStore(judge.StoreConfig{Dir: filepath.Join(dir, "judgments")})
	if err != nil {
		t.Fatal(err)
	}
	cached, pairs := judge.NewCached(byQuery{}, store), judge.NewCachedPairs(byQuery{}, store)
	var labels bytes.Buffer
	write := func(r judge.Record, item agree.Item, label string) {
		data, err := json.Marshal(agree.Label{Case: r.Case.ID, UseCase: string(r.Case.UseCase), Item: item, Label: label, Rater: "ada"})
		if err != nil {
			t.Fatal(err)
		}
		labels.Write(append(data, '\n'))
	}
	for i, r := range records {
		if _, err := cached.Judge(t.Context(), r.Subject()); err != nil {
			t.Fatal(err)
		}
		label := agree.NoPass
		if len(r.Page.Sections) > 0 {
			label = agree.Pass
		}
		write(r, agree.Item{Dimension: "overall", Hash: r.Hash}, label)
		if i%2 == 0 || len(records[i-1].Page.Sections) == 0 {
			continue
		}
		if _, err := judge.Compare(t.Context(), pairs, records[i-1].Subject(), r.Subject()); err != nil {
			t.Fatal(err)
		}
		write(r, agree.Item{Dimension: agree.Pair, Hash: r.Hash, Other: records[i-1].Hash}, agree.Second)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "labels.jsonl")
	if err := os.WriteFile(file, labels.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{"evaluate", "agreement", "--labels", file, "--judgments", filepath.Join(dir, "judgments")}
	out, err := typed(t, "", args...)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"llm/fake on overall\n  calibrated: κ 0.80 [", "agreement 90.0 % of 220", "as people would judge 50.0 %", "llm/fake on pair\n  uncalibrated: "} {
		if !strings.Contains(out, want) {
			t.Errorf("there is no %q in\n%s", want, out)
		}
	}
	out, err = typed(t, "", append(args, "--json")...)
	var report agree.Report
	if err != nil || json.Unmarshal([]byte(out), &report) != nil || !report.Calibration("llm/fake", "overall").Passed || report.Calibration("llm/fake", "pair").Passed || report.Calibration("other", "overall").Passed {
		t.Errorf("%v: %s", err, out)
	}
}
