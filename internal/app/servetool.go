package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/rpc"
	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
)

// toolService returns how tool is announced: its name and subject, and what its spec says.
// data names the version of what is behind it; "" is left out.
func toolService(cfg ToolsConfig, tool tools.Tool, data string) rpc.ServiceConfig {
	service := rpc.DefaultServiceConfig()
	service.Name, service.Subject = tool.Name(), schemas.ToolSubject(tool.Name())
	service.Description = "pfr tool"
	if spec, ok := tools.SpecOf(tool); ok {
		service.Version, service.Description = spec.Version, spec.For
	}
	service.Metadata = maps.Clone(tools.Metadata(tool))
	service.Data = func() string { return tools.VersionOf(tool, data) }
	service.Workers, service.Backlog = cfg.Workers, cfg.Backlog
	return service
}

// toolPart warms a tool, announces it and serves it until its context ends and its last
// call is answered.
func toolPart(conn *rpc.Conn, service rpc.ServiceConfig, w *tools.Worker) func(context.Context, func()) error {
	return func(ctx context.Context, ready func()) error {
		if err := w.Warm(ctx); err != nil {
			return err
		}
		return conn.Serve(ctx, service, toolHandler(w), ready)
	}
}

// ToolProcess is what a process with one tool runs.
type ToolProcess struct {
	Tool  tools.Tool
	Ready func() // called when the tool gets calls; may be nil
}

// ServeTool joins the NATS servers of cfg and serves the tool of p, with the concurrency
// and the queue that cfg.Tools says, until ctx ends. Then it finishes the calls that it has
// and returns nil.
func ServeTool(ctx context.Context, cfg Config, p ToolProcess, log *slog.Logger) (err error) {
	reg := prometheus.NewRegistry()
	results, err := tools.NewResults(tools.DefaultResultsConfig(), log, reg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, results.Close()) }()
	conn, err := rpc.Dial(ctx, cfg.NATS, log, reg)
	if err != nil {
		return fmt.Errorf("serve %s: %w", p.Tool.Name(), err)
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	data := tools.VersionOf(p.Tool, "")
	w := tools.NewWorker(p.Tool, data, log, reg, tools.WithResults(results))
	return toolPart(conn, toolService(cfg.Tools, p.Tool, data), w)(ctx, p.Ready)
}
