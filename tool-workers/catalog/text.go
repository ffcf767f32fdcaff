package catalog

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// The text form of a catalogue is a folder of .txt files, one entry a line:
//
//	artist NAME | country | languages | genres | popularity
//	alias NAME; NAME            (of the artist above)
//	like ARTIST; ARTIST
//	mood MOOD; MOOD
//	album TITLE | date | TRACK; TRACK ft. GUEST
//	show TITLE | publisher | language | country | topics | audience | popularity | description
//	playlist TITLE | description | genres | moods | activities | from year | to year | language | artists
//
// ep, single, live and compilation are written as album is. Lists are separated by "; ",
// fields by " | ". Lines that begin with # are comments.

// LineError is one line that could not be read.
type LineError struct {
	File string
	Line int
	Err  error
}

func (e *LineError) Error() string { return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err) }

func (e *LineError) Unwrap() error { return e.Err }

// raw is a catalogue as written, before keys and references.
type raw struct {
	artists   []rawArtist
	shows     []ShowRow
	playlists []PlaylistRow
}

type rawArtist struct {
	ArtistRow
	albums []rawAlbum
}

type rawAlbum struct {
	AlbumRow
	tracks []TrackRow
}

// readText reads every .txt file below the root of fsys, in name order. The error joins a
// [*LineError] for each line that is wrong.
func readText(fsys fs.FS) (raw, error) {
	var (
		r    raw
		errs []error
	)
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".txt" {
			return err
		}
		data, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		errs = append(errs, r.readFile(name, data)...)
		return nil
	})
	return r, errors.Join(append(errs, err)...)
}

func (r *raw) readFile(name string, data []byte) (errs []error) {
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		if err := r.readLine(line); err != nil {
			errs = append(errs, &LineError{name, n, err})
		}
	}
	if err := lines.Err(); err != nil {
		errs = append(errs, fmt.Errorf("%s: %w", name, err))
	}
	return errs
}

func (r *raw) readLine(line string) error {
	kind, rest, _ := strings.Cut(line, " ")
	switch kind {
	case "artist":
		return r.readArtist(rest)
	case "alias", "like", "mood":
		return r.readDetail(kind, rest)
	case "album", "ep", "single", "live", "compilation":
		return r.readAlbum(Kind(kind), rest)
	case "show":
		return r.readShow(rest)
	case "playlist":
		return r.readPlaylist(rest)
	default:
		return fmt.Errorf("line begins with %q: want artist, alias, like, mood, album, ep, single, live, compilation, show or playlist", kind)
	}
}

func (r *raw) readArtist(s string) error {
	f, err := fields(s, 5)
	if err != nil {
		return err
	}
	popularity, err := popularity(f[4])
	if err != nil {
		return err
	}
	r.artists = append(r.artists, rawArtist{ArtistRow: ArtistRow{
		Name: f[0], Country: f[1], Languages: list(f[2]), Genres: list(f[3]), Popularity: popularity,
	}})
	return nil
}

var errNoArtist = errors.New("there is no artist line above")

func (r *raw) readDetail(kind, s string) error {
	if len(r.artists) == 0 {
		return errNoArtist
	}
	a := &r.artists[len(r.artists)-1]
	switch kind {
	case "alias":
		a.Aliases = append(a.Aliases, list(s)...)
	case "like":
		a.Like = append(a.Like, list(s)...)
	default:
		a.Moods = append(a.Moods, list(s)...)
	}
	return nil
}

func (r *raw) readAlbum(kind Kind, s string) error {
	if len(r.artists) == 0 {
		return errNoArtist
	}
	f, err := fields(s, 3)
	if err != nil {
		return err
	}
	released, err := ParseDate(f[1])
	if err != nil {
		return err
	}
	album := rawAlbum{AlbumRow: AlbumRow{Title: f[0], Kind: kind, Released: released}}
	for _, title := range list(f[2]) {
		title, guests, _ := strings.Cut(title, " ft. ")
		t := TrackRow{Title: title}
		if guests != "" {
			t.Featured = strings.Split(guests, ", ")
		}
		album.tracks = append(album.tracks, t)
	}
	a := &r.artists[len(r.artists)-1]
	a.albums = append(a.albums, album)
	return nil
}

func (r *raw) readShow(s string) error {
	f, err := fields(s, 8)
	if err != nil {
		return err
	}
	popularity, err := popularity(f[6])
	if err != nil {
		return err
	}
	r.shows = append(r.shows, ShowRow{
		Title: f[0], Publisher: f[1], Language: f[2], Country: f[3], Topics: list(f[4]),
		Audience: f[5], Popularity: popularity, Description: f[7],
	})
	return nil
}

func (r *raw) readPlaylist(s string) error {
	f, err := fields(s, 9)
	if err != nil {
		return err
	}
	from, fromErr := year(f[5])
	to, toErr := year(f[6])
	if err := errors.Join(fromErr, toErr); err != nil {
		return err
	}
	r.playlists = append(r.playlists, PlaylistRow{
		Title: f[0], Description: f[1], Genres: list(f[2]), Moods: list(f[3]), Activities: list(f[4]),
		EraFrom: from, EraTo: to, Language: f[7], Artists: list(f[8]),
	})
	return nil
}

// fields splits a line into exactly n fields. The first must not be empty.
func fields(s string, n int) ([]string, error) {
	f := strings.Split(s, "|")
	for i := range f {
		f[i] = strings.TrimSpace(f[i])
	}
	if len(f) != n || f[0] == "" {
		return nil, fmt.Errorf("want %d fields separated by \" | \" and a name, got %d", n, len(f))
	}
	return f, nil
}

func list(s string) []string {
	parts := strings.Split(s, ";")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return slices.DeleteFunc(parts, func(p string) bool { return p == "" })
}

func popularity(s string) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 100 {
		return 0, fmt.Errorf("popularity %q: want 1 to 100", s)
	}
	return n, nil
}

func year(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0, fmt.Errorf("year %q: want a number or nothing", s)
	}
	return n, nil
}
