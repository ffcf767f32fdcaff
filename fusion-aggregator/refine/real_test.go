package refine_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"slices"
	"testing"
	"time"

	fusion "github.com/parallel-fusion/pfr/fusion-aggregator"
	"github.com/parallel-fusion/pfr/fusion-aggregator/refine"
	"github.com/parallel-fusion/pfr/internal/llm"
)

// A real small model behind a real server gives an order of the page or none; how often
// and how fast is printed. With the budget of a page it is never late.
func TestRealModel(t *testing.T) {
	address := os.Getenv("PFR_TEST_LLM_URL")
	if address == "" {
		t.Skip("PFR_TEST_LLM_URL is not set: run this under test/llm/llm.sh with")
	}
	cfg := llm.DefaultAgentConfig()
	cfg.URL, cfg.Timeout = address, 60*time.Second
	cfg.Budget.Failures, cfg.Budget.Of = 100, 100
	model, err := llm.NewAgent(cfg, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	m := refine.New(model, slog.New(slog.DiscardHandler))
	queries := []string{"calm evening", "songs about water", "talk about the deep sea", "dust", "something quiet", "weekly shows", "tide", "low"}
	var took []time.Duration
	valid := 0
	for _, q := range queries {
		p := open(false)
		p.Query = q
		start := time.Now()
		order, err := m.Refine(t.Context(), p)
		took = append(took, time.Since(start))
		if err == nil {
			valid++
		} else if !errors.Is(err, fusion.ErrInvalid) {
			t.Errorf("%s: %v", q, err)
		}
		t.Logf("%s: %v, %v (%v)", q, order, err, took[len(took)-1].Round(time.Millisecond))
	}
	slices.Sort(took)
	t.Logf("%d pages, %d of them with a valid order, p50 %v, max %v", len(queries), valid, took[len(took)/2].Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond))

	ctx, cancel := context.WithTimeout(t.Context(), 120*time.Millisecond)
	defer cancel()
	_, _ = m.Refine(ctx, open(false))
	if ctx.Err() != nil {
		t.Error("the page has run out of time")
	}
}
