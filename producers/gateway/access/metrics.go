package access

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/telemetry"
)

type metrics struct {
	outcomes *prometheus.CounterVec
	reloads  *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := telemetry.Metrics(reg, "access")
	return &metrics{
		outcomes: f.CounterVec("requests_total", "Requests that needed a credential, by outcome.", "outcome"),
		reloads:  f.CounterVec("reloads_total", "Changed access files read again, by outcome.", "outcome"),
	}
}

func (m *metrics) refused(err error) {
	outcome := "refused"
	if errors.Is(err, ErrMissing) {
		outcome = "missing"
	}
	m.outcomes.WithLabelValues(outcome).Inc()
}
