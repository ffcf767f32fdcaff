package podcasts_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/podcasts"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest/invented"
)

type world struct {
	*invented.World
	finder *taste.Finder
	tool   tools.Tool
}

// TestQuality judges the tool in a world that it was not tuned on.
func TestQuality(t *testing.T) {
	w := &world{World: invented.New(t, invented.Tracks, 0)}
	w.finder = w.Finder(t, taste.Nobody{})
	var err error
	if w.tool, err = podcasts.New(w.finder); err != nil {
		t.Fatal(err)
	}
	t.Run("Shows", w.shows)
	t.Run("Episodes", w.episodes)
	t.Run("EpisodesOfAShow", w.episodesOfAShow)
}

// wish draws what somebody may ask for, from what a show of the catalogue is.
func (w *world) wish(rng *rand.Rand) schemas.Params {
	s := w.Catalog.Show(rng.IntN(w.Catalog.Count(catalog.TypeShow)))
	p := schemas.Params{"topic": s.Topics()[rng.IntN(len(s.Topics()))]}
	if rng.IntN(2) == 0 {
		p["language"] = s.Language()
	}
	if rng.IntN(3) == 0 && s.Audience() != "general" {
		p["audience"] = s.Audience()
	}
	return p
}

func (w *world) about(topic string, of ...string) bool {
	tree := w.finder.Taxonomy().Topics
	return slices.ContainsFunc(of, func(o string) bool { _, in := tree.Distance(tree.Term(topic), tree.Term(o)); return in })
}

// shows measures precision at ten by aspect. Those of another language count as right only
// when the reason says which. Topic and language are promised, so there is no margin; an
// audience is only preferred: where few shows are made for it, the rest is for anybody.
//
// Measured: 452 shows came where an audience was asked for, at most 276 of which could be made
// for it; 273 are. The threshold leaves a margin of a tenth.
func (w *world) shows(t *testing.T) {
	const n = 400
	rng := rand.New(rand.NewPCG(6, 6))
	shows, owned, forThem, wanted, most := 0, 0, 0, 0, 0
	for range n {
		p := w.wish(rng)
		items := tooltest.Run(t, w.tool, tooltest.Call{Params: p}).Items
		for _, item := range items {
			shows++
			s := w.show(item)
			if topic, _ := p["topic"].(string); !w.about(topic, s.Topics()...) {
				t.Errorf("%v: %s is about %v", p, s.ID(), s.Topics())
			}
			owned += foreign(t, p, item, s)
		}
		if audience, asked := p["audience"].(string); asked {
			wanted += len(items)
			most += min(len(items), w.madeFor(p))
			forThem += len(items) - len(slices.DeleteFunc(items, func(i schemas.Item) bool { return w.show(i).Audience() == audience }))
		}
	}
	t.Logf("calls %d, shows %d: all about the topic, %d in another language and said so; for the audience %d of %d, of %d that there are",
		n, shows, owned, forThem, wanted, most)
	if float64(forThem) < 0.9*float64(most) || shows < 4*n {
		t.Error("too few are for the audience, or too few at all")
	}
}

func (w *world) show(item schemas.Item) catalog.Show {
	ref, _ := w.Catalog.Lookup(item.ID)
	return w.Catalog.Show(ref.Index)
}

// madeFor counts the shows that are all that is wished for.
func (w *world) madeFor(p schemas.Params) int {
	n := 0
	for s := range w.Catalog.Shows() {
		topic, _ := p["topic"].(string)
		language, _ := p["language"].(string)
		if s.Audience() == p["audience"] && w.about(topic, s.Topics()...) && (language == "" || s.Language() == language) {
			n++
		}
	}
	return n
}

// foreign returns 1 for a show, or an episode of one, in another language than the one that
// is wished for. Its reason has to say so.
func foreign(t *testing.T, p schemas.Params, item schemas.Item, s catalog.Show) int {
	t.Helper()
	language, _ := p["language"].(string)
	if language == "" || s.Language() == language {
		return 0
	}
	if !strings.HasPrefix(item.Why, "in "+taste.LanguageName(s.Language())+", not "+taste.LanguageName(language)) {
		t.Errorf("%v: %s is in %s: %q", p, item.ID, s.Language(), item.Why)
	}
	return 1
}

