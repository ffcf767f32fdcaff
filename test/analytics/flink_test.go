package analytics

import (
	"context"
	"maps"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// flinkRecord is a record of the topic that 3-windows.sql fills.
type flinkRecord struct {
	Window string      `json:"window"`
	Start  time.Time   `json:"start"`
	Cut    schemas.Cut `json:"cut"`
	Counts tally       `json:"counts"`
}

// flinkBin is a record of the topic of latencies.
type flinkBin struct {
	Window   string `json:"window"`
	Start    string `json:"start"`
	Route    string `json:"route"`
	Bin      *int   `json:"bin"`
	Searches int    `json:"searches"`
}

// The shipped SQL, on Flink, over real topics, counts what one pass counts, and what the
// product's consumer counts: every window and cut of a world with duplicates, orphans, late events and wrong clocks.
func TestFlinkCountsTheSame(t *testing.T) {
	need(t, "PFR_TEST_FLINK", "downloads Flink (150 MB) and needs a JDK and Maven")
	s := openTopics(t)
	w := newWorld(7, 2000, time.Now().UTC().Add(-60*time.Hour).Truncate(time.Hour))
	s.write(t, w)

	runFlink(t, s)

	got, records := latest[flinkRecord](t, s, s.metrics)
	want := reference(w)
	t.Logf("%d pages, %d events; %d windows and cuts in %d records", len(w.pages), len(w.events), len(got), records)
	compare(t, want, func(key string) (tally, bool) {
		r, ok := got[key]
		if own := (schemas.OnlineMetrics{Window: r.Window, Start: r.Start, Cut: r.Cut}).Key(); ok && own != key {
			t.Errorf("the record of %s says that it is of %s", key, own)
		}
		return r.Counts, ok
	})
	for key := range got {
		if _, ok := want[key]; !ok {
			t.Errorf("%s: counted by Flink alone", key)
		}
	}
	compareLatency(t, s, w)
	s.consume(t).compare(t, want, w)
}

// compare reports where tallies differ, the first few in full.
func compare(t *testing.T, want map[string]tally, got func(key string) (tally, bool)) {
	t.Helper()
	different := 0
	for _, key := range slices.Sorted(maps.Keys(want)) {
		have, ok := got(key)
		if ok && have == want[key] {
			continue
		}
		if different++; different <= 5 {
			t.Errorf("%s (there: %v):\n got %+v\nwant %+v", key, ok, have, want[key])
		}
	}
	if different > 0 {
		t.Errorf("%d of %d windows and cuts differ", different, len(want))
	}
}

func compareLatency(t *testing.T, s *topics, w world) {
	t.Helper()
	got := map[string]map[int]int{}
	bins, _ := latest[flinkBin](t, s, s.latencyBins)
	for _, b := range bins {
		if b.Bin == nil {
			t.Errorf("%+v has no bin", b)
			continue
		}
		key := b.Window + "|" + b.Start + "|route=" + b.Route
		if got[key] == nil {
			got[key] = map[int]int{}
		}
		got[key][*b.Bin] = b.Searches
	}
	if want := binsByRoute(w); !maps.EqualFunc(got, want, maps.Equal[map[int]int, map[int]int]) {
		t.Errorf("the latency bins of %d windows and routes, want those of %d, and not the same", len(got), len(want))
	}
}

// runFlink runs the shipped files to the present end of the topics.
func runFlink(t *testing.T, s *topics) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	const sql = "../../deploy/flink/"
	cmd := exec.CommandContext(ctx, "./flink/flink.sh", "run", sql+"1-tables.sql", sql+"2-outcomes.sql", sql+"3-windows.sql")
	cmd.Env = append(os.Environ(), "PFR_KAFKA="+brokers(t), "PFR_SERPS="+s.pages, "PFR_INTERACTIONS="+s.events,
		"PFR_METRICS="+s.metrics, "PFR_LATENCY="+s.latencyBins, "PFR_UNTIL=latest-offset", "PFR_SLOW_MS=450")
	begin := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("flink: %v\n%s", err, out)
	}
	t.Logf("Flink took %.1f s", time.Since(begin).Seconds())
}
