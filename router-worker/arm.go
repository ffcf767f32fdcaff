package router

import (
	"slices"

	"github.com/parallel-fusion/pfr/schemas"
)

// Rung is a step of the degradation ladder: the best tier that may be used.
type Rung string

// Rungs, best first.
const (
	RungLLM     Rung = "llm"     // everything
	RungStudent Rung = "student" // no language model
	RungSearch  Rung = "search"  // no model: every query takes the fallback route
)

// Arm says how the queries of one part of the traffic are decided. The zero value is the
// default arm with every tier.
type Arm struct {
	Name    string   // in decisions and cache keys; "" is the default arm
	Ladder  Rung     // "" is RungLLM
	Model   string   // which language model; "" is the default one
	Without []string // routes that are not offered
	// Rivals are all arms of an experiment. A decision says whether they differ for its query.
	Rivals []Arm
	Duels  []Duel // sections that mix the answers of two tools
}

// Duel compares two tools within a section, for queries of one route.
type Duel struct {
	Name    string
	Route   string
	Section string
	Tool    string // the rival of the section's tool
}

func (a Arm) offers(route string) bool { return !slices.Contains(a.Without, route) }

// Rollout assigns queries to arms. It is safe for concurrent use and may answer otherwise
// for the same query later.
type Rollout interface {
	// Assign returns the arm that decides for q.
	Assign(q schemas.PublicQuery) Arm
	// Shadow returns the candidate that is compared on q, if q is in the sample.
	Shadow(q schemas.PublicQuery) (Arm, bool)
}

// everyone is the roll-out of a router without one.
type everyone struct{}

func (everyone) Assign(schemas.PublicQuery) Arm         { return Arm{} }
func (everyone) Shadow(schemas.PublicQuery) (Arm, bool) { return Arm{}, false }
