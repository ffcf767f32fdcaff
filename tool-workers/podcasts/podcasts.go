// Package podcasts finds shows by topic, audience and language, and their episodes.
package podcasts

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
)

// Params are the parameters of podcast_search.
type Params struct {
	Text        string   `param:"text" doc:"words to look for, or the title of a podcast"`
	Show        string   `param:"show" doc:"the podcast that is named"`
	Topic       string   `param:"topic" doc:"what it is about"`
	Audience    string   `param:"audience" doc:"whom it is for, such as beginners, kids or spanish speakers"`
	Language    string   `param:"language" doc:"ISO 639-1 code, or the English name of the language"`
	EntityTypes []string `param:"entity_types" doc:"show, episode or both; when left out the episodes of a podcast that is named, and else podcasts" enum:"track,album,artist,playlist,show,episode"`
	Weeks       int      `param:"max_weeks_from_release" doc:"only episodes that are at most so many weeks old, if there are any" min:"1" max:"520"`
}

// New returns podcast_search, which finds what f finds.
func New(f *taste.Finder) (tools.Tool, error) {
	return tools.Typed("podcast_search", tools.Spec{
		Version: "2.0.0", For: "podcasts by topic, audience, language or title, and their newest episodes",
		Example: tools.Example{
			Query:  "english lessons for spanish speakers podcast",
			Params: schemas.Params{"topic": "english learning", "audience": "spanish speakers", "entity_types": []string{"show"}},
		},
		Personal: true, CacheFor: 5 * time.Minute, Results: []schemas.ItemType{catalog.TypeShow, catalog.TypeEpisode},
	}, podcasts{f, f.Catalog()}.run)
}

type podcasts struct {
	finder *taste.Finder
	c      *catalog.Catalog
}

func (t podcasts) run(_ context.Context, call tools.Call[Params]) (tools.Result, error) {
	types := call.Params.EntityTypes
	shows, episodes := slices.Contains(types, string(catalog.TypeShow)), slices.Contains(types, string(catalog.TypeEpisode))
	if !shows && !episodes {
		episodes = call.Params.Show != ""
		shows = !episodes
	}
	var lists [][]taste.Pick
	if shows {
		lists = append(lists, t.shows(call, call.Limit))
	}
	if episodes {
		lists = append(lists, t.episodes(call))
	}
	picks := taste.TakeTurns(lists)
	return tools.Result{Items: t.finder.Items(picks[:min(len(picks), call.Limit)])}, nil
}

// shows returns the show that is named, or those that fit.
func (t podcasts) shows(call tools.Call[Params], limit int) []taste.Pick {
	p := call.Params
	if show, ok := t.named(p); ok {
		return []taste.Pick{{Ref: show.Ref(), Artist: -1, Score: 1}}
	}
	return t.finder.Shows(taste.ShowWish{
		Topic: p.Topic, Audience: p.Audience, Language: p.Language, Text: p.Text, Prefer: taste.Language(call.Locale),
	}, t.finder.Profile(call.User), limit)
}

func (t podcasts) named(p Params) (catalog.Show, bool) {
	if p.Show != "" {
		return t.c.ShowIn(p.Show)
	}
	return t.c.FindShow(p.Text)
}

// Bounds on where episodes come from when no show is named.
const (
	showsWithEpisodes = 24
	perShow           = 2
)

// episodes returns episodes newest first: all of a show that is named, or a few of each
// that fits, and the newest of all about the topic. Those in another language than the one
// that is wished for come only when there are no others, and say so.
func (t podcasts) episodes(call tools.Call[Params]) []taste.Pick {
	p := call.Params
	if show, ok := t.named(p); ok {
		return t.ranked(t.window(p.Weeks, t.of(show, len(show.Episodes()), "")))
	}
	var all []taste.Pick
	language := t.finder.Wish(taste.WishParams{Language: p.Language}).Language
	for _, show := range t.spoken(t.shows(call, showsWithEpisodes), language) {
		all = append(all, t.of(show, perShow, p.Topic)...)
	}
	have := map[int]bool{}
	for _, pick := range all {
		have[pick.Ref.Index] = true
	}
	for _, e := range t.finder.EpisodesAbout(taste.ShowWish{Topic: p.Topic, Language: p.Language}, call.Limit) {
		if !have[e.Index()] {
			all = append(all, t.pick(e))
		}
	}
	all = t.ranked(t.window(p.Weeks, all))
	for i, pick := range all {
		if spoken := t.c.Episode(pick.Ref.Index).Show().Language(); language != "" && spoken != language {
			all[i].Why = taste.Join(taste.InAnother(spoken, language), "; ", pick.Why)
		}
	}
	return all
}

// spoken keeps the shows in a language. When there are none it keeps all.
func (t podcasts) spoken(picks []taste.Pick, language string) []catalog.Show {
	var all, in []catalog.Show
	for _, p := range picks {
		show := t.c.Show(p.Ref.Index)
		if all = append(all, show); show.Language() == language {
			in = append(in, show)
		}
	}
	if len(in) > 0 {
		return in
	}
	return all
}

// of returns the newest episodes of a show, at most so many. Of a show that is more about
// other things it returns those about the topic, if there are any.
func (t podcasts) of(show catalog.Show, most int, topic string) []taste.Pick {
	episodes := slices.DeleteFunc(slices.Clone(show.Episodes()), func(i uint32) bool { return !t.finder.About(topic, t.c.Episode(int(i)).Topic()) })
	if len(episodes) == 0 {
		episodes = show.Episodes()
	}
	var out []taste.Pick
	for _, i := range episodes[:min(most, len(episodes))] {
		out = append(out, t.pick(t.c.Episode(int(i))))
	}
	return out
}

func (t podcasts) pick(e catalog.Episode) taste.Pick {
	return taste.Pick{Ref: e.Ref(), Artist: -1, Why: e.Released().Ago(t.c.AsOf)}
}

// window keeps what is new enough. When nothing is, it keeps everything and says so.
func (t podcasts) window(weeks int, all []taste.Pick) []taste.Pick {
	if weeks == 0 {
		return all
	}
	fresh := slices.DeleteFunc(slices.Clone(all), func(p taste.Pick) bool { return !t.c.Episode(p.Ref.Index).Released().Within(weeks, t.c.AsOf) })
	if len(fresh) > 0 {
		return fresh
	}
	for i := range all {
		all[i].Why = taste.Join(all[i].Why, "; ", "there is nothing newer")
	}
	return all
}

// ranked sorts newest first; the order is the score.
func (t podcasts) ranked(all []taste.Pick) []taste.Pick {
	slices.SortStableFunc(all, func(a, b taste.Pick) int {
		return cmp.Compare(t.c.Episode(b.Ref.Index).Released(), t.c.Episode(a.Ref.Index).Released())
	})
	for i := range all {
		all[i].Score = 1 / float64(i+1)
	}
	return all
}
