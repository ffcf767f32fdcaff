package catalog

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"iter"
	"strings"
	"time"
)

// Build returns the catalogue of all rows. Artists, shows and the entries below them are
// ordered: the most popular first, releases and episodes the newest first. The Builder is
// of no use afterwards.
func (b *Builder) Build() (*Catalog, error) {
	t := &b.t
	b.keys = [typeCount]keys{} // and their memory
	b.orderArtists()
	b.orderAlbums()
	b.orderTracks()
	b.orderShows()
	t.fold()
	t.orderIDs()
	c := &Catalog{AsOf: b.asOf, Dated: b.dated, t: t}
	if !b.dated {
		c.AsOf = Day(time.Now().UTC()).Time()
	}
	hash := sha256.New()
	if b.dated {
		fmt.Fprintln(hash, b.asOf.Format(time.DateOnly))
	}
	e := &encoder{w: hash}
	for _, col := range t.columns() {
		col.encode(e)
	}
	c.Version = hex.EncodeToString(hash.Sum(nil)[:6])
	return c, e.err
}

func reorder(columns []column, order []uint32) {
	for _, c := range columns {
		if c.rows() == len(order) { // those that are made later are empty
			c.reorder(order)
		}
	}
}

// remap points references to where their entries went.
func remap[T ~[]uint32](references T, to []uint32) {
	for i, r := range references {
		if r != none {
			references[i] = to[r]
		}
	}
}

func (b *Builder) orderArtists() {
	t := &b.t
	order := sorted(t.artists.id.rows(), func(x, y uint32) int { return cmp.Compare(t.artists.popularity[y], t.artists.popularity[x]) })
	reorder(t.artists.columns(), order)
	to := inverse(order)
	remap(t.albums.artist, to)
	remap(t.albums.others.all, to)
	remap(t.tracks.artists.all, to)
	remap(t.playlists.artists.all, to)
}

// orderAlbums puts the releases of an artist together, the newest first.
func (b *Builder) orderAlbums() {
	t := &b.t
	a := &t.albums
	order := sorted(a.id.rows(), func(x, y uint32) int {
		return cmp.Or(cmp.Compare(a.artist[x], a.artist[y]), cmp.Compare(a.released[y], a.released[x]))
	})
	reorder(a.columns(), order)
	remap(t.tracks.album, inverse(order))
	t.newest = sorted(a.id.rows(), func(x, y uint32) int { return cmp.Compare(a.released[y], a.released[x]) })
	t.artists.albums = group(t.artists.id.rows(), func(yield func(uint32, uint32) bool) {
		for _, album := range t.newest {
			if !yield(a.artist[album], album) {
				return
			}
			for _, other := range a.others.at(int(album)) {
				if !yield(other, album) {
					return
				}
			}
		}
	})
}

// orderTracks puts the tracks of an album together, in the order in which they came, and
// those without an album behind them, by artist.
func (b *Builder) orderTracks() {
	t := &b.t
	tr := &t.tracks
	order := sorted(tr.id.rows(), func(x, y uint32) int {
		by := cmp.Compare(tr.album[x], tr.album[y])
		if by == 0 && tr.album[x] == none {
			by = cmp.Compare(tr.artists.at(int(x))[0], tr.artists.at(int(y))[0])
		}
		return by
	})
	reorder(tr.columns(), order)
	remap(t.playlists.tracks.all, inverse(order))
	t.albums.tracks = group(t.albums.id.rows(), pairs(tr.album))
	t.artists.tracks = group(t.artists.id.rows(), func(yield func(uint32, uint32) bool) {
		for i, album := range tr.album {
			for _, artist := range tr.artists.at(i) {
				if album != none && t.albums.artist[album] == artist {
					continue // found by way of the album
				}
				if !yield(artist, uint32(i)) {
					return
				}
			}
		}
	})
}

// pairs gives each entry with the one it belongs to.
func pairs(owners []uint32) iter.Seq2[uint32, uint32] {
	return func(yield func(uint32, uint32) bool) {
		for i, owner := range owners {
			if owner != none && !yield(owner, uint32(i)) {
				return
			}
		}
	}
}

func (b *Builder) orderShows() {
	t := &b.t
	order := sorted(t.shows.id.rows(), func(x, y uint32) int { return cmp.Compare(t.shows.popularity[y], t.shows.popularity[x]) })
	reorder(t.shows.columns(), order)
	e := &t.episodes
	remap(e.show, inverse(order))
	order = sorted(e.id.rows(), func(x, y uint32) int {
		return cmp.Or(cmp.Compare(e.show[x], e.show[y]), cmp.Compare(e.released[y], e.released[x]), cmp.Compare(e.number[y], e.number[x]))
	})
	reorder(e.columns(), order)
	t.shows.episodes = group(t.shows.id.rows(), pairs(e.show))
	t.newestTalk = sorted(e.id.rows(), func(x, y uint32) int { return cmp.Compare(e.released[y], e.released[x]) })
}

// fold indexes artists and shows by name.
func (t *tables) fold() {
	t.artistNames.build(func(yield func(string, uint32) bool) {
		for i := range t.artists.id.rows() {
			if !yield(t.artists.name.at(i), uint32(i)) {
				return
			}
		}
		for i := range t.artists.id.rows() { // a name goes before an alias
			for _, alias := range t.artists.aliases.at(i) {
				if !yield(alias, uint32(i)) {
					return
				}
			}
		}
	})
	t.showNames.build(func(yield func(string, uint32) bool) {
		for i := range t.shows.id.rows() {
			if !yield(t.shows.title.at(i), uint32(i)) {
				return
			}
		}
	})
}

func (t *tables) orderIDs() {
	for kind := range typeCount {
		ids := t.ids(kind)
		t.byID[kind] = sorted(ids.rows(), func(x, y uint32) int { return strings.Compare(ids.at(int(x)), ids.at(int(y))) })
	}
}
