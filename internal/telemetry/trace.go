// Package telemetry is the only door to OpenTelemetry and to the process-wide
// Prometheus registry.
//
// A trace follows one query over both brokers: the W3C traceparent travels as a
// lower-case header on Kafka records and NATS messages. Until [Setup] installs an
// exporter, every function here is a cheap no-op.
package telemetry

import (
	"context"
	"sync/atomic"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
)

// scope names the instrumentation in exported spans.
const scope = "github.com/parallel-fusion/pfr"

// enabled is set once spans have somewhere to go. It saves the hot path the cost of
// OpenTelemetry's own no-op spans.
var enabled atomic.Bool //nolint:gochecknoglobals // it mirrors OpenTelemetry's own global provider

// Kind says which side of a hop a span describes.
type Kind int

// The span kinds of OpenTelemetry.
const (
	Internal Kind = iota
	Producer
	Consumer
	Client
	Server
)

// Start opens a span as a child of the one in ctx. The returned function ends it and
// records err when it is not nil; call it exactly once.
func Start(ctx context.Context, name string, kind Kind) (context.Context, func(err error)) {
	if !enabled.Load() {
		return ctx, func(error) {}
	}
	ctx, span := otel.Tracer(scope).Start(ctx, name, trace.WithSpanKind(kind.otel()))
	return ctx, func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, err.Error())
		}
		span.End()
	}
}

// Annotate adds a label to the span in ctx. Values come from closed sets (tool, route,
// status): never a query text and never anything of a user.
func Annotate(ctx context.Context, key, value string) {
	trace.SpanFromContext(ctx).SetAttributes(attribute.String(key, value))
}

// Inject hands the trace headers of ctx to set, with lower-case keys. It calls set not at
// all when ctx carries no span.
func Inject(ctx context.Context, set func(key, value string)) {
	propagation.TraceContext{}.Inject(ctx, setter(set))
}

// Extract returns ctx with the remote span found through get, which returns "" for an
// absent key. Keys are asked for in lower case.
func Extract(ctx context.Context, get func(key string) string) context.Context {
	return propagation.TraceContext{}.Extract(ctx, getter(get))
}

func (k Kind) otel() trace.SpanKind {
	switch k {
	case Producer:
		return trace.SpanKindProducer
	case Consumer:
		return trace.SpanKindConsumer
	case Client:
		return trace.SpanKindClient
	case Server:
		return trace.SpanKindServer
	default:
		return trace.SpanKindInternal
	}
}

// setter and getter adapt plain functions to OpenTelemetry's carrier.
type setter func(key, value string)

func (setter) Get(string) string       { return "" }
func (s setter) Set(key, value string) { s(key, value) }
func (setter) Keys() []string          { return nil }

type getter func(key string) string

func (g getter) Get(key string) string { return g(key) }
func (getter) Set(string, string)      {}
func (getter) Keys() []string          { return nil }
