package metrics_test

import (
	"bytes"
	"fmt"
	"maps"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parallel-fusion/pfr/consumers/metrics"
	"github.com/parallel-fusion/pfr/consumers/outcome"
	"github.com/parallel-fusion/pfr/schemas"
)

// few tells a handful of values apart, and keeps windows only until they settle.
func few(values int) metrics.Config {
	cfg := metrics.DefaultConfig()
	cfg.Values, cfg.Hours, cfg.Days = values, 0, 0
	return cfg
}

// platformSearch is a search that a client of a platform made, with so many clicks.
func platformSearch(platform string, at time.Time, clicks int) *outcome.Outcome {
	o := &outcome.Outcome{
		At: at, Clicks: clicks, Sections: make([]outcome.Section, 1),
		Shape: &outcome.Shape{Route: "search", Tier: "llm", Market: "SE", Platform: platform, Slots: []outcome.Slot{{ID: platform, Tool: "t"}}},
	}
	o.Sections[0] = outcome.Section{Slot: &o.Slots[0], Clicks: clicks, Status: schemas.SectionOK}
	return o
}

func newWindows(t testing.TB, cfg metrics.Config) *metrics.Windows {
	t.Helper()
	w, err := metrics.New(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// platforms returns the searches of a window by platform.
func platforms(w *metrics.Windows, kind string, start time.Time) map[string]int {
	out := map[string]int{}
	for _, m := range w.List(kind, start, noon) {
		if m.Cut == (schemas.Cut{Platform: m.Cut.Platform}) && m.Cut.Platform != "" {
			out[m.Cut.Platform] = m.Counts.Searches
		}
	}
	return out
}

func TestValuesOfADayAreFreeTheNextDay(t *testing.T) {
	w := newWindows(t, few(4))
	today := noon.Truncate(24 * time.Hour)
	tomorrow := today.Add(24 * time.Hour)
	add := func(platform string, at time.Time, times int) {
		for range times {
			w.Changed(outcome.Change{After: platformSearch(platform, at, 0)})
		}
	}
	add("web", noon, 3)
	add("junk1", noon, 1)
	add("ios", noon, 2)
	add("junk2", noon, 1)
	add("android", noon, 5) // comes too late
	want := map[string]int{"web": 3, "ios": 2, "junk1": 1, "junk2": 1, "other": 5}
	if got := platforms(w, schemas.WindowDay, today); !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for i := range 50 { // what is first takes what is left by the three with the most searches
		add(fmt.Sprint("more", i), tomorrow, 1)
	}
	add("web", tomorrow, 1)
	add("ios", tomorrow, 1)
	want = map[string]int{"web": 1, "ios": 1, "more0": 1, "other": 49}
	if got := platforms(w, schemas.WindowDay, tomorrow); !maps.Equal(got, want) {
		t.Errorf("the day after: got %v, want %v", got, want)
	}
	add("android", tomorrow.Add(48*time.Hour), 1)
	if got := platforms(w, schemas.WindowDay, tomorrow.Add(48*time.Hour)); got["android"] != 1 {
		t.Errorf("android has no place on a new day: %v", got)
	}
}

// drain publishes everything, and returns the last counts and revision of each key.
func drain(t *testing.T, w *metrics.Windows, published map[string]schemas.OnlineMetrics) {
	t.Helper()
	for list := w.Dirty(noon); len(list) > 0; list = w.Dirty(noon) {
		for _, m := range list {
			if was := published[m.Key()].Revision; m.Revision <= was {
				t.Errorf("%s: revision %d after %d", m.Key(), m.Revision, was)
			}
			published[m.Key()] = m
		}
	}
}

func TestValuesOfOldDaysMoveToOther(t *testing.T) {
	w := newWindows(t, few(40))
	published := map[string]schemas.OnlineMetrics{}
	day := func(n int) time.Time { return noon.Add(time.Duration(n) * 24 * time.Hour) }
	cells := 0
	for n := range 30 {
		for i := range 40 {
			w.Changed(outcome.Change{After: platformSearch(fmt.Sprint("junk", n, "-", i), day(n), 1)})
		}
		w.Changed(outcome.Change{After: platformSearch("web", day(n), 1)})
		w.Settled(day(n))
		drain(t, w, published)
		w.Settled(day(n).Add(time.Second))
		drain(t, w, published)
		if n == 3 {
			cells = w.Cells()
		}
	}
	if got := w.Cells(); got > cells {
		t.Errorf("%d cells grow to %d", cells, got)
	}
	old := published[schemas.OnlineMetrics{Window: schemas.WindowAll, Cut: schemas.Cut{Platform: "junk0-0"}}.Key()]
	if old.Revision < 2 || old.Counts.Searches != 0 {
		t.Errorf("a value that moved was last published as %+v", old)
	}
	sum, sections, pages := 0, 0, 0
	for _, m := range published {
		if m.Window == schemas.WindowAll && m.Cut == (schemas.Cut{Platform: m.Cut.Platform}) && m.Cut.Platform != "" {
			sum += m.Counts.Searches
			latency := m.Counts.Latency[outcome.StageTotal.String()]
			pages += latency.Count()
		}
		if m.Window == schemas.WindowAll && m.Cut.Section != "" {
			sections += m.Counts.Clicks
		}
	}
	if sum != 30*41 || sections != 30*41 || pages != 30*41 {
		t.Errorf("%d searches and latencies of %d by platform and %d clicks by section are published, want %d", sum, pages, sections, 30*41)
	}
	w.Changed(outcome.Change{After: platformSearch("junk0-0", day(31), 1)}) // is back
	drain(t, w, published)                                                  // with a higher revision
	if got := platforms(w, schemas.WindowAll, time.Time{}); got["junk0-0"] != 1 {
		t.Errorf("a value that is back has %d searches", got["junk0-0"])
	}
}

// TestWhatWasAddedIsSubtracted takes few values, many platforms, days that leave, late
// changes and restarts. Each search must leave the cells that it came to.
func TestWhatWasAddedIsSubtracted(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := newWindows(t, few(3))
		published := map[string]schemas.OnlineMetrics{}
		var open []*outcome.Outcome
		searches, clicks, today := 0, 0, 0
		for range rapid.IntRange(1, 80).Draw(rt, "steps") {
			at := noon.Add(time.Duration(today) * 24 * time.Hour)
			switch rapid.IntRange(0, 9).Draw(rt, "what") {
			case 0: // what is of earlier days does not change any more
				today += rapid.IntRange(1, 2).Draw(rt, "days")
				open = nil
				w.Settled(noon.Add(time.Duration(today) * 24 * time.Hour))
			case 1:
				drain(t, w, published)
			case 2:
				var file bytes.Buffer
				if err := w.Save(&file); err != nil {
					rt.Fatal(err)
				}
				w = newWindows(t, few(3))
				if err := w.Load(&file); err != nil {
					rt.Fatal(err)
				}
				for key, m := range published {
					w.Seed(key, m.Revision)
				}
			case 3, 4, 5, 6:
				o := platformSearch(fmt.Sprint("p", rapid.IntRange(0, 8).Draw(rt, "platform")), at, 0)
				w.Changed(outcome.Change{After: o})
				open = append(open, o)
				searches++
			default:
				if len(open) == 0 {
					continue
				}
				i := rapid.IntRange(0, len(open)-1).Draw(rt, "search")
				next := *open[i]
				next.Sections = []outcome.Section{open[i].Sections[0]}
				next.Clicks, next.Sections[0].Clicks = next.Clicks+1, next.Clicks+1
				w.Changed(outcome.Change{Before: open[i], After: &next})
				open[i] = &next
				clicks++
			}
		}
		gotSearches, gotClicks := 0, 0
		for _, m := range w.List(schemas.WindowAll, time.Time{}, noon) {
			if err := m.Validate(); err != nil {
				rt.Fatal(err)
			}
			if c := m.Counts; c.Clicks < 0 || c.Clicked < 0 || c.Clicked > c.Searches {
				rt.Fatalf("%s: %+v", m.Cut, c)
			}
			if m.Cut.Platform != "" {
				gotSearches, gotClicks = gotSearches+m.Counts.Searches, gotClicks+m.Counts.Clicks
			}
		}
		if gotSearches != searches || gotClicks != clicks {
			rt.Fatalf("%d searches and %d clicks by platform, want %d and %d", gotSearches, gotClicks, searches, clicks)
		}
	})
}

func TestErasingChangesNoWindow(t *testing.T) {
	w := newWindows(t, metrics.DefaultConfig())
	known := platformSearch("web", noon, 1)
	known.Client = 7
	forgotten := *known
	forgotten.Client = 0
	w.Changed(outcome.Change{After: known})
	before := platforms(w, schemas.WindowAll, time.Time{})
	drain(t, w, map[string]schemas.OnlineMetrics{})
	w.Changed(outcome.Change{Before: known, After: &forgotten, Erased: true})
	if more := w.Dirty(noon); len(more) > 0 || !maps.Equal(platforms(w, schemas.WindowAll, time.Time{}), before) {
		t.Errorf("%d cells are published again", len(more))
	}
}
