package host

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/telemetry"
)

// metrics count mixes. Questions, tokens, cost and time are counted by what is asked.
type metrics struct {
	mixes *prometheus.CounterVec
	muted prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := telemetry.Metrics(reg, "dj")
	return &metrics{
		mixes: f.CounterVec("mixes_total", "Mixes by how they came about: hosted by the model, or plain because it was skipped, failed or invalid.", "outcome"),
		muted: f.Counter("muted_total", "Introductions of the model that were not fit to be shown."),
	}
}
