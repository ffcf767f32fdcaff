package student

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	router "github.com/parallel-fusion/pfr/router-worker"
)

// Report says how often a model was right.
type Report struct {
	N         int
	Right     int
	Routes    []RouteReport // by name
	Macro     float64       // mean accuracy over the routes that occur
	ECE       float64       // expected calibration error, over ten bins of equal width
	Low, High float64       // Wilson's 95 % interval of the accuracy
	Risk      []RiskPoint   // ten, from the surest tenth to all
	Wrong     []Mistake
}

// RiskPoint is how often a model is right when it may keep silent on what it is least sure of.
type RiskPoint struct {
	Coverage   float64 // the share of queries that it answers, the surest
	Confidence float64 // the least among those
	Right      float64 // the share of those that are right
}

// RouteReport is the part of a [Report] for queries that one route suits best.
type RouteReport struct {
	Route    string
	N, Right int
}

// Mistake is a query whose guess was not among the right routes.
type Mistake struct {
	Query      string
	Want       []string
	Got        string
	Confidence float64
}

// Evaluate compares the guesses of m with what is right.
func Evaluate(m router.Model, examples []Example) Report {
	r := Report{N: len(examples)}
	byRoute := map[string]*RouteReport{}
	var bins [10]struct{ n, right, confidence float64 }
	var outcomes []outcome
	for _, e := range examples {
		g := m.Guess(e.Query)
		rr := byRoute[e.Routes[0]]
		if rr == nil {
			rr = &RouteReport{Route: e.Routes[0]}
			byRoute[e.Routes[0]] = rr
		}
		rr.N++
		bin := &bins[min(int(g.Confidence*10), 9)]
		bin.n++
		bin.confidence += g.Confidence
		outcomes = append(outcomes, outcome{g.Confidence, slices.Contains(e.Routes, g.Route)})
		if slices.Contains(e.Routes, g.Route) {
			r.Right++
			rr.Right++
			bin.right++
		} else {
			r.Wrong = append(r.Wrong, Mistake{e.Query, e.Routes, g.Route, g.Confidence})
		}
	}
	for _, b := range bins {
		if b.n > 0 {
			r.ECE += math.Abs(b.right-b.confidence) / float64(r.N)
		}
	}
	for _, rr := range byRoute {
		r.Routes = append(r.Routes, *rr)
		r.Macro += float64(rr.Right) / float64(rr.N) / float64(len(byRoute))
	}
	slices.SortFunc(r.Routes, func(a, b RouteReport) int { return strings.Compare(a.Route, b.Route) })
	r.Low, r.High = wilson(r.Right, r.N)
	r.Risk = risk(outcomes)
	return r
}

// outcome is one guess: how sure, and whether right.
type outcome struct {
	confidence float64
	right      bool
}

// risk returns the risk–coverage curve of outcomes, which it sorts.
func risk(outcomes []outcome) []RiskPoint {
	slices.SortStableFunc(outcomes, func(a, b outcome) int { return cmp.Compare(b.confidence, a.confidence) })
	var out []RiskPoint
	right := 0
	for i, o := range outcomes {
		if o.right {
			right++
		}
		if n := i + 1; n*10/len(outcomes) > i*10/len(outcomes) {
			out = append(out, RiskPoint{float64(n) / float64(len(outcomes)), o.confidence, float64(right) / float64(n)})
		}
	}
	return out
}

// wilson returns the 95 % interval of a share.
func wilson(right, n int) (low, high float64) {
	if n == 0 {
		return 0, 1
	}
	const z = 1.959964
	p, m := float64(right)/float64(n), float64(n)
	centre := (p + z*z/(2*m)) / (1 + z*z/m)
	half := z / (1 + z*z/m) * math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	return centre - half, centre + half
}

// String returns a few lines for people.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "n %d, accuracy %.3f (95 %% %.3f to %.3f), macro %.3f, ECE %.3f\n", r.N, float64(r.Right)/float64(max(r.N, 1)), r.Low, r.High, r.Macro, r.ECE)
	for _, rr := range r.Routes {
		fmt.Fprintf(&b, "  %-18s %3d of %3d\n", rr.Route, rr.Right, rr.N)
	}
	for _, p := range r.Risk {
		fmt.Fprintf(&b, "  surest %3.0f %%: confidence %.2f and more, accuracy %.3f\n", 100*p.Coverage, p.Confidence, p.Right)
	}
	return b.String()
}
