package popular

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/telemetry"
)

// Outcomes of a search.
const (
	outcomeCounted = "counted"
	outcomeOld     = "old" // before the window
)

type metrics struct {
	searches *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	return &metrics{
		searches: telemetry.Metrics(reg, "popular").CounterVec("searches_total", "Searches by what came of counting them.", "outcome"),
	}
}
