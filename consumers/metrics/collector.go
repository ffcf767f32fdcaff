package metrics

import (
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/consumers/outcome"
	"github.com/parallel-fusion/pfr/schemas"
)

// collector shows the last complete minute and hour and the day that is not over, of
// cuts by one dimension that is not of sections. A search that is younger than the
// attribution window may still succeed, so the rates of the minute lean to the low side:
// compare a minute with other minutes.
type collector struct {
	w   *Windows
	now func() time.Time

	searches, rate, latency *prometheus.Desc
}

func newCollector(w *Windows, now func() time.Time) *collector {
	labels := []string{"window", "cut", "value"}
	return &collector{
		w: w, now: now,
		searches: prometheus.NewDesc("pfr_online_searches", "Searches of the last complete minute and hour and of this day.", labels, nil),
		rate:     prometheus.NewDesc("pfr_online_rate", "Rates of docs/metrics.md.", append(slices.Clone(labels), "rate"), nil),
		latency:  prometheus.NewDesc("pfr_online_latency_seconds", "Quantiles of the time of pages.", append(slices.Clone(labels), "stage", "quantile"), nil),
	}
}

// Describe implements [prometheus.Collector].
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	ch <- c.searches
	ch <- c.rate
	ch <- c.latency
}

// Collect implements [prometheus.Collector].
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	now := c.now()
	today := windowsOf(now)[2]
	for _, key := range []windowKey{windowsOf(now.Add(-time.Minute))[0], windowsOf(now.Add(-time.Hour))[1], today} {
		for _, cell := range c.w.copyWindow(key, func(s *cutSpec) bool { return len(s.dims) == 1 && !s.slots }) {
			c.collect(&cell, ch)
		}
	}
}

func (c *collector) collect(cell *copied, ch chan<- prometheus.Metric) {
	name, value := label(cell.cut)
	gauge := func(d *prometheus.Desc, v float64, more ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, append([]string{cell.window.kind, name, value}, more...)...)
	}
	counts := cell.searchCounts()
	gauge(c.searches, float64(counts.Searches))
	quantiles := counts.Latency
	counts.Latency = nil // has a metric of its own
	for rate, v := range Rates(counts, cell.cut) {
		gauge(c.rate, v, rate)
	}
	for stage := range outcome.Stages {
		h := quantiles[stage.String()]
		for _, p := range percentiles() {
			if ms, ok := h.Quantile(float64(p)/100, h.Count()); ok {
				gauge(c.latency, ms/1000, stage.String(), strconv.FormatFloat(float64(p)/100, 'g', -1, 64))
			}
		}
	}
}

// label returns the name of the one dimension of a cut, and its value.
func label(cut schemas.Cut) (name, value string) {
	for d := range dims {
		var one schemas.Cut
		value = map[dim]string{
			dimRoute: cut.Route, dimTier: cut.Tier, dimMarket: cut.Market, dimPlatform: cut.Platform, dimArm: cut.Arm,
		}[d]
		if d.set(&one, value); value != "" && one == cut {
			return d.String(), value
		}
	}
	return "", ""
}
