package cache

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/telemetry"
)

type metrics struct {
	hits, misses, computed, shared, panics prometheus.Counter
	stale, skipped, failed                 prometheus.Counter
	refused                                prometheus.Counter
	removed                                *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := telemetry.Metrics(reg, "cache")
	return &metrics{
		hits:     f.Counter("hits_total", "Requests that found an entry."),
		misses:   f.Counter("misses_total", "Requests that found none."),
		computed: f.Counter("computed_total", "Entries computed."),
		shared:   f.Counter("shared_total", "Callers who waited for another's computation."),
		panics:   f.Counter("panics_total", "Computations that panicked."),
		stale:    f.Counter("stale_total", "Stale entries served."),
		skipped:  f.Counter("refresh_skipped_total", "Stale entries that found no slot to be computed anew."),
		failed:   f.Counter("refresh_failed_total", "Stale entries that could not be computed anew."),
		refused:  f.Counter("refused_total", "Entries too large to keep."),
		removed:  f.CounterVec("removed_total", "Entries removed for want of room, by the segment they were in.", "segment"),
	}
}
