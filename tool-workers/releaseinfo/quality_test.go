package releaseinfo_test

import (
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/releaseinfo"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest/invented"
)

// dateInWords matches a date in words.
var dateInWords = regexp.MustCompile(`\b(on \d{1,2} [A-Z][a-z]+ \d{4}|in [A-Z][a-z]+ \d{4}|in \d{4})`)

// TestQuality holds the sentence on each of 300 artists to the catalogue, in a world that
// the tool was not tuned on. It states facts, so there is no margin.
func TestQuality(t *testing.T) {
	const n = 300
	w := invented.New(t, invented.Tracks, 0)
	tool, err := releaseinfo.New(w.Finder(t, taste.Nobody{}))
	if err != nil {
		t.Fatal(err)
	}
	var announced []catalog.Artist
	for a := range w.Catalog.NewestAlbums() {
		if !a.Released().After(w.Catalog.AsOf) {
			break
		}
		announced = append(announced, a.Artist())
	}
	rng := rand.New(rand.NewPCG(4, 4))
	kinds, artists := map[string]int{}, 0
	for artists < n {
		a := w.Catalog.Artist(rng.IntN(w.Catalog.Count(catalog.TypeArtist)))
		if len(announced) > 0 { // all of them, and then anybody
			a, announced = announced[0], announced[1:]
		}
		if named, ok := w.Catalog.Named(a.Name()); !ok || named != a {
			continue // another is meant
		}
		artists++
		kinds[sentence(t, tool, w.Catalog, a)]++
	}
	t.Logf("artists %d, sentences %v: all right", artists, kinds)
	if kinds["announced"] < 10 || kinds["out"] < 150 {
		t.Error("too few to judge")
	}
}

// truth returns the next release that is announced and the latest album or EP that is out,
// or the latest of another kind, by going through all of the artist's.
func truth(c *catalog.Catalog, a catalog.Artist) (next, latest *catalog.Album) {
	var other *catalog.Album
	for _, i := range a.Albums() {
		album := c.Album(int(i))
		d, record := album.Released(), slices.Contains([]catalog.Kind{catalog.KindAlbum, catalog.KindEP}, album.Kind())
		switch {
		case d.After(c.AsOf):
			if next == nil || d < next.Released() {
				next = &album
			}
		case record && (latest == nil || d > latest.Released()):
			latest = &album
		case !record && (other == nil || d > other.Released()):
			other = &album
		}
	}
	if latest == nil {
		latest = other
	}
	return next, latest
}

// sentence checks what is said of an artist, and returns what kind of sentence it is.
func sentence(t *testing.T, tool tools.Tool, c *catalog.Catalog, a catalog.Artist) string {
	t.Helper()
	r := tooltest.Run(t, tool, tooltest.Call{Params: schemas.Params{"artist": a.Name()}})
	next, latest := truth(c, a)
	kind, about, dates := "nothing", next, []string{}
	for _, album := range []*catalog.Album{next, latest} {
		if album == nil {
			continue
		}
		if !strings.Contains(r.Text, album.Title()) {
			t.Errorf("%s: %q does not name %q of %s", a.Name(), r.Text, album.Title(), album.Released())
		}
		if on := album.Released().On(); on != "" {
			dates = append(dates, on)
		}
	}
	switch {
	case next != nil:
		kind = "announced"
	case latest != nil:
		kind, about = "out", latest
		if !strings.Contains(r.Text, "No date of a next one is known") && !strings.Contains(r.Text, "nor when the next one will") {
			t.Errorf("%s: %q does not say that it knows of no next one", a.Name(), r.Text)
		}
	case !strings.HasPrefix(r.Text, "No release by "):
		t.Errorf("%s: %q, of an artist without releases", a.Name(), r.Text)
	}
	for _, claimed := range dateInWords.FindAllString(strings.ReplaceAll(r.Text, title(about), ""), -1) {
		if !slices.Contains(dates, claimed) {
			t.Errorf("%s: %q claims a date %q that is not in %v", a.Name(), r.Text, claimed, dates)
		}
	}
	if about != nil && (len(r.Items) != 1 || r.Items[0].ReleaseDate != about.Released().String() || r.Items[0].Title != about.Title()) {
		t.Errorf("%s: item %v, want %s", a.Name(), r.Items, about.ID())
	}
	return kind
}

// Of a release without a date no date is claimed, alone and beside one that is announced.
func TestSaysThatADateIsNotKnown(t *testing.T) {
	b := catalog.NewBuilder(time.Date(2025, time.June, 28, 0, 0, 0, 0, time.UTC))
	add := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	soon, err := catalog.ParseDate("2025-08")
	add(err)
	add(b.AddArtist(catalog.ArtistRow{Key: "a", Name: "Undated", Genres: []string{"pop"}}))
	add(b.AddAlbum(catalog.AlbumRow{Key: "a1", Title: "Sometime", Artists: []string{"a"}, Kind: catalog.KindAlbum}))
	add(b.AddArtist(catalog.ArtistRow{Key: "b", Name: "Announcer", Genres: []string{"pop"}}))
	add(b.AddAlbum(catalog.AlbumRow{Key: "b1", Title: "Before", Artists: []string{"b"}, Kind: catalog.KindAlbum}))
	add(b.AddAlbum(catalog.AlbumRow{Key: "b2", Title: "After", Artists: []string{"b"}, Kind: catalog.KindAlbum, Released: soon}))
	c, err := b.Build()
	add(err)
	tool, err := releaseinfo.New(tooltest.Finder(t, c))
	add(err)
	for artist, want := range map[string]string{
		"undated":   "Sometime is the latest album by Undated that is known here; when it came out is not, nor when the next one will.",
		"announcer": "After, the next album by Announcer, is announced and comes out in August 2025. The latest that is known here is Before; when it came out is not.",
	} {
		if r := tooltest.Run(t, tool, tooltest.Call{Params: schemas.Params{"artist": artist}}); r.Text != want {
			t.Errorf("%q, want %q", r.Text, want)
		}
	}
}

func title(a *catalog.Album) string {
	if a == nil {
		return "\x00"
	}
	return a.Title()
}
