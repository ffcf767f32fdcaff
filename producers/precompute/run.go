package precompute

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// run is one run of a [Batch]. Only the goroutine that began it changes it, but for answered.
type run struct {
	*Batch
	demand  Demand
	todo    []Query
	covered map[string]bool // texts with a current entry
	gained  float64         // weight of what this run has published
	budget  budget
	report  Report

	answered atomic.Int64 // when the tier was last seen to work, in Unix nanoseconds
}

// result is what came of one query.
type result struct {
	query    Query
	decision schemas.Decision
	asked    bool   // the tier had an answer, good or bad
	refused  string // why it is not published
	err      error
	fatal    bool // the topic takes nothing, or the journal: there is no use in going on
}

// Run takes the heaviest queries through the tier and publishes what passes the gate. The
// report is valid with an error too. A run that is interrupted, or has spent what it may,
// finishes what is in hand and returns nil: Report.Stopped says so. An error wraps ErrBusy
// when the tier could not be asked for too long.
func (b *Batch) Run(ctx context.Context, demand Demand) (Report, error) {
	began := time.Now()
	r := &run{Batch: b, demand: demand, covered: map[string]bool{}, budget: budget{limit: b.cfg.MaxUSD}}
	r.report = Report{Tier: b.cfg.Tier, Versions: b.ports.Router.Versions(), DryRun: b.cfg.DryRun}
	entries, err := b.ports.Store.Entries(ctx)
	if err != nil {
		return r.report, fmt.Errorf("read entries: %w", err)
	}
	if !b.cfg.KeepStale {
		if r.report.Withdrawn, err = b.withdraw(ctx, entries); err != nil {
			return r.report, err
		}
	}
	r.plan(entries, began)
	if b.cfg.DryRun {
		r.report.Left = len(r.todo)
		for _, q := range r.todo {
			r.covered[q.Text] = true
		}
	} else {
		err = r.decide(ctx)
	}
	r.finish(began)
	return r.report, err
}

// plan finds out what is to be done.
func (r *run) plan(entries []Entry, now time.Time) {
	versions, served := r.report.Versions, map[string]bool{}
	for _, e := range entries {
		if e.State(versions, now) == Current {
			r.covered[e.Query] = true
			served[e.Query] = e.serves(versions, r.cfg.Tier, now)
		}
	}
	r.demand = r.demand.sorted()
	take := r.demand.taken(r.cfg.Top)
	r.report.Queries = len(take)
	circumstances := r.circumstances()
	for _, q := range take {
		switch {
		case served[q.Text]:
			r.report.Skipped++
		case r.ports.Journal != nil && r.ports.Journal.Refused(circumstances, q.Text) != "":
			r.report.RefusedBefore++
		default:
			r.todo = append(r.todo, q)
		}
	}
}

// decide works off what is to be done, with as many queries in hand as the settings and
// the money that is left allow.
func (r *run) decide(ctx context.Context) error {
	results := make(chan result, r.cfg.Concurrency)
	next, inFlight := 0, 0
	var fatal error
	for {
		if ctx.Err() != nil && r.report.Stopped == "" && next < len(r.todo) {
			r.report.Stopped = StopInterrupted
		}
		for r.report.Stopped == "" && next < len(r.todo) && inFlight < r.cfg.Concurrency && r.budget.admits(inFlight) {
			q := r.todo[next]
			next, inFlight = next+1, inFlight+1
			go func() { results <- r.one(ctx, q) }()
		}
		if inFlight == 0 {
			break
		}
		got := <-results
		inFlight--
		fatal = errors.Join(fatal, r.settle(got))
	}
	if next < len(r.todo) && r.report.Stopped == "" {
		r.report.Stopped = StopSpent
	}
	r.report.Left += len(r.todo) - next
	return fatal
}

// settle books what came of a query, and returns an error that ends the run.
func (r *run) settle(got result) error {
	d := got.decision
	r.budget.settle(d.Cost, got.asked)
	r.report.spend(d)
	if got.asked {
		r.report.Routed++
	}
	switch {
	case got.fatal:
		r.report.Stopped = StopStore
		r.report.Left++
		return got.err
	case errors.Is(got.err, ErrBusy):
		r.report.Left++
		if r.report.Stopped == "" {
			r.report.Stopped = StopBusy
			return got.err
		}
	case errors.Is(got.err, errInterrupted):
		r.report.Stopped = StopInterrupted
		r.report.Left++
	case got.err != nil:
		r.report.Failures = append(r.report.Failures, Verdict{Query: got.query.Text, Reason: got.err.Error(), weight: got.query.Weight})
	case got.refused != "":
		r.report.Refusals = append(r.report.Refusals, Verdict{
			Query: got.query.Text, Route: d.Route, Confidence: d.Confidence, Reason: got.refused, weight: got.query.Weight,
		})
	default:
		r.report.Published++
		r.covered[got.query.Text] = true
		r.gained += got.query.Weight
	}
	return nil
}

var errInterrupted = errors.New("interrupted")

// one decides, judges and publishes one query. What was asked is finished when ctx ends:
// it may have been paid for.
func (r *run) one(ctx context.Context, q Query) result {
	got := result{query: q}
	got.decision, got.err = r.insist(ctx, q.Text)
	if got.err != nil {
		return got
	}
	got.asked = true
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.cfg.Timeout)
	defer cancel()
	d := got.decision
	d.Tiers, d.TookMS = nil, 0 // of this run, not of the queries that will find it
	p := r.ports.Router.Ahead(q.Text, d, r.cfg.TTL)
	if got.refused, got.err = r.judge(ctx, q.Text, p); got.err != nil {
		return got
	}
	if got.refused != "" {
		if r.ports.Journal != nil {
			got.err = r.ports.Journal.Refuse(r.circumstances(), q.Text, got.refused)
			got.fatal = got.err != nil
		}
		return got
	}
	if err := r.ports.Store.Publish(ctx, p); err != nil {
		got.err, got.fatal = fmt.Errorf("publish: %w", err), true
	}
	return got
}

// Waits between two attempts at a tier that is busy; see [Config.Patience].
const (
	waitMin = 100 * time.Millisecond
	waitMax = 10 * time.Second
)

// insist asks the tier until it has an answer or fails, or has answered nobody for too long.
func (r *run) insist(ctx context.Context, text string) (schemas.Decision, error) {
	r.answered.CompareAndSwap(0, time.Now().UnixNano())
	for wait := waitMin; ; wait = min(2*wait, waitMax) {
		d, err := r.ask(ctx, text)
		if !errors.Is(err, ErrBusy) {
			r.answered.Store(time.Now().UnixNano())
			return d, err
		}
		pause := wait/2 + rand.N(wait/2) // so that those who wait do not come back together
		if time.Now().Add(pause).Sub(time.Unix(0, r.answered.Load())) > r.cfg.Patience {
			return d, err
		}
		r.log.Debug("the tier is busy", "tier", r.cfg.Tier, "wait", pause)
		select {
		case <-ctx.Done():
			return schemas.Decision{}, errInterrupted
		case <-time.After(pause):
		}
	}
}

func (r *run) ask(ctx context.Context, text string) (schemas.Decision, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.cfg.Timeout)
	defer cancel()
	return r.ports.Router.Through(ctx, r.cfg.Tier, text)
}
