package judge

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Asked is a question to a judge: about the page Hash, or about it and the page Other.
type Asked struct {
	Judge string `json:"judge"`
	Case  string `json:"case"`
	Hash  string `json:"hash"`
	Other string `json:"other,omitempty"`
}

// Ask asks the question once and returns what that has cost, with an error too.
type Ask func(ctx context.Context) (costUSD float64, err error)

// Guard stands around every question to a judge.
type Guard interface {
	// Do calls ask, once, several times or not at all, and returns what that has cost.
	Do(ctx context.Context, q Asked, ask Ask) (costUSD float64, err error)
}

// Guarded is a judge with guards around it, the first the outermost.
type Guarded struct {
	judge  Absolute
	guards []Guard
}

// NewGuarded returns j behind guards.
func NewGuarded(j Absolute, guards ...Guard) *Guarded { return &Guarded{j, guards} }

// ID implements [Absolute].
func (g *Guarded) ID() string { return g.judge.ID() }

// Judge implements [Absolute].
func (g *Guarded) Judge(ctx context.Context, s Subject) (out Judgment, err error) {
	hash, err := s.Hash()
	if err != nil {
		return Judgment{}, err
	}
	cost, err := through(ctx, g.guards, Asked{Judge: g.ID(), Case: s.Case.ID, Hash: hash}, func(ctx context.Context) (float64, error) {
		var err error
		out, err = g.judge.Judge(ctx, s)
		return out.CostUSD, err
	})
	out.CostUSD = cost
	return out, err
}

// GuardedPairs is a [Pairwise] with guards around it, the first the outermost.
type GuardedPairs struct {
	judge  Pairwise
	guards []Guard
}

// NewGuardedPairs returns j behind guards.
func NewGuardedPairs(j Pairwise, guards ...Guard) *GuardedPairs { return &GuardedPairs{j, guards} }

// ID implements [Pairwise].
func (g *GuardedPairs) ID() string { return g.judge.ID() }

// Prefer implements [Pairwise].
func (g *GuardedPairs) Prefer(ctx context.Context, first, second Subject) (out Preference, err error) {
	a, err := first.Hash()
	if err != nil {
		return Preference{}, err
	}
	b, err := second.Hash()
	if err != nil {
		return Preference{}, err
	}
	cost, err := through(ctx, g.guards, Asked{Judge: g.ID(), Case: first.Case.ID, Hash: a, Other: b}, func(ctx context.Context) (float64, error) {
		var err error
		out, err = g.judge.Prefer(ctx, first, second)
		return out.CostUSD, err
	})
	out.CostUSD = cost
	return out, err
}

func through(ctx context.Context, guards []Guard, q Asked, ask Ask) (float64, error) {
	if len(guards) == 0 {
		return ask(ctx)
	}
	return guards[0].Do(ctx, q, func(ctx context.Context) (float64, error) { return through(ctx, guards[1:], q, ask) })
}

// Retry is a [Guard] that asks again after an error that may pass; see [PassingError].
type Retry struct {
	Attempts int           // at most, the first included
	First    time.Duration // the wait after the first attempt; each one after it is twice as long
	Longest  time.Duration // wait
}

// DefaultRetry returns settings for a server that is restarted now and then.
func DefaultRetry() Retry { return Retry{Attempts: 5, First: time.Second, Longest: 30 * time.Second} }

// Validate reports every problem at once.
func (r Retry) Validate() error {
	var errs []error
	if r.Attempts < 1 {
		errs = append(errs, fmt.Errorf("attempts %d: must be positive", r.Attempts))
	}
	if r.First <= 0 || r.Longest < r.First {
		errs = append(errs, errors.New("waits: the first must be positive, the longest no shorter than it"))
	}
	return errors.Join(errs...)
}

// Do implements [Guard]. Where the judge says how long it wants to be left alone it waits
// so long, but no longer than the longest wait. It returns when ctx ends.
func (r Retry) Do(ctx context.Context, _ Asked, ask Ask) (float64, error) {
	total := 0.0
	for n, wait := 1, r.First; ; n, wait = n+1, min(2*wait, r.Longest) {
		cost, err := ask(ctx)
		total += cost
		passing, ok := errors.AsType[*PassingError](err)
		if !ok || n >= r.Attempts {
			return total, err
		}
		timer := time.NewTimer(min(max(wait, passing.After), r.Longest))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return total, err
		}
	}
}

// SpentError says that an allowance is used up. Nothing was asked.
type SpentError struct {
	USD      float64 // spent, with what is expected of questions under way
	Calls    int     // made
	MaxUSD   float64
	MaxCalls int
}

func (e *SpentError) Error() string {
	limits := ""
	if e.MaxUSD > 0 {
		limits += fmt.Sprintf(" of $%.4f", e.MaxUSD)
	}
	text := fmt.Sprintf("the judge's allowance is used up: $%.4f%s were spent in %d calls", e.USD, limits, e.Calls)
	if e.MaxCalls > 0 {
		text += fmt.Sprintf(" of %d", e.MaxCalls)
	}
	return text + "; answers are kept, so the same command with a larger allowance goes on from here"
}

// Allowance is a [Guard] that bounds what judges may spend together. It is safe for
// concurrent use.
type Allowance struct {
	maxUSD   float64
	maxCalls int
	first    chan struct{} // is had by the one question under way while nobody knows what one costs

	mu      sync.Mutex // guards the rest
	spent   float64
	booked  float64 // for questions under way
	dearest float64 // question so far
	calls   int
}

// NewAllowance returns an allowance of so many US dollars and questions; 0 is no limit.
func NewAllowance(usd float64, calls int) *Allowance {
	return &Allowance{maxUSD: usd, maxCalls: calls, first: make(chan struct{}, 1)}
}

// Spent returns what was spent so far, in US dollars and questions.
func (a *Allowance) Spent() (usd float64, calls int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.spent, a.calls
}

// Do implements [Guard]. Each question is expected to cost what the dearest one has cost
// so far, so those under way exceed the limit by as much as they are dearer. Where money is
// limited one question alone is under way until it is known what one costs. A question that
// does not fit is a [SpentError].
func (a *Allowance) Do(ctx context.Context, _ Asked, ask Ask) (float64, error) {
	done, err := a.alone(ctx)
	if err != nil {
		return 0, err
	}
	defer done()
	booked, err := a.book()
	if err != nil {
		return 0, err
	}
	cost, err := ask(ctx)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.booked -= booked
	a.spent += cost
	a.dearest = max(a.dearest, cost)
	return cost, err
}

// alone waits while a question is under way and nobody knows what one costs. The caller calls
// done after its own.
func (a *Allowance) alone(ctx context.Context) (done func(), err error) {
	if !a.unknown() {
		return func() {}, nil
	}
	select {
	case a.first <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	done = func() { <-a.first }
	if !a.unknown() { // it was found out meanwhile
		done()
		return func() {}, nil
	}
	return done, nil
}

// unknown reports whether it matters what a question costs, and nobody knows.
func (a *Allowance) unknown() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.maxUSD > 0 && a.dearest == 0
}

func (a *Allowance) book() (float64, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.maxUSD > 0 && a.spent+a.booked+a.dearest > a.maxUSD || a.maxCalls > 0 && a.calls >= a.maxCalls {
		return 0, &SpentError{a.spent + a.booked, a.calls, a.maxUSD, a.maxCalls}
	}
	a.calls++
	a.booked += a.dearest
	return a.dearest, nil
}
