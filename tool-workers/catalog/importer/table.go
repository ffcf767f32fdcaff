package importer

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

// CSVFile is a file of one table.
type CSVFile struct {
	Table string            // artists, albums, tracks, shows, episodes, playlists or interactions
	Path  string            // .gz, .zst and .xz are unpacked
	Map   map[string]string // column → its name in the header, where that is another one
}

// column is a column of a table.
type column struct {
	name     string
	required bool
}

// tables returns the columns of each table. The documentation lists what they mean.
func tables() map[string][]column {
	names := func(required string, optional string) []column {
		var out []column
		for name := range strings.FieldsSeq(required) {
			out = append(out, column{name, true})
		}
		for name := range strings.FieldsSeq(optional) {
			out = append(out, column{name, false})
		}
		return out
	}
	return map[string][]column{
		"artists":      names("name", "id aliases note country languages genres moods tags like links popularity"),
		"albums":       names("title artists", "id credit note kind released genres links popularity"),
		"tracks":       names("title", "id artists album credit featured released seconds disc number popularity"),
		"shows":        names("title", "id publisher description language country topics audience links popularity"),
		"episodes":     names("title show", "id number topic description released seconds links"),
		"playlists":    names("title", "id description genres moods activities era_from era_to language artists tracks popularity"),
		"interactions": names("user item", "weight timestamp"),
	}
}

// kind returns what the file holds.
func (f CSVFile) kind() kind {
	for k := kindMBArtist; k <= kindInteractions; k++ {
		if k.String() == f.Table {
			return k
		}
	}
	return kindInteractions
}

func (f CSVFile) validate() error {
	columns, ok := tables()[f.Table]
	if !ok {
		return fmt.Errorf("table %q of %s: want artists, albums, tracks, shows, episodes, playlists or interactions", f.Table, f.Path)
	}
	var errs []error
	if f.Path == "" {
		errs = append(errs, fmt.Errorf("table %s: no file", f.Table))
	}
	for name := range f.Map {
		if !slices.ContainsFunc(columns, func(c column) bool { return c.name == name }) {
			errs = append(errs, fmt.Errorf("table %s: there is no column %q to map", f.Table, name))
		}
	}
	return errors.Join(errs...)
}

// table reads the records of a CSV file.
type table struct {
	file  CSVFile
	words *words
	place map[string]int // column → its place in a record
	width int
}

func newTable(f CSVFile, w *words) *table { return &table{file: f, words: w} }

// header reads the first record.
func (t *table) header(first unit) error {
	titles, err := splitCSV(first.data)
	if err != nil {
		return err
	}
	at := map[string]int{}
	for i, title := range titles {
		title = strings.ToLower(strings.TrimSpace(title))
		if _, twice := at[title]; twice && title != "" {
			return fmt.Errorf("column %q is there twice", title)
		}
		at[title] = i
	}
	t.place, t.width = map[string]int{}, len(titles)
	var errs []error
	for _, c := range tables()[t.file.Table] {
		title, mapped := t.file.Map[c.name]
		if !mapped {
			title = c.name
		}
		i, ok := at[strings.ToLower(strings.TrimSpace(title))]
		if ok {
			t.place[c.name] = i
		} else if c.required || mapped {
			errs = append(errs, fmt.Errorf("there is no column %q", title))
		}
	}
	return errors.Join(errs...)
}

func (t *table) parse(u unit, emit func(record) error) error {
	fields, err := splitCSV(u.data)
	if err != nil {
		return err
	}
	if len(fields) != t.width {
		return fmt.Errorf("%d fields, the header has %d", len(fields), t.width)
	}
	c := &cells{fields: fields, place: t.place}
	r := t.row(c)
	if err := errors.Join(c.errs...); err != nil {
		return err
	}
	return emit(r)
}

func (t *table) row(c *cells) record {
	switch t.file.kind() {
	case kindArtists:
		return t.artist(c)
	case kindAlbums:
		return t.album(c)
	case kindTracks:
		return t.track(c)
	case kindShows:
		return t.show(c)
	case kindEpisodes:
		return t.episode(c)
	case kindPlaylists:
		return t.playlist(c)
	default:
		return t.play(c)
	}
}

func (t *table) artist(c *cells) record {
	name := c.needed("name")
	return &artist{ArtistRow: catalog.ArtistRow{
		Key: c.key("artist", name), Name: name, Aliases: c.list("aliases"), Note: c.text("note"),
		Country: c.country(), Languages: each(c.list("languages"), isoLanguage),
		Genres: each(c.list("genres"), t.words.genre), Moods: each(c.list("moods"), t.mood),
		Tags: c.list("tags"), Like: c.list("like"), Links: c.list("links"), Popularity: c.popularity(),
	}}
}

