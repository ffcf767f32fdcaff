package judge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/parallel-fusion/pfr/evaluation/judge"
	"github.com/parallel-fusion/pfr/evaluation/testset"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(child(dir)) // see TestKilled
	}
	goleak.VerifyTestMain(m)
}

// subject is the page of a case with a number.
func subject(n int) judge.Subject {
	return judge.Subject{
		Case: testset.Case{
			ID: fmt.Sprint("c", n), Query: fmt.Sprint("calm piano ", n), Market: "US",
			Profile: &testset.Profile{ID: "p1", Likes: []string{"piano"}, Features: map[string]string{"age": "30s"}},
		},
		Today: "2026-03-02",
		Page: judge.Page{Sections: []judge.Section{{Title: "For you", Items: []judge.Item{
			{ID: "album:1", Type: "album", Title: "Quiet Keys", Artists: []string{"Ada"}, Genres: []string{"piano"}, ReleaseDate: "2025-11-02"},
			{ID: "album:2", Type: "album", Title: "Slow Hands", Artists: []string{"Bo"}},
		}}}},
	}
}

func subjects(n int) []judge.Subject {
	out := make([]judge.Subject, n)
	for i := range out {
		out[i] = subject(i)
	}
	return out
}

// scripted is a judge whose answers are a function, and who counts. A nil function passes
// everything for a cent.
type scripted struct {
	id     string
	answer func(n int, s judge.Subject) (judge.Judgment, error) // n counts from 1

	mu    sync.Mutex
	calls int
}

func (j *scripted) ID() string { return j.id }

func (j *scripted) Judge(_ context.Context, s judge.Subject) (judge.Judgment, error) {
	j.mu.Lock()
	j.calls++
	n := j.calls
	j.mu.Unlock()
	if j.answer != nil {
		return j.answer(n, s)
	}
	return all(j.id, true), nil
}

func (j *scripted) count() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.calls
}

// all is a judgment that says the same on every dimension, for a cent.
func all(id string, pass bool) judge.Judgment {
	out := judge.Judgment{Judge: id, Verdicts: map[judge.Dimension]judge.Verdict{}, CostUSD: .01, Raw: "{…}"}
	for _, d := range judge.Dimensions() {
		out.Verdicts[d] = judge.Verdict{Pass: pass, Evidence: []string{"album:1"}, Reason: "by " + id}
	}
	return out
}

// chooser is a pairwise judge whose choice is a function.
type chooser struct {
	id     string
	choose func(first, second judge.Subject) judge.Choice
	calls  int
}

func (c *chooser) ID() string { return c.id }

func (c *chooser) Prefer(_ context.Context, first, second judge.Subject) (judge.Preference, error) {
	c.calls++
	return judge.Preference{Judge: c.id, Choice: c.choose(first, second), Reason: "by " + c.id, CostUSD: .01}, nil
}

func openStore(tb testing.TB, cfg judge.StoreConfig) *judge.Store {
	tb.Helper()
	s, err := judge.OpenStore(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func closeAll(tb testing.TB, closers ...interface{ Close() error }) {
	tb.Helper()
	for _, c := range closers {
		if err := c.Close(); err != nil {
			tb.Fatal(err)
		}
	}
}

// asJSON is a value as a report would hold it.
func asJSON(tb testing.TB, v any) string {
	tb.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return string(data)
}
