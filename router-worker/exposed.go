package router

import (
	"slices"

	"github.com/parallel-fusion/pfr/schemas"
)

// exposed reports whether the arms of the experiment differ for this query: only then can
// they differ in what came of it. The answer is the same in every arm, or the arms would
// count different queries.
func (p *pass) exposed(d *schemas.Decision) bool {
	if len(p.arm.Rivals) == 0 {
		return false
	}
	first := p.way(p.arm.Rivals[0])
	if slices.ContainsFunc(p.arm.Rivals[1:], func(r Arm) bool { return p.way(r) != first }) {
		return true
	}
	return first != waySearch && p.routesDiffer(d)
}

// Ways of deciding; that of a language model is wayModel and its name.
const (
	waySearch      = "search"
	wayPrecomputed = "precomputed"
	wayStudent     = "student"
	wayModel       = "model:"
)

// way says what decides the query in an arm, on its first way through the tiers. It reads
// what is the same in every arm, such as the student's guess and the decision that was made
// ahead of time, and not the decision that is served: that may come from a cache.
func (p *pass) way(r Arm) string {
	if r.Ladder == RungSearch || p.q.Mode == schemas.PlainSearch {
		return waySearch
	}
	asker := p.askerOf(r)
	composes := p.canCompose(asker)
	if d, ok := p.ahead(); ok && !composes && !p.staleFor(d, asker) {
		return wayPrecomputed
	}
	if asker == nil {
		return wayStudent
	}
	guess := p.guess()
	_, known := p.manifest.Route(guess.Route)
	if !composes && known && r.offers(guess.Route) && guess.Confidence >= p.cfg.AskBelow {
		return wayStudent
	}
	return wayModel + r.Model
}

// routesDiffer reports whether an arm lacks a route that the query may have gone to and that
// another arm has.
func (p *pass) routesDiffer(d *schemas.Decision) bool {
	first := p.arm.Rivals[0]
	same := func(r Arm) bool { return slices.Equal(first.Without, r.Without) }
	if !slices.ContainsFunc(p.arm.Rivals, func(r Arm) bool { return !same(r) }) {
		return false
	}
	routes := slices.Concat(p.wanted, []string{d.Route, p.guess().Route})
	if d, ok := p.ahead(); ok {
		routes = append(routes, d.Route)
	}
	return slices.ContainsFunc(p.arm.Rivals, func(r Arm) bool {
		return slices.ContainsFunc(routes, func(name string) bool { return first.offers(name) != r.offers(name) })
	})
}

// ahead returns the decision that was made for the query ahead of time, whether or not the
// arm takes it.
func (p *pass) ahead() (schemas.Decision, bool) {
	if p.madeAhead == nil {
		d, ok := p.precomputed.get(RouteKey(p.q.Text, p.manifest.Version), p.began)
		p.madeAhead = &madeAhead{d, ok}
	}
	return p.madeAhead.decision, p.madeAhead.ok
}

type madeAhead struct {
	decision schemas.Decision
	ok       bool
}

// guess returns what the student says of the query. It is asked once.
func (p *pass) guess() Guess {
	if p.guessed == nil {
		g := p.student.Guess(p.q.Text)
		p.guessed = &g
	}
	return *p.guessed
}
