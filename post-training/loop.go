package posttraining

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Progress is how far a run is.
type Progress struct {
	Queries int     // in all
	Done    int     // queries that need no further attempt
	Calls   int     // samples in all, of resumed runs too
	CostUSD float64 // likewise
}

// Reasons why a run stops before it is done. It can be resumed.
var (
	ErrMaxCalls = errors.New("the limit of calls is reached")
	ErrMaxCost  = errors.New("the limit of cost is reached")
	ErrSilent   = errors.New("the judge gives no verdicts")
)

// Sample makes attempts until every query is done, then writes the outputs. It stops early
// when ctx ends, at a limit (an [ErrMaxCalls] or [ErrMaxCost]), when a teacher or judge
// cannot be asked, or when a judge says nothing (an [ErrSilent]); the outputs are then those of what is there, and a later run goes on from
// it. Attempts under way when ctx ends are finished. Limits can be passed by as many
// attempts as there are queries at once. seen is told of every attempt; it may be nil.
func (r *Run) Sample(ctx context.Context, seen func(Progress)) (Stats, error) {
	s := &sampling{Run: r, seen: seen}
	s.tally()
	g, gctx := errgroup.WithContext(ctx)
	s.hurry = gctx.Done()
	todo := make(chan *progress)
	g.Go(func() error {
		defer close(todo)
		for i := range r.queries {
			if r.queries[i].done(r.cfg) {
				continue
			}
			select {
			case todo <- &r.queries[i]:
			case <-gctx.Done():
				return nil // whoever ended it says why
			}
		}
		return nil
	})
	for range r.cfg.Parallel {
		g.Go(func() error { return s.work(gctx, todo) })
	}
	err := errors.Join(g.Wait(), ctx.Err())
	stats, writeErr := r.write()
	return stats, errors.Join(err, writeErr)
}

// sampling is one call of Sample.
type sampling struct {
	*Run
	seen  func(Progress)
	hurry <-chan struct{} // closed when attempts under way should end soon

	mu     sync.Mutex // guards what follows, and the calls of seen
	sums   Progress
	silent int // attempts in a row that got no verdict
}

// mostSilent is how many attempts in a row may get no verdict: a judge that answers with
// nonsense would use up every attempt at every query.
const mostSilent = 20

// tally adds up what earlier runs in the folder came to.
func (s *sampling) tally() {
	s.sums.Queries = len(s.queries)
	for i := range s.queries {
		p := &s.queries[i]
		s.sums.Calls += len(p.attempts) + p.unfinished
		s.sums.CostUSD += p.lost
		for _, a := range p.attempts {
			s.sums.CostUSD += a.CostUSD
		}
		if p.done(s.cfg) {
			s.sums.Done++
		}
	}
}

// work makes the attempts of one query after the other.
func (s *sampling) work(ctx context.Context, todo <-chan *progress) error {
	for p := range todo {
		for !p.done(s.cfg) {
			if ctx.Err() != nil {
				return nil
			}
			if err := s.admit(); err != nil {
				return err
			}
			if err := s.attempt(ctx, p); err != nil {
				return fmt.Errorf("query %s: %w", p.query.ID, err)
			}
		}
	}
	return nil
}

// admit reports whether the limits allow another attempt, and counts it.
func (s *sampling) admit() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.cfg.MaxCalls > 0 && s.sums.Calls >= s.cfg.MaxCalls:
		return fmt.Errorf("%w: %d calls; raise it and run again to go on", ErrMaxCalls, s.sums.Calls)
	case s.cfg.MaxCostUSD > 0 && s.sums.CostUSD >= s.cfg.MaxCostUSD:
		return fmt.Errorf("%w: %.4f USD; raise it and run again to go on", ErrMaxCost, s.sums.CostUSD)
	}
	s.sums.Calls++
	return nil
}

// attempt makes the next attempt of a query and records it.
func (s *sampling) attempt(ctx context.Context, p *progress) error {
	actx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Timeout)
	defer cancel()
	began := s.now()
	a, err := s.try(actx, p)
	a.At, a.TookMS = began.UTC(), float64(s.now().Sub(began).Microseconds())/1000
	if err != nil {
		return errors.Join(err, s.lose(p, a))
	}
	if err := s.journal.Append(a); err != nil {
		return err
	}
	p.add(a)
	s.m.attempts.WithLabelValues(string(a.Outcome)).Inc()
	s.m.cost.Add(a.CostUSD)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sums.CostUSD += a.CostUSD
	if p.done(s.cfg) {
		s.sums.Done++
	}
	if s.seen != nil {
		s.seen(s.sums)
	}
	switch {
	case a.Stage == StageUnjudged:
		s.silent++
	case a.Judge != "":
		s.silent = 0
	}
	if s.silent >= mostSilent {
		return fmt.Errorf("%w: %d in a row, the last: %s", ErrSilent, s.silent, a.Reason)
	}
	return nil
}

