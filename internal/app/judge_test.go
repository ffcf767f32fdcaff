package app_test

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/evaluation/judge"
	"github.com/parallel-fusion/pfr/evaluation/testset"
	"github.com/parallel-fusion/pfr/internal/app"
	"github.com/parallel-fusion/pfr/internal/llm"
	"github.com/parallel-fusion/pfr/internal/llm/llmtest"
)

// judgedBy is the answer of a model that passes, or not, whatever it is shown.
func judgedBy(verdict string) string {
	v := `{"evidence":[1],"reason":"r","verdict":"` + verdict + `"}`
	return `{"relevance":` + v + `,"diversity":` + v + `,"freshness":{"reason":"r","wants":"no"},"overall":` + v + `,"better":"first","reason":"r"}`
}

func judgeModel(t *testing.T, name, verdict string) (llm.Config, *llmtest.Server) {
	t.Helper()
	server := llmtest.New(llmtest.Config{Model: name, Answer: func(string) string { return judgedBy(verdict) }})
	t.Cleanup(server.Close)
	m := app.JudgeModel()
	m.URL, m.Model, m.Timeout = server.URL(), name, 20*time.Second
	m.Prices = map[string]llm.Price{name: {PromptPerM: 1, CompletionPerM: 1}}
	return m, server
}

func pages(n int) []judge.Subject {
	out := make([]judge.Subject, n)
	for i := range out {
		out[i] = judge.Subject{
			Case:  testset.Case{ID: fmt.Sprint("c", i), Query: fmt.Sprint("calm piano ", i), Market: "US"},
			Today: "2026-03-02", Page: judge.Page{Sections: []judge.Section{{Title: "x", Items: []judge.Item{{ID: "album:1", Type: "album", Title: "Quiet Keys"}}}}},
		}
	}
	return out
}

// A panel of models out of settings: each of them is asked once about a page, in all runs
// together, and the majority decides.
func TestJudges(t *testing.T) {
	cfg := app.DefaultJudgeConfig()
	cfg.Dir = t.TempDir()
	var servers []*llmtest.Server
	for name, verdict := range map[string]string{"a": "PASS", "b": "NO_PASS", "c": "PASS"} {
		m, server := judgeModel(t, name, verdict)
		cfg.Models, servers = append(cfg.Models, m), append(servers, server)
	}
	for run := range 2 {
		j, err := app.OpenJudges(cfg, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
		if err != nil {
			t.Fatal(err)
		}
		out, err := judge.RunPages(t.Context(), judge.DefaultRunConfig(), j.Pages, pages(5))
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range out {
			if o.Err != nil || !o.Judgment.Verdicts[judge.Overall].Pass || o.Judgment.CostUSD <= 0 {
				t.Errorf("%+v", o)
			}
		}
		c, err := judge.Compare(t.Context(), j.Pairs, pages(2)[0], pages(2)[1])
		if err != nil || c.Outcome != judge.Tie || c.There.Choice != judge.First {
			t.Errorf("%+v, %v", c, err)
		}
		if usd, calls := j.Allowance.Spent(); calls != []int{21, 0}[run] || (usd > 0) != (run == 0) {
			t.Errorf("run %d: $%v in %d calls", run, usd, calls)
		}
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range servers {
		if s.Count() != 7 { // five pages and a pair in both orders
			t.Errorf("%d calls", s.Count())
		}
	}
}

func TestJudgeOutOfOrder(t *testing.T) {
	cfg := app.DefaultJudgeConfig()
	cfg.Dir, cfg.Retry.First, cfg.Retry.Longest = t.TempDir(), time.Millisecond, time.Millisecond
	m, server := judgeModel(t, "a", "PASS")
	cfg.Models = []llm.Config{m}
	server.Set(llmtest.Failing(503))
	judgeOnce := func() (judge.Judged, []judge.Failure) {
		t.Helper()
		j, err := app.OpenJudges(cfg, slog.New(slog.DiscardHandler), nil)
		if err != nil {
			t.Fatal(err)
		}
		out, err := judge.RunPages(t.Context(), judge.DefaultRunConfig(), j.Pages, pages(1))
		failures := j.Ledger.Open()
		if err := errors.Join(err, j.Close()); err != nil {
			t.Fatal(err)
		}
		return out[0], failures
	}
	if out, failures := judgeOnce(); out.Err == nil || len(failures) != 1 || failures[0].Case != "c0" || !strings.Contains(failures[0].Error, "503") {
		t.Errorf("%+v, %+v", out, failures)
	}
	server.Set(llmtest.Enforcing())
	if out, failures := judgeOnce(); out.Err != nil || len(failures) != 0 {
		t.Errorf("%+v, %+v", out, failures)
	}
}

func TestJudgeConfig(t *testing.T) {
	cfg := app.DefaultJudgeConfig()
	cfg.Dir, cfg.MaxUSD, cfg.Retry.Attempts = "", -1, 0
	_, err := app.OpenJudges(cfg, slog.New(slog.DiscardHandler), nil)
	for _, want := range []string{"models", "dir", "max_usd", "attempts"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not name %s: %v", want, err)
		}
	}
	cfg = app.DefaultJudgeConfig()
	cfg.Dir, cfg.Models = t.TempDir(), []llm.Config{app.JudgeModel()}
	cfg.Models[0].URL = "http://127.0.0.1:1"
	if _, err := app.OpenJudges(cfg, slog.New(slog.DiscardHandler), nil); err == nil || !strings.Contains(err.Error(), "models[0]: model: must be named") {
		t.Errorf("a model without a name: %v", err)
	}
}
