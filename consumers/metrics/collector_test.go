package metrics

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/parallel-fusion/pfr/consumers/outcome"
	"github.com/parallel-fusion/pfr/schemas"
)

func TestScrape(t *testing.T) {
	w, err := New(DefaultConfig(), nil)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 4, 13, 1, 30, 0, time.UTC)
	search := func(tier schemas.Source, ms float64, nano int64, at time.Time) {
		o := &outcome.Outcome{At: at, Shape: &outcome.Shape{Route: "search", Tier: tier, Market: "SE"}, CostNanoUSD: nano}
		o.Timings = [outcome.Stages]outcome.Bin{outcome.BinOf(ms), outcome.ZeroBin, outcome.ZeroBin, outcome.ZeroBin, outcome.ZeroBin}
		w.Changed(outcome.Change{After: o})
	}
	search(schemas.SourceLLM, 400, 500_000, now.Add(-time.Minute))
	search(schemas.SourceLLM, 600, 300_000, now.Add(-time.Minute))
	search(schemas.SourceCache, 10, 0, now.Add(-time.Minute))
	search(schemas.SourceLLM, 5, 1, now)                   // this minute is not over
	search(schemas.SourceLLM, 5, 1, now.Add(-2*time.Hour)) // neither of the last hour nor of the last minute

	c := newCollector(w, func() time.Time { return now })
	const want = `
# HELP pfr_online_searches Searches of the last complete minute and hour and of this day.
# TYPE pfr_online_searches gauge
pfr_online_searches{cut="market",value="SE",window="1d"} 5
pfr_online_searches{cut="market",value="SE",window="1m"} 3
pfr_online_searches{cut="route",value="search",window="1d"} 5
pfr_online_searches{cut="route",value="search",window="1m"} 3
pfr_online_searches{cut="tier",value="cache",window="1d"} 1
pfr_online_searches{cut="tier",value="cache",window="1m"} 1
pfr_online_searches{cut="tier",value="llm",window="1d"} 4
pfr_online_searches{cut="tier",value="llm",window="1m"} 2
`
	if err := testutil.CollectAndCompare(c, strings.NewReader(want), "pfr_online_searches"); err != nil {
		t.Error(err)
	}
	text := render(t, c)
	for _, line := range []string{
		`pfr_online_rate{cut="tier",rate="cost_per_1000_usd",value="llm",window="1m"} 0.4`, // 0.0008 ÷ 2 × 1000
		`pfr_online_rate{cut="route",rate="hit_ratio",value="search",window="1m"} 0.333`,
		`pfr_online_latency_seconds{cut="tier",quantile="0.99",stage="total",value="llm",window="1m"} 0.59`,
		`pfr_online_latency_seconds{cut="tier",quantile="0.5",stage="queued",value="llm",window="1d"} 0`,
		`pfr_online_latency_seconds{cut="tier",quantile="0.5",stage="total",value="cache",window="1m"} 0.01007`,
	} {
		if !strings.Contains(text, line) {
			t.Errorf("no %s in\n%s", line, text)
		}
	}
}

// render returns what is scraped, a line a series.
func render(t *testing.T, c prometheus.Collector) string {
	t.Helper()
	reg := prometheus.NewRegistry()
	reg.MustRegister(c)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			fmt.Fprintf(&b, "%s{%s} %v\n", f.GetName(), strings.Join(labels, ","), m.GetGauge().GetValue())
		}
	}
	return b.String()
}
