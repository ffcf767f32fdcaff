package router_test

import (
	"slices"
	"testing"

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
