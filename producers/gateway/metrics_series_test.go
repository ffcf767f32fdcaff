package gateway_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parallel-fusion/pfr/producers/gateway"
	"github.com/parallel-fusion/pfr/schemas"
)

// noon is a moment that windows are counted from.
func noon() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }

// counted is a record of searches.
func counted(window string, start time.Time, cut schemas.Cut, revision, searches int) schemas.OnlineMetrics {
	return schemas.OnlineMetrics{
		SchemaVersion: schemas.Version, Window: window, Start: start, Cut: cut, Revision: revision, AsOf: noon(),
		Counts: schemas.SearchCounts{
			Searches: searches, Successes: searches / 2, SuccessRate: .5, Ranks: map[int]int{1: 1},
			Latency: map[string]schemas.Histogram{"total": {Zero: searches}},
		},
		Rates: map[string]float64{"success_rate": .5, "latency_total_p95_ms": 120},
	}
}

func newSeries(t testing.TB, cells int) *gateway.Series {
	t.Helper()
	cfg := gateway.DefaultSeriesConfig()
	cfg.Cells = cells
	s, err := gateway.NewSeries(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// outlineOf is what a series has of a window and a cut, a line a record.
func outlineOf(s *gateway.Series, window, cut string) string {
	var b strings.Builder
	for _, p := range s.Select(gateway.Selection{Window: window, Cut: cut, Most: 1000}).Points {
		fmt.Fprintf(&b, "%s %s r%d %d\n", p.Start.Format("02T15:04"), p.Cut, p.Revision, p.Counts.Searches)
	}
	return b.String()
}

// A record stands whatever comes later with a lower revision, in any order and repeated.
func TestSeriesKeepsTheHighestRevision(t *testing.T) {
	var all []schemas.OnlineMetrics
	for revision := 1; revision <= 4; revision++ {
		for minute := range 3 {
			start := noon().Add(-time.Duration(minute) * time.Minute)
			all = append(all, counted("1m", start, schemas.Cut{Route: "search"}, revision, 10*revision+minute))
		}
		all = append(all, counted("all", time.Time{}, schemas.Cut{Route: "search"}, revision, 100*revision))
	}
	rapid.Check(t, func(rt *rapid.T) {
		s := newSeries(t, 1000)
		for _, m := range rapid.Permutation(append(slices.Clone(all), all...)).Draw(rt, "order") {
			s.Put(m, noon())
		}
		if got, want := outlineOf(s, "1m", "route"), "23T11:58 route=search r4 42\n23T11:59 route=search r4 41\n23T12:00 route=search r4 40\n"; got != want {
			rt.Fatalf("got\n%s", got)
		}
		if got := s.Snapshot(); len(got) != 1 || got[0].Counts.Searches != 400 {
			rt.Fatalf("all time: %+v", got)
		}
	})
}

// Windows go when they are too old, minutes before hours; what comes too late is not kept.
func TestSeriesForgets(t *testing.T) {
	s := newSeries(t, 1000)
	cut := schemas.Cut{Tier: "cache"}
	for _, ago := range []time.Duration{0, 3 * time.Hour, 4 * time.Hour} {
		for _, window := range []string{"1m", "1h"} {
			s.Put(counted(window, noon().Add(-ago), cut, 1, 1), noon())
		}
	}
	if got := outlineOf(s, "1m", "tier"); got != "23T09:00 tier=cache r1 1\n23T12:00 tier=cache r1 1\n" {
		t.Errorf("minutes\n%s", got)
	}
	if got := strings.Count(outlineOf(s, "1h", "tier"), "\n"); got != 3 {
		t.Errorf("%d hours", got)
	}
	later := noon().Add(2 * time.Hour)
	s.Put(counted("1m", later, cut, 1, 1), later)
	if got := outlineOf(s, "1m", "tier"); got != "23T12:00 tier=cache r1 1\n23T14:00 tier=cache r1 1\n" {
		t.Errorf("two hours later\n%s", got)
	}
}

// A flood of values costs the oldest minutes first, and never what holds over all time.
func TestSeriesIsBounded(t *testing.T) {
	s := newSeries(t, 100)
	s.Put(counted("all", time.Time{}, schemas.Cut{Route: "search"}, 1, 7), noon())
	s.Put(counted("1h", noon(), schemas.Cut{Route: "search"}, 1, 7), noon())
	for minute := range 10 {
		for v := range 30 {
			s.Put(counted("1m", noon().Add(time.Duration(minute)*time.Minute), schemas.Cut{Market: fmt.Sprint(v)}, 1, 1), noon())
		}
	}
	got := s.Select(gateway.Selection{Window: "1m", Cut: "market", Most: 1000})
	if len(got.Points) != 90 || got.Points[0].Start != noon().Add(7*time.Minute) {
		t.Errorf("%d minutes from %v", len(got.Points), got.Points[0].Start)
	}
	if len(s.Snapshot()) != 1 || outlineOf(s, "1h", "route") == "" {
		t.Error("an hour or all time was given up before the minutes")
	}
	short := s.Select(gateway.Selection{Window: "1m", Cut: "market", Most: 70})
	if len(short.Points) != 60 || !short.Truncated || short.Points[0].Start != noon().Add(8*time.Minute) {
		t.Errorf("%d of at most 70, truncated %v", len(short.Points), short.Truncated)
	}
}
