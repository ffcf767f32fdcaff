package router

import (
	"slices"

	"github.com/parallel-fusion/pfr/schemas"
)

// withRivals returns a decision in which sections that are compared name the rival of their
// tool. What would move items of such a section around stays away from it: the order must be
// that of the draft. The decision it is made from, which may be in a cache, does not change.
func (a Arm) withRivals(d schemas.Decision) schemas.Decision {
	owned := false
	for _, duel := range a.Duels {
		i := slices.IndexFunc(d.Calls, func(c schemas.Call) bool { return c.Section == duel.Section })
		if d.Route != duel.Route || i < 0 || d.Calls[i].Tool == duel.Tool || d.Calls[i].Rival != nil {
			continue
		}
		if !owned {
			d.Calls, owned = slices.Clone(d.Calls), true
		}
		c := &d.Calls[i]
		c.Rival = &schemas.Rival{Tool: duel.Tool, Comparison: duel.Name}
		c.PerArtist, c.Diversity = 0, 0
		d.Refine = nil
	}
	return d
}

// compares reports whether a decision is of a comparison, and so of one client's lot.
func compares(d *schemas.Decision) bool {
	return slices.ContainsFunc(d.Calls, func(c schemas.Call) bool { return c.Rival != nil })
}
