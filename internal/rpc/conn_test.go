package rpc_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/rpc"
)

func dial(tb testing.TB, url string, reg prometheus.Registerer) *rpc.Conn {
	tb.Helper()
	cfg := rpc.DefaultConfig()
	cfg.URL = url
	conn, err := rpc.Dial(tb.Context(), cfg, slog.New(slog.DiscardHandler), reg)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := conn.Close(); err != nil {
			tb.Error(err)
		}
	})
	return conn
}

// echoService answers on subject until the test ends.
func echoService(tb testing.TB, conn *rpc.Conn, subject string) {
	tb.Helper()
	cfg := rpc.DefaultServiceConfig()
	cfg.Name, cfg.Subject = "echo", subject
	ctx, cancel := context.WithCancel(context.WithoutCancel(tb.Context()))
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() {
		done <- conn.Serve(ctx, cfg, func(_ context.Context, p []byte) ([]byte, error) { return p, nil },
			func() { close(ready) })
	}()
	tb.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
	})
	select {
	case <-ready:
	case <-time.After(10 * time.Second):
		tb.Fatal("the service was never ready")
	}
}

func TestDialGivesUp(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := rpc.DefaultConfig()
	cfg.URL = "nats://user:secret@" + l.Addr().String()
	cfg.ConnectTimeout = 200 * time.Millisecond
	if err := l.Close(); err != nil { // nobody listens now
		t.Fatal(err)
	}
	_, err = rpc.Dial(t.Context(), cfg, slog.New(slog.DiscardHandler), nil)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), l.Addr().String()) {
		t.Fatalf("error %v, want a timeout that names the address", err)
	}
	if strings.Contains(err.Error(), "secret") {
		t.Errorf("error %v holds the password", err)
	}
}

func TestDialFollowsItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	cfg := rpc.DefaultConfig()
	cfg.URL = "nats://127.0.0.1:1" // nobody listens
	_, err := rpc.Dial(ctx, cfg, slog.New(slog.DiscardHandler), nil)
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v, want %v", err, context.Canceled)
	}
}

// TestDialTriesEveryServer lists a dead server first.
func TestDialTriesEveryServer(t *testing.T) {
	cfg := rpc.DefaultConfig()
	cfg.URL = "nats://127.0.0.1:1," + startServer(t)
	conn, err := rpc.Dial(t.Context(), cfg, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	if !conn.Connected() {
		t.Error("not connected after Dial")
	}
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
}

func TestConfigReportsEveryProblem(t *testing.T) {
	err := rpc.Config{Name: "a b"}.Validate()
	if err == nil {
		t.Fatal("a bad config is valid")
	}
	for _, field := range []string{"url", "name", "connect_timeout", "reconnect_wait", "ping_interval", "write_timeout", "drain_timeout"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("error %q does not mention %s", err, field)
		}
	}
	if err := rpc.DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
}

// TestMetrics also shows that two connections can share a registry, with one name.
func TestMetrics(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	url := startServer(t)
	conn := dial(t, url, reg)
	echoService(t, dial(t, url, reg), "pfr.tool.v1.echo")
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for range 3 {
		if _, err := conn.Request(ctx, "pfr.tool.v1.echo", nil); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 200 { // made-up subjects must not make series
		if _, err := conn.Request(ctx, fmt.Sprintf("pfr.tool.v1.no%d", i), nil); !errors.Is(err, rpc.ErrNoResponders) {
			t.Fatal(err)
		}
	}
	got := gather(t, reg)
	for series, want := range map[string]float64{
		`pfr_rpc_requests_total{conn="pfr",outcome="ok",subject="echo"}`:             3,
		`pfr_rpc_requests_total{conn="pfr",outcome="no_responders",subject="other"}`: 137, // all but 63
		`pfr_rpc_handled_total{conn="pfr",outcome="ok",service="echo"}`:              3,
		`pfr_rpc_handle_duration_seconds{conn="pfr",service="echo"}`:                 3,
		`pfr_rpc_connected{conn="pfr"}`:                                              1,
	} {
		if got[series] != want {
			t.Errorf("%s is %v, want %v", series, got[series], want)
		}
	}
	if len(got) > 200 {
		t.Errorf("%d series", len(got))
	}
}

// gather returns the value of every series, a histogram's being its count.
func gather(t *testing.T, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := make(map[string]float64)
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			out[f.GetName()+"{"+strings.Join(labels, ",")+"}"] = m.GetCounter().GetValue() +
				m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return out
}
