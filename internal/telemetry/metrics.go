package telemetry

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// namespace is the first word of every metric name.
const namespace = "pfr"

// Factory makes the metrics of one package and registers them.
type Factory struct {
	reg       prometheus.Registerer
	subsystem string
}

// Metrics returns a Factory for the package called subsystem. With a nil registerer the
// metrics work and are shown nowhere.
func Metrics(reg prometheus.Registerer, subsystem string) Factory {
	return Factory{reg: reg, subsystem: subsystem}
}

// Counter returns a registered counter.
func (f Factory) Counter(name, help string) prometheus.Counter {
	return register(f, prometheus.NewCounter(prometheus.CounterOpts(f.opts(name, help))))
}

// CounterVec returns a registered counter with labels, whose values must come from closed
// sets.
func (f Factory) CounterVec(name, help string, labels ...string) *prometheus.CounterVec {
	return register(f, prometheus.NewCounterVec(prometheus.CounterOpts(f.opts(name, help)), labels))
}

// Gauge returns a registered gauge.
func (f Factory) Gauge(name, help string) prometheus.Gauge {
	return register(f, prometheus.NewGauge(prometheus.GaugeOpts(f.opts(name, help))))
}

// GaugeVec returns a registered gauge with labels.
func (f Factory) GaugeVec(name, help string, labels ...string) *prometheus.GaugeVec {
	return register(f, prometheus.NewGaugeVec(prometheus.GaugeOpts(f.opts(name, help)), labels))
}

// Seconds returns a registered histogram of durations in seconds, with native buckets and
// with classic ones for scrapers that read text.
func (f Factory) Seconds(name, help string, labels ...string) *prometheus.HistogramVec {
	o := f.opts(name, help)
	return register(f, prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: o.Namespace, Subsystem: o.Subsystem, Name: o.Name, Help: o.Help,
		Buckets:                         []float64{.00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .15, .25, .45, 1, 2.5, 10},
		NativeHistogramBucketFactor:     1.1,
		NativeHistogramMaxBucketNumber:  120,
		NativeHistogramMinResetDuration: time.Hour,
	}, labels))
}

func (f Factory) opts(name, help string) prometheus.Opts {
	return prometheus.Opts{Namespace: namespace, Subsystem: f.subsystem, Name: name, Help: help}
}

func register[C prometheus.Collector](f Factory, c C) C {
	if f.reg != nil {
		f.reg.MustRegister(c)
	}
	return c
}
