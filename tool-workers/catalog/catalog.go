// Package catalog is what there is to listen to: artists, their albums and tracks,
// podcast shows and their episodes, and playlists.
//
// A [Catalog] is immutable once built and is shared by the tools of a process. The
// embedded [Sample] holds facts compiled by hand; where something had to be invented
// (episodes, listeners, play counts) it is marked synthetic, in data and on screen.
package catalog

import (
	"fmt"
	"slices"
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

// Catalog is everything there is. References between entries are indexes into its slices.
type Catalog struct {
	Version   string // content hash
	AsOf      time.Time
	Artists   []Artist
	Albums    []Album
	Tracks    []Track
	Shows     []Show
	Episodes  []Episode
	Playlists []Playlist

	Dated bool // AsOf stands for today: it is not the day on which the process started

	companions func() [][]Companion
	byID       map[string]Ref
	artists    nameIndex
	shows      nameIndex
}

// Ref points at an entry.
type Ref struct {
	Type  schemas.ItemType
	Index int
}

// Artist is a person or band.
type Artist struct {
	ID         string
	Name       string
	Aliases    []string
	Country    string   // ISO 3166-1 alpha-2
	Languages  []string // ISO 639-1
	Genres     []string // the first is the main one
	Moods      []string
	Popularity int      // 1 to 100
	Like       []string // artists that listeners would accept as similar, in the catalogue or not
	Albums     []int    // newest first
}

// Kind is the kind of a release.
type Kind string

// Kinds of releases.
const (
	KindAlbum       Kind = "album"
	KindEP          Kind = "ep"
	KindSingle      Kind = "single"
	KindLive        Kind = "live"
	KindCompilation Kind = "compilation"
)

// Album is a release of any kind.
type Album struct {
	ID       string
	Title    string
	Artist   int
	Kind     Kind
	Released Date
	Tracks   []int
}

// Track is a recording.
type Track struct {
	ID         string
	Title      string
	Album      int
	Featured   []string // names of guests
	Popularity int      // synthetic: from its artist and its place on the album
}

// Show is a podcast.
type Show struct {
	ID          string
	Title       string
	Publisher   string
	Language    string // ISO 639-1
	Country     string
	Topics      []string // the first is the main one
	Audience    string
	Popularity  int
	Description string
	Episodes    []int // newest first
}

// Episode is one instalment of a show. Those of the sample are synthetic.
type Episode struct {
	ID        string
	Title     string
	Show      int
	Number    int
	Topic     string
	Released  Date
	Synthetic bool
}

// Playlist is a list that an editor made.
type Playlist struct {
	ID          string
	Title       string
	Description string
	Genres      []string
	Moods       []string
	Activities  []string
	EraFrom     int // first year; 0: any
	EraTo       int
	Language    string // "" for any
	Artists     []int
	Popularity  int
}

// Lookup returns the entry with this id.
func (c *Catalog) Lookup(id string) (Ref, bool) {
	r, ok := c.byID[id]
	return r, ok
}

// ID returns the id of an entry.
func (c *Catalog) ID(r Ref) string {
	switch r.Type {
	case TypeArtist:
		return c.Artists[r.Index].ID
	case TypeAlbum:
		return c.Albums[r.Index].ID
	case TypeTrack:
		return c.Tracks[r.Index].ID
	case TypeShow:
		return c.Shows[r.Index].ID
	case TypeEpisode:
		return c.Episodes[r.Index].ID
	default:
		return c.Playlists[r.Index].ID
	}
}

// Item returns an entry as a result. Score and Why are left to the caller.
func (c *Catalog) Item(r Ref) schemas.Item {
	switch r.Type {
	case TypeArtist:
		return c.artistItem(c.Artists[r.Index])
	case TypeAlbum:
		return c.albumItem(c.Albums[r.Index])
	case TypeTrack:
		return c.trackItem(c.Tracks[r.Index])
	case TypeShow:
		return c.showItem(c.Shows[r.Index])
	case TypeEpisode:
		return c.episodeItem(c.Episodes[r.Index])
	default:
		return c.playlistItem(c.Playlists[r.Index])
	}
}

// Recording names what an item holds: a song that two artists both have on an album of
// theirs is one recording. Other items are told apart by id.
func Recording(item schemas.Item) string {
	if item.Type != TypeTrack {
		return item.ID
	}
	artists := make([]string, len(item.Artists))
	for i, name := range item.Artists {
		artists[i] = Fold(name)
	}
	slices.Sort(artists)
	return Fold(item.Title) + "|" + strings.Join(artists, "|")
}

func (c *Catalog) artistItem(a Artist) schemas.Item {
	return schemas.Item{
		ID: a.ID, Type: TypeArtist, Title: a.Name, Subtitle: "Artist · " + strings.Join(head(a.Genres, 3), ", "),
		Artists: []string{a.Name}, Genres: a.Genres,
	}
}

func (c *Catalog) albumItem(a Album) schemas.Item {
	artist := c.Artists[a.Artist]
	return schemas.Item{
		ID: a.ID, Type: TypeAlbum, Title: a.Title, Subtitle: fmt.Sprintf("%s · %s", a.Kind.label(), artist.Name),
		Artists: []string{artist.Name}, Genres: artist.Genres, ReleaseDate: a.Released.String(),
	}
}

func (c *Catalog) trackItem(t Track) schemas.Item {
	album := c.Albums[t.Album]
	artist := c.Artists[album.Artist]
	return schemas.Item{
		ID: t.ID, Type: TypeTrack, Title: t.Title, Subtitle: fmt.Sprintf("%s · %s", artist.Name, album.Title),
		Artists: append([]string{artist.Name}, t.Featured...), Genres: artist.Genres, ReleaseDate: album.Released.String(),
	}
}

func (c *Catalog) showItem(s Show) schemas.Item {
	return schemas.Item{
		ID: s.ID, Type: TypeShow, Title: s.Title, Subtitle: "Podcast · " + s.Publisher,
		Genres: s.Topics, Why: s.Description,
	}
}

func (c *Catalog) episodeItem(e Episode) schemas.Item {
	return schemas.Item{
		ID: e.ID, Type: TypeEpisode, Title: e.Title, Subtitle: "Episode · " + c.Shows[e.Show].Title,
		Genres: []string{e.Topic}, ReleaseDate: e.Released.String(), Synthetic: e.Synthetic,
	}
}

func (c *Catalog) playlistItem(p Playlist) schemas.Item {
	return schemas.Item{
		ID: p.ID, Type: TypePlaylist, Title: p.Title, Subtitle: "Playlist · " + strings.Join(head(p.Genres, 3), ", "),
		Genres: p.Genres, Why: p.Description,
	}
}

// InText returns the kind as it stands in a sentence.
func (k Kind) InText() string {
	switch k {
	case KindEP:
		return "EP"
	case KindLive:
		return "live album"
	default:
		return string(k)
	}
}

func (k Kind) label() string {
	switch k {
	case KindEP:
		return "EP"
	case KindLive:
		return "Live album"
	default:
		return strings.ToUpper(string(k[:1])) + string(k[1:])
	}
}

func head(list []string, n int) []string { return list[:min(len(list), n)] }

// Artist resolves a name as people write it: in any case, without diacritics or a leading
// "the", by an alias, or with a typo or two in a longer name. Of several it returns the
// most popular.
func (c *Catalog) Artist(name string) (int, bool) { return c.artists.find(name) }

// ArtistIn resolves a text that is the name of an artist, or holds one: "latest albums by
// lady gaga".
func (c *Catalog) ArtistIn(text string) (int, bool) {
	folded := Fold(text)
	if i, ok := c.artists.known(folded); ok {
		return i, true
	}
	if i, ok := c.artists.within(folded); ok {
		return i, true
	}
	return c.artists.nearest(folded)
}

// Named resolves the name of an artist that is spelled right, in any case.
func (c *Catalog) Named(name string) (int, bool) { return c.artists.known(Fold(name)) }

// ShowIn resolves a text that is the title of a podcast, or holds one.
func (c *Catalog) ShowIn(text string) (int, bool) {
	folded := Fold(text)
	if i, ok := c.shows.known(folded); ok {
		return i, true
	}
	if i, ok := c.shows.within(folded); ok {
		return i, true
	}
	return c.shows.nearest(folded)
}

// Show resolves the name of a podcast in the same way.
func (c *Catalog) Show(name string) (int, bool) { return c.shows.find(name) }
