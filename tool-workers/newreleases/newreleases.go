// Package newreleases lists what an artist brought out, newest first.
package newreleases

import (
	"context"
	"slices"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
)

// Tool is new_releases.
type Tool struct{ c *catalog.Catalog }

// New returns the tool over the catalogue of f.
func New(f *taste.Finder) (*Tool, error) { return &Tool{f.Catalog()}, nil }

// Name implements [tools.Tool].
func (*Tool) Name() string { return "new_releases" }

// Run implements [tools.Tool]. It returns albums, EPs and singles, or the tracks of the
// newest releases when entity_types asks for tracks alone. With max_weeks_from_release it
// returns what is that new or still to come. For an artist that nobody knows it returns
// nothing.
func (t *Tool) Run(_ context.Context, req schemas.ToolRequest) (tools.Result, error) {
	artist, ok := t.c.ArtistIn(req.Params.Text("artist"))
	if !ok {
		return tools.Result{}, nil
	}
	types := req.Params.List("entity_types")
	albums, tracks := slices.Contains(types, string(catalog.TypeAlbum)), slices.Contains(types, string(catalog.TypeTrack))
	if !tracks {
		albums = true // there is nothing else to show
	}
	var items []schemas.Item
	for _, i := range t.releases(artist, types) {
		a := t.c.Album(int(i))
		if weeks := req.Params.Int("max_weeks_from_release"); weeks > 0 && !a.Released().Within(weeks, t.c.AsOf) && !a.Released().After(t.c.AsOf) {
			continue
		}
		if albums {
			items = append(items, t.item(a.Ref(), a))
		}
		if tracks {
			for _, track := range a.Tracks() {
				items = append(items, t.item(catalog.Ref{Type: catalog.TypeTrack, Index: int(track)}, a))
			}
		}
	}
	items = items[:min(len(items), req.Limit)]
	for i := range items { // the order is the score
		items[i].Score = 1 / float64(i+1)
	}
	return tools.Result{Items: items}, nil
}

// releases returns the releases of an artist, newest first. Who asks for albums gets no
// singles, unless there is nothing else.
func (t *Tool) releases(artist catalog.Artist, types []string) []uint32 {
	all := artist.Albums()
	if !slices.Equal(types, []string{string(catalog.TypeAlbum)}) {
		return all
	}
	longer := slices.DeleteFunc(slices.Clone(all), func(i uint32) bool { return t.c.Album(int(i)).Kind() == catalog.KindSingle })
	if len(longer) == 0 {
		return all
	}
	return longer
}

func (t *Tool) item(r catalog.Ref, a catalog.Album) schemas.Item {
	item := t.c.Item(r)
	item.Why = a.Released().Ago(t.c.AsOf)
	return item
}
