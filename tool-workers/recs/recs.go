// Package recs recommends by what is wished for: genre, mood, activity, era, language,
// age, an artist to start from, or the topic of a podcast.
//
// The order is for the listener: what a model expects of them, and what the user block says
// of their taste, moves entries up and down, and equals come in an order of their own. It
// does not show in the reasons.
package recs

import (
	"context"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
)

// Params are the parameters of personalized_recs.
type Params struct {
	taste.WishParams
	Topic       string   `param:"topic" doc:"what podcasts are about"`
	EntityTypes []string `param:"entity_types" doc:"kinds of result; tracks when left out, or podcasts where a topic is given" enum:"track,album,artist,playlist,show,episode"`
}

// New returns personalized_recs, which finds what f finds.
func New(f *taste.Finder) (tools.Tool, error) {
	return tools.Typed("personalized_recs", tools.Spec{
		Version: "2.0.0", For: "music by genre, mood, activity, era, language or artist, and podcasts by topic, in an order for the listener",
		Example:  tools.Example{Query: "new indie rock releases", Params: schemas.Params{"genre": "indie rock", "max_weeks_from_release": 4, "entity_types": []string{"track", "album"}}},
		Personal: true, CacheFor: time.Minute,
		Results: []schemas.ItemType{catalog.TypeTrack, catalog.TypeAlbum, catalog.TypeArtist, catalog.TypePlaylist, catalog.TypeShow},
	}, recommender{f}.run)
}

type recommender struct{ finder *taste.Finder }

// run lets types take turns.
func (r recommender) run(_ context.Context, call tools.Call[Params]) (tools.Result, error) {
	w, profile := r.finder.Wish(call.Params.WishParams), r.finder.Profile(call.User)
	types := wanted(call.Params)
	var lists [][]taste.Pick
	if types.music != nil {
		lists = append(lists, r.finder.Music(w, types.music, profile, call.Limit))
	}
	if types.playlists {
		lists = append(lists, r.finder.Playlists(w, "", call.Limit))
	}
	if types.shows {
		shows := taste.ShowWish{Topic: call.Params.Topic, Language: w.Language, Prefer: taste.Language(call.Locale)}
		lists = append(lists, r.finder.Shows(shows, profile, call.Limit))
	}
	picks := taste.TakeTurns(lists)
	return tools.Result{Items: r.finder.Items(picks[:min(len(picks), call.Limit)])}, nil
}

// kinds are the kinds of entries that a call wants, by who finds them.
type kinds struct {
	music            []schemas.ItemType
	playlists, shows bool
}

func wanted(p Params) kinds {
	var k kinds
	for _, name := range p.EntityTypes {
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
		if p.Topic != "" {
			k.shows = true
		} else {
			k.music = []schemas.ItemType{catalog.TypeTrack}
		}
	}
	return k
}
