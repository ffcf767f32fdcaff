package tools

import (
	"context"
	"errors"
	"sync"
	"time"
)

// errAbandoned is what calls get whose run was shared and panicked. The worker's own
// caller sees the panic.
var errAbandoned = errors.New("the run of an equal call broke off")

// served says how the answer to a call that may be kept came about.
type served string

const (
	servedKept   served = "hit"
	servedRun    served = "miss"
	servedShared served = "shared" // by the run of an equal call
)

// toOthers is what an answer is to those that waited for it.
func (s served) toOthers() served {
	if s == servedRun {
		return servedShared
	}
	return s
}

// flights lets equal calls share one run. The run belongs to the call that began it: it
// takes that call's place in the worker, and ends with its context.
type flights struct {
	mu    sync.Mutex
	byKey map[string]*flight
}

// flight is a run that equal calls wait for. Its result may be read once done is closed.
type flight struct {
	done   chan struct{}
	result Result
	how    served
	err    error
}

// flightPlan is how a call gets its answer if none is kept.
type flightPlan struct {
	deadline time.Time     // of the call; it waits for others no longer
	ttl      time.Duration // how long the answer is good
	run      func() (r Result, keep bool, err error)
}

// do returns the kept answer, that of an equal call that runs now, or that of p.run; how
// says which. A call outlives the one that it waited for: if that one ran out of time or
// was cancelled, the next one runs the tool.
func (r *Results) do(ctx context.Context, key string, p flightPlan) (result Result, how served, err error) {
	ctx, cancel := context.WithDeadline(ctx, p.deadline)
	defer cancel()
	for {
		f, leads := r.flights.join(key)
		if leads {
			r.lead(key, f, p)
			return f.result, f.how, f.err
		}
		select {
		case <-f.done:
			if !timedOut(f.err) {
				return f.result, f.how.toOthers(), f.err
			}
		case <-ctx.Done():
		}
		if ctx.Err() != nil {
			return Result{}, servedShared, ctx.Err()
		}
	}
}

func timedOut(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// lead gets the answer for all that wait for f. They go on even if the tool panics.
func (r *Results) lead(key string, f *flight, p flightPlan) {
	defer r.flights.land(key, f)
	f.how, f.err = servedRun, errAbandoned
	if kept, ok := r.get(key); ok {
		f.result, f.how, f.err = kept, servedKept, nil
		return
	}
	result, keep, err := p.run()
	if keep {
		r.put(key, result, p.ttl)
	}
	f.result, f.err = result, err
}

// join returns the running flight of key, or a new one that the caller must lead.
func (g *flights) join(key string) (f *flight, leads bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f, ok := g.byKey[key]; ok {
		return f, false
	}
	f = &flight{done: make(chan struct{})}
	g.byKey[key] = f
	return f, true
}

func (g *flights) land(key string, f *flight) {
	g.mu.Lock()
	delete(g.byKey, key)
	g.mu.Unlock()
	close(f.done)
}