// lose records what an attempt cost that came to nothing: a limit of cost holds for it too.
func (s *sampling) lose(p *progress, a Attempt) error {
	if a.CostUSD == 0 {
		return nil
	}
	a.Outcome = Unfinished
	p.add(a)
	s.m.cost.Add(a.CostUSD)
	return s.journal.Append(a)
}

// try samples a decision and has it checked. An error says that somebody could not be asked;
// what that has cost is in the attempt all the same.
func (s *sampling) try(ctx context.Context, p *progress) (Attempt, error) {
	q, n := p.query, len(p.attempts)+1
	t := p.teacher(s.parts.Teachers, s.cfg.Attempts)
	a := Attempt{Query: q.ID, Attempt: n, Seed: seedOf(s.cfg.Seed, q.ID, n), Teacher: t.ID()}
	var sample Sample
	err := s.again(ctx, "teacher", func() (err error) {
		sample, err = t.Sample(ctx, Ask{q, n, a.Seed})
		a.CostUSD = cents(a.CostUSD + sample.CostUSD)
		if errors.Is(err, ErrInvalid) {
			a.reject(StageTeacher, t.ID(), err)
			return nil
		}
		return err
	})
	if err != nil {
		return a, fmt.Errorf("teacher %s: %w", t.ID(), err)
	}
	a.Model, a.Temperature, a.Prompt, a.Tokens = sample.Model, sample.Temperature, sample.Prompt, sample.Tokens
	if a.Outcome == Rejected {
		return a, nil
	}
	d, err := s.decision(sample)
	if err != nil {
		a.reject(StageTeacher, t.ID(), err)
		return a, nil
	}
	a.Route, a.Decision = d.Route, d.Text
	return s.check(ctx, p, d, a)
}

// decision writes a sample as the small router must.
func (s *sampling) decision(sample Sample) (Decision, error) {
	text, err := s.parts.Form.Answer(sample.Route, sample.Params)
	return Decision{sample.Route, sample.Params, text}, err
}

// check sends a decision through the gates and to the judge. One that was seen before is not
// asked about again.
func (s *sampling) check(ctx context.Context, p *progress, d Decision, a Attempt) (Attempt, error) {
	if before := p.earlier(d.Text); before != nil {
		a.Outcome, a.Reason = Repeated, fmt.Sprintf("the decision of attempt %d, which was %s", before.Attempt, before.Outcome)
		return a, nil
	}
	for _, g := range s.parts.Gates {
		if err := g.Check(p.query, d); err != nil {
			a.reject(StageGate, g.Name, err)
			return a, nil
		}
		a.Gates = append(a.Gates, g.Name)
	}
	var v Verdict
	err := s.again(ctx, "judge", func() (err error) {
		v, err = s.parts.Judge.Judge(ctx, p.query, d)
		a.CostUSD = cents(a.CostUSD + v.CostUSD)
		return err
	})
	if err != nil {
		return a, fmt.Errorf("judge %s: %w", s.parts.Judge.ID(), err)
	}
	a.Judge, a.JudgePrompt, a.JudgeTokens, a.Reason = s.parts.Judge.ID(), v.Prompt, v.Tokens, v.Reason
	a.Outcome = Accepted
	if !v.Pass {
		a.Outcome, a.Stage, a.By = Rejected, StageJudge, s.parts.Judge.ID()
	}
	if v.None {
		a.Stage = StageUnjudged
	}
	return a, nil
}

func (a *Attempt) reject(stage Stage, by string, why error) {
	a.Outcome, a.Stage, a.By, a.Reason = Rejected, stage, by, why.Error()
}

// again asks a teacher or judge until it answers; see [Retry].
func (s *sampling) again(ctx context.Context, who string, ask func() error) error {
	return s.cfg.Retry.do(ctx, s.hurry, ask, func() { s.m.retries.WithLabelValues(who).Inc() })
}
