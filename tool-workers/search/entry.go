package search

import (
	"io"
	"strings"

	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

// entry is something that can be found, with all its names folded.
type entry struct {
	ref        catalog.Ref
	names      []string // the first is its own, the others are aliases
	by         string   // who made it, or what it is part of
	popularity int
}

// numbering gives every entry of a catalogue a number: the more popular, the smaller, and
// of equals artists before their work.
type numbering []uint32 // type and place of each number

// typeBits is how far the type stands left of the place.
const typeBits = 29

// kinds returns the types of entries in the order in which equals are numbered.
func kinds() []schemas.ItemType {
	return []schemas.ItemType{
		catalog.TypeArtist, catalog.TypeAlbum, catalog.TypeTrack, catalog.TypePlaylist, catalog.TypeShow, catalog.TypeEpisode,
	}
}

func number(c *catalog.Catalog) numbering {
	var first [102]int // of each popularity, the most popular first
	each(c, func(_ uint32, popularity int) { first[101-popularity]++ })
	total := 0
	for i, n := range first {
		first[i] = total
		total += n
	}
	all := make(numbering, total)
	each(c, func(packed uint32, popularity int) {
		all[first[101-popularity]] = packed
		first[101-popularity]++
	})
	return all
}

// each calls f with every entry and its popularity, which is 0 to 100.
func each(c *catalog.Catalog, f func(packed uint32, popularity int)) {
	for k, kind := range kinds() {
		for i := range c.Count(kind) {
			packed := uint32(k)<<typeBits | uint32(i)
			f(packed, min(max(popularity(c, catalog.Ref{Type: kind, Index: i}), 0), 100))
		}
	}
}

func popularity(c *catalog.Catalog, r catalog.Ref) int {
	switch r.Type {
	case catalog.TypeArtist:
		return c.Artist(r.Index).Popularity()
	case catalog.TypeAlbum:
		return c.Album(r.Index).Popularity()
	case catalog.TypeTrack:
		return c.Track(r.Index).Popularity()
	case catalog.TypePlaylist:
		return c.Playlist(r.Index).Popularity()
	case catalog.TypeShow:
		return c.Show(r.Index).Popularity()
	default: // an episode matters less than its show
		return c.Episode(r.Index).Show().Popularity() - 20
	}
}

func (n numbering) ref(i uint32) catalog.Ref {
	const place = 1<<typeBits - 1
	return catalog.Ref{Type: kinds()[n[i]>>typeBits], Index: int(n[i] & place)}
}

// entryOf looks an entry up.
func entryOf(c *catalog.Catalog, r catalog.Ref) entry {
	e := entry{ref: r, popularity: max(1, popularity(c, r))}
	switch r.Type {
	case catalog.TypeArtist:
		a := c.Artist(r.Index)
		e.names = folded(a.Name(), a.Aliases())
	case catalog.TypeAlbum:
		a := c.Album(r.Index)
		e.names, e.by = folded(a.Title(), nil), foldAll(a.ArtistNames())
	case catalog.TypeTrack:
		t := c.Track(r.Index)
		e.names, e.by = folded(t.Title(), nil), foldAll(append(t.ArtistNames(), t.Featured()...))
	case catalog.TypePlaylist:
		e.names = folded(c.Playlist(r.Index).Title(), nil)
	case catalog.TypeShow:
		s := c.Show(r.Index)
		e.names, e.by = folded(s.Title(), nil), catalog.Fold(s.Publisher())
	case catalog.TypeEpisode:
		of := c.Episode(r.Index)
		e.names, e.by = folded(of.Title(), nil), catalog.Fold(of.Show().Title())
	}
	return e
}

func folded(first string, others []string) []string {
	out := make([]string, 1, 1+len(others))
	out[0] = catalog.Fold(first)
	for _, name := range others {
		out = append(out, catalog.Fold(name))
	}
	return out
}

func foldAll(names []string) string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = catalog.Fold(name)
	}
	return strings.Join(out, " ")
}

// Build writes the index of a catalogue for [Open].
func Build(c *catalog.Catalog, w io.Writer) error {
	names, beginnings, words := fieldBuilder{}, fieldBuilder{}, fieldBuilder{}
	all := number(c)
	for i := range uint32(len(all)) {
		e := entryOf(c, all.ref(i))
		for _, name := range e.names {
			for _, form := range forms(name) {
				names.add(form, i)
				beginnings.addBeginnings(form, i)
			}
			for word := range strings.FieldsSeq(name) {
				words.add(word, i)
			}
		}
		for word := range strings.FieldsSeq(e.by) {
			words.add(word, i)
		}
	}
	return writeIndex(w, c.Version, names, beginnings, words)
}

// forms returns a name as it may be typed: with and without "the", and in one word by those
// who do not know better.
func forms(name string) []string {
	out := []string{name}
	if short, ok := strings.CutPrefix(name, "the "); ok {
		out = append(out, short)
	}
	if n := strings.Count(name, " "); n > 0 && n < 4 {
		out = append(out, squeeze(name))
	}
	return out
}

func squeeze(name string) string { return strings.ReplaceAll(name, " ", "") }

// So many names begin alike that only the best known are kept for short beginnings.
const (
	longBeginning = 3   // runes; what is longer is looked up among the names
	beginningSize = 256 // entries
)

func (b fieldBuilder) addBeginnings(name string, entry uint32) {
	n := 0
	for at := range name {
		if at > 0 && len(b[name[:at]]) < beginningSize {
			b.add(name[:at], entry)
		}
		if n++; n > longBeginning {
			return
		}
	}
}
