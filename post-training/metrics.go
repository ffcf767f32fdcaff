package posttraining

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/telemetry"
)

type metrics struct {
	attempts *prometheus.CounterVec
	retries  *prometheus.CounterVec
	cost     prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := telemetry.Metrics(reg, "post_training")
	return &metrics{
		attempts: f.CounterVec("attempts_total", "Finished attempts, by what came of them.", "outcome"),
		retries:  f.CounterVec("retries_total", "Times that a teacher or judge could not be asked and was asked again.", "who"),
		cost:     f.Counter("cost_usd_total", "What teachers and judge have cost, in US dollars."),
	}
}
