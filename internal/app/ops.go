package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/parallel-fusion/pfr/internal/supervise"
)

// detail returns what the roles of this process say of themselves.
func (in *infra) detail() map[string]any {
	out := make(map[string]any, len(in.details))
	for role, f := range in.details {
		out[role] = f()
	}
	return out
}

// opsParts serves metrics and the state of the roles to operators, where cfg says so. It
// starts last: what it answers, is up.
func opsParts(in *infra, cfg OpsConfig) []supervise.Part {
	if cfg.Addr == "" {
		return nil
	}
	return []supervise.Part{{Name: "ops", Run: func(ctx context.Context, ready func()) error {
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Addr)
		if err != nil {
			return fmt.Errorf("ops: %w", err)
		}
		server := http.Server{Handler: in.opsHandler(), ReadTimeout: 5 * time.Second, WriteTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10}
		in.log.Info("operators are served", "addr", l.Addr().String())
		stopped := context.AfterFunc(ctx, func() { _ = server.Close() })
		defer stopped()
		ready()
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("ops: %w", err)
		}
		return nil
	}}}
}

func (in *infra) opsHandler() http.Handler {
	state := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"status": "ready", "parts": in.detail()}) // the client may be gone
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(in.reg, promhttp.HandlerOpts{EnableOpenMetrics: true}))
	mux.HandleFunc("GET /healthz", state)
	mux.HandleFunc("GET /readyz", state)
	return mux
}
