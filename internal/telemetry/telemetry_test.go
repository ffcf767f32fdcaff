package telemetry_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"github.com/parallel-fusion/pfr/internal/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// record sends spans to a recorder until the test ends.
func record(t *testing.T, sample float64) *tracetest.SpanRecorder {
	t.Helper()
	spans := tracetest.NewSpanRecorder()
	stop := telemetry.Install(spans, sample, "test")
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
	return spans
}

func inject(ctx context.Context) map[string]string {
	headers := map[string]string{}
	telemetry.Inject(ctx, func(key, value string) { headers[key] = value })
	return headers
}

func TestWithoutExporterNothingHappens(t *testing.T) {
	stop, err := telemetry.Setup(t.Context(), telemetry.DefaultConfig(), "test")
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := telemetry.Start(t.Context(), "search", telemetry.Internal)
	telemetry.Annotate(ctx, "pfr.route", "search")
	if ctx != t.Context() || len(inject(ctx)) != 0 {
		t.Errorf("a span without an exporter: %v", inject(ctx))
	}
	end(errors.New("broken"))
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// What a broker carries is lower case: NATS header keys are not made canonical.
func TestTraceCrossesABroker(t *testing.T) {
	spans := record(t, 1)
	ctx, end := telemetry.Start(t.Context(), "produce", telemetry.Producer)
	headers := inject(ctx)
	end(nil)
	if keys := slices.Collect(maps.Keys(headers)); !slices.Equal(keys, []string{"traceparent"}) {
		t.Fatalf("headers %v", headers)
	}

	far := telemetry.Extract(context.Background(), func(key string) string { return headers[key] })
	far, end = telemetry.Start(far, "process", telemetry.Consumer)
	telemetry.Annotate(far, "pfr.route", "search")
	end(errors.New("broken"))

	ended := spans.Ended()
	if len(ended) != 2 {
		t.Fatalf("%d spans", len(ended))
	}
	sent, handled := ended[0], ended[1]
	if handled.SpanContext().TraceID() != sent.SpanContext().TraceID() || handled.Parent().SpanID() != sent.SpanContext().SpanID() {
		t.Error("the spans are not parent and child")
	}
	if sent.SpanKind() != trace.SpanKindProducer || handled.SpanKind() != trace.SpanKindConsumer {
		t.Errorf("kinds %v and %v", sent.SpanKind(), handled.SpanKind())
	}
	if sent.Status().Code != codes.Unset || handled.Status() != (sdktrace.Status{Code: codes.Error, Description: "broken"}) {
		t.Errorf("status %+v and %+v", sent.Status(), handled.Status())
	}
	if a := handled.Attributes(); len(a) != 1 || a[0].Key != "pfr.route" || a[0].Value.AsString() != "search" {
		t.Errorf("attributes %v", a)
	}
}

func TestBadHeadersStartANewTrace(t *testing.T) {
	for _, header := range []string{"", "garbage", "00-00000000000000000000000000000000-0000000000000000-01", strings.Repeat("0", 10_000)} {
		ctx := telemetry.Extract(t.Context(), func(string) string { return header })
		if got := inject(ctx); len(got) != 0 {
			t.Errorf("%.60q was taken: %v", header, got)
		}
	}
}

// Who samples is the first process: the decision travels with the trace.
func TestSamplingFollowsTheParent(t *testing.T) {
	spans := record(t, 0)
	_, end := telemetry.Start(t.Context(), "own", telemetry.Internal)
	end(nil)
	parent := "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	ctx := telemetry.Extract(t.Context(), func(key string) string { return map[string]string{"traceparent": parent}[key] })
	_, end = telemetry.Start(ctx, "joined", telemetry.Server)
	end(nil)
	if ended := spans.Ended(); len(ended) != 1 || ended[0].Name() != "joined" {
		t.Errorf("spans %v", ended)
	}
}

func TestConfigRefusesNoShare(t *testing.T) {
	for _, sample := range []float64{-0.1, 1.1} {
		if (telemetry.Config{Sample: sample}).Validate() == nil {
			t.Errorf("sample %v was accepted", sample)
		}
	}
	if err := telemetry.DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
}

// A scraper that reads text gets classic buckets and one that reads protobuf native ones,
// of the same histogram.
func TestHistogramHasClassicAndNativeBuckets(t *testing.T) {
	reg := prometheus.NewRegistry()
	took := telemetry.Metrics(reg, "router").Seconds("took_seconds", "Time taken.", "source")
	for _, s := range []float64{0.0002, 0.004, 0.3, 60} {
		took.WithLabelValues("cache").Observe(s)
	}
	families, err := reg.Gather()
	if err != nil || len(families) != 1 || families[0].GetName() != "pfr_router_took_seconds" || len(families[0].GetMetric()) != 1 {
		t.Fatal(families, err)
	}
	h := families[0].GetMetric()[0].GetHistogram()
	if h.GetSampleCount() != 4 {
		t.Errorf("%d samples", h.GetSampleCount())
	}
	counts := map[float64]uint64{}
	for _, b := range h.GetBucket() {
		counts[b.GetUpperBound()] = b.GetCumulativeCount()
	}
	if counts[.00025] != 1 || counts[.005] != 2 || counts[.45] != 3 || counts[10] != 3 {
		t.Errorf("classic buckets %v", counts)
	}
	if h.GetSchema() == 0 || len(h.GetPositiveSpan()) == 0 {
		t.Errorf("no native buckets: %v", h)
	}
}

func TestMetricsWorkWithoutARegistry(*testing.T) {
	f := telemetry.Metrics(nil, "router")
	f.Counter("a_total", "A.").Inc()
	f.CounterVec("a_total", "The same name twice.", "x").WithLabelValues("y").Inc()
	f.Gauge("b", "B.").Set(1)
	f.GaugeVec("b", "B.", "x").WithLabelValues("y").Set(1)
	f.Seconds("c_seconds", "C.").WithLabelValues().Observe(1)
}
