package tools

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/telemetry"
)

// Why a tool was not asked.
const (
	skipBad      = "bad_request"
	skipExpired  = "expired"
	skipHopeless = "too_little_time"
	skipInHand   = "in_hand"
	skipSlow     = "slow"
)

type metrics struct {
	seconds  prometheus.Observer
	empty    prometheus.Counter
	errors   prometheus.Counter
	skipped  *prometheus.CounterVec
	results  *prometheus.CounterVec
	lateKept prometheus.Counter
}

// newMetrics registers the collectors once for all tools of a process and returns the
// children of one.
func newMetrics(reg prometheus.Registerer, tool string) *metrics {
	if reg != nil {
		reg = prometheus.WrapRegistererWith(prometheus.Labels{"tool": tool}, reg)
	}
	f := telemetry.Metrics(reg, "tool")
	return &metrics{
		seconds:  f.Seconds("run_seconds", "Service time of a tool call.").WithLabelValues(),
		empty:    f.Counter("empty_total", "Calls that found nothing."),
		errors:   f.Counter("errors_total", "Calls that failed."),
		skipped:  f.CounterVec("skipped_total", "Calls that were refused, by reason.", "reason"),
		results:  f.CounterVec("results_total", "Calls whose answer may be kept, by where it came from.", "from"),
		lateKept: f.Counter("late_kept_total", "Late answers kept for the next equal call."),
	}
}

func (m *metrics) observe(took time.Duration, items int, err error) {
	m.seconds.Observe(took.Seconds())
	switch {
	case err != nil:
		m.errors.Inc()
	case items == 0:
		m.empty.Inc()
	}
}

func (m *metrics) skip(reason string) { m.skipped.WithLabelValues(reason).Inc() }
func (m *metrics) served(how served)  { m.results.WithLabelValues(string(how)).Inc() }
