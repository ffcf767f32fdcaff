package gateway

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/telemetry"
)

type metrics struct {
	requests     *prometheus.CounterVec
	seconds      *prometheus.HistogramVec
	open         prometheus.Gauge
	shed         prometheus.Counter
	limited      prometheus.Counter
	resumed      prometheus.Counter
	panics       prometheus.Counter
	interactions *prometheus.CounterVec
	repaired     prometheus.Counter
	canaries     *prometheus.CounterVec
	ready        prometheus.Gauge
}

func newMetrics(reg prometheus.Registerer) *metrics {
	f := telemetry.Metrics(reg, "gateway")
	return &metrics{
		requests:     f.CounterVec("requests_total", "Requests answered, by route pattern and class of status.", "pattern", "class"),
		seconds:      f.Seconds("request_seconds", "Time from a request to the end of its answer, by route pattern.", "pattern"),
		open:         f.Gauge("open_requests", "Requests in hand."),
		shed:         f.Counter("shed_total", "Searches refused because too many were in hand."),
		limited:      f.Counter("limited_total", "Requests refused because their client asked too often."),
		resumed:      f.Counter("resumed_total", "Streams that went on after they broke."),
		panics:       f.Counter("panics_total", "Handlers that panicked."),
		interactions: f.CounterVec("interactions_total", "Interactions received, by verdict.", "verdict"),
		repaired:     f.Counter("repaired_total", "Stream events made from the page because their copy was lost."),
		canaries:     f.CounterVec("canaries_total", "Canary searches, by outcome.", "outcome"),
		ready:        f.Gauge("ready", "1 while the canary passes, else 0."),
	}
}
