package experiments

import (
	"cmp"
	"slices"
	"time"

	"github.com/parallel-fusion/pfr/consumers/outcome"
	"github.com/parallel-fusion/pfr/evaluation/interleave"
)

// Comparison is of two tools, whose answers a section mixes.
type Comparison struct {
	Name    string `json:"name"`
	Route   string `json:"route"`
	Section string `json:"section"`
	Rival   string `json:"rival"` // tool of team b
}

// duel is what is known of a comparison. Its unit is the client, too: the searches of one
// are summed up before it is said which team won them.
type duel struct {
	Comparison
	since   time.Time
	credits map[outcome.Subject]interleave.Credit // none is of nothing
}

// ComparisonReadout is what is known of a comparison at a time.
type ComparisonReadout struct {
	Comparison
	AsOf       time.Time             `json:"as_of"`
	Since      time.Time             `json:"since,omitzero"` // searches until then are not in it: it was not followed
	Preference interleave.Preference `json:"preference"`     // of clients; above 0 for team a, the section's own tool
}

// Compare says which comparisons there are, as [Experiments.Follow] does for experiments.
func (e *Experiments) Compare(list []Comparison) {
	e.mu.Lock()
	defer e.mu.Unlock()
	old := e.duels
	e.duels = make(map[string]*duel, len(list))
	for _, c := range list {
		d, ok := old[c.Name]
		if !ok || d.Comparison != c {
			d = &duel{Comparison: c, since: e.latest, credits: map[outcome.Subject]interleave.Credit{}}
		}
		e.duels[c.Name] = d
	}
}

// credit puts right what an outcome says of comparisons at its client. Who is not known
// although the outcome was credited was erased, or came when there was no room.
func (e *Experiments) credit(change outcome.Change) {
	for name, d := range e.duels {
		before, after := d.creditOf(change.Before, name), d.creditOf(change.After, name)
		if before == after {
			continue
		}
		who := change.After.Client
		old, known := d.credits[who]
		if !known && (before != interleave.Credit{} || len(d.credits) >= e.cfg.Clients) {
			continue
		}
		sum := old.Plus(after).Plus(interleave.Credit{A: -before.A, B: -before.B})
		if sum == (interleave.Credit{}) {
			delete(d.credits, who)
		} else {
			d.credits[who] = sum
		}
	}
}

// creditOf returns what an outcome says of a comparison.
func (d *duel) creditOf(o *outcome.Outcome, name string) interleave.Credit {
	var sum interleave.Credit
	if o == nil || o.Client == 0 || o.Typed || !o.At.After(d.since) {
		return sum
	}
	for i := range o.Sections {
		if s := &o.Sections[i]; s.Comparison == name {
			sum = sum.Plus(interleave.Credit{A: int64(s.Credit.A), B: int64(s.Credit.B)})
		}
	}
	return sum
}

// Comparisons reads every comparison out, by name.
func (e *Experiments) Comparisons(now time.Time) []ComparisonReadout {
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []ComparisonReadout
	for _, d := range e.duels {
		r := ComparisonReadout{Comparison: d.Comparison, AsOf: now.UTC(), Since: d.since}
		var t interleave.Tally
		for _, c := range d.credits {
			t.Add(c)
		}
		r.Preference, _ = t.Preference() // no count that was only added to is negative
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b ComparisonReadout) int { return cmp.Compare(a.Name, b.Name) })
	return out
}
