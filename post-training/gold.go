package posttraining

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/parallel-fusion/pfr/evaluation/testset"
	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

// Resort is a [Teacher] that takes no turns. It is asked once, at the last attempt at a query
// that nothing has passed for, if it has an answer.
type Resort interface {
	Teacher
	// Answers reports whether it has an answer for a query.
	Answers(q Query) bool
}

// Gold is a [Resort] that says what people have noted of a query, so that queries which
// are too hard for the other teachers are not lost to training. It answers where the
// parameters are noted too.
type Gold struct{ Manifest *routes.Manifest }

// ID implements [Teacher].
func (Gold) ID() string { return "gold-1" }

// Answers implements [Resort].
func (Gold) Answers(q Query) bool { return noted(q) != nil }

// Sample implements [Teacher]. Of the decisions with parameters it is the first, with the
// first value of each; "" is none.
func (g Gold) Sample(_ context.Context, a Ask) (Sample, error) {
	gold := noted(a.Query)
	if gold == nil {
		return Sample{}, fmt.Errorf("%w: nobody has noted the parameters", ErrInvalid)
	}
	route, ok := g.Manifest.Route(gold.Route)
	if !ok {
		return Sample{}, fmt.Errorf("%w: there is no route %s", ErrInvalid, gold.Route)
	}
	first := map[string]any{}
	for name, allowed := range gold.Params {
		if len(allowed) > 0 && allowed[0] != "" {
			first[name] = allowed[0]
		}
	}
	// Through JSON numbers and lists get the types of parameters, wherever the gold is from.
	raw, err := json.Marshal(first)
	var params schemas.Params
	if err == nil {
		err = json.Unmarshal(raw, &params)
	}
	if err != nil {
		return Sample{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return Sample{Route: gold.Route, Params: g.Manifest.Canonical(route, params)}, nil
}

// noted returns the first gold with parameters, or nil.
func noted(q Query) *testset.Gold {
	for i := range q.Gold {
		if q.Gold[i].Params != nil {
			return &q.Gold[i]
		}
	}
	return nil
}
