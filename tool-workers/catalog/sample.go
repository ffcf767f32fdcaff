package catalog

import (
	"cmp"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
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
	asOf, err := readAsOf(fsys)
	if err != nil {
		return nil, err
	}
	r, err := readText(fsys)
	if err != nil {
		return nil, fmt.Errorf("read catalogue: %w", err)
	}
	l := loader{Builder: NewBuilder(asOf)}
	l.load(r)
	if err := errors.Join(l.errs...); err != nil {
		return nil, fmt.Errorf("build catalogue: %w", err)
	}
	return l.Build()
}

// readAsOf returns the day that stands for today, the zero time if none is named.
func readAsOf(fsys fs.FS) (time.Time, error) {
	data, err := fs.ReadFile(fsys, asOfFile)
	if errors.Is(err, fs.ErrNotExist) {
		return time.Time{}, nil
	}
	if err != nil {
		return time.Time{}, err
	}
	day, err := time.Parse(time.DateOnly, strings.TrimSpace(string(data)))
	if err != nil {
		return time.Time{}, fmt.Errorf("%s: want one date as YYYY-MM-DD", asOfFile)
	}
	return day, nil
}

// loader makes rows of a catalogue in text form: it gives keys, and popularity to what has
// none of its own.
type loader struct {
	*Builder
	artists map[string]rawArtist // by folded name
	keys    map[string]string    // folded name of an artist → key
	errs    []error
}

func (l *loader) load(r raw) {
	slices.SortStableFunc(r.artists, func(x, y rawArtist) int { return cmp.Compare(y.Popularity, x.Popularity) })
	slices.SortStableFunc(r.shows, func(x, y ShowRow) int { return cmp.Compare(y.Popularity, x.Popularity) })
	l.artists, l.keys = make(map[string]rawArtist, len(r.artists)), make(map[string]string, len(r.artists))
	for _, a := range r.artists {
		l.artist(a)
	}
	for _, s := range r.shows {
		l.show(s)
	}
	for _, p := range r.playlists {
		l.playlist(p)
	}
}

func (l *loader) fail(err error) {
	if err != nil {
		l.errs = append(l.errs, err)
	}
}

// key returns a free key for a name.
func (l *loader) key(of schemas.ItemType, name string) string {
	return l.Builder.keys[typeIndex(of)].free(name)
}

func (l *loader) artist(a rawArtist) {
	folded := Fold(a.Name)
	if _, dup := l.artists[folded]; dup {
		l.fail(fmt.Errorf("artist %q is there twice", a.Name))
		return
	}
	name := slug(a.Name)
	a.Key = l.key(TypeArtist, name)
	l.artists[folded], l.keys[folded] = a, a.Key
	l.fail(l.AddArtist(a.ArtistRow))
	slices.SortStableFunc(a.albums, func(x, y rawAlbum) int { return y.Released.Time().Compare(x.Released.Time()) })
	for rank, album := range a.albums {
		l.album(a, album, rank)
	}
}

// album adds the release of an artist that is the newest but rank.
func (l *loader) album(a rawArtist, album rawAlbum, rank int) {
	name := slug(a.Name) + "/" + slug(album.Title)
	album.Key, album.Artists = l.key(TypeAlbum, name), []string{a.Key}
	album.Popularity = max(1, a.Popularity-2-min(rank, 4))
	l.fail(l.AddAlbum(album.AlbumRow))
	for n, t := range album.tracks {
		t.Key, t.Album = l.key(TypeTrack, name+"/"+slug(t.Title)), album.Key
		t.Popularity = max(1, a.Popularity-3*n-min(rank, 4))
		l.fail(l.AddTrack(t))
	}
}

func (l *loader) show(s ShowRow) {
	name := slug(s.Title)
	s.Key = l.key(TypeShow, name)
	l.fail(l.AddShow(s))
	for n, e := range syntheticEpisodes(s, l.today()) {
		e.Show, e.Key = s.Key, l.key(TypeEpisode, name+"/"+strconv.Itoa(e.Number)+"-"+strconv.Itoa(n))
		l.fail(l.AddEpisode(e))
	}
}

func (l *loader) today() time.Time {
	if l.dated {
		return l.asOf
	}
	return time.Now().UTC()
}

// playlist adds a playlist with those of its artists that are there: an editor may list
// others.
func (l *loader) playlist(p PlaylistRow) {
	names := p.Artists
	p.Artists = nil
	for _, name := range names {
		folded := Fold(name)
		if key, ok := l.keys[folded]; ok {
			p.Artists = append(p.Artists, key)
			p.Popularity = max(p.Popularity, l.artists[folded].Popularity)
		}
	}
	l.fail(l.AddPlaylist(p))
}
