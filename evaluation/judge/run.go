package judge

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// ErrUnasked is the error of a page that was not judged because the run had stopped.
var ErrUnasked = errors.New("was not judged: the run had stopped")

// RunConfig says how many pages are judged. See [DefaultRunConfig].
type RunConfig struct {
	Parallel int // questions under way at once
	// Failures in a row stop a run: the judge is out of order, and the rest would fail too.
	Failures int
	// Progress is told after every answer, by one caller at a time; nil: nobody is.
	Progress func(Progress)
}

// DefaultRunConfig returns settings for a hosted model.
func DefaultRunConfig() RunConfig { return RunConfig{Parallel: 8, Failures: 20} }

// Validate reports every problem at once.
func (c RunConfig) Validate() error {
	if min(c.Parallel, c.Failures) < 1 {
		return fmt.Errorf("parallel %d, failures %d: must be positive", c.Parallel, c.Failures)
	}
	return nil
}

// Progress is how far a run is.
type Progress struct {
	Done   int // answers and failures
	Of     int
	Cached int // answers that were there already
	Failed int
	// CostUSD is what this run has spent. What cached answers once cost is no part of it,
	// unless a part of a panel's answer was cached.
	CostUSD float64
}

// Judged is what came of a page.
type Judged struct {
	Judgment Judgment
	Err      error // nil: it was judged
}

// RunPages judges subjects and returns what came of each, in their order. Its error says
// why it stopped before the end: the allowance is spent, the judge is out of order, or ctx
// has ended. Questions under way are waited for, since they are paid for.
func RunPages(ctx context.Context, cfg RunConfig, j Absolute, subjects []Subject) ([]Judged, error) {
	out := make([]Judged, len(subjects))
	for i := range out {
		out[i].Err = ErrUnasked
	}
	err := each(ctx, cfg, len(subjects), func(ctx context.Context, i int) step {
		out[i].Judgment, out[i].Err = j.Judge(ctx, subjects[i])
		one := out[i].Judgment
		return newStep(one.Cached, one.CostUSD, out[i].Err)
	})
	return out, err
}

// Pair is two pages that answer the same case.
type Pair struct{ Page, Other Subject }

// Compared is what came of a pair.
type Compared struct {
	Comparison Comparison
	Err        error // nil: it was judged
}

// RunPairs compares pairs in both orders and returns what came of each, in their order.
// Its error is as that of [RunPages].
func RunPairs(ctx context.Context, cfg RunConfig, j Pairwise, pairs []Pair) ([]Compared, error) {
	out := make([]Compared, len(pairs))
	for i := range out {
		out[i].Err = ErrUnasked
	}
	err := each(ctx, cfg, len(pairs), func(ctx context.Context, i int) step {
		out[i].Comparison, out[i].Err = Compare(ctx, j, pairs[i].Page, pairs[i].Other)
		s := step{cached: true, err: out[i].Err}
		for _, p := range []Preference{out[i].Comparison.There, out[i].Comparison.Back} {
			if !p.Cached {
				s.cost += p.CostUSD
				s.cached = s.cached && out[i].Comparison.Identical
			}
		}
		return s
	})
	return out, err
}

// step is one answer of a run.
type step struct {
	cached bool
	cost   float64 // of this run
	err    error
}

func newStep(cached bool, cost float64, err error) step {
	if cached {
		cost = 0
	}
	return step{cached, cost, err}
}

// runner counts a run.
type runner struct {
	cfg RunConfig

	mu       sync.Mutex // guards the rest
	next     int
	progress Progress
	row      int   // failures in a row
	stopped  error // why no more is asked
}

// each does n things, so many at once, and returns why it stopped before the end.
func each(ctx context.Context, cfg RunConfig, n int, do func(ctx context.Context, i int) step) error {
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("run config: %w", err)
	}
	r := &runner{cfg: cfg, progress: Progress{Of: n}}
	var wg sync.WaitGroup
	for range min(cfg.Parallel, n) {
		wg.Go(func() {
			for i, ok := r.take(ctx); ok; i, ok = r.take(ctx) {
				r.record(ctx, do(ctx, i))
			}
		})
	}
	wg.Wait()
	return r.stopped
}

// take returns what is to be done next.
func (r *runner) take(ctx context.Context) (int, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stopped == nil && r.next < r.progress.Of && ctx.Err() != nil {
		r.stop(fmt.Errorf("judge pages: %w", ctx.Err()))
	}
	if r.stopped != nil || r.next >= r.progress.Of {
		return 0, false
	}
	r.next++
	return r.next - 1, true
}

func (r *runner) record(ctx context.Context, s step) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.progress.CostUSD += s.cost
	if _, spent := errors.AsType[*SpentError](s.err); spent {
		r.stop(s.err)
		return
	}
	if s.err != nil && ctx.Err() != nil { // the judge has not failed
		r.stop(fmt.Errorf("judge pages: %w", ctx.Err()))
		return
	}
	r.progress.Done++
	if s.cached && s.err == nil {
		r.progress.Cached++
	}
	r.row++
	if s.err == nil {
		r.row = 0
	} else if r.progress.Failed++; r.row >= r.cfg.Failures {
		r.stop(fmt.Errorf("%d questions in a row failed, the last one: %w", r.row, s.err))
	}
	if r.cfg.Progress != nil {
		r.cfg.Progress(r.progress)
	}
}

// stop keeps the first reason.
func (r *runner) stop(why error) {
	if r.stopped == nil {
		r.stopped = why
	}
}
