package adapter

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/telemetry"
)

// Why an entry of an answer is no item.
const (
	dropID      = "id"
	dropType    = "type"
	dropTitle   = "title"
	dropScore   = "score"
	dropTwice   = "twice"
	dropInvalid = "invalid"
)

// newMetrics registers the counter of dropped entries once for all tools of a process and
// returns that of one.
func newMetrics(reg prometheus.Registerer, tool string) *prometheus.CounterVec {
	if reg != nil {
		reg = prometheus.WrapRegistererWith(prometheus.Labels{"tool": tool}, reg)
	}
	return telemetry.Metrics(reg, "adapter").CounterVec("dropped_total", "Entries of an answer that are no items, by reason.", "reason")
}
