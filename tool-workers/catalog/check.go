package catalog

import "fmt"

// check reports the first reference that leads nowhere. What passes cannot make a lookup
// fail.
func (t *tables) check() error {
	terms, artists, albums := t.terms.rows(), t.artists.id.rows(), t.albums.id.rows()
	tracks, shows, episodes, playlists := t.tracks.id.rows(), t.shows.id.rows(), t.episodes.id.rows(), t.playlists.id.rows()
	if terms == 0 {
		return fmt.Errorf("it has no terms")
	}
	for _, table := range []struct {
		name    string
		rows    int
		columns []column
	}{
		{"terms", terms, []column{&t.terms.texts}},
		{"artists", artists, t.artists.columns()},
		{"albums", albums, t.albums.columns()},
		{"tracks", tracks, t.tracks.columns()},
		{"shows", shows, t.shows.columns()},
		{"episodes", episodes, t.episodes.columns()},
		{"playlists", playlists, t.playlists.columns()},
		{"names of artists", t.artistNames.names.rows(), []column{&t.artistNames.names, &t.artistNames.entries}},
		{"names of shows", t.showNames.names.rows(), []column{&t.showNames.names, &t.showNames.entries}},
		{"newest albums", albums, []column{&t.newest}},
		{"newest episodes", episodes, []column{&t.newestTalk}},
	} {
		if err := checkColumns(table.rows, table.columns); err != nil {
			return fmt.Errorf("%s: %w", table.name, err)
		}
	}
	for kind := range typeCount {
		if err := checkColumns(t.ids(kind).rows(), []column{&t.byID[kind]}); err != nil {
			return fmt.Errorf("ids: %w", err)
		}
	}
	return t.checkReferences()
}

func checkColumns(rows int, columns []column) error {
	for i, c := range columns {
		if c.rows() != rows || !c.sound() {
			return fmt.Errorf("column %d is damaged", i)
		}
	}
	return nil
}

func (t *tables) checkReferences() error {
	for _, r := range []struct {
		what string
		to   int
		in   [][]uint32
	}{
		{"term", t.terms.rows(), [][]uint32{
			t.artists.country, t.artists.languages.all, t.artists.genres.all, t.artists.moods.all, t.artists.tags.all, t.albums.genres.all,
			t.shows.language, t.shows.country, t.shows.audience, t.shows.topics.all, t.episodes.topic,
			t.playlists.genres.all, t.playlists.moods.all, t.playlists.activities.all, t.playlists.language,
		}},
		{"artist", t.artists.id.rows(), [][]uint32{
			t.albums.artist, t.albums.others.all, t.tracks.artists.all, t.playlists.artists.all, t.artistNames.entries, t.byID[0],
		}},
		{"album", t.albums.id.rows(), [][]uint32{t.artists.albums.all, t.newest, t.byID[1]}},
		{"track", t.tracks.id.rows(), [][]uint32{t.albums.tracks.all, t.artists.tracks.all, t.playlists.tracks.all, t.byID[2]}},
		{"show", t.shows.id.rows(), [][]uint32{t.episodes.show, t.showNames.entries, t.byID[3]}},
		{"episode", t.episodes.id.rows(), [][]uint32{t.shows.episodes.all, t.newestTalk, t.byID[4]}},
		{"playlist", t.playlists.id.rows(), [][]uint32{t.byID[5]}},
	} {
		for _, list := range r.in {
			for _, to := range list {
				if int(to) >= r.to {
					return fmt.Errorf("%s %d is not there", r.what, to)
				}
			}
		}
	}
	for i, album := range t.tracks.album {
		if album == none && len(t.tracks.artists.at(i)) == 0 || album != none && int(album) >= t.albums.id.rows() {
			return fmt.Errorf("track %d is by nobody", i)
		}
	}
	for _, k := range t.albums.kind {
		if int(k) >= len(Kinds()) {
			return fmt.Errorf("kind %d is not there", k)
		}
	}
	return nil
}

// ascending reports whether ends never go down and end at most.
func ascending(ends []uint32, most int) bool {
	last := uint32(0)
	for _, e := range ends {
		if e < last {
			return false
		}
		last = e
	}
	return int(last) == most
}

func (n *numbers[T]) sound() bool { return true }

func (t *texts) sound() bool { return ascending(t.ends, t.all.Len()) }

func (l *lists) sound() bool { return ascending(l.ends, len(l.all)) }

func (l *textLists) sound() bool { return ascending(l.ends, l.items.rows()) && l.items.sound() }
