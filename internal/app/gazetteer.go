package app

import (
	"iter"

	"github.com/parallel-fusion/pfr/router-worker/student"
	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

// How many names of each type a router learns. It recognises those of what is asked for
// most; whatever else is in a large catalogue is found by the tools.
const (
	maxArtistNames = 100_000
	maxOtherNames  = 50_000
)

// famous returns the most popular entries of a type, at most so many, in their order.
func famous(c *catalog.Catalog, t schemas.ItemType, most int) iter.Seq[catalog.Ref] {
	popularity := func(i int) int {
		switch t {
		case catalog.TypeArtist:
			return c.Artist(i).Popularity()
		case catalog.TypeAlbum:
			return c.Album(i).Popularity()
		case catalog.TypeTrack:
			return c.Track(i).Popularity()
		case catalog.TypeShow:
			return c.Show(i).Popularity()
		default:
			return c.Playlist(i).Popularity()
		}
	}
	const top = 100
	var count [top + 1]int
	for i := range c.Count(t) {
		count[min(popularity(i), top)]++
	}
	least, total := top, count[top]
	for least > 0 && total+count[least-1] <= most {
		least--
		total += count[least]
	}
	return func(yield func(catalog.Ref) bool) {
		n := 0
		for i := range c.Count(t) {
			if popularity(i) < least || n == most {
				continue
			}
			n++
			if !yield(catalog.Ref{Type: t, Index: i}) {
				return
			}
		}
	}
}

// gazetteer gives the names of the catalogue to the student.
func gazetteer(c *catalog.Catalog) student.Gazetteer {
	var g student.Gazetteer
	for r := range famous(c, catalog.TypeArtist, maxArtistNames) {
		a := c.Artist(r.Index)
		g.Artists = append(g.Artists, student.Name{Text: a.Name(), Canonical: a.Name(), Popularity: a.Popularity()})
		for _, alias := range a.Aliases() {
			g.Artists = append(g.Artists, student.Name{Text: alias, Canonical: a.Name(), Popularity: a.Popularity()})
		}
	}
	for r := range famous(c, catalog.TypeAlbum, maxOtherNames) {
		a := c.Album(r.Index)
		g.Albums = append(g.Albums, student.Name{Text: a.Title(), Canonical: a.Title(), Popularity: a.Popularity()})
	}
	for r := range famous(c, catalog.TypeTrack, maxOtherNames) {
		t := c.Track(r.Index)
		g.Tracks = append(g.Tracks, student.Name{Text: t.Title(), Canonical: t.Title(), Popularity: t.Popularity()})
	}
	for r := range famous(c, catalog.TypeShow, maxOtherNames) {
		s := c.Show(r.Index)
		g.Shows = append(g.Shows, student.Name{Text: s.Title(), Canonical: s.Title(), Popularity: s.Popularity()})
	}
	for r := range famous(c, catalog.TypePlaylist, maxOtherNames) {
		p := c.Playlist(r.Index)
		g.Playlists = append(g.Playlists, student.Name{Text: p.Title(), Canonical: p.Title(), Popularity: p.Popularity()})
	}
	return g
}
