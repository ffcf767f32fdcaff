// Package tools is what a tool is and the worker that serves one.
//
// A [Tool] answers one kind of call: it gets a request with canonical parameters, the
// listener and a deadline, and returns items of the catalogue, best first. Each tool is a
// package of its own; siblings never import each other. A [Worker] puts the wire around a
// tool.
package tools

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/codec"
	"github.com/parallel-fusion/pfr/internal/telemetry"
	"github.com/parallel-fusion/pfr/schemas"
)

// ErrBadRequest marks a call that the tool can never answer.
var ErrBadRequest = errors.New("bad tool request")

// Tool answers calls. It is safe for concurrent use.
type Tool interface {
	// Name is the tool's name in the manifest.
	Name() string
	// Run answers req before ctx ends. It returns at most req.Limit items; no items is a
	// good answer. It must not keep req.User.
	Run(ctx context.Context, req schemas.ToolRequest) (Result, error)
}

// Result is what a tool found.
type Result struct {
	Text  string // an answer or an introduction; may be empty
	Items []schemas.Item
}

// Worker serves one tool: bytes in, bytes out.
type Worker struct {
	tool    Tool
	version string
	log     *slog.Logger
	m       *metrics
}

// NewWorker returns a Worker for tool. version names the data or model behind it and goes
// into every answer.
func NewWorker(tool Tool, version string, log *slog.Logger, reg prometheus.Registerer) *Worker {
	return &Worker{tool: tool, version: version, log: log, m: newMetrics(reg, tool.Name())}
}

// Handle answers one encoded [schemas.ToolRequest] with an encoded
// [schemas.ToolResponse]. Its errors wrap ErrBadRequest when repeating the call cannot
// help.
func (w *Worker) Handle(ctx context.Context, payload []byte) ([]byte, error) {
	req, err := codec.Decode[schemas.ToolRequest](payload)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadRequest, err)
	}
	if req.Tool != w.tool.Name() {
		return nil, fmt.Errorf("%w: this is %s", ErrBadRequest, w.tool.Name())
	}
	ctx, cancel := context.WithDeadline(ctx, req.Deadline)
	defer cancel()
	resp, err := w.run(ctx, req)
	if err != nil {
		return nil, err
	}
	return codec.Encode(resp)
}

func (w *Worker) run(ctx context.Context, req schemas.ToolRequest) (schemas.ToolResponse, error) {
	ctx, end := telemetry.Start(ctx, "tool "+req.Tool, telemetry.Internal)
	start := time.Now()
	result, err := w.tool.Run(ctx, req)
	took := time.Since(start)
	end(err)
	w.m.observe(took, len(result.Items), err)
	if err != nil {
		return schemas.ToolResponse{}, fmt.Errorf("run %s: %w", req.Tool, err)
	}
	if result.Items == nil {
		result.Items = []schemas.Item{}
	}
	return schemas.ToolResponse{
		SchemaVersion: schemas.Version, CorrelationID: req.CorrelationID, Section: req.Section,
		Text: result.Text, Items: result.Items[:min(len(result.Items), req.Limit)],
		TookMS: float64(took.Microseconds()) / 1000, Version: w.version,
	}, nil
}

type metrics struct {
	seconds prometheus.Observer
	empty   prometheus.Counter
	errors  prometheus.Counter
}

// newMetrics registers the collectors once for all tools of a process and returns the
// children of one.
func newMetrics(reg prometheus.Registerer, tool string) *metrics {
	if reg != nil {
		reg = prometheus.WrapRegistererWith(prometheus.Labels{"tool": tool}, reg)
	}
	f := telemetry.Metrics(reg, "tool")
	return &metrics{
		seconds: f.Seconds("run_seconds", "Service time of a tool call.").WithLabelValues(),
		empty:   f.Counter("empty_total", "Calls that found nothing."),
		errors:  f.Counter("errors_total", "Calls that failed."),
	}
}

func (m *metrics) observe(took time.Duration, items int, err error) {
	m.seconds.Observe(took.Seconds())
	switch {
	case err != nil:
		m.errors.Inc()
	case items == 0:
		m.empty.Inc()
	}
}
