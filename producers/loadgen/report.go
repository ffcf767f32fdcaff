package loadgen

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// maxLateness is how late the generator may be, at its 99th percentile, for its figures to
// count: one millisecond, in microseconds.
const maxLateness = 1000

// Void reports whether the generator was too late itself for its figures to mean much.
func (r Report) Void() bool {
	return r.Lateness != nil && r.Lateness.ValueAtQuantile(99) > maxLateness
}

// String returns the report as a table, or nothing for a run that did not take place.
func (r Report) String() string {
	if r.Latency == nil {
		return ""
	}
	var b strings.Builder
	fmt.Fprintf(&b, "open loop, Poisson, %.0f queries/s for %v, seed %d; latency from the intended send time\n", r.Config.Rate, r.Config.Duration, r.Config.Seed)
	fmt.Fprintf(&b, "offered %d · answered %d · lost %d · took %.1f s\n", r.Offered, r.Answered, r.Lost, r.Took.Seconds())
	for _, s := range slices.Sorted(maps.Keys(r.Status)) {
		fmt.Fprintf(&b, "  %-10s %d\n", s, r.Status[s])
	}
	for _, e := range slices.Sorted(maps.Keys(r.Errors)) {
		fmt.Fprintf(&b, "  lost: %s (%d)\n", e, r.Errors[e])
	}
	row(&b, "latency", r.Latency)
	row(&b, "generator lateness", r.Lateness)
	if r.Void() {
		b.WriteString("VOID: the generator itself was late by more than 1 ms at its p99\n")
	}
	return b.String()
}

func row(b *strings.Builder, name string, h *hdrhistogram.Histogram) {
	fmt.Fprintf(b, "%-20s", name)
	for _, q := range []float64{50, 75, 90, 99, 99.9} {
		fmt.Fprintf(b, "p%-4v %8.2f ms  ", q, float64(h.ValueAtQuantile(q))/1000)
	}
	fmt.Fprintf(b, "max %8.2f ms  n %d\n", float64(h.Max())/1000, h.TotalCount())
}
