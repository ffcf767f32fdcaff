package posttraining

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/parallel-fusion/pfr/evaluation/testset"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

// Labels judges a decision by what is known of its query: the gold of people (see
// [testset.Case.Accepts]), and the names that were put into it, each of which must be the
// value of its parameter, or part of it. A query without gold gets no verdict: nobody knows.
type Labels struct {
	// Manifest says which routes take a name at all.
	Manifest *routes.Manifest
}

// ID implements [Judge].
func (Labels) ID() string { return "labels-1" }

// Judge implements [Judge].
func (l Labels) Judge(_ context.Context, q Query, d Decision) (Verdict, error) {
	if ok, reason := (testset.Case{Gold: q.Gold}).Accepts(d.Route, d.Params); !ok {
		return Verdict{None: len(q.Gold) == 0, Reason: reason}, nil
	}
	if parameter := l.missing(q, d); parameter != "" {
		return Verdict{Reason: "parameter " + parameter + " lacks the name that the query holds"}, nil
	}
	return Verdict{Pass: true, Reason: "route " + d.Route + " is one that people say suits"}, nil
}

// missing returns the parameter that lacks its name, or "".
func (l Labels) missing(q Query, d Decision) string {
	route, _ := l.Manifest.Route(d.Route) // one that is not there takes no parameter
	for _, n := range q.Names {
		at := slices.IndexFunc(n.Parameters, func(p string) bool { return slices.Contains(route.Parameters, p) })
		if at < 0 {
			continue
		}
		value := ""
		if v, there := d.Params[n.Parameters[at]]; there {
			value = plainWords(fmt.Sprint(v))
		}
		if !slices.ContainsFunc(n.Spellings, func(s string) bool { return strings.Contains(value, plainWords(s)) }) {
			return n.Parameters[at]
		}
	}
	return ""
}

// plainWords returns a text as texts are compared, with a space at both ends, so that only
// whole words are found in it.
func plainWords(text string) string { return " " + testset.Normalise(text) + " " }
