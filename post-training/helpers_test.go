package posttraining_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/evaluation/testset"
	posttraining "github.com/parallel-fusion/pfr/post-training"
	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

var update = flag.Bool("update", false, "write the golden files anew")

// plainForm writes a decision as JSON with sorted parameters behind the route.
type plainForm struct{ version string }

func (f plainForm) Version() string { return f.version }

func (plainForm) Turns(query string) (system, user string) {
	turn, _ := json.Marshal(map[string]string{"q": query})
	return "Route the query.", string(turn)
}

func (plainForm) Answer(route string, params schemas.Params) (string, error) {
	if route == "unwritable" {
		return "", errors.New("it would not be read back")
	}
	p, err := json.Marshal(params)
	return strings.Replace(fmt.Sprintf(`{"route":%q,%s`, route, p[1:]), ",}", "}", 1), err
}

// script says what teachers and judge answer, by query, attempt and decision.
//
// Each line is a query or what happens at its next attempt:
//
//	? id: text                      a query
//	route {"parameter":…} -> PASS why    a sample and its verdict
//	route {"parameter":…} -> NO PASS why
//	route {"parameter":…}           a sample that is not judged, or not for the first time
//	invalid                         a sample that is no decision
type script struct {
	queries []posttraining.Query
	says    map[string][]step // by query id; the last goes on for ever
}

type step struct {
	route   string
	params  schemas.Params
	verdict posttraining.Verdict
	invalid bool
}

func readScript(t testing.TB, text string) script {
	t.Helper()
	s := script{says: map[string][]step{}}
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if query, ok := strings.CutPrefix(line, "? "); ok {
			id, text, _ := strings.Cut(query, ": ")
			s.queries = append(s.queries, posttraining.Query{ID: id, Text: text, Source: posttraining.Written, Split: testset.Train, Market: "US"})
			continue
		}
		id := s.queries[len(s.queries)-1].ID
		s.says[id] = append(s.says[id], readStep(t, line))
	}
	return s
}

func readStep(t testing.TB, line string) step {
	t.Helper()
	if line == "invalid" {
		return step{invalid: true}
	}
	sample, verdict, _ := strings.Cut(line, " -> ")
	route, raw, _ := strings.Cut(sample, " ")
	st := step{route: route, params: schemas.Params{}}
	if raw != "" {
		if err := json.Unmarshal([]byte(raw), &st.params); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	reason, failed := strings.CutPrefix(verdict, "NO PASS ")
	if !failed {
		reason, st.verdict.Pass = strings.CutPrefix(verdict, "PASS ")
	}
	st.verdict.Reason, st.verdict.Prompt = reason, "rubric-3"
	st.verdict.Tokens, st.verdict.CostUSD = schemas.Tokens{Prompt: 200, Completion: 20}, 0.0002
	return st
}

func (s script) step(query string, attempt int) step {
	steps := s.says[query]
	return steps[min(attempt, len(steps))-1]
}

// scripted is a teacher that says what the script says.
type scripted struct {
	script
	id string
	// before, if there is one, is called before each sample. Its error is that of the sample.
	before func(posttraining.Ask) error
}

func (t scripted) ID() string { return t.id }

func (t scripted) Sample(ctx context.Context, a posttraining.Ask) (posttraining.Sample, error) {
	if t.before != nil {
		if err := t.before(a); err != nil {
			return posttraining.Sample{}, err
		}
	}
	if err := ctx.Err(); err != nil {
		return posttraining.Sample{}, err
	}
	st := t.step(a.Query.ID, a.Attempt)
	s := posttraining.Sample{
		Route: st.route, Params: st.params, Temperature: 1.3, Prompt: "prompt-7", Model: "oracle",
		Tokens: schemas.Tokens{Prompt: 100, Completion: 10}, CostUSD: 0.001,
	}
	if st.invalid {
		return s, fmt.Errorf("%w: there is no object", posttraining.ErrInvalid)
	}
	return s, nil
}

// scriptedJudge says what the script says of a decision.
type scriptedJudge struct {
	script
	id string
}

func (j scriptedJudge) ID() string { return j.id }

func (j scriptedJudge) Judge(_ context.Context, q posttraining.Query, d posttraining.Decision) (posttraining.Verdict, error) {
	for _, st := range j.says[q.ID] {
		if text, _ := (plainForm{}).Answer(st.route, st.params); text == d.Text && st.verdict.Reason != "" {
			return st.verdict, nil
		}
	}
	return posttraining.Verdict{}, fmt.Errorf("decision %s has no verdict in the script", d.Text)
}

func music(t testing.TB) *routes.Manifest {
	t.Helper()
	m, err := routes.Music()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// config returns settings for a run in a new folder.
func config(dir string) posttraining.Config {
	cfg := posttraining.DefaultConfig()
	cfg.Dir, cfg.EvaluationJudge, cfg.Attempts, cfg.Retry.Times = dir, "examiner", 4, 0
	return cfg
}

// parts returns the parts of a scripted run.
func parts(t testing.TB, s script) posttraining.Parts {
	t.Helper()
	return posttraining.Parts{
		Queries: s.queries, Teachers: []posttraining.Teacher{scripted{script: s, id: "oracle"}},
		Gates: posttraining.Gates(music(t)), Judge: scriptedJudge{s, "strict"}, Form: plainForm{"form-1"},
	}
}

// sample opens a run, samples and closes it.
func sample(t testing.TB, cfg posttraining.Config, p posttraining.Parts) (posttraining.Stats, error) {
	t.Helper()
	r, err := posttraining.Open(cfg, p, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		return posttraining.Stats{}, err
	}
	stats, err := r.Sample(context.Background(), nil)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return stats, err
}

// outputs returns the files that follow from a journal, as one text.
func outputs(t testing.TB, dir string) string {
	t.Helper()
	var b strings.Builder
	for _, name := range []string{"rows.jsonl", "hard.jsonl", "rejections.jsonl", "stats.json"} {
		b.WriteString("=== " + name + "\n" + read(t, filepath.Join(dir, name)))
	}
	return b.String()
}

func read(t testing.TB, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if want := read(t, path); got != want {
		t.Errorf("%s differs:\n%s", path, got)
	}
}
