package rpc

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics of one connection. Every series carries the connection's name as conn.
type metrics struct {
	requests      *prometheus.CounterVec
	duration      *prometheus.HistogramVec
	lateReplies   prometheus.Counter
	published     *prometheus.CounterVec
	connected     prometheus.Gauge
	reconnects    prometheus.Counter
	disconnects   prometheus.Counter
	slowConsumers prometheus.Counter
	dropped       prometheus.Counter

	handled     *prometheus.CounterVec
	handleTime  *prometheus.HistogramVec
	waitTime    *prometheus.HistogramVec
	poolBusy    *prometheus.GaugeVec
	poolBacklog *prometheus.GaugeVec

	mu       sync.RWMutex
	subjects map[string]*requestMetrics
}

// maxSubjects bounds the label subject: tools are few, and a caller that makes up
// subjects must not make up series.
const maxSubjects = 64

// otherSubject is the label of every subject after the first maxSubjects.
const otherSubject = "other"

func newMetrics(conn string, reg prometheus.Registerer) (*metrics, error) {
	r := registry{}
	if reg != nil {
		r.reg = prometheus.WrapRegistererWith(prometheus.Labels{"conn": conn}, reg)
	}
	m := &metrics{
		requests: counters(&r, "requests_total", "Requests sent, by the last token of the subject and outcome.", "subject", "outcome"),
		duration: histograms(&r, "request_duration_seconds", "Time from sending a request to its outcome.", "subject"),
		published: counters(&r, "published_total",
			"Copies published, by outcome.", "outcome"),
		handled: counters(&r, "handled_total",
			"Requests received by a service, by outcome.", "service", "outcome"),
		handleTime:  histograms(&r, "handle_duration_seconds", "Time a handler ran.", "service"),
		waitTime:    histograms(&r, "wait_duration_seconds", "Time a request waited for a worker.", "service"),
		poolBusy:    gauges(&r, "pool_busy", "Workers that run a handler.", "service"),
		poolBacklog: gauges(&r, "pool_backlog", "Requests that wait for a worker.", "service"),
		subjects:    make(map[string]*requestMetrics),
	}
	m.lateReplies = counter(&r, "late_replies_total", "Replies that came after their request had ended, or twice.")
	m.reconnects = counter(&r, "reconnects_total", "Times the connection came back.")
	m.disconnects = counter(&r, "disconnects_total", "Times the connection was lost.")
	m.slowConsumers = counter(&r, "slow_consumers_total", "Times the client library began to drop messages.")
	m.dropped = counter(&r, "subscription_dropped_total", "Copies dropped because their subscriber was slow.")
	m.connected = gauges(&r, "connected", "1 while the connection is up.").WithLabelValues()
	return m, errors.Join(r.errs...)
}

// requestMetrics are the series of one subject.
type requestMetrics struct {
	label    string
	outcomes *prometheus.CounterVec
	duration prometheus.Observer
}

func (m *requestMetrics) observe(outcome string, took time.Duration) {
	m.outcomes.WithLabelValues(m.label, outcome).Inc()
	m.duration.Observe(took.Seconds())
}

// request returns the series of a subject, which it makes on first use.
func (m *metrics) request(subject string) *requestMetrics {
	label := subject[strings.LastIndexByte(subject, '.')+1:]
	m.mu.RLock()
	r, ok := m.subjects[label]
	m.mu.RUnlock()
	if ok {
		return r
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.subjects) >= maxSubjects || checkSubject(label) != nil {
		label = otherSubject
	}
	if r, ok := m.subjects[label]; ok {
		return r
	}
	r = &requestMetrics{label: label, outcomes: m.requests, duration: m.duration.WithLabelValues(label)}
	m.subjects[label] = r
	return r
}

// serviceMetrics are the series of one service.
type serviceMetrics struct {
	handled *prometheus.CounterVec
	run     prometheus.Observer
	wait    prometheus.Observer
	busy    prometheus.Gauge
	backlog prometheus.Gauge
}

func (m *metrics) service(name string) *serviceMetrics {
	return &serviceMetrics{
		handled: m.handled.MustCurryWith(prometheus.Labels{"service": name}),
		run:     m.handleTime.WithLabelValues(name),
		wait:    m.waitTime.WithLabelValues(name),
		busy:    m.poolBusy.WithLabelValues(name),
		backlog: m.poolBacklog.WithLabelValues(name),
	}
}

// registry collects what goes wrong while collectors are registered.
type registry struct {
	reg  prometheus.Registerer
	errs []error
}

// register returns the collector that counts: c, or the equal one that an earlier
// connection of the same name registered.
func register[C prometheus.Collector](r *registry, c C) C {
	if r.reg == nil {
		return c
	}
	err := r.reg.Register(c)
	if exists, ok := errors.AsType[prometheus.AlreadyRegisteredError](err); ok {
		if same, ok := exists.ExistingCollector.(C); ok {
			return same
		}
	}
	if err != nil {
		r.errs = append(r.errs, fmt.Errorf("register: %w", err))
	}
	return c
}

func counters(r *registry, name, help string, labels ...string) *prometheus.CounterVec {
	return register(r, prometheus.NewCounterVec(prometheus.CounterOpts{
		Namespace: "pfr", Subsystem: "rpc", Name: name, Help: help,
	}, labels))
}

func counter(r *registry, name, help string) prometheus.Counter {
	return counters(r, name, help).WithLabelValues()
}

func gauges(r *registry, name, help string, labels ...string) *prometheus.GaugeVec {
	return register(r, prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: "pfr", Subsystem: "rpc", Name: name, Help: help,
	}, labels))
}

func histograms(r *registry, name, help string, labels ...string) *prometheus.HistogramVec {
	return register(r, prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: "pfr", Subsystem: "rpc", Name: name, Help: help,
		Buckets:                         prometheus.ExponentialBuckets(0.00025, 2, 16), // 0.25 ms to 8 s
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  100,
		NativeHistogramMinResetDuration: time.Hour,
	}, labels))
}
