package stream

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// memberMetrics are the handles of one topic and group.
type memberMetrics struct {
	consumed, rebalances, commitErrors, stuck prometheus.Counter
	succeeded, failed, panicked               prometheus.Counter
	handled                                   prometheus.Observer
	blocked                                   prometheus.Gauge
	deadLetters                               *prometheus.CounterVec
}

func newMember(c *Cluster, topic string, cfg ConsumerConfig, open func([]byte) (attempt, error)) *member {
	of := func(v *prometheus.CounterVec, more ...string) prometheus.Counter {
		return v.WithLabelValues(append([]string{topic, cfg.Group}, more...)...)
	}
	labels := prometheus.Labels{"topic": topic, "group": cfg.Group}
	return &member{c: c, topic: topic, cfg: cfg, open: open, m: memberMetrics{
		consumed: of(c.m.consumed), rebalances: of(c.m.rebalances),
		commitErrors: of(c.m.commitErrors), stuck: of(c.m.stuck),
		succeeded: of(c.m.attempts, "ok"), failed: of(c.m.attempts, "error"), panicked: of(c.m.attempts, "panic"),
		handled: c.m.handled.WithLabelValues(topic, cfg.Group), blocked: c.m.blocked.WithLabelValues(topic, cfg.Group),
		deadLetters: c.m.deadLetters.MustCurryWith(labels),
	}}
}

func (m *member) countAttempt(err error) {
	var panicked *panicError
	switch {
	case err == nil:
		m.m.succeeded.Inc()
	case errors.As(err, &panicked):
		m.m.panicked.Inc()
	default:
		m.m.failed.Inc()
	}
}
