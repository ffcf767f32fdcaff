package precompute

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/telemetry"
)

// Outcomes of a run on a schedule.
const (
	outcomeDone    = "done"
	outcomeStopped = "stopped" // something is left for the next run
	outcomeSpent   = "spent"   // nothing was left of what the day may cost
	outcomeError   = "error"
)

type metrics struct {
	runs     *prometheus.CounterVec
	took     *prometheus.HistogramVec
	queries  *prometheus.CounterVec
	spent    prometheus.Counter
	today    prometheus.Gauge
	coverage prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := telemetry.Metrics(reg, "precompute")
	return &metrics{
		runs:     m.CounterVec("runs_total", "Runs on the schedule, by outcome.", "outcome"),
		took:     m.Seconds("run_seconds", "Time of a run on the schedule, by outcome.", "outcome"),
		queries:  m.CounterVec("queries_total", "What became of queries and entries: published, withdrawn, refused, failed or left.", "outcome"),
		spent:    m.Counter("spent_usd_total", "What runs on the schedule have cost."),
		today:    m.Gauge("spent_today_usd", "What runs on the schedule have cost since midnight UTC."),
		coverage: m.Gauge("coverage_ratio", "Share of the window's searches that current entries answer, as of the last run."),
	}
}

// observe counts what came of a run.
func (m *metrics) observe(r *Report, outcome string) {
	m.runs.WithLabelValues(outcome).Inc()
	m.took.WithLabelValues(outcome).Observe(r.TookMS / 1000)
	for name, n := range map[string]int{
		"published": r.Published, "withdrawn": r.Withdrawn, "refused": len(r.Refusals), "failed": len(r.Failures), "left": r.Left,
	} {
		m.queries.WithLabelValues(name).Add(float64(n))
	}
	m.spent.Add(r.CostUSD)
}
