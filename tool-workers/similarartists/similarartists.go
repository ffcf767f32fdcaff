// Package similarartists finds artists like one that is named.
package similarartists

import (
	"context"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
)

// Tool is similar_artists.
type Tool struct{ finder *taste.Finder }

// New returns the tool, which finds what f finds.
func New(f *taste.Finder) (*Tool, error) { return &Tool{f}, nil }

// Name implements [tools.Tool].
func (*Tool) Name() string { return "similar_artists" }

// Run implements [tools.Tool]. For an artist that the catalogue does not have it goes by
// who is likened to that name, then by the genre, and else returns nothing. It never
// returns the artist itself.
func (t *Tool) Run(_ context.Context, req schemas.ToolRequest) (tools.Result, error) {
	name := req.Params.Text("artist")
	near := t.finder.SimilarToName(name, req.Limit)
	if artist, ok := t.finder.Artist(name); ok {
		near = t.finder.Similar(artist, req.Limit)
	}
	if len(near) > 0 {
		return tools.Result{Items: t.items(near)}, nil
	}
	w := t.finder.Wish(schemas.Params{"genre": req.Params.Text("genre")})
	if w.Empty() {
		return tools.Result{}, nil
	}
	picks := t.finder.Music(w, []schemas.ItemType{catalog.TypeArtist}, t.finder.Profile(req.User), req.Limit)
	return tools.Result{Items: t.finder.Items(picks)}, nil
}

func (t *Tool) items(near []taste.Near) []schemas.Item {
	picks := make([]taste.Pick, len(near))
	for i, n := range near {
		picks[i] = taste.Pick{Ref: catalog.Ref{Type: catalog.TypeArtist, Index: n.Artist}, Artist: n.Artist, Score: n.Score, Why: n.Why}
	}
	return t.finder.Items(picks)
}
