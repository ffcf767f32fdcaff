package producers

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/telemetry"
)

type metrics struct {
	searches *prometheus.CounterVec
	resumes  *prometheus.CounterVec
	pages    *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := telemetry.Metrics(reg, "producers")
	return &metrics{
		searches: f.CounterVec("searches_total", "Searches, by outcome.", "outcome"),
		resumes:  f.CounterVec("resumes_total", "Searches followed again without a new query, by outcome.", "outcome"),
		pages:    f.CounterVec("pages_total", "Pages received, by the way they came first.", "way"),
	}
}

func (m *metrics) outcome(err error) { m.searches.WithLabelValues(outcome(err)).Inc() }
func (m *metrics) resumed(err error) { m.resumes.WithLabelValues(outcome(err)).Inc() }

func outcome(err error) string {
	switch {
	case err == nil:
		return "page"
	case errors.Is(err, ErrUnavailable):
		return "unavailable"
	}
	return "no_page"
}
