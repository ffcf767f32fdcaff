package router_test

import (
	"slices"
	"testing"
	"time"

	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/schemas"
)

// Every arm of an experiment must count the same queries, whatever it does with them and
// whether it has them in its cache.
func TestArmsAgreeOnWhoIsExposed(t *testing.T) {
	podcast := newReleases
	podcast.Route = "podcast_recs"
	podcast.Params = nil
	for name, c := range map[string]struct {
		arms    []router.Arm
		student router.Model
		llm     router.Answer
		want    bool
	}{
		"the same twice":                   {[]router.Arm{{Name: "a"}, {Name: "b"}}, hesitant("search", .4), newReleases, false},
		"another model, the student sure":  {[]router.Arm{{Name: "a"}, {Name: "b", Ladder: router.RungStudent}}, hesitant("search", .99), newReleases, false},
		"another model, it hesitates":      {[]router.Arm{{Name: "a"}, {Name: "b", Ladder: router.RungStudent}}, hesitant("search", .5), newReleases, true},
		"another model, it does not know":  {[]router.Arm{{Name: "a"}, {Name: "b", Ladder: router.RungStudent}}, hesitant("search", .1), newReleases, true},
		"plain search against the rest":    {[]router.Arm{{Name: "a"}, {Name: "b", Ladder: router.RungSearch}}, hesitant("search", .99), newReleases, true},
		"without a route nobody wants":     {[]router.Arm{{Name: "a"}, {Name: "b", Without: []string{"podcast_recs"}}}, hesitant("search", .99), newReleases, false},
		"without the student's route":      {[]router.Arm{{Name: "a"}, {Name: "b", Without: []string{"podcast_recs"}}}, hesitant("podcast_recs", .99), newReleases, true},
		"without the language model's one": {[]router.Arm{{Name: "a"}, {Name: "b", Without: []string{"podcast_recs"}}}, hesitant("search", .4), podcast, true},
	} {
		t.Run(name, func(t *testing.T) {
			arms := slices.Clone(c.arms)
			for i := range arms {
				arms[i].Rivals = c.arms
			}
			r := cascade(t, c.student, answering(c.llm, nil), byName{arms})
			for range 2 { // the second time from the cache
				for _, arm := range arms {
					q := query("anything new from pulp")
					q.ClientID = arm.Name
					if d := r.Decide(t.Context(), q); d.Exposed != c.want {
						t.Errorf("arm %s: exposed %v by %s, want %v", arm.Name, d.Exposed, steps(d), c.want)
					}
				}
			}
		})
	}
}

// byName assigns each client to the arm of its name.
type byName struct{ arms []router.Arm }

func (b byName) Assign(q schemas.PublicQuery) router.Arm {
	return b.arms[slices.IndexFunc(b.arms, func(a router.Arm) bool { return a.Name == q.ClientID })]
}
func (byName) Shadow(schemas.PublicQuery) (router.Arm, bool) { return router.Arm{}, false }

// A comparison changes the calls of its route alone, and nothing in a cache.
func TestDuelsNameTheRival(t *testing.T) {
	plain, compared := router.Arm{Name: "a"}, router.Arm{Name: "a", Duels: []router.Duel{
		{Name: "next", Route: "search", Section: "results", Tool: "search_next"},
		{Name: "other", Route: "podcast_recs", Section: "shows", Tool: "search_next"},
		{Name: "same", Route: "search", Section: "results", Tool: "search"},
	}}
	q := query("anything new from pulp")
	for _, arms := range [][]router.Arm{{plain, compared, plain}, {compared, plain, compared}} {
		assign := &oneByOne{arms: arms}
		r := cascade(t, hesitant("search", .99), nil, assign)
		for _, arm := range arms {
			d := r.Decide(t.Context(), q)
			rival := d.Calls[0].Rival
			if (rival != nil) != (arm.Duels != nil) || rival != nil && *rival != (schemas.Rival{Tool: "search_next", Comparison: "next"}) {
				t.Errorf("by %s: rival %+v, with %d duels", d.Source, rival, len(arm.Duels))
			}
		}
	}
	r := cascade(t, hesitant("search", .99), nil, &oneByOne{arms: []router.Arm{compared, compared}})
	rec := schemas.RouteDecision{Query: q, Decision: r.Decide(t.Context(), q), DecidedAt: time.Now()}
	if r.Warm(rec, time.Now()) {
		t.Error("the decision of a comparison warms the cache of everybody")
	}
}

// oneByOne assigns each query to the next arm.
type oneByOne struct {
	arms []router.Arm
	n    int
}

func (o *oneByOne) Assign(schemas.PublicQuery) router.Arm {
	o.n++
	return o.arms[(o.n-1)%len(o.arms)]
}
func (*oneByOne) Shadow(schemas.PublicQuery) (router.Arm, bool) { return router.Arm{}, false }
