package serve

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/telemetry"
	tools "github.com/parallel-fusion/pfr/tool-workers"
)

type metrics struct{ seconds *prometheus.HistogramVec }

func newMetrics(reg prometheus.Registerer) *metrics {
	return &metrics{telemetry.Metrics(reg, "mcp").Seconds("call_seconds", "Calls by agents, by tool and outcome.", "tool", "outcome")}
}

func (m *metrics) observe(tool string, took time.Duration, err error) {
	outcome := "ok"
	switch {
	case errors.Is(err, tools.ErrBadRequest):
		outcome = "bad_request"
	case errors.Is(err, errBusy):
		outcome = "busy"
	case err != nil:
		outcome = "error"
	}
	m.seconds.WithLabelValues(tool, outcome).Observe(took.Seconds())
}
