package semantic

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/telemetry"
)

type metrics struct {
	lookups, hits, falseHits prometheus.Counter
	guarded                  *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := telemetry.Metrics(reg, "semantic_shadow")
	return &metrics{
		lookups:   f.Counter("lookups_total", "Fresh decisions compared with that of the nearest earlier query."),
		hits:      f.Counter("would_hits_total", "Lookups that a semantic cache would have answered."),
		falseHits: f.Counter("false_hits_total", "Would-hits with another route or other parameters than the fresh decision."),
		guarded:   f.CounterVec("guarded_total", "Lookups that a guard kept from being answered.", "guard"),
	}
}
