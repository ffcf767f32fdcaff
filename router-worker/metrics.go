package router

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/telemetry"
	"github.com/parallel-fusion/pfr/schemas"
)

type metrics struct {
	decisions *prometheus.CounterVec
	seconds   *prometheus.HistogramVec
	tiers     *prometheus.CounterVec
	tokens    *prometheus.CounterVec
	cost      prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := telemetry.Metrics(reg, "router")
	return &metrics{
		decisions: f.CounterVec("decisions_total", "Decisions, by route and by the tier that made them.", "route", "source"),
		seconds:   f.Seconds("decision_seconds", "Time spent deciding, by tier.", "source"),
		tiers:     f.CounterVec("tiers_total", "Tiers that queries went through, by what came of it.", "source", "outcome"),
		tokens:    f.CounterVec("tokens_total", "Tokens of language models, by kind.", "kind"),
		cost:      f.Counter("cost_usd_total", "Cost of language models, in US dollars."),
	}
}

func (m *metrics) observe(d schemas.Decision) {
	m.decisions.WithLabelValues(d.Route, string(d.Source)).Inc()
	for _, t := range d.Tiers {
		m.tiers.WithLabelValues(string(t.Source), string(t.Outcome)).Inc()
	}
	m.seconds.WithLabelValues(string(d.Source)).Observe(d.TookMS / 1000)
}

// spend counts what an answer cost, also one that comes too late.
func (m *metrics) spend(a Answer) {
	m.tokens.WithLabelValues("prompt").Add(float64(a.Tokens.Prompt))
	m.tokens.WithLabelValues("cached").Add(float64(a.Tokens.Cached))
	m.tokens.WithLabelValues("completion").Add(float64(a.Tokens.Completion))
	m.cost.Add(a.CostUSD)
}
