package llamacpp

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/telemetry"
)

type metrics struct {
	loads  *prometheus.CounterVec
	waited prometheus.Observer
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := telemetry.Metrics(reg, "llamacpp")
	return &metrics{
		loads:  f.CounterVec("adapter_loads_total", "Changes of the adapter's file, by what came of them.", "outcome"),
		waited: f.Seconds("slot_wait_seconds", "Time that prompts waited for a slot of the model in this process.").WithLabelValues(),
	}
}
