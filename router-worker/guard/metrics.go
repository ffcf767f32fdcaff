package guard

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/telemetry"
)

type metrics struct {
	refused *prometheus.CounterVec
	hedges  prometheus.Counter
	open    prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := telemetry.Metrics(reg, "guard")
	return &metrics{
		refused: f.CounterVec("refused_total", "Requests that no replica was asked, by reason.", "reason"),
		hedges:  f.Counter("hedges_total", "Second attempts while the first was late."),
		open:    f.Gauge("open_breakers", "Replicas that are left alone until they pass a probe."),
	}
}
