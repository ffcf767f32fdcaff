package telemetry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Config says where traces go. The zero endpoint switches them off.
type Config struct {
	OTLP   string  `yaml:"otlp"`   // host:port of an OTLP gRPC collector; "" for no traces
	Sample float64 `yaml:"sample"` // share of new traces that are kept, 0 to 1
	// Insecure sends without TLS, to a collector on this machine or network.
	Insecure bool `yaml:"insecure"`
}

// DefaultConfig returns tracing switched off.
func DefaultConfig() Config { return Config{Sample: 1, Insecure: true} }

// Validate reports every problem at once.
func (c Config) Validate() error {
	if c.Sample < 0 || c.Sample > 1 {
		return fmt.Errorf("sample %v: must lie between 0 and 1", c.Sample)
	}
	return nil
}

// flushTimeout bounds the export of the last spans.
const flushTimeout = 3 * time.Second

// Setup installs the exporter for spans, unless there is none. The caller calls stop at
// the end of the process.
func Setup(ctx context.Context, cfg Config, service string) (stop func() error, err error) {
	if cfg.OTLP == "" {
		return func() error { return nil }, nil
	}
	opts := []otlptracegrpc.Option{otlptracegrpc.WithEndpoint(cfg.OTLP)}
	if cfg.Insecure {
		opts = append(opts, otlptracegrpc.WithInsecure())
	}
	exporter, err := otlptracegrpc.New(ctx, opts...)
	if err != nil {
		return nil, fmt.Errorf("trace exporter %s: %w", cfg.OTLP, err)
	}
	return Install(sdktrace.NewBatchSpanProcessor(exporter), cfg.Sample, service), nil
}

// Install sends the spans of this process to a processor until stop is called.
func Install(p sdktrace.SpanProcessor, sample float64, service string) (stop func() error) {
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSpanProcessor(p),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(sample))),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", service))),
	)
	otel.SetTracerProvider(provider)
	enabled.Store(true)
	return func() error {
		enabled.Store(false)
		ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
		defer cancel()
		return errors.Join(provider.ForceFlush(ctx), provider.Shutdown(ctx))
	}
}

// NewRegistry returns a registry with the metrics of the Go runtime and the process.
func NewRegistry() *prometheus.Registry {
	reg := prometheus.NewRegistry()
	reg.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return reg
}
