package e2e

import (
	"context"
	"log/slog"
	"slices"
	"testing"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/parallel-fusion/pfr/internal/app"
	"github.com/parallel-fusion/pfr/internal/telemetry"
)

// One search is one trace: over Kafka to the router, over Kafka to the aggregator, over
// NATS to each tool, and back.
func TestTraceFollowsAQueryThroughBothBrokers(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	stop := telemetry.Install(spans, 1, "test")
	p := inProcess(t)
	page := p.search(t, "latest albums by lady gaga")
	wanted := []string{
		"search", "produce pfr.queries.v1", "process pfr.queries.v1", "decide", "produce pfr.route-decisions.v1",
		"process pfr.route-decisions.v1", "call new_releases", "tool new_releases", "call release_info", "tool release_info",
		"call search", "tool search", "produce pfr.serps.v1",
	}
	eventually(t, "the spans of one trace", func() bool {
		for _, names := range traces(spans.Ended()) {
			if !slices.ContainsFunc(wanted, func(w string) bool { return !slices.Contains(names, w) }) {
				return true
			}
		}
		return false
	})
	for _, s := range spans.Ended() {
		for _, kv := range s.Attributes() {
			if v := kv.Value.String(); v == page.Query {
				t.Errorf("span %s carries the query text", s.Name())
			}
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// traces returns the names of the spans of each trace.
func traces(spans []sdktrace.ReadOnlySpan) map[string][]string {
	byTrace := map[string][]string{}
	for _, s := range spans {
		id := s.SpanContext().TraceID().String()
		byTrace[id] = append(byTrace[id], s.Name())
	}
	return byTrace
}

// inProcess runs the pipeline inside the test.
func inProcess(t *testing.T) *pipeline {
	t.Helper()
	cfg := app.DefaultConfig()
	cfg.Embedded.Enabled, cfg.Gateway.Addr = true, "127.0.0.1:0"
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	started, ended := make(chan app.Running, 1), make(chan error, 1)
	go func() {
		ended <- app.Run(ctx, cfg, app.Process{Roles: app.Roles(), Started: func(r app.Running) { started <- r }}, slog.New(slog.DiscardHandler))
	}()
	t.Cleanup(func() {
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(10 * time.Second):
			t.Error("still running 10 s after the end")
		}
	})
	select {
	case r := <-started:
		p := &pipeline{http: "http://" + r.HTTP}
		p.awaitReady(t)
		return p
	case err := <-ended:
		t.Fatal(err)
		return nil
	}
}
