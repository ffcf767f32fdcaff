package llm

import (
	"errors"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/telemetry"
)

type metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	tokens   *prometheus.CounterVec
	cost     prometheus.Counter
	enforced prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := telemetry.Metrics(reg, "llm")
	m := &metrics{
		requests: f.CounterVec("requests_total", "Requests to the language model, by purpose and outcome.", "operation", "outcome"),
		seconds:  f.Seconds("seconds", "Time that requests to the language model took, by purpose.", "operation"),
		tokens:   f.CounterVec("tokens_total", "Tokens by kind: prompt (all that was read), cached (the part of it from a prefix cache), completion.", "kind"),
		cost:     f.Counter("cost_usd_total", "Cost of the requests by the price table, in US dollars."),
		enforced: f.Gauge("enforced", "Whether the server enforces the schema: 1 yes, 0 no, -1 not known."),
	}
	m.enforced.Set(-1)
	return m
}

func (m *metrics) observe(operation, outcome string, took time.Duration, u Usage) {
	m.requests.WithLabelValues(operation, outcome).Inc()
	m.seconds.WithLabelValues(operation).Observe(took.Seconds())
	m.tokens.WithLabelValues("prompt").Add(float64(u.Tokens.Prompt))
	m.tokens.WithLabelValues("cached").Add(float64(u.Tokens.Cached))
	m.tokens.WithLabelValues("completion").Add(float64(u.Tokens.Completion))
	m.cost.Add(u.CostUSD)
}

// probed shows what a canary found.
func (m *metrics) probed(enforced bool) {
	v := 0.0
	if enforced {
		v = 1
	}
	m.enforced.Set(v)
}

// agentMetrics are what an agent did not ask; what it did ask is counted by its client.
type agentMetrics struct {
	skipped *prometheus.CounterVec
	open    prometheus.Gauge
}

func newAgentMetrics(reg prometheus.Registerer) *agentMetrics {
	f := telemetry.Metrics(reg, "agent")
	return &agentMetrics{
		skipped: f.CounterVec("skipped_total", "Questions that were not asked, by reason.", "reason"),
		open:    f.Gauge("breaker_open", "Whether the model is left alone after failures."),
	}
}

// reason names why a question was not asked, for metrics.
func reason(err error) string {
	for name, why := range map[string]error{"time": skipTime, "busy": skipBusy, "open": skipOpen, "calls": skipCalls, "tokens": skipToken} {
		if errors.Is(err, why) {
			return name
		}
	}
	return "other"
}