func (t *table) album(c *cells) record {
	title, artists := c.needed("title"), c.list("artists")
	if len(artists) == 0 {
		c.fail("artists", "want at least one")
		artists = []string{""}
	}
	return &album{AlbumRow: catalog.AlbumRow{
		Key: c.key("album", artists[0], title), Title: title, Artists: artists, Credit: c.text("credit"), Note: c.text("note"),
		Kind: c.kind(), Released: c.date("released"), Genres: each(c.list("genres"), t.words.genre),
		Links: c.list("links"), Popularity: c.popularity(),
	}}
}

func (t *table) track(c *cells) record {
	title, artists, album := c.needed("title"), c.list("artists"), c.text("album")
	if len(artists) == 0 && album == "" {
		c.fail("artists", "want artists or an album")
	}
	first := strings.Join(artists[:min(1, len(artists))], "")
	return &track{
		TrackRow: catalog.TrackRow{
			Key: c.key("track", first, album, title), Title: title, Album: album, Artists: artists, Credit: c.text("credit"),
			Featured: c.list("featured"), Released: c.date("released"), Seconds: seconds(float64(c.number("seconds", 0, 1e6))),
			Popularity: c.popularity(),
		},
		disc: c.number("disc", 0, 1000), number: c.number("number", 0, 100_000),
	}
}

func (t *table) show(c *cells) record {
	title := c.needed("title")
	return &show{catalog.ShowRow{
		Key: c.key("show", title), Title: title, Publisher: c.text("publisher"), Description: c.text("description"),
		Language: isoLanguage(c.text("language")), Country: c.country(), Topics: each(c.list("topics"), t.words.topic),
		Audience: c.text("audience"), Links: c.list("links"), Popularity: c.popularity(),
	}}
}

func (t *table) episode(c *cells) record {
	title, of := c.needed("title"), c.needed("show")
	topic := c.text("topic")
	if topic != "" {
		topic = t.words.topic(topic)
	}
	return &episode{catalog.EpisodeRow{
		Key: c.key("episode", of, title), Title: title, Show: of, Number: c.number("number", 0, 1e6), Topic: topic,
		Description: c.text("description"), Released: c.date("released"),
		Seconds: seconds(float64(c.number("seconds", 0, 1e6))), Links: c.list("links"),
	}}
}

func (t *table) playlist(c *cells) record {
	title := c.needed("title")
	return &playlist{catalog.PlaylistRow{
		Key: c.key("playlist", title), Title: title, Description: c.text("description"),
		Genres: each(c.list("genres"), t.words.genre), Moods: each(c.list("moods"), t.mood), Activities: c.list("activities"),
		EraFrom: c.number("era_from", 0, 9999), EraTo: c.number("era_to", 0, 9999), Language: isoLanguage(c.text("language")),
		Artists: c.list("artists"), Tracks: c.list("tracks"), Popularity: c.popularity(),
	}}
}

func (t *table) play(c *cells) record {
	p := &play{user: c.needed("user"), item: c.needed("item"), weight: 1}
	if len(p.user) > maxUser {
		c.fail("user", errLongUser.Error())
	}
	if s := c.text("weight"); s != "" {
		w, err := strconv.ParseFloat(s, 64)
		if err != nil || !(w >= leastWeight && w <= mostWeight) {
			c.fail("weight", fmt.Sprintf("%q: want a number from %.1g to %.1g", s, leastWeight, mostWeight))
		}
		p.weight = w
	}
	var err error
	if p.at, err = unixTime(c.text("timestamp")); err != nil {
		c.errs = append(c.errs, err)
	}
	return p
}

// mood keeps a word that is no mood as it is.
func (t *table) mood(s string) string { return orElse(t.words.mood(s), strings.ToLower(s)) }

// unixTime reads seconds since 1970 or a date, as in RFC 3339 or a part of it; "" is 0.
func unixTime(s string) (int64, error) {
	if s == "" {
		return 0, nil
	}
	if n, err := strconv.ParseFloat(s, 64); err == nil && n >= 0 && n < 1e11 {
		return int64(n), nil
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05", time.DateTime, time.DateOnly} {
		if t, err := time.Parse(form, s); err == nil && t.Unix() >= 0 {
			return t.Unix(), nil
		}
	}
	return 0, errBadTime
}
