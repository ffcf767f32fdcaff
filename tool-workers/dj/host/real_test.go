package host_test

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/llm"
	"github.com/parallel-fusion/pfr/tool-workers/dj/host"
)

// A real small model behind a real server hosts a mix or it is played plain; how often,
// how well and how fast is printed. With the deadline of a page it never is late.
func TestRealModel(t *testing.T) {
	address := os.Getenv("PFR_TEST_LLM_URL")
	if address == "" {
		t.Skip("PFR_TEST_LLM_URL is not set: run this under test/llm/llm.sh with")
	}
	cfg := llm.DefaultAgentConfig()
	cfg.URL, cfg.Timeout = address, 30*time.Second
	cfg.Budget.Failures, cfg.Budget.Of = 100, 100
	model, err := llm.NewAgent(cfg, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer model.Close()
	reg := prometheus.NewRegistry()
	h := host.New(model, slog.New(slog.DiscardHandler), reg)
	queries := []string{"calm evening", "upbeat cooking", "songs for the sea", "focus at work"}
	var took []time.Duration
	for _, q := range queries {
		s := set(q)
		start := time.Now()
		intro, mix := play(t.Context(), h, s)
		took = append(took, time.Since(start))
		if err := sound(s, mix); err != nil || intro == "" {
			t.Errorf("%s: %v", q, err)
		}
		t.Logf("%s: %q, %s (%v)", q, intro, ids(mix), took[len(took)-1].Round(time.Millisecond))
	}
	slices.Sort(took)
	t.Logf("%d mixes, %v of them hosted, p50 %v, max %v", len(queries), hosted(t, reg), took[len(took)/2].Round(time.Millisecond), took[len(took)-1].Round(time.Millisecond))

	ctx, cancel := context.WithTimeout(t.Context(), 350*time.Millisecond)
	defer cancel()
	s := set("x")
	if _, mix := play(ctx, h, s); sound(s, mix) != nil || ctx.Err() != nil {
		t.Errorf("%s; the call has run out of time: %v", ids(mix), ctx.Err())
	}
}

// hosted returns how many mixes the model has hosted.
func hosted(t *testing.T, reg *prometheus.Registry) float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "pfr_dj_mixes_total" && m.GetLabel()[0].GetValue() == "hosted" {
				return m.GetCounter().GetValue()
			}
		}
	}
	return 0
}
