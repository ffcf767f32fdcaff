package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
)

// realModel returns the flags for the real small model, or skips.
func realModel(t *testing.T) []string {
	t.Helper()
	url := os.Getenv("PFR_TEST_LLM_URL")
	if url == "" {
		t.Skip("PFR_TEST_LLM_URL is not set: run this test by test/llm/llm.sh")
	}
	return []string{"--llm", url, "--set", "router.llm.timeout=60s", "--set", "router.llm.probe_timeout=60s"}
}

var realQueries = map[string]string{ // that stand for their routes
	"search": "bohemian rhapsody queen", "similar_artists": "artists similar to portishead",
	"new_releases": "has pulp put anything out lately", "personalized_recs": "calm piano for a rainy evening",
	"podcast_recs": "podcasts to learn about astronomy", "podcast_episodes": "last episode of the daily",
	"out_of_scope": "wake me at seven tomorrow",
}

// TestRealModelRoutesPages asks every query of the real model, whatever the student thinks.
func TestRealModelRoutesPages(t *testing.T) {
	args := append(realModel(t), "--set", "router.ask_below=1", "--set", "producers.max_deadline=60s")
	p := up(t, "", args...)
	eventually(t, "the canary's finding that the server enforces schemas", func() bool {
		_, body := p.get(t, "/readyz", "application/json")
		return strings.Contains(body, `"enforced":true`)
	})
	for route, query := range realQueries {
		page, err := p.trySearch(t.Context(), map[string]any{"query": query, "deadline_ms": 60_000})
		if err != nil {
			t.Fatal(err)
		}
		var llm schemas.Tier
		for _, tier := range page.Route.Tiers {
			if tier.Source == schemas.SourceLLM {
				llm = tier
			}
		}
		if !slices.Contains([]schemas.Outcome{schemas.OutcomeAnswered, schemas.OutcomeUnsure}, llm.Outcome) {
			t.Errorf("%q: the model's outcome is %q", query, llm.Outcome)
		}
		t.Logf("%q: the model says %s (%.2f) after %.0f ms, want %s; the page is %s", query, llm.Route, llm.Confidence, llm.TookMS, route, page.Route.Name)
	}
}

// TestRealModelReport prints how good the model is by itself, and with the student before
// it. It was not trained for this: the figures say what post-training starts from.
func TestRealModelReport(t *testing.T) {
	args := realModel(t)
	var lines strings.Builder
	for route, query := range realQueries {
		fmt.Fprintf(&lines, "%s\t%s\n", query, route)
	}
	file := filepath.Join(t.TempDir(), "queries.tsv")
	if err := os.WriteFile(file, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tier := range []string{"llm", "all"} {
		out, err := runPFR(t, "", append([]string{"evaluate", "routes", "--tier", tier, file}, args...)...)
		if err != nil || !strings.Contains(out, "0 without a decision") {
			t.Errorf("tier %s: %v", tier, err)
		}
		t.Logf("tier %s\n%s", tier, out)
	}
}
