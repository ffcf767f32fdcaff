package catalog

import (
	"bufio"
	"cmp"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

//go:embed sample
var sampleFiles embed.FS

// Sample returns the embedded catalogue, with synthetic episodes.
func Sample() (*Catalog, error) {
	dir, err := fs.Sub(sampleFiles, "sample")
	if err != nil {
		return nil, err
	}
	return Load(dir)
}

// asOfFile names the day that stands for today. A catalogue without it lives today.
const asOfFile = "as-of"

// Load reads a catalogue in text form from the root of fsys. Its error names every line
// that is wrong.
func Load(fsys fs.FS) (*Catalog, error) {
	asOf, dated, err := readAsOf(fsys)
	if err != nil {
		return nil, err
	}
	r, err := readText(fsys)
	if err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	b := builder{c: &Catalog{
		AsOf: asOf, Dated: dated, byID: map[string]Ref{}, artists: newNameIndex(), shows: newNameIndex(),
	}}
	b.c.companions = sync.OnceValue(b.c.findCompanions)
	b.build(r)
	if err := errors.Join(b.errs...); err != nil {
		return nil, fmt.Errorf("build catalogue: %w", err)
	}
	return b.c, nil
}

// readAsOf returns the day that stands for today, and whether the catalogue names one.
func readAsOf(fsys fs.FS) (day time.Time, dated bool, err error) {
	data, err := fs.ReadFile(fsys, asOfFile)
	if errors.Is(err, fs.ErrNotExist) {
		return time.Now().UTC(), false, nil
	}
	if err != nil {
		return time.Time{}, false, fmt.Errorf("read %s: %w", asOfFile, err)
	}
	day, err = time.Parse(time.DateOnly, strings.TrimSpace(string(data)))
	if err != nil {
		return time.Time{}, false, fmt.Errorf("%s: want one date as YYYY-MM-DD", asOfFile)
	}
	return day, true, nil
}

// builder gives ids to entries and turns names into references.
type builder struct {
	c    *Catalog
	errs []error
}

func (b *builder) build(r raw) {
	slices.SortStableFunc(r.artists, func(x, y rawArtist) int { return cmp.Compare(y.Popularity, x.Popularity) })
	slices.SortStableFunc(r.shows, func(x, y Show) int { return cmp.Compare(y.Popularity, x.Popularity) })
	for _, a := range r.artists {
		b.addArtist(a)
	}
	for _, s := range r.shows {
		b.addShow(s)
	}
	for _, p := range r.playlists {
		b.addPlaylist(p)
	}
	b.c.Version = b.version()
}

func (b *builder) addArtist(a rawArtist) {
	c := b.c
	i := len(c.Artists)
	if other, dup := c.artists.exact[Fold(a.Name)]; dup && Fold(c.Artists[other].Name) == Fold(a.Name) {
		b.errs = append(b.errs, fmt.Errorf("artist %q is there twice", a.Name))
		return
	}
	name := slug(a.Name)
	a.ID = b.id(TypeArtist, i, name)
	slices.SortStableFunc(a.albums, func(x, y rawAlbum) int { return y.Released.Time().Compare(x.Released.Time()) })
	c.Artists = append(c.Artists, a.Artist)
	c.artists.add(a.Name, i, a.Popularity)
	for _, alias := range a.Aliases {
		c.artists.add(alias, i, a.Popularity)
	}
	for rank, album := range a.albums {
		b.addAlbum(place{i, rank, name}, album)
	}
}

// place is where an album stands.
type place struct {
	artist int
	rank   int    // 0 for the artist's newest
	slug   string // of the artist
}

func (b *builder) addAlbum(at place, album rawAlbum) {
	c := b.c
	i := len(c.Albums)
	a := &c.Artists[at.artist]
	name := at.slug + "/" + slug(album.Title)
	album.ID, album.Artist = b.id(TypeAlbum, i, name), at.artist
	for n, t := range album.tracks {
		t.ID = b.id(TypeTrack, len(c.Tracks), name+"/"+slug(t.Title))
		t.Album = i
		t.Popularity = max(1, a.Popularity-3*n-min(at.rank, 4))
		album.Tracks = append(album.Tracks, len(c.Tracks))
		c.Tracks = append(c.Tracks, t)
	}
	a.Albums = append(a.Albums, i)
	c.Albums = append(c.Albums, album.Album)
}

func (b *builder) addShow(s Show) {
	c := b.c
	i := len(c.Shows)
	s.ID = b.id(TypeShow, i, slug(s.Title))
	c.shows.add(s.Title, i, s.Popularity)
	c.Shows = append(c.Shows, s)
	for n, e := range syntheticEpisodes(s, c.AsOf) {
		e.Show = i
		e.ID = b.id(TypeEpisode, len(c.Episodes), slug(s.Title)+"/"+strconv.Itoa(e.Number)+"-"+strconv.Itoa(n))
		c.Shows[i].Episodes = append(c.Shows[i].Episodes, len(c.Episodes))
		c.Episodes = append(c.Episodes, e)
	}
}

func (b *builder) addPlaylist(p rawPlaylist) {
	c := b.c
	p.ID = b.id(TypePlaylist, len(c.Playlists), slug(p.Title))
	for _, name := range p.artists {
		if i, ok := c.artists.exact[Fold(name)]; ok { // an editor may list artists that are not there
			p.Artists = append(p.Artists, i)
			p.Popularity = max(p.Popularity, c.Artists[i].Popularity)
		}
	}
	c.Playlists = append(c.Playlists, p.Playlist)
}

// id returns a free id and notes where it points.
func (b *builder) id(t schemas.ItemType, index int, name string) string {
	id := string(t) + ":" + name
	for n := 2; ; n++ {
		if _, taken := b.c.byID[id]; !taken {
			b.c.byID[id] = Ref{t, index}
			return id
		}
		id = string(t) + ":" + name + "-" + strconv.Itoa(n)
	}
}

// version hashes what was built, in order.
func (b *builder) version() string {
	h := sha256.New()
	w := bufio.NewWriterSize(h, 1<<16)
	fmt.Fprintln(w, b.c.AsOf.Format(time.DateOnly))
	for _, a := range b.c.Artists {
		fmt.Fprintln(w, a.ID, a.Aliases, a.Country, a.Languages, a.Genres, a.Moods, a.Popularity, a.Like)
	}
	for _, a := range b.c.Albums {
		writeLine(w, a.ID, string(a.Kind), a.Released.String())
	}
	for _, t := range b.c.Tracks {
		writeLine(w, t.ID, t.Featured...)
	}
	for _, s := range b.c.Shows {
		fmt.Fprintln(w, s.ID, s.Language, s.Topics, s.Audience, s.Popularity, s.Description)
	}
	for _, p := range b.c.Playlists {
		fmt.Fprintln(w, p.ID, p.Description, p.Genres, p.Moods, p.Activities, p.EraFrom, p.EraTo, p.Language, p.Artists)
	}
	_ = w.Flush() // a hash never fails
	return hex.EncodeToString(h.Sum(nil)[:6])
}

func writeLine(w *bufio.Writer, first string, rest ...string) {
	_, _ = w.WriteString(first) // errors are sticky and come with Flush
	for _, s := range rest {
		_ = w.WriteByte(' ')
		_, _ = w.WriteString(s)
	}
	_ = w.WriteByte('\n')
}
