package newreleases_test

import (
	"cmp"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/newreleases"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest/invented"
)

type world struct {
	*invented.World
	finder *taste.Finder
	tool   tools.Tool
	rng    *rand.Rand
}

// TestQuality judges the tool in a world that it was not tuned on. It lists facts, so there
// is no margin: everything must be right.
func TestQuality(t *testing.T) {
	w := &world{World: invented.New(t, invented.Tracks, 0), rng: rand.New(rand.NewPCG(3, 3))}
	w.finder = w.Finder(t, taste.Nobody{})
	var err error
	if w.tool, err = newreleases.New(w.finder); err != nil {
		t.Fatal(err)
	}
	t.Run("OfAnArtist", w.ofArtists)
	t.Run("OfAGenre", w.ofGenres)
}

// wanted draws the parameters beside artist and genre.
func (w *world) wanted() (weeks int, types []string, p schemas.Params) {
	p = schemas.Params{}
	if w.rng.IntN(2) == 0 {
		weeks = 1 + w.rng.IntN(60)
		p["max_weeks_from_release"] = weeks
	}
	if types = [][]string{nil, {"album"}, {"track"}, {"album", "track"}}[w.rng.IntN(4)]; types != nil {
		p["entity_types"] = types
	}
	return weeks, types, p
}

// expected lists the releases of an artist or a genre that a call is for, by going through
// all that there are.
func (w *world) expected(weeks int, types []string, of func(catalog.Album) bool) map[string]catalog.Album {
	var all, longer []catalog.Album
	for a := range w.Catalog.Albums() {
		d := a.Released()
		if !of(a) || weeks > 0 && !d.Within(weeks, w.Catalog.AsOf) && !d.After(w.Catalog.AsOf) {
			continue
		}
		all = append(all, a)
		if a.Kind() != catalog.KindSingle {
			longer = append(longer, a)
		}
	}
	if slices.Equal(types, []string{"album"}) && len(longer) > 0 {
		all = longer
	}
	out := map[string]catalog.Album{}
	for _, a := range all {
		out[a.ID()] = a
	}
	return out
}

func (w *world) ofArtists(t *testing.T) {
	const n = 400
	var coming []catalog.Artist
	for a := range w.Catalog.NewestAlbums() {
		if a.Released().After(w.Catalog.AsOf) {
			coming = append(coming, a.Artist())
		}
	}
	items, announced, calls := 0, 0, 0
	for calls < n {
		a := w.Catalog.Artist(w.rng.IntN(w.Catalog.Count(catalog.TypeArtist)))
		if len(coming) > 0 { // all who announce something, and then anybody
			a, coming = coming[0], coming[1:]
		}
		if named, ok := w.Catalog.Named(a.Name()); !ok || named != a {
			continue // another is meant
		}
		calls++
		weeks, types, p := w.wanted()
		p["artist"] = a.Name()
		want := w.expected(weeks, types, func(of catalog.Album) bool { return slices.Contains(a.Albums(), uint32(of.Index())) })
		got, coming := w.check(t, p, types, want)
		items, announced = items+got, announced+coming
	}
	t.Logf("calls %d, items %d, of them announced %d: all right", calls, items, announced)
	if items < 2*n || announced < 20 {
		t.Error("too few to judge")
	}
}

func (w *world) ofGenres(t *testing.T) {
	tree, items, announced, calls := w.finder.Taxonomy().Genres, 0, 0, 0
	genres := map[string]bool{}
	for a := range w.Catalog.Artists() {
		for _, g := range a.Genres() {
			genres[g] = true
		}
	}
	for _, genre := range slices.Sorted(maps.Keys(genres)) {
		for range 2 {
			calls++
			weeks, types, p := w.wanted()
			p["genre"] = genre
			within := cmp.Or(weeks, 26)
			want := w.expected(within, types, func(of catalog.Album) bool {
				return slices.ContainsFunc(of.Genres(), func(g string) bool { _, in := tree.Distance(tree.Term(genre), tree.Term(g)); return in })
			})
			got, coming := w.check(t, p, types, want)
			items, announced = items+got, announced+coming
		}
	}
	t.Logf("genres %d, calls %d, items %d, of them announced %d: all right", len(genres), calls, items, announced)
	if items < 5*len(genres) || announced < 20 {
		t.Error("too few to judge")
	}
}

// check holds an answer to the releases that a call is for: all are there, up to the limit,
// what is announced first and then the newest first; titles, dates and reasons are theirs.
func (w *world) check(t *testing.T, p schemas.Params, types []string, want map[string]catalog.Album) (items, announced int) {
	t.Helper()
	r := tooltest.Run(t, w.tool, tooltest.Call{Params: p, Limit: 30})
	last, albums := catalog.Date(1<<32-1), map[string]bool{}
	for _, item := range r.Items {
		ref, _ := w.Catalog.Lookup(item.ID)
		a := w.Catalog.Album(ref.Index)
		if ref.Type == catalog.TypeTrack {
			a, _ = w.Catalog.Track(ref.Index).Album()
		}
		albums[a.ID()] = true
		d := a.Released()
		coming := d.After(w.Catalog.AsOf)
		switch {
		case want[a.ID()] != a:
			t.Errorf("%v: %s is not asked for", p, item.ID)
		case types != nil && !slices.Contains(types, string(item.Type)):
			t.Errorf("%v: %s is of the wrong type", p, item.ID)
		case types == nil && item.Type != catalog.TypeAlbum:
			t.Errorf("%v: %s is no release", p, item.ID)
		case d > last:
			t.Errorf("%v: %s of %s comes after one of %s", p, item.ID, d, last)
		case item.ReleaseDate != d.String():
			t.Errorf("%v: %s is of %q, not of %q", p, item.ID, d, item.ReleaseDate)
		case strings.HasPrefix(item.Why, "upcoming") != coming || !strings.Contains(item.Why, d.On()) && d.Exact() && coming:
			t.Errorf("%v: %s of %s: %q", p, item.ID, d, item.Why)
		}
		last = d
		items++
		if coming {
			announced++
		}
	}
	if len(r.Items) < 30 && len(albums) < w.shown(types, want) {
		t.Errorf("%v: %d of %d releases", p, len(albums), w.shown(types, want))
	}
	return items, announced
}

// shown counts the releases that have anything to show: one without tracks has none to list.
func (w *world) shown(types []string, want map[string]catalog.Album) int {
	n := 0
	for _, a := range want {
		if !slices.Equal(types, []string{"track"}) || len(a.Tracks()) > 0 {
			n++
		}
	}
	return n
}
