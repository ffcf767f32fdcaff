package traffic_test

import (
	"math"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/producers/gateway/traffic"
	"github.com/parallel-fusion/pfr/schemas"
)

func window(t *testing.T, now time.Time) *traffic.Window {
	t.Helper()
	w, err := traffic.New(traffic.Config{Slices: 3, Slice: 10 * time.Second}, now)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func page(source schemas.Source, routerMS float64, sections ...schemas.Section) schemas.SERP {
	return schemas.SERP{
		Status: schemas.SERPComplete, Route: schemas.RouteSummary{Source: source}, Sections: sections,
		Timings: schemas.Timings{RouterMS: routerMS, TotalMS: 2 * routerMS}, Cost: 0.5,
	}
}

func near(got, want float64) bool { return math.Abs(got-want) <= 0.011*want }

func TestWindowFoldsPages(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	w := window(t, now)
	search := schemas.Section{Tool: "search", Status: schemas.SectionOK, TookMS: 4, Cached: true}
	late := schemas.Section{Tool: "dj", Status: schemas.SectionTimeout, TookMS: 300}
	nothing := schemas.Section{Tool: "search", Status: schemas.SectionEmpty, TookMS: 2, Repeated: true}
	for i := range 100 {
		w.Page(page(schemas.SourceStudent, float64(i+1), search, late), now)
	}
	partial := page(schemas.SourceCache, 0.02)
	partial.Status, partial.Omitted = schemas.SERPPartial, []schemas.Section{nothing}
	w.Page(partial, now)
	probe := page(schemas.SourceLLM, 1)
	probe.Probe = true
	w.Page(probe, now)

	s := w.Snapshot(now.Add(5 * time.Second))
	if s.Pages.Total != 101 || s.Pages.ByStatus[schemas.SERPPartial] != 1 || !near(s.Pages.PerSecond, 101.0/5) || !near(s.CostUSD, 50.5) {
		t.Errorf("pages %+v, cost %v", s.Pages, s.CostUSD)
	}
	if len(s.Tiers) != 2 || s.Tiers[0].Source != schemas.SourceStudent || !near(s.Tiers[0].P50, 50) || !near(s.Tiers[0].P99, 99) || !near(s.Tiers[1].Share, 1.0/101) {
		t.Errorf("tiers %+v", s.Tiers)
	}
	if len(s.Tools) != 2 || s.Tools[0].ByStatus[schemas.SectionTimeout] != 100 || !near(s.Tools[0].P95, 300) {
		t.Errorf("tools %+v", s.Tools)
	}
	if got := s.Tools[1]; got.Calls != 101 || got.Cached != 100 || got.Repeated != 1 || got.ByStatus[schemas.SectionEmpty] != 1 {
		t.Errorf("search %+v", got)
	}
}

// What is older than the window leaves it, slice by slice, also when nothing comes after.
func TestWindowForgets(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	w := window(t, now)
	for i := range 5 {
		w.Page(page(schemas.SourceStudent, 1), now.Add(time.Duration(i)*10*time.Second))
	}
	w.Page(page(schemas.SourceStudent, 1), now) // read late
	for after, want := range map[time.Duration]int{40 * time.Second: 3, 50 * time.Second: 2, 69 * time.Second: 1, 70 * time.Second: 0, time.Hour: 0} {
		if got := w.Snapshot(now.Add(after)).Pages.Total; got != want {
			t.Errorf("after %v: %d pages, want %d", after, got, want)
		}
	}
}

// Names from pages cannot fill the memory.
func TestWindowIsBounded(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	w := window(t, now)
	for i := range 1000 {
		w.Page(page(schemas.SourceStudent, 1e12, schemas.Section{Tool: string(rune('a' + i)), Status: schemas.SectionOK}), now)
	}
	s := w.Snapshot(now)
	if len(s.Tools) != 100 || s.Pages.Total != 1000 || s.Tiers[0].P50 > 61_000 {
		t.Errorf("%d tools, %d pages, p50 %v", len(s.Tools), s.Pages.Total, s.Tiers[0].P50)
	}
}

// A gateway that starts again reads pages that were made while it was away. They count, at
// the rate at which they were made.
func TestWindowBeginsWithTheFirstPage(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	w := window(t, now)
	for range 20 {
		w.Page(page(schemas.SourceStudent, 1), now.Add(-10*time.Second))
	}
	if s := w.Snapshot(now.Add(5 * time.Second)); s.Pages.Total != 20 || !near(s.WindowS, 15) || !near(s.Pages.PerSecond, 20.0/15) {
		t.Errorf("%d pages in %v s, %v a second", s.Pages.Total, s.WindowS, s.Pages.PerSecond)
	}
	w.Page(page(schemas.SourceStudent, 1), time.Time{}) // long gone
	if s := w.Snapshot(now.Add(5 * time.Second)); s.Pages.Total != 20 || s.WindowS > 30 {
		t.Errorf("%d pages in %v s", s.Pages.Total, s.WindowS)
	}
}
