package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
)

// onSchedule are the flags of a process that decides popular queries ahead of time.
func onSchedule(args ...string) []string {
	return append([]string{"--set", "precompute.every=200ms", "--set", "precompute.window=1h"}, args...)
}

// schedules are the ways to run the pipeline with popular queries decided on a schedule. The
// second value starts a router with nothing in its memory in place of the one that is there.
func schedules() map[string]func(t *testing.T) (*pipeline, func(t *testing.T)) {
	return map[string]func(t *testing.T) (*pipeline, func(t *testing.T)){
		"one process": func(t *testing.T) (*pipeline, func(t *testing.T)) {
			dir := t.TempDir()
			p := up(t, dir, onSchedule()...)
			return p, func(t *testing.T) {
				p.procs[0].stop(t, startTimeout)
				*p = *up(t, dir, "--set", "router.warm_tail=0") // without the schedule
			}
		},
		"a process for each role": func(t *testing.T) (*pipeline, func(t *testing.T)) {
			kafka, nats := embedded(t)
			p := roles(t, kafka, nats)
			for range 2 { // of which one works
				p.procs = append(p.procs, p.run(t, "consumers", onSchedule()...))
			}
			return p, func(t *testing.T) {
				const router = 3
				old := p.procs[router]
				p.procs[router] = p.run(t, "router", "--set", "router.warm_tail=0")
				old.stop(t, startTimeout)
				p.awaitReady(t)
			}
		},
	}
}

// askedBy asks a query for some clients of a market, and returns the source of the last
// decision.
func (p *pipeline) askedBy(t *testing.T, market, query string, clients ...string) (last schemas.Source) {
	t.Helper()
	for _, client := range clients {
		page, err := p.trySearch(t.Context(), map[string]any{"query": query, "market": market, "client_id": client, "deadline_ms": 5000})
		if err != nil {
			t.Fatalf("%s: %v", query, err)
		}
		last = page.Route.Source
	}
	return last
}

// A query that nobody knew becomes popular, is decided ahead of time by itself, and is found
// decided by the router that runs and by one that starts later.
func TestPopularQueriesAreDecidedAheadOnSchedule(t *testing.T) {
	for name, start := range schedules() {
		t.Run(name, func(t *testing.T) {
			p, restart := start(t)
			const popular, private = "latest albums by lady gaga", "latest albums by radiohead"
			if source := p.askedBy(t, "SE", popular, "a"); source == schemas.SourcePrecomputed || source == schemas.SourceCache {
				t.Fatalf("nobody has asked it, and it comes from %s", source)
			}
			p.askedBy(t, "SE", popular, "b", "b")
			p.askedBy(t, "SE", private, "a", "b", "a", "b")
			if got := p.ahead(t); len(got) != 0 {
				t.Errorf("decided for two clients: %v", got)
			}
			p.askedBy(t, "DE", popular, "c")
			eventually(t, "a page that was decided ahead of time", func() bool {
				return p.askedBy(t, "SE", "Latest albums by  Lady Gaga", "d") == schemas.SourcePrecomputed
			})
			if got := fmt.Sprint(p.ahead(t)); got != "map[latest albums by lady gaga:student current]" {
				t.Errorf("entries %s", got)
			}
			p.checkPopular(t, popular)
			restart(t)
			eventually(t, "what was decided ahead of time, in a router that starts later", func() bool {
				return p.askedBy(t, "FI", popular, "e") == schemas.SourcePrecomputed
			})
			if source := p.askedBy(t, "FI", private, "e"); source != schemas.SourceStudent {
				t.Errorf("with a cold cache it comes from %s", source)
			}
		})
	}
}

// checkPopular wants one query to be popular: in all markets, and in no single one.
func (p *pipeline) checkPopular(t *testing.T, query string) {
	t.Helper()
	out, err := runPFR(t, "", "popular", "--kafka", p.kafka)
	if err != nil || !strings.Contains(out, query) || strings.Contains(out, "radiohead") {
		t.Errorf("%v\n%s", err, out)
	}
	out, err = runPFR(t, "", "popular", "--kafka", p.kafka, "--market", "DE", "--window", "30m")
	if err != nil || strings.Contains(out, query) {
		t.Errorf("%v\n%s", err, out)
	}
	if out, err := runPFR(t, "", "popular", "--kafka", p.kafka, "--market", "Sweden"); err == nil {
		t.Errorf("a market of that name: %s", out)
	}
}

// The runs show in the metrics of the process.
func TestScheduleIsSeen(t *testing.T) {
	p := up(t, "", onSchedule()...)
	p.askedBy(t, "SE", "artists like radiohead", "a", "b", "c")
	want := []string{`pfr_precompute_queries_total{outcome="published"} 1`, `pfr_precompute_coverage_ratio 1`, `pfr_popular_searches_total{outcome="counted"} 3`}
	eventually(t, "metrics of the schedule", func() bool {
		status, text := p.get(t, "/metrics", "text/plain")
		seen := status == http.StatusOK
		for _, line := range want {
			seen = seen && strings.Contains(text, line)
		}
		return seen
	})
}
