// Package catalog is what there is to listen to: artists, their releases and tracks,
// podcast shows and their episodes, and playlists.
//
// A [Catalog] is immutable and shared by the tools of a process. It is kept by column, so
// that a million tracks take some hundred bytes each, and read through handles: an [Artist]
// is two words, and its methods look up what is asked for. What they return belongs to the
// catalogue and must not be changed.
//
// A [Builder] makes a catalogue of rows, offline; [Catalog.Write] and [Open] carry it in a
// file. The embedded [Sample] holds facts compiled by hand; where something had to be
// invented (episodes, listeners, play counts) it is marked synthetic, in data and on
// screen.
package catalog

import (
	"iter"
	"sort"
	"strings"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// Types of catalogue entries, which prefix their ids.
const (
	TypeTrack    schemas.ItemType = "track"
	TypeAlbum    schemas.ItemType = "album"
	TypeArtist   schemas.ItemType = "artist"
	TypePlaylist schemas.ItemType = "playlist"
	TypeShow     schemas.ItemType = "show"
	TypeEpisode  schemas.ItemType = "episode"
)

// typeCount is how many types of entries there are.
const typeCount = 6

// Types returns the types of entries, in the order of their tables.
func Types() []schemas.ItemType {
	return []schemas.ItemType{TypeArtist, TypeAlbum, TypeTrack, TypeShow, TypeEpisode, TypePlaylist}
}

// typeIndex returns the place of a type among Types, -1 for none.
func typeIndex(t schemas.ItemType) int {
	switch t {
	case TypeArtist:
		return 0
	case TypeAlbum:
		return 1
	case TypeTrack:
		return 2
	case TypeShow:
		return 3
	case TypeEpisode:
		return 4
	case TypePlaylist:
		return 5
	default:
		return -1
	}
}

// Catalog is everything there is.
type Catalog struct {
	Version string // content hash
	AsOf    time.Time
	Dated   bool // AsOf stands for today: it is not the day on which the process started

	t *tables
}

// Ref points at an entry.
type Ref struct {
	Type  schemas.ItemType
	Index int
}

// Count returns how many entries of a type there are.
func (c *Catalog) Count(t schemas.ItemType) int {
	if kind := typeIndex(t); kind >= 0 {
		return c.t.ids(kind).rows()
	}
	return 0
}

// Lookup returns the entry with this id.
func (c *Catalog) Lookup(id string) (Ref, bool) {
	prefix, _, _ := strings.Cut(id, ":")
	kind := typeIndex(schemas.ItemType(prefix))
	if kind < 0 {
		return Ref{}, false
	}
	ids, order := c.t.ids(kind), c.t.byID[kind]
	i := sort.Search(len(order), func(i int) bool { return ids.at(int(order[i])) >= id })
	if i == len(order) || ids.at(int(order[i])) != id {
		return Ref{}, false
	}
	return Ref{schemas.ItemType(prefix), int(order[i])}, true
}

// ID returns the id of an entry.
func (c *Catalog) ID(r Ref) string { return c.t.ids(typeIndex(r.Type)).at(r.Index) }

// Artists returns every artist, the most popular first.
func (c *Catalog) Artists() iter.Seq[Artist] { return each(c.Count(TypeArtist), c.Artist) }

// Albums returns every release, by artist.
func (c *Catalog) Albums() iter.Seq[Album] { return each(c.Count(TypeAlbum), c.Album) }

// Tracks returns every track, by release.
func (c *Catalog) Tracks() iter.Seq[Track] { return each(c.Count(TypeTrack), c.Track) }

// Shows returns every podcast, the most popular first.
func (c *Catalog) Shows() iter.Seq[Show] { return each(c.Count(TypeShow), c.Show) }

// Episodes returns every episode, by show.
func (c *Catalog) Episodes() iter.Seq[Episode] { return each(c.Count(TypeEpisode), c.Episode) }

// Playlists returns every playlist.
func (c *Catalog) Playlists() iter.Seq[Playlist] { return each(c.Count(TypePlaylist), c.Playlist) }

// NewestAlbums returns every release, the newest first, those without a date last.
func (c *Catalog) NewestAlbums() iter.Seq[Album] {
	return each(len(c.t.newest), func(i int) Album { return c.Album(int(c.t.newest[i])) })
}

// NewestEpisodes returns every episode, the newest first.
func (c *Catalog) NewestEpisodes() iter.Seq[Episode] {
	return each(len(c.t.newestTalk), func(i int) Episode { return c.Episode(int(c.t.newestTalk[i])) })
}

func each[T any](n int, at func(int) T) iter.Seq[T] {
	return func(yield func(T) bool) {
		for i := range n {
			if !yield(at(i)) {
				return
			}
		}
	}
}

// Terms returns the number of terms: genres, moods, languages and topics are numbered
// from 0.
func (c *Catalog) Terms() int { return c.t.terms.rows() }

// Term returns the word of a term.
func (c *Catalog) Term(i uint32) string { return c.t.terms.at(int(i)) }

// TermNamed returns the term of a word.
func (c *Catalog) TermNamed(word string) (uint32, bool) {
	i, ok := c.t.terms.places[word]
	return i, ok
}

// FindArtist resolves a name as people write it: in any case, without diacritics or a
// leading "the", by an alias, or with a typo or two in a longer name. Of several it returns
// the most popular.
func (c *Catalog) FindArtist(name string) (Artist, bool) {
	return c.artistAt(c.t.artistNames.find(name))
}

// ArtistIn resolves a text that is the name of an artist, or holds one: "latest albums by
// lady gaga".
func (c *Catalog) ArtistIn(text string) (Artist, bool) { return c.artistAt(c.t.artistNames.in(text)) }

// Named resolves the name of an artist that is spelled right, in any case.
func (c *Catalog) Named(name string) (Artist, bool) {
	return c.artistAt(c.t.artistNames.known(Fold(name)))
}

// FindShow resolves the title of a podcast as FindArtist does a name.
func (c *Catalog) FindShow(title string) (Show, bool) { return c.showAt(c.t.showNames.find(title)) }

// ShowIn resolves a text that is the title of a podcast, or holds one.
func (c *Catalog) ShowIn(text string) (Show, bool) { return c.showAt(c.t.showNames.in(text)) }

func (c *Catalog) artistAt(i int, ok bool) (Artist, bool) { return Artist{c, i}, ok }

func (c *Catalog) showAt(i int, ok bool) (Show, bool) { return Show{c, i}, ok }
