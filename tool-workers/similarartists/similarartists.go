// Package similarartists finds artists like one that is named, and says what they have in
// common: listeners, a genre, or that people who know liken them.
package similarartists

import (
	"context"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
)

// Params are the parameters of similar_artists.
type Params struct {
	Artist string `param:"artist" doc:"the artist to start from"`
	Genre  string `param:"genre" doc:"for an artist that nobody knows: artists of this genre"`
}

// New returns similar_artists, which finds what f finds.
func New(f *taste.Finder) (tools.Tool, error) {
	return tools.Typed("similar_artists", tools.Spec{
		Version: "2.0.0", For: "artists like a named artist, with what they have in common",
		Example:  tools.Example{Query: "artists similar to khruangbin", Params: schemas.Params{"artist": "Khruangbin"}},
		CacheFor: time.Hour, Results: []schemas.ItemType{catalog.TypeArtist},
	}, similar{f}.run)
}

type similar struct{ finder *taste.Finder }

// run goes, for an artist that the catalogue does not have, by who is likened to that name,
// then by the genre, and else returns nothing. It never returns the artist itself.
func (s similar) run(_ context.Context, call tools.Call[Params]) (tools.Result, error) {
	name := call.Params.Artist
	var near []taste.Near
	if artist, ok := s.finder.Artist(name); ok {
		near = s.finder.Similar(artist, call.Limit)
	} else {
		near = s.finder.SimilarToName(name, call.Limit)
	}
	if len(near) > 0 {
		return tools.Result{Items: s.items(near)}, nil
	}
	w := s.finder.Wish(taste.WishParams{Genre: call.Params.Genre})
	if w.Empty() {
		return tools.Result{}, nil
	}
	picks := s.finder.Music(w, []schemas.ItemType{catalog.TypeArtist}, taste.Profile{}, call.Limit)
	return tools.Result{Items: s.finder.Items(picks)}, nil
}

func (s similar) items(near []taste.Near) []schemas.Item {
	picks := make([]taste.Pick, len(near))
	for i, n := range near {
		picks[i] = taste.Pick{Ref: catalog.Ref{Type: catalog.TypeArtist, Index: n.Artist}, Artist: n.Artist, Score: n.Score, Why: n.Why}
	}
	return s.finder.Items(picks)
}
