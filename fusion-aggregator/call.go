package fusion

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/parallel-fusion/pfr/internal/telemetry"
	"github.com/parallel-fusion/pfr/schemas"
)

// call asks one tool, and another worker of it if it takes long. It waits a little longer
// than limit, so that late answers are seen.
func (a *Aggregator) call(ctx context.Context, d *schemas.RouteDecision, i int, limit time.Time) answer {
	c := &d.Decision.Calls[i]
	start := time.Now()
	ctx, end := telemetry.Start(ctx, "call "+c.Tool, telemetry.Internal)
	ctx, cancel := context.WithDeadline(ctx, limit.Add(a.cfg.LateGrace))
	defer cancel()
	req := request(d, c, limit)
	var r reply
	if c.Rival != nil {
		r = a.duel(ctx, req, *c.Rival)
	} else {
		r = a.ask(ctx, req)
	}
	end(r.err)
	return answer{i: i, resp: r.resp, err: r.err, took: time.Since(start), repeated: r.repeat}
}

func request(d *schemas.RouteDecision, c *schemas.Call, limit time.Time) schemas.ToolRequest {
	return schemas.ToolRequest{
		SchemaVersion: schemas.Version, CorrelationID: d.Query.CorrelationID,
		Tool: c.Tool, Section: c.Section, Query: d.Query.Text, Params: c.Params, Limit: c.Limit + c.Spare,
		Market: d.Query.Market, Locale: d.Query.Locale, User: d.User, Deadline: limit, Late: c.Late,
	}
}

// reply is what came of one attempt.
type reply struct {
	resp   schemas.ToolResponse
	err    error
	repeat bool
}

// ask returns the first good answer of a call and its repeat, or the last error. The other
// one is cancelled; its answer is not looked at. A call that fails before it is repeated is
// not repeated: a tool that is away or full is no better off with more calls.
func (a *Aggregator) ask(ctx context.Context, req schemas.ToolRequest) reply {
	start := time.Now()
	delay := a.hedges.begin(req.Tool)
	if delay == 0 {
		r := a.first(ctx, req)
		a.noteTempo(req.Tool, r, time.Since(start))
		return r
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	replies := make(chan reply, 2)
	a.late.Go(func() { replies <- a.first(ctx, req) })
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case r := <-replies:
		a.noteTempo(req.Tool, r, time.Since(start))
		return r
	case <-timer.C:
	}
	if !a.hedges.grant(req.Tool, time.Until(req.Deadline)) {
		r := <-replies
		a.noteTempo(req.Tool, r, time.Since(start))
		return r
	}
	a.late.Go(func() { replies <- a.repeat(ctx, req) })
	r := a.firstGood(req.Tool, replies)
	a.noteTempo(req.Tool, r, time.Since(start)) // if the repeat was first, the call took longer than that
	return r
}

// firstGood waits for a call and its repeat, and returns the first good answer. What failed
// says less than what was first asked: if both fail it is the error of the call.
func (a *Aggregator) firstGood(tool string, replies <-chan reply) reply {
	first := <-replies
	if first.err == nil {
		a.m.repeat(tool, outcomeOf(first))
		return first
	}
	second := <-replies
	switch {
	case first.repeat: // its end told nothing about the call
		a.m.repeat(tool, outcomeOf(first))
		return second
	case second.err == nil:
		a.m.repeat(tool, outcomeOf(second))
		return second
	default:
		a.m.repeat(tool, outcomeOf(second))
		return first
	}
}

// outcomeOf names what came of a repeat, by the reply that ended the waiting for it.
func outcomeOf(r reply) string {
	switch {
	case !r.repeat:
		return "lost" // the call answered first
	case r.err == nil:
		return "won"
	case errors.Is(r.err, ErrElsewhere):
		return "refused" // there was no other worker
	default:
		return "failed"
	}
}

// asks is how often a call is sent before it is clear that no worker wants it. Which one
// gets it is up to chance.
const asks = 3

// first sends a call. Workers that are slow pass it on; if all do, one of them must do it,
// and a call that is marked as a repeat is not passed on for that. Where all do again and
// again, all are slow, and offering calls around would only add to their load.
func (a *Aggregator) first(ctx context.Context, req schemas.ToolRequest) reply {
	if a.hedges.offers(req.Tool) {
		r := a.offer(ctx, req)
		taken := !errors.Is(r.err, ErrElsewhere)
		a.hedges.offered(req.Tool, taken)
		if taken {
			return r
		}
	}
	req.Repeat = true
	return a.attempt(ctx, req)
}

// repeat sends a call to another worker than the one that has it in hand, which refuses.
func (a *Aggregator) repeat(ctx context.Context, req schemas.ToolRequest) reply {
	req.Repeat = true
	r := a.offer(ctx, req)
	r.repeat = true
	a.hedges.found(req.Tool, r.err)
	return r
}

// offer sends a call until a worker takes it.
func (a *Aggregator) offer(ctx context.Context, req schemas.ToolRequest) (r reply) {
	for range asks {
		if r = a.attempt(ctx, req); !errors.Is(r.err, ErrElsewhere) {
			break
		}
	}
	return r
}

// attempt sends a call to one worker and checks its answer.
func (a *Aggregator) attempt(ctx context.Context, req schemas.ToolRequest) reply {
	resp, err := a.ports.Tools.Call(ctx, req)
	if err == nil {
		err = verify(&req, &resp)
	}
	return reply{resp: resp, err: err}
}

// noteTempo learns from what took a tool some time. An answer that was kept says nothing
// about the tool, nor does a failure, unless it ran out of time.
func (a *Aggregator) noteTempo(tool string, r reply, took time.Duration) {
	if r.err == nil && (r.repeat || !r.resp.Cached) || errors.Is(r.err, context.DeadlineExceeded) {
		a.hedges.note(tool, took)
	}
}

// verify refuses an answer that is not to this request or that breaks the schema.
func verify(req *schemas.ToolRequest, resp *schemas.ToolResponse) error {
	if err := resp.Validate(); err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if !resp.Answers(*req) {
		return fmt.Errorf("%w: it answers another request", ErrInvalid)
	}
	return nil
}
