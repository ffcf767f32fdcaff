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

// A decision made ahead of time by the language model of one arm is taken by that arm and by
// those without a model, and not by an arm of another model: the arms differ, although the
// student is sure.
func TestArmsAgreeOnWhoIsExposedByWhatWasMadeAhead(t *testing.T) {
	p1, p2, student := router.Arm{Name: "p1", Model: "p1"}, router.Arm{Name: "p2", Model: "p2"}, router.Arm{Name: "student", Ladder: router.RungStudent}
	trimmed := router.Arm{Name: "trimmed", Model: "p1", Without: []string{"new_releases"}}
	for name, c := range map[string]struct {
		arms   []router.Arm
		sure   float64
		by     string // version of the model that made the decision; "" is the student
		answer router.Answer
		want   bool
	}{
		"two models, the student sure":         {[]router.Arm{p1, p2}, .99, "llm-1", newReleases, true},
		"two models, it hesitates":             {[]router.Arm{p1, p2}, .4, "llm-1", newReleases, true},
		"three arms":                           {[]router.Arm{p1, p2, student}, .99, "llm-1", newReleases, true},
		"a model and the student take it":      {[]router.Arm{p1, student}, .99, "llm-1", newReleases, false},
		"also where it hesitates":              {[]router.Arm{p1, student}, .4, "llm-1", newReleases, false},
		"the other model and the student":      {[]router.Arm{p2, student}, .99, "llm-1", newReleases, true},
		"of a model that no arm has, sure":     {[]router.Arm{p1, p2}, .99, "llm-0", newReleases, false},
		"of a model that no arm has, not sure": {[]router.Arm{p1, p2}, .4, "llm-0", newReleases, true},
		"of the student":                       {[]router.Arm{p1, p2, student}, .99, "", newReleases, false},
		"one arm lacks its route":              {[]router.Arm{p1, trimmed}, .99, "llm-1", newReleases, true},
	} {
		t.Run(name, func(t *testing.T) {
			arms := slices.Clone(c.arms)
			for i := range arms {
				arms[i].Rivals = c.arms
			}
			one, two := answering(c.answer, nil), answering(c.answer, nil)
			one.version, two.version = "1", "2"
			r := withPorts(t, music(t), router.Ports{
				Student: hesitant("search", c.sure), Models: map[string]router.Asker{"p1": one, "p2": two}, Rollout: byName{arms},
			})
			q := query("anything new from pulp")
			made := cascade(t, hesitant("search", c.sure), one, nil)
			if c.by != "" {
				made = cascade(t, hesitant("search", .4), one, nil)
			}
			d := made.Decide(t.Context(), q)
			if c.by != "" {
				d.PromptVersion = c.by
			}
			r.Precompute(router.Ahead(q.Text, d, time.Now(), time.Hour))
			for range 2 { // the second time from the cache
				for _, arm := range arms {
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
