package app_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/internal/app"
	"github.com/parallel-fusion/pfr/router-worker/llm"
)

// The small model with the adapter that comes with the recipe decides validly, and better
// than the same model did when it was prompted: .175 of 240 routes, 95 % .132 to .228.
func TestRealModelTrained(t *testing.T) {
	url := os.Getenv("PFR_TEST_TRAINED_URL")
	if url == "" {
		t.Skip("PFR_TEST_TRAINED_URL is not set: it is a server with post-training/recipe/adapter, as test/llm/llm.sh starts one")
	}
	cfg := app.DefaultConfig()
	cfg.Router.LLM.URL, cfg.Router.LLM.PromptStyle, cfg.Router.LLM.Form, cfg.Router.LLM.Timeout = url, llm.StyleShort, llm.FormCompact, time.Minute
	c := app.Contest{
		Teacher: "student", Routers: []string{"trained=llm"}, Own: true, Judge: "labels", Limit: 120,
		Answers: filepath.Join(t.TempDir(), "answers.jsonl"),
	}
	table, _, err := c.Run(t.Context(), cfg, slog.New(slog.DiscardHandler), func(int, int) {})
	if err != nil {
		t.Fatal(err)
	}
	trained := table.Rows[1]
	t.Logf("%d held-out cases: route suits in %.3f (95 %% %.3f to %.3f), %d valid; %.0f ms and %.0f prompt tokens a decision; the student %.3f",
		table.N, trained.Routed.A, trained.RoutedInterval.Low, trained.RoutedInterval.High, trained.Valid, trained.Latency.A, trained.PromptTokens, table.Rows[0].Routed.A)
	if trained.RoutedInterval.Low < .228+.25 {
		t.Errorf("the route suits in %.3f, and maybe in %.3f only", trained.Routed.A, trained.RoutedInterval.Low)
	}
	if trained.Valid < table.N*99/100 {
		t.Errorf("%d of %d decisions are valid", trained.Valid, table.N)
	}
	if trained.PromptTokens > 80 {
		t.Errorf("%.0f prompt tokens a decision: is the catalogue in the prompt?", trained.PromptTokens)
	}
}
