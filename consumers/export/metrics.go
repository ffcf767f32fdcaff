package export

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/telemetry"
)

type metrics struct {
	rows    *prometheus.CounterVec
	chunks  *prometheus.CounterVec
	files   prometheus.Counter
	skipped prometheus.Counter
	open    prometheus.Gauge
	last    prometheus.Gauge
	erased  *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := telemetry.Metrics(reg, "export")
	return &metrics{
		rows:    f.CounterVec("rows_total", "Rows taken, by table.", "table"),
		chunks:  f.CounterVec("chunks_total", "Chunks committed, by why they closed: rows, bytes, memory, age, flush or erase.", "reason"),
		files:   f.Counter("files_total", "Files added to the tables."),
		skipped: f.Counter("skipped_offsets_total", "Offsets passed over: records that cannot be decoded, or that the topic no longer holds."),
		open:    f.Gauge("open_bytes", "Bytes of rows that wait in open chunks."),
		last:    f.Gauge("last_commit_timestamp_seconds", "When a chunk was last committed."),
		erased:  f.CounterVec("erased_rows_total", "Rows erased, by table.", "table"),
	}
}
