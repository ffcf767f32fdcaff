// Package recs recommends by what is wished for: genre, mood, activity, era, language,
// age, an artist to start from, or the topic of a podcast.
//
// The order is for the listener: what the user block says of their taste moves entries up
// and down, and equals come in an order of their own. It does not show in the reasons.
package recs

import (
	"context"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
)

// Tool is personalized_recs.
type Tool struct{ finder *taste.Finder }

// New returns the tool, which finds what f finds.
func New(f *taste.Finder) (*Tool, error) { return &Tool{f}, nil }

// Name implements [tools.Tool].
func (*Tool) Name() string { return "personalized_recs" }

// Run implements [tools.Tool]. Without entity_types it returns tracks, and shows when a
// topic is asked for. Types take turns.
func (t *Tool) Run(_ context.Context, req schemas.ToolRequest) (tools.Result, error) {
	w, profile := t.finder.Wish(req.Params), t.finder.Profile(req.User)
	types := wanted(req.Params, w)
	var lists [][]taste.Pick
	if types.music != nil {
		lists = append(lists, t.finder.Music(w, types.music, profile, req.Limit))
	}
	if types.playlists {
		lists = append(lists, t.finder.Playlists(w, "", req.Limit))
	}
	if types.shows {
		shows := taste.ShowWish{Topic: w.Topic, Language: w.Language, Prefer: taste.Language(req.Locale)}
		lists = append(lists, t.finder.Shows(shows, profile, req.Limit))
	}
	picks := taste.TakeTurns(lists)
	return tools.Result{Items: t.finder.Items(picks[:min(len(picks), req.Limit)])}, nil
}

// kinds are the kinds of entries that a call wants, by who finds them.
type kinds struct {
	music            []schemas.ItemType
	playlists, shows bool
}

func wanted(p schemas.Params, w taste.Wish) kinds {
	var k kinds
	for _, name := range p.List("entity_types") {
		switch t := schemas.ItemType(name); t {
		case catalog.TypeTrack, catalog.TypeAlbum, catalog.TypeArtist:
			k.music = append(k.music, t)
		case catalog.TypePlaylist:
			k.playlists = true
		case catalog.TypeShow, catalog.TypeEpisode:
			k.shows = true
		}
	}
	if k.music == nil && !k.playlists && !k.shows {
		if w.Topic != "" {
			k.shows = true
		} else {
			k.music = []schemas.ItemType{catalog.TypeTrack}
		}
	}
	return k
}
