package student

import (
	"fmt"
	"slices"
	"strings"

	"github.com/parallel-fusion/pfr/evaluation/stats"
	router "github.com/parallel-fusion/pfr/router-worker"
)

// Report says how often a model was right.
type Report struct {
	N        int
	Right    int
	Routes   []RouteReport         // by name
	Macro    float64               // mean accuracy over the routes that occur
	ECE      float64               // expected calibration error
	Interval stats.Interval        // 95 %, of the accuracy
	Risk     []stats.CoveragePoint // of answering only what the model is surest of
	Wrong    []Mistake
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
	guesses := make([]stats.Prediction, 0, len(examples))
	for _, e := range examples {
		g := m.Guess(e.Query)
		rr := byRoute[e.Routes[0]]
		if rr == nil {
			rr = &RouteReport{Route: e.Routes[0]}
			byRoute[e.Routes[0]] = rr
		}
		rr.N++
		right := slices.Contains(e.Routes, g.Route)
		guesses = append(guesses, stats.Prediction{Confidence: g.Confidence, Right: right})
		if right {
			r.Right++
			rr.Right++
		} else {
			r.Wrong = append(r.Wrong, Mistake{e.Query, e.Routes, g.Route, g.Confidence})
		}
	}
	for _, rr := range byRoute {
		r.Routes = append(r.Routes, *rr)
		r.Macro += float64(rr.Right) / float64(rr.N) / float64(len(byRoute))
	}
	slices.SortFunc(r.Routes, func(a, b RouteReport) int { return strings.Compare(a.Route, b.Route) })
	r.ECE, _ = stats.ECE(guesses)
	r.Interval, r.Risk = stats.Wilson(r.Right, r.N), stats.RiskCoverage(guesses)
	return r
}

// String returns a few lines for people.
func (r Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "n %d, accuracy %.3f (95 %% %.3f to %.3f), macro %.3f, ECE %.3f\n", r.N, float64(r.Right)/float64(max(r.N, 1)), r.Interval.Low, r.Interval.High, r.Macro, r.ECE)
	for _, rr := range r.Routes {
		fmt.Fprintf(&b, "  %-18s %3d of %3d\n", rr.Route, rr.Right, rr.N)
	}
	for _, p := range r.Risk {
		fmt.Fprintf(&b, "  surest %3.0f %%: confidence %.2f and more, accuracy %.3f\n", 100*p.Coverage, p.Threshold, 1-p.Risk)
	}
	return b.String()
}
