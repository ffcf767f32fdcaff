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

// Worker serves one tool: bytes in, bytes out.
type Worker struct {
	tool    Tool
	version string
	results *Results // nil: no answer is kept
	pace    pace
	hands   hands
	log     *slog.Logger
	m       *metrics
}

// WorkerOption is a setting of a [Worker] that it can do without.
type WorkerOption func(*Worker)

// WithResults lets a worker keep answers in r, as far as the tool's [Spec] allows. Workers
// share one r, which must be open for as long as they serve.
func WithResults(r *Results) WorkerOption { return func(w *Worker) { w.results = r } }

// NewWorker returns a Worker for tool. version names the data or model behind it and goes
// into every answer, unless the tool knows better; see [Versioned].
func NewWorker(tool Tool, version string, log *slog.Logger, reg prometheus.Registerer, options ...WorkerOption) *Worker {
	w := &Worker{tool: tool, version: version, log: log, m: newMetrics(reg, tool.Name()), hands: newHands()}
	for _, o := range options {
		o(w)
	}
	return w
}

// Warm prepares the tool for its first call. Call it before the worker is announced.
func (w *Worker) Warm(ctx context.Context) error {
	start := time.Now()
	if err := Warm(ctx, w.tool); err != nil {
		return err
	}
	w.log.Debug("tool is warm", "tool", w.tool.Name(), "took", time.Since(start))
	return nil
}

// Handle answers one encoded [schemas.ToolRequest] with an encoded
// [schemas.ToolResponse]. Its errors wrap ErrBadRequest when repeating the call cannot
// help, and ErrTooLate when the tool was not asked because its answer would come after the
// deadline. A tool that adapts is asked as long as the deadline has not passed. A repeat of
// a call that is in hand is refused at once with ErrInHand, and a call that is no repeat
// with ErrSlow by a worker that has become slow.
//
// ctx ends the run. It may end later than the deadline of the request: whoever sends
// [schemas.LateCache] wants a late answer kept, and gets it late.
func (w *Worker) Handle(ctx context.Context, payload []byte) ([]byte, error) {
	start := time.Now()
	req, err := w.read(payload)
	if err != nil {
		w.m.skip(skipBad)
		return nil, err
	}
	if !start.Before(req.Deadline) {
		w.m.skip(skipExpired)
		return nil, fmt.Errorf("run %s: %w", req.Tool, ErrTooLate)
	}
	put, err := w.accept(req)
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", req.Tool, err)
	}
	defer put()
	result, how, err := w.answer(ctx, req)
	if err != nil {
		return nil, fmt.Errorf("run %s: %w", req.Tool, err)
	}
	resp := w.response(req, result, time.Since(start))
	resp.Cached = how != servedRun
	return codec.Encode(resp)
}

func (w *Worker) read(payload []byte) (schemas.ToolRequest, error) {
	req, err := codec.Decode[schemas.ToolRequest](payload)
	if err != nil {
		return req, fmt.Errorf("%w: %w", ErrBadRequest, err)
	}
	if req.Tool != w.tool.Name() {
		return req, fmt.Errorf("%w: this is %s", ErrBadRequest, w.tool.Name())
	}
	return req, nil
}

// accept takes a call in hand until put is called, or says why another worker should.
func (w *Worker) accept(req schemas.ToolRequest) (put func(), err error) {
	if spec, _ := SpecOf(w.tool); !req.Repeat && !spec.Adapts && w.pace.slow() {
		w.m.skip(skipSlow)
		return nil, ErrSlow
	}
	put, ok := w.hands.take(req)
	if !ok {
		w.m.skip(skipInHand)
		return nil, ErrInHand
	}
	return put, nil
}

func (w *Worker) response(req schemas.ToolRequest, result Result, took time.Duration) schemas.ToolResponse {
	items := result.Items
	if items == nil {
		items = []schemas.Item{}
	}
	return schemas.ToolResponse{
		SchemaVersion: schemas.Version, CorrelationID: req.CorrelationID, Section: req.Section,
		Text: result.Text, Items: items[:min(len(items), req.Limit)],
		TookMS: float64(took.Microseconds()) / 1000, Version: result.Version,
	}
}

// answer takes the kept answer to an equal call, or runs the tool. It says which.
func (w *Worker) answer(ctx context.Context, req schemas.ToolRequest) (Result, served, error) {
	spec, described := SpecOf(w.tool)
	if described {
		req = spec.narrow(req)
	}
	version := VersionOf(w.tool, w.version)
	if w.results == nil || spec.CacheFor <= 0 {
		r, err := w.run(ctx, req, version, req.Deadline)
		return r, servedRun, err
	}
	key, err := w.results.key(spec, version, req)
	if err != nil {
		return Result{}, servedRun, err
	}
	end := req.Deadline
	if req.Late == schemas.LateCache {
		end = end.Add(w.results.cfg.LateGrace)
	}
	r, how, err := w.results.do(ctx, key, flightPlan{
		deadline: req.Deadline, ttl: spec.CacheFor,
		run: func() (Result, bool, error) {
			r, err := w.run(ctx, req, version, end)
			return r, err == nil && r.Version == version && w.keeps(req), err
		},
	})
	w.m.served(how)
	return r, how, err
}

// keeps says whether an answer that has just come may be kept: a late one only if its
// caller asked for that.
func (w *Worker) keeps(req schemas.ToolRequest) bool {
	if time.Now().Before(req.Deadline) {
		return true
	}
	if req.Late != schemas.LateCache {
		return false
	}
	w.m.lateKept.Inc()
	return true
}

// hopeless says that a run would most likely be too late.
func (w *Worker) hopeless(left time.Duration) bool {
	spec, _ := SpecOf(w.tool)
	return !spec.Adapts && w.pace.hopeless(left)
}

// run asks the tool, which has until end, unless that is hopeless.
func (w *Worker) run(ctx context.Context, req schemas.ToolRequest, version string, end time.Time) (Result, error) {
	start := time.Now()
	if w.hopeless(end.Sub(start)) {
		w.m.skip(skipHopeless)
		return Result{}, ErrTooLate
	}
	ctx, cancel := context.WithDeadline(ctx, end)
	defer cancel()
	ctx, span := telemetry.Start(ctx, "tool "+req.Tool, telemetry.Internal)
	result, err := w.tool.Run(ctx, req)
	took := time.Since(start)
	span(err)
	if errors.Is(err, ErrBadRequest) {
		w.m.skip(skipBad)
		return Result{}, err
	}
	w.pace.note(took, err == nil)
	w.m.observe(took, len(result.Items), err)
	if result.Version == "" {
		result.Version = version
	}
	return result, err
}
