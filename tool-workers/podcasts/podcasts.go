// Package podcasts finds shows by topic, audience and language, and their episodes.
package podcasts

import (
	"cmp"
	"context"
	"slices"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
)

// Tool is podcast_search.
type Tool struct{ finder *taste.Finder }

// New returns the tool, which finds what f finds.
func New(f *taste.Finder) (*Tool, error) { return &Tool{f}, nil }

// Name implements [tools.Tool].
func (*Tool) Name() string { return "podcast_search" }

// Run implements [tools.Tool]. With entity_types it returns shows or episodes, and else
// shows, or the episodes of the show that is named.
func (t *Tool) Run(_ context.Context, req schemas.ToolRequest) (tools.Result, error) {
	types := req.Params.List("entity_types")
	shows, episodes := slices.Contains(types, string(catalog.TypeShow)), slices.Contains(types, string(catalog.TypeEpisode))
	if !shows && !episodes {
		episodes = req.Params.Text("show") != ""
		shows = !episodes
	}
	if shows && !episodes {
		return tools.Result{Items: t.finder.Items(t.shows(req, req.Limit))}, nil
	}
	picks := t.episodes(req)
	if shows {
		picks = taste.TakeTurns([][]taste.Pick{t.shows(req, req.Limit), picks})
	}
	return tools.Result{Items: t.finder.Items(picks[:min(len(picks), req.Limit)])}, nil
}

// shows returns the show that is named, or those that fit.
func (t *Tool) shows(req schemas.ToolRequest, limit int) []taste.Pick {
	p := req.Params
	if show, ok := t.named(p); ok {
		return []taste.Pick{{Ref: show.Ref(), Artist: -1, Score: 1}}
	}
	return t.finder.Shows(taste.ShowWish{
		Topic: p.Text("topic"), Audience: p.Text("audience"), Language: p.Text("language"), Text: p.Text("text"),
		Prefer: taste.Language(req.Locale),
	}, t.finder.Profile(req.User), limit)
}

func (t *Tool) named(p schemas.Params) (catalog.Show, bool) {
	c := t.finder.Catalog()
	if name := p.Text("show"); name != "" {
		return c.ShowIn(name)
	}
	return c.FindShow(p.Text("text"))
}

// Bounds on where episodes come from when no show is named.
const (
	showsWithEpisodes = 24
	perShow           = 2
)

// episodes returns episodes newest first: all of a show that is named, or a few of each
// that fits.
func (t *Tool) episodes(req schemas.ToolRequest) []taste.Pick {
	show, isNamed := t.named(req.Params)
	if isNamed {
		return t.ranked(t.window(req, t.of(show, len(show.Episodes()), "")))
	}
	var all []taste.Pick
	for _, pick := range t.shows(req, showsWithEpisodes) {
		all = append(all, t.of(t.finder.Catalog().Show(pick.Ref.Index), perShow, req.Params.Text("topic"))...)
	}
	return t.ranked(t.window(req, all))
}

// of returns the newest episodes of a show, at most so many. Of a show that is more about
// other things it returns those about the topic, if there are any.
func (t *Tool) of(show catalog.Show, most int, topic string) []taste.Pick {
	c := t.finder.Catalog()
	episodes := slices.DeleteFunc(slices.Clone(show.Episodes()), func(i uint32) bool { return !t.finder.About(topic, c.Episode(int(i)).Topic()) })
	if len(episodes) == 0 {
		episodes = show.Episodes()
	}
	var out []taste.Pick
	for _, i := range episodes[:min(most, len(episodes))] {
		out = append(out, taste.Pick{
			Ref: catalog.Ref{Type: catalog.TypeEpisode, Index: int(i)}, Artist: -1, Why: c.Episode(int(i)).Released().Ago(c.AsOf),
		})
	}
	return out
}

// window keeps what is new enough. When nothing is, it keeps everything and says so.
func (t *Tool) window(req schemas.ToolRequest, all []taste.Pick) []taste.Pick {
	weeks, c := req.Params.Int("max_weeks_from_release"), t.finder.Catalog()
	if weeks == 0 {
		return all
	}
	var in []taste.Pick
	for _, p := range all {
		if c.Episode(p.Ref.Index).Released().Within(weeks, c.AsOf) {
			in = append(in, p)
		}
	}
	if len(in) > 0 {
		return in
	}
	for i := range all {
		all[i].Why += "; there is nothing newer"
	}
	return all
}

// ranked sorts newest first; the order is the score.
func (t *Tool) ranked(all []taste.Pick) []taste.Pick {
	c := t.finder.Catalog()
	slices.SortStableFunc(all, func(a, b taste.Pick) int {
		return cmp.Compare(c.Episode(b.Ref.Index).Released(), c.Episode(a.Ref.Index).Released())
	})
	for i := range all {
		all[i].Score = 1 / float64(i+1)
	}
	return all
}