// episodes asks for episodes about a topic: newest first, in the language, or with a reason
// that says what they are.
func (w *world) episodes(t *testing.T) {
	const n = 400
	rng := rand.New(rand.NewPCG(7, 7))
	episodes, right, owned := 0, 0, 0
	for range n {
		p := w.wish(rng)
		p["entity_types"] = []string{"episode"}
		if rng.IntN(2) == 0 {
			p["max_weeks_from_release"] = 1 + rng.IntN(20)
		}
		last := catalog.Date(1<<32 - 1)
		for _, item := range tooltest.Run(t, w.tool, tooltest.Call{Params: p}).Items {
			episodes++
			ref, _ := w.Catalog.Lookup(item.ID)
			e := w.Catalog.Episode(ref.Index)
			if e.Released() > last {
				t.Errorf("%v: %s of %s comes after one of %s", p, e.ID(), e.Released(), last)
			}
			last = e.Released()
			if topic, _ := p["topic"].(string); w.about(topic, e.Topic()) {
				right++
			}
			owned += foreign(t, p, item, e.Show())
			if weeks, _ := p["max_weeks_from_release"].(int); weeks > 0 && !e.Released().Within(weeks, w.Catalog.AsOf) && !strings.Contains(item.Why, "nothing newer") {
				t.Errorf("%v: %s is of %s: %q", p, e.ID(), e.Released(), item.Why)
			}
		}
	}
	t.Logf("calls %d, episodes %d: newest first, %d in another language and said so; about the topic %.3f", n, episodes, owned, float64(right)/float64(episodes))
	if float64(right) < 0.95*float64(episodes) {
		t.Error("want 0.95 about the topic")
	}
}

// episodesOfAShow asks for the episodes of a show that is named: all of them, newest first.
func (w *world) episodesOfAShow(t *testing.T) {
	const n = 200
	rng := rand.New(rand.NewPCG(8, 8))
	shows, episodes := 0, 0
	for shows < n {
		s := w.Catalog.Show(rng.IntN(w.Catalog.Count(catalog.TypeShow)))
		if named, ok := w.Catalog.FindShow(s.Title()); !ok || named != s {
			continue // another is meant
		}
		shows++
		items := tooltest.Run(t, w.tool, tooltest.Call{Params: schemas.Params{"show": s.Title()}, Limit: 30}).Items
		if len(items) != min(30, len(s.Episodes())) {
			t.Errorf("%s: %d episodes of %d", s.ID(), len(items), len(s.Episodes()))
		}
		for i, item := range items {
			episodes++
			e := w.Catalog.Episode(int(s.Episodes()[i]))
			if item.ID != e.ID() || item.ReleaseDate != e.Released().String() {
				t.Errorf("%s: episode %d is %s of %s, want %s of %s", s.ID(), i, item.ID, item.ReleaseDate, e.ID(), e.Released())
			}
		}
	}
	t.Logf("shows %d, episodes %d: all there, newest first", shows, episodes)
}

// Episodes in another language come only where there are no others, and say so.
func TestEpisodesInAnotherLanguage(t *testing.T) {
	b := catalog.NewBuilder(time.Date(2025, time.June, 28, 0, 0, 0, 0, time.UTC))
	var errs []error
	for i, language := range []string{"en", "en", "de"} {
		key := fmt.Sprint("s", i)
		errs = append(errs,
			b.AddShow(catalog.ShowRow{Key: key, Title: "Stars " + key, Language: language, Topics: []string{"space"}}),
			b.AddEpisode(catalog.EpisodeRow{Key: key + "-1", Title: "One", Show: key, Topic: "space", Released: catalog.Day(time.Date(2025, time.June, 20-i, 0, 0, 0, 0, time.UTC))}))
	}
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	c, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	tool, err := podcasts.New(tooltest.Finder(t, c))
	if err != nil {
		t.Fatal(err)
	}
	for language, want := range map[string]string{
		"german": "episode:s2-1 released 10 days ago",
		"fr":     "episode:s0-1 in English, not French; released 8 days ago|episode:s1-1 in English, not French; released 9 days ago|episode:s2-1 in German, not French; released 10 days ago",
		"":       "episode:s0-1 released 8 days ago|episode:s1-1 released 9 days ago|episode:s2-1 released 10 days ago",
	} {
		var got []string
		p := schemas.Params{"topic": "space", "language": language, "entity_types": []string{"episode"}}
		for _, item := range tooltest.Run(t, tool, tooltest.Call{Params: p}).Items {
			got = append(got, item.ID+" "+item.Why)
		}
		if strings.Join(got, "|") != want {
			t.Errorf("%q: %q, want %q", language, got, want)
		}
	}
}
