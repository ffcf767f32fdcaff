package fusion

import (
	"context"
	"slices"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// answer is what became of call i.
type answer struct {
	i        int
	resp     schemas.ToolResponse
	err      error
	took     time.Duration
	repeated bool // it is that of the repeat
}

// gathering is a page whose calls are out.
type gathering struct {
	d        *schemas.RouteDecision
	s        *schedule
	sections []schemas.Section // with all that was found; those that are open have no id
	answers  chan answer
	quiet    bool // nothing is sent ahead of the page
}

// gather asks every tool of the decision at once and returns a section for each call, in
// the order of the calls, with all that was found. It returns when all have answered, or
// when the page waits no longer. Answers that come later are counted.
func (a *Aggregator) gather(ctx context.Context, d *schemas.RouteDecision) []schemas.Section {
	return a.scatter(ctx, d, false)
}

func (a *Aggregator) scatter(ctx context.Context, d *schemas.RouteDecision, quiet bool) []schemas.Section {
	calls := d.Decision.Calls
	g := gathering{
		d: d, s: a.schedule(d, time.Now()), sections: make([]schemas.Section, len(calls)), answers: make(chan answer, len(calls)), quiet: quiet,
	}
	for i := range calls {
		a.late.Go(func() { g.answers <- a.call(ctx, d, i, g.s.limits[i]) })
	}
	deadline := time.NewTimer(time.Until(g.s.last()))
	defer deadline.Stop()
	for open := len(calls); open > 0; open-- {
		select {
		case ans := <-g.answers:
			a.land(ctx, &g, ans)
			deadline.Reset(time.Until(g.s.last()))
		case <-deadline.C:
			a.closeOpen(&g)
			a.late.Go(func() { a.countLate(g.answers, open, d) })
			return g.sections
		}
	}
	return g.sections
}

// land turns an answer into its section and sends it ahead of the page.
func (a *Aggregator) land(ctx context.Context, g *gathering, ans answer) {
	c := g.d.Decision.Calls[ans.i]
	s := section(c, ans)
	g.sections[ans.i] = s
	g.s.land(ans.i, s.Status, time.Now())
	a.m.section(c.Tool, s.Status, ans.took)
	if ans.err != nil {
		a.log.Debug("section has no answer", "tool", c.Tool, "status", s.Status, "correlation_id", g.d.Query.CorrelationID, "err", ans.err)
	}
	if !g.quiet {
		a.send(ctx, g.d, a.ahead(g, ans.i))
	}
}

// send sends a section ahead of its page.
func (a *Aggregator) send(ctx context.Context, d *schemas.RouteDecision, s schemas.Section) {
	a.ports.Feed.Send(ctx, schemas.Progress{
		SchemaVersion: schemas.Version, CorrelationID: d.Query.CorrelationID, Kind: schemas.ProgressSection, Section: &s,
	})
}

// ahead returns section i as the page would show it if nothing but what has landed above
// came. It is the one of the page, but for what refinement does, and for works that a
// section above it, which lands later, has too.
func (a *Aggregator) ahead(g *gathering, i int) schemas.Section {
	landed := slices.Clone(g.sections[:i+1])
	a.fuse(g.d, landed)
	return landed[i]
}

// closeOpen gives every section that is still open the status of a timeout.
func (a *Aggregator) closeOpen(g *gathering) {
	now := time.Now()
	for i, c := range g.d.Decision.Calls {
		if g.sections[i].ID == "" {
			took := now.Sub(g.s.start)
			g.sections[i] = section(c, answer{err: context.DeadlineExceeded, took: took})
			g.sections[i].Reason = g.s.missed(i, now)
			a.m.section(c.Tool, schemas.SectionTimeout, took)
		}
	}
}

// countLate waits for the answers that missed the page and counts the good ones.
func (a *Aggregator) countLate(answers <-chan answer, open int, d *schemas.RouteDecision) {
	for range open {
		if ans := <-answers; ans.err == nil {
			a.m.late.WithLabelValues(d.Decision.Calls[ans.i].Tool).Inc()
		}
	}
}
