package producers

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/telemetry"
)

type metrics struct {
	searches *prometheus.CounterVec
	pages    *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := telemetry.Metrics(reg, "producers")
	return &metrics{
		searches: f.CounterVec("searches_total", "Searches, by outcome.", "outcome"),
		pages:    f.CounterVec("pages_total", "Pages received, by the way they came first.", "way"),
	}
}

func (m *metrics) outcome(err error) {
	outcome := "page"
	switch {
	case errors.Is(err, ErrUnavailable):
		outcome = "unavailable"
	case err != nil:
		outcome = "no_page"
	}
	m.searches.WithLabelValues(outcome).Inc()
}
