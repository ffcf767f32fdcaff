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
	first := p.arm.Rivals[0]
	return slices.ContainsFunc(p.arm.Rivals[1:], func(r Arm) bool {
		if first.Ladder == RungSearch || r.Ladder == RungSearch {
			return first.Ladder != r.Ladder
		}
		return first.model() != r.model() && p.needsModel(d) || p.routesDiffer(first, r, d)
	})
}

// routesDiffer reports whether one of two arms lacks a route that the query may have gone to.
func (p *pass) routesDiffer(a, b Arm, d *schemas.Decision) bool {
	if slices.Equal(a.Without, b.Without) {
		return false
	}
	routes := slices.Concat(p.wanted, []string{d.Route, p.student.Guess(p.q.Text).Route})
	return slices.ContainsFunc(routes, func(name string) bool { return a.offers(name) != b.offers(name) })
}

// model names the language model of an arm; none is not the default one.
func (a Arm) model() string {
	if a.Ladder == RungStudent || a.Ladder == RungSearch {
		return "none"
	}
	return "model:" + a.Model
}

// needsModel reports whether the query got a decision of a language model, or would have
// got one where there is one. It looks at what is the same in every arm, not at who was
// asked: a decision may come from a cache.
func (p *pass) needsModel(d *schemas.Decision) bool {
	return d.PromptVersion != "" || d.Confidence < p.cfg.AskBelow || p.q.Mode == schemas.PostFusion
}
