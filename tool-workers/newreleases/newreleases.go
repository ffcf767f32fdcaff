// Package newreleases lists what an artist brought out, or what came out in a genre, the
// newest first. What is announced stands before what is out.
package newreleases

import (
	"context"
	"slices"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
)

// Params are the parameters of new_releases.
type Params struct {
	Artist      string   `param:"artist" doc:"whose releases; the name may stand in a longer text"`
	Genre       string   `param:"genre" doc:"releases of this genre and what is below it, where no artist is known"`
	EntityTypes []string `param:"entity_types" doc:"albums and EPs alone for album, tracks of the newest releases for track; all releases when left out" enum:"track,album,artist,playlist,show,episode"`
	Weeks       int      `param:"max_weeks_from_release" doc:"only what came out at most so many weeks ago, or is still to come" min:"1" max:"520"`
}

// New returns new_releases over the catalogue of f.
func New(f *taste.Finder) (tools.Tool, error) {
	return tools.Typed("new_releases", tools.Spec{
		Version: "2.0.0", For: "the newest and the announced releases of an artist or a genre",
		Example:  tools.Example{Query: "latest albums by lady gaga", Params: schemas.Params{"artist": "Lady Gaga", "entity_types": []string{"album"}}},
		CacheFor: 10 * time.Minute, Results: []schemas.ItemType{catalog.TypeAlbum, catalog.TypeTrack},
	}, releases{f, f.Catalog()}.run)
}

type releases struct {
	finder *taste.Finder
	c      *catalog.Catalog
}

// run returns nothing for an artist that nobody knows, unless a genre is given.
func (r releases) run(_ context.Context, call tools.Call[Params]) (tools.Result, error) {
	p := call.Params
	var items []schemas.Item
	if artist, ok := r.c.ArtistIn(p.Artist); ok {
		items = r.of(r.wanted(artist.Albums(), p), p, call.Limit)
	} else if p.Genre != "" {
		weeks := p.Weeks
		if weeks == 0 {
			weeks = defaultWeeks
		}
		items = r.of(r.wanted(r.finder.Releases(p.Genre, weeks, maxReleases), p), p, call.Limit)
	}
	for i := range items { // the order is the score
		items[i].Score = taste.Round(1 / float64(i+1))
	}
	return tools.Result{Items: items}, nil
}

// What is new in a genre when nothing is said, and how many releases are looked at.
const (
	defaultWeeks = 26
	maxReleases  = 400
)

// of returns releases, or their tracks, in the order given.
func (r releases) of(albums []uint32, p Params, limit int) []schemas.Item {
	tracks := slices.Contains(p.EntityTypes, string(catalog.TypeTrack))
	whole := !tracks || slices.Contains(p.EntityTypes, string(catalog.TypeAlbum))
	var items []schemas.Item
	for _, i := range albums {
		a := r.c.Album(int(i))
		if whole {
			items = append(items, r.item(a.Ref(), a))
		}
		if tracks {
			for _, t := range a.Tracks() {
				items = append(items, r.item(r.c.Track(int(t)).Ref(), a))
			}
		}
		if len(items) >= limit {
			return items[:limit]
		}
	}
	return items
}

// wanted keeps what is new enough or still to come. Who asks for albums gets no singles,
// unless there is nothing else.
func (r releases) wanted(all []uint32, p Params) []uint32 {
	fresh := slices.DeleteFunc(slices.Clone(all), func(i uint32) bool {
		released := r.c.Album(int(i)).Released()
		return p.Weeks > 0 && !released.Within(p.Weeks, r.c.AsOf) && !released.After(r.c.AsOf)
	})
	if !slices.Equal(p.EntityTypes, []string{string(catalog.TypeAlbum)}) {
		return fresh
	}
	longer := slices.DeleteFunc(slices.Clone(fresh), func(i uint32) bool { return r.c.Album(int(i)).Kind() == catalog.KindSingle })
	if len(longer) == 0 {
		return fresh
	}
	return longer
}

func (r releases) item(ref catalog.Ref, a catalog.Album) schemas.Item {
	item := r.c.Item(ref)
	item.Why = a.Released().Ago(r.c.AsOf)
	return item
}
