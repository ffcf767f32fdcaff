package router

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/telemetry"
	"github.com/parallel-fusion/pfr/schemas"
)

type metrics struct {
	decisions *prometheus.CounterVec
	seconds   *prometheus.HistogramVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := telemetry.Metrics(reg, "router")
	return &metrics{
		decisions: f.CounterVec("decisions_total", "Decisions, by route and by the tier that made them.", "route", "source"),
		seconds:   f.Seconds("decision_seconds", "Time spent deciding, by tier.", "source"),
	}
}

func (m *metrics) observe(d schemas.Decision) {
	m.decisions.WithLabelValues(d.Route, string(d.Source)).Inc()
	m.seconds.WithLabelValues(string(d.Source)).Observe(d.TookMS / 1000)
}
