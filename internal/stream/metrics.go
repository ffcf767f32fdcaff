package stream

import (
	"errors"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// maxLagPartitions bounds the partition label of the per-partition gauges: higher partitions
// are not exported.
const maxLagPartitions = 64

// metrics of every cluster, producer and consumer on one registerer.
type metrics struct {
	produced       *prometheus.CounterVec
	produceErrors  *prometheus.CounterVec
	produceRetries *prometheus.CounterVec
	produceTime    *prometheus.HistogramVec
	batchSize      *prometheus.HistogramVec
	queueDepth     *prometheus.GaugeVec

	consumed     *prometheus.CounterVec
	handled      *prometheus.HistogramVec
	attempts     *prometheus.CounterVec
	deadLetters  *prometheus.CounterVec
	lag          *prometheus.GaugeVec
	blocked      *prometheus.GaugeVec
	rebalances   *prometheus.CounterVec
	commitErrors *prometheus.CounterVec
	fetchErrors  *prometheus.CounterVec
	lost         *prometheus.CounterVec
	undecodable  *prometheus.CounterVec
	stuck        *prometheus.CounterVec
}

func newMetrics(reg prometheus.Registerer) (*metrics, error) {
	b := &builder{reg: reg}
	m := &metrics{
		produced:       b.counter("produced_total", "Records acknowledged by all replicas.", "topic"),
		produceErrors:  b.counter("produce_errors_total", "Records whose write was given up.", "topic"),
		produceRetries: b.counter("produce_retries_total", "Batches sent again.", "topic"),
		produceTime:    b.histogram("produce_seconds", "Time from accepting a record to its acknowledgement.", "topic"),
		batchSize:      b.sizes("produce_batch_records", "Records per acknowledged batch.", "topic"),
		queueDepth:     b.gauge("produce_queue_records", "Records accepted and not yet answered.", "topic"),
		consumed:       b.counter("consumed_total", "Records whose effect is durable.", "topic", "group"),
		handled:        b.histogram("handle_seconds", "Time of one handling attempt.", "topic", "group"),
		attempts:       b.counter("handle_attempts_total", "Handling attempts, by outcome.", "topic", "group", "outcome"),
		deadLetters:    b.counter("dead_letters_total", "Records sent to the dead-letter topic, by kind.", "topic", "group", "kind"),
		lag:            b.gauge("lag_records", "Records between the committed offset and the end.", "topic", "group", "partition"),
		blocked:        b.gauge("blocked_partitions", "Partitions that wait for the dead-letter topic.", "topic", "group"),
		rebalances:     b.counter("rebalances_total", "Generations joined.", "topic", "group"),
		commitErrors:   b.counter("commit_errors_total", "Offset commits that were refused.", "topic", "group"),
		fetchErrors:    b.counter("fetch_errors_total", "Fetches that ended in an error.", "topic"),
		lost:           b.counter("lost_records_total", "Records that retention deleted before they were read.", "topic"),
		undecodable:    b.counter("tail_undecodable_total", "Records that a tail could not decode.", "topic"),
		stuck:          b.counter("stuck_handlers_total", "Handlers that ignored their context.", "topic", "group"),
	}
	return m, b.err
}

// builder registers collectors, or finds those that an earlier cluster registered.
type builder struct {
	reg prometheus.Registerer
	err error
}

func (b *builder) counter(name, help string, labels ...string) *prometheus.CounterVec {
	return register(b, prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "pfr", Subsystem: "stream", Name: name, Help: help,
	}, labels))
}

func (b *builder) gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	return register(b, prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: "pfr", Subsystem: "stream", Name: name, Help: help,
	}, labels))
}

func (b *builder) histogram(name, help string, labels ...string) *prometheus.HistogramVec {
	return register(b, prometheus.NewHistogramVec(histogramOpts(name, help,
		[]float64{.00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}), labels))
}

func (b *builder) sizes(name, help string, labels ...string) *prometheus.HistogramVec {
	return register(b, prometheus.NewHistogramVec(histogramOpts(name, help,
		prometheus.ExponentialBuckets(1, 2, 10)), labels))
}

func histogramOpts(name, help string, buckets []float64) prometheus.HistogramOpts {
	return prometheus.HistogramOpts{
		Namespace: "pfr", Subsystem: "stream", Name: name, Help: help,
		Buckets:                         buckets,
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  100,
		NativeHistogramMinResetDuration: time.Hour,
	}
}

func register[C prometheus.Collector](b *builder, c C) C {
	if b.reg == nil || b.err != nil {
		return c
	}
	err := b.reg.Register(c)
	if taken, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		if old, ok := taken.ExistingCollector.(C); ok {
			return old
		}
	}
	b.err = err
	return c
}

// setLag exports the lag of one partition while its number is within the bound.
func (m *metrics) setLag(topic, group string, partition int, lag int64) {
	if partition < maxLagPartitions {
		m.lag.WithLabelValues(topic, group, strconv.Itoa(partition)).Set(float64(lag))
	}
}

// dropLag forgets a partition that this process no longer owns.
func (m *metrics) dropLag(topic, group string, partition int) {
	m.lag.DeleteLabelValues(topic, group, strconv.Itoa(partition))
}
