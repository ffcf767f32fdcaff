package llm

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/telemetry"
	"github.com/parallel-fusion/pfr/schemas"
)

// operation is what a request is for.
type operation string

const (
	opRoute   operation = "route"
	opCompose operation = "compose"
	opProbe   operation = "probe"
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

func (m *metrics) observe(op operation, outcome string, took time.Duration, t schemas.Tokens) {
	m.requests.WithLabelValues(string(op), outcome).Inc()
	m.seconds.WithLabelValues(string(op)).Observe(took.Seconds())
	m.tokens.WithLabelValues("prompt").Add(float64(t.Prompt))
	m.tokens.WithLabelValues("cached").Add(float64(t.Cached))
	m.tokens.WithLabelValues("completion").Add(float64(t.Completion))
}

// probed shows what a canary found.
func (m *metrics) probed(enforced bool) {
	v := 0.0
	if enforced {
		v = 1
	}
	m.enforced.Set(v)
}
