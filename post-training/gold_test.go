package posttraining_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/evaluation/frames"
	"github.com/parallel-fusion/pfr/evaluation/testset"
	posttraining "github.com/parallel-fusion/pfr/post-training"
	"github.com/parallel-fusion/pfr/schemas"
)

func TestGold(t *testing.T) {
	gold := posttraining.Gold{Manifest: music(t)}
	for name, c := range map[string]struct {
		gold  []testset.Gold
		route string // "": no answer
		want  schemas.Params
	}{
		"nothing noted":   {},
		"routes alone":    {gold: []testset.Gold{{Route: "search"}}},
		"no such route":   {gold: []testset.Gold{{Route: "weather", Params: map[string]frames.Allowed{}}}},
		"first value":     {[]testset.Gold{{Route: "similar_artists", Params: map[string]frames.Allowed{"artist": {"Low", "low"}, "genre": {"", "rock"}}}}, "similar_artists", schemas.Params{"artist": "Low"}},
		"numbers, lists":  {[]testset.Gold{{Route: "new_releases", Params: map[string]frames.Allowed{"max_weeks_from_release": {4.0}, "entity_types": {[]any{"track", "album"}}}}}, "new_releases", schemas.Params{"max_weeks_from_release": 4, "entity_types": []string{"track", "album"}}},
		"second is noted": {[]testset.Gold{{Route: "search"}, {Route: "out_of_scope", Params: map[string]frames.Allowed{}}}, "out_of_scope", schemas.Params{}},
	} {
		q := posttraining.Query{Gold: c.gold}
		s, err := gold.Sample(t.Context(), posttraining.Ask{Query: q})
		if c.route == "" {
			if !errors.Is(err, posttraining.ErrInvalid) {
				t.Errorf("%s: %+v, %v", name, s, err)
			}
			continue
		}
		if err != nil || !gold.Answers(q) || s.Route != c.route || !maps.EqualFunc(s.Params, c.want, func(a, b any) bool { return fmt.Sprintf("%T%v", a, a) == fmt.Sprintf("%T%v", b, b) }) {
			t.Errorf("%s: %s %v, %v; want %v", name, s.Route, s.Params, err, c.want)
		}
	}
}

// What people noted is the last thing that is tried, at queries that nothing passed for alone.
func TestGoldComesLast(t *testing.T) {
	s := readScript(t, `
? easy: artists like low
similar_artists {"artist":"low"}
? hard: songs for a rainy day
search {"text":"rainy"}
? unknown: play something
search {"text":"play"}
`)
	known := map[string]testset.Gold{
		"easy": {Route: "similar_artists", Params: map[string]frames.Allowed{"artist": {"low"}}},
		"hard": {Route: "personalized_recs", Params: map[string]frames.Allowed{"mood": {"melancholic"}}},
	}
	for i := range s.queries {
		s.queries[i].Gold = []testset.Gold{{Route: "out_of_scope"}} // nobody noted its parameters
		if g, ok := known[s.queries[i].ID]; ok {
			s.queries[i].Gold = []testset.Gold{g}
		}
	}
	p := parts(t, s)
	p.Teachers = append(p.Teachers, posttraining.Gold{Manifest: music(t)})
	p.Judge = posttraining.Labels{Manifest: music(t)}
	cfg := config(t.TempDir())
	stats, err := sample(t, cfg, p)
	if err != nil {
		t.Fatal(err)
	}
	results, err := posttraining.Read(cfg.Dir)
	if err != nil || stats.Resolved != 2 || stats.Hard != 1 || stats.Calls != 1+4+4 {
		t.Fatalf("%+v, %v", stats, err)
	}
	for id, want := range map[string]string{"easy": "oracle 1", "hard": "gold-1 4"} {
		for _, r := range results.Rows {
			if got := fmt.Sprint(r.Teacher, " ", r.Attempt); r.QueryID == id && got != want {
				t.Errorf("%s: %s, want %s", id, got, want)
			}
		}
	}
	if _, err := posttraining.Check(cfg.Dir); err != nil {
		t.Error(err)
	}
	two := config(t.TempDir())
	two.Keep = 2
	if stats, err := sample(t, two, p); err != nil || stats.Teachers["gold-1"].Calls != 1 {
		t.Errorf("gold is asked %d times, want once: where one decision passed it is not wanted: %v", stats.Teachers["gold-1"].Calls, err)
	}
	p.Teachers = p.Teachers[1:]
	if _, err := sample(t, config(t.TempDir()), p); err == nil || !strings.Contains(err.Error(), "a teacher that is asked first") {
		t.Errorf("gold alone: %v", err)
	}
}

// mute is a judge that gives no verdict.
type mute struct{}

func (mute) ID() string { return "mute" }

func (mute) Judge(context.Context, posttraining.Query, posttraining.Decision) (posttraining.Verdict, error) {
	return posttraining.Verdict{None: true, Reason: "prose"}, nil
}

// A judge that answers with nonsense for ever stops the run, long before every attempt at
// every query is used up, and nothing that it said counts against a decision.
func TestJudgeWithoutVerdicts(t *testing.T) {
	p := parts(t, manyQueries(t, 50))
	p.Judge = mute{}
	cfg := config(t.TempDir())
	stats, err := sample(t, cfg, p)
	if !errors.Is(err, posttraining.ErrSilent) || stats.Unjudged < 20 || stats.Calls > 25 || stats.ByJudge != 0 {
		t.Errorf("%d calls, %d without a verdict: %v", stats.Calls, stats.Unjudged, err)
	}
	results, err := posttraining.Read(cfg.Dir)
	if err != nil || len(results.Rejections) < 20 {
		t.Fatalf("%d rejections, %v", len(results.Rejections), err)
	}
	for _, f := range []posttraining.Format{posttraining.TRLUnpaired, posttraining.TRLPreference} {
		var b strings.Builder
		e := posttraining.Export{Format: f, Form: plainForm{"form-1"}, Selection: posttraining.DefaultSelection()}
		if n, err := e.Write(&b, results); err != nil || n != 0 {
			t.Errorf("%s: %d lines of decisions that nobody judged, %v", f, n, err)
		}
	}
}
