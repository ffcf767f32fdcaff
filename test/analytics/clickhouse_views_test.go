package analytics

import (
	"math"
	"slices"
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
)

// checkRoutes compares the rates that the view shows with those of whole days.
func checkRoutes(t *testing.T, want map[string]tally, rows []string) {
	t.Helper()
	days := map[string]tally{}
	for _, route := range []string{"search", "personalized_recs", "new_releases"} {
		var sum tally
		for key, day := range want {
			if len(key) > 24 && key[:2] == schemas.WindowDay && key[len("1d|2026-11-23T00:00:00Z|"):] == "route="+route {
				sum.merge(day)
			}
		}
		sum.rate()
		days[route] = sum
	}
	routes := parse[struct {
		Route       string
		Searches    int
		SuccessRate float64 `json:"success_rate"`
	}](t, rows)
	if len(routes) != len(days) {
		t.Errorf("success_by_route has %d rows, want %d", len(routes), len(days))
	}
	for _, r := range routes {
		day := days[r.Route]
		if r.Searches != day.Searches || math.Abs(r.SuccessRate-day.SuccessRate) > 0.0001 {
			t.Errorf("success_by_route: %+v, want %d and %.4f", r, day.Searches, day.SuccessRate)
		}
	}
}

// checkLatency compares the merged sketches with exact quantiles. Repeats weigh twice in a
// sketch, and texts that were typed on the way are in it.
func checkLatency(t *testing.T, w world, rows []string) {
	t.Helper()
	took := map[string][]float64{}
	distinct := map[string]map[string]bool{}
	for _, page := range w.pages {
		if page.Probe {
			continue
		}
		route := page.Route.Name
		took[route] = append(took[route], page.Timings.TotalMS)
		if distinct[route] == nil {
			distinct[route] = map[string]bool{}
		}
		distinct[route][page.CorrelationID] = true
	}
	for _, r := range parse[struct {
		Route     string
		Searches  int
		Quantiles []float64 `json:"p50_p75_p95_p99_ms"`
	}](t, rows) {
		all := took[r.Route]
		slices.Sort(all)
		if r.Searches != len(distinct[r.Route]) || len(r.Quantiles) != 4 {
			t.Errorf("latency of %s: %d searches, want %d; %d quantiles", r.Route, r.Searches, len(distinct[r.Route]), len(r.Quantiles))
			continue
		}
		for i, q := range []float64{0.5, 0.75, 0.95, 0.99} {
			exact := all[int(q*float64(len(all)-1))]
			if got := r.Quantiles[i]; math.Abs(got-exact) > 0.011*exact {
				t.Errorf("latency of %s at %v: %v ms, want %v", r.Route, q, got, exact)
			}
		}
	}
}

func checkSections(t *testing.T, w world, rows []string) {
	t.Helper()
	type section struct{ route, id string }
	pages, first := map[section]int{}, map[section]int{}
	for _, o := range outcomes(w) {
		if o.typed {
			continue
		}
		for i, s := range o.page.Sections {
			pages[section{o.page.Route.Name, s.ID}]++
			first[section{o.page.Route.Name, s.ID}] += count(o.first == i+1)
		}
	}
	got := parse[struct {
		Route, Section string
		Pages          int
		FirstSuccesses int `json:"first_successes"`
	}](t, rows)
	for _, r := range got {
		key := section{r.Route, r.Section}
		if r.Pages != pages[key] || r.FirstSuccesses != first[key] {
			t.Errorf("section %v: %d pages and %d first successes, want %d and %d", key, r.Pages, r.FirstSuccesses, pages[key], first[key])
		}
	}
	if len(got) != len(pages) {
		t.Errorf("%d sections, want %d", len(got), len(pages))
	}
}

// checkErased wants nothing of the client to be left, and everything of the others.
func checkErased(t *testing.T, w world, subject string, rows [][]string) {
	t.Helper()
	others, orphans := 0, map[string]bool{}
	all := outcomes(w)
	for _, o := range all {
		others += count(o.page.Asked == nil || o.page.Asked.Client != subject)
	}
	for _, e := range w.events {
		if all[e.QueryID] == nil {
			orphans[e.QueryID] = true
		}
	}
	left := parse[struct{ Pages, Rest int }](t, rows[0])[0]
	if left.Pages != 0 || left.Rest != others || others == len(all) {
		t.Errorf("after the erasure %d pages of the client and %d in all, want 0 and %d of %d", left.Pages, left.Rest, others, len(all))
	}
	if events := parse[struct{ Searches int }](t, rows[1])[0]; events.Searches != len(orphans) {
		t.Errorf("after the erasure events of %d unknown searches, want those of %d", events.Searches, len(orphans))
	}
}
