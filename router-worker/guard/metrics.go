package guard

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/telemetry"
)

type metrics struct {
	refused *prometheus.CounterVec
	hedges  prometheus.Counter
	open    prometheus.Gauge
	used    *prometheus.GaugeVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := telemetry.Metrics(reg, "guard")
	return &metrics{
		refused: f.CounterVec("refused_total", "Requests that no replica was asked, by reason.", "reason"),
		hedges:  f.Counter("hedges_total", "Second attempts while the first was late."),
		open:    f.Gauge("open_breakers", "Replicas that are left alone until they pass a probe."),
		used:    f.GaugeVec("used", "What markets have used of their limits: requests and tokens in this minute, US dollars today.", "market", "kind"),
	}
}

// use shows what markets have used.
func (m *metrics) use(byMarket map[string]Limits) {
	for market, u := range byMarket {
		m.used.WithLabelValues(market, "requests").Set(float64(u.RequestsPerMinute))
		m.used.WithLabelValues(market, "tokens").Set(float64(u.TokensPerMinute))
		m.used.WithLabelValues(market, "usd").Set(u.USDPerDay)
	}
}
