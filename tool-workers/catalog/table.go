package catalog

// A table holds the entries of one type, by column. References are places in other tables.

type artistTable struct {
	id, name, note texts
	aliases, like  textLists
	links          textLists
	country        numbers[uint32] // a term
	languages      lists           // terms, as those below
	genres         lists
	moods          lists
	tags           lists
	popularity     numbers[uint8]
	albums         lists // its own and those it shares, newest first
	tracks         lists // recordings by it that are on no album of its own
}

func (t *artistTable) columns() []column {
	return []column{
		&t.id, &t.name, &t.note, &t.aliases, &t.like, &t.links, &t.country, &t.languages, &t.genres, &t.moods, &t.tags, &t.popularity,
		&t.albums, &t.tracks,
	}
}

type albumTable struct {
	id, title, credit, note texts
	links                   textLists
	artist                  numbers[uint32] // the main one
	others                  lists           // artists that share it
	kind                    numbers[uint8]
	released                numbers[uint32] // a Date
	genres                  lists           // terms; empty for those of the artist
	popularity              numbers[uint8]
	tracks                  lists
}

func (t *albumTable) columns() []column {
	return []column{
		&t.id, &t.title, &t.credit, &t.note, &t.links, &t.artist, &t.others, &t.kind, &t.released, &t.genres, &t.popularity, &t.tracks,
	}
}

type trackTable struct {
	id, title, credit texts
	featured          textLists
	album             numbers[uint32] // none for a recording that is on no album
	artists           lists           // empty for those of the album
	released          numbers[uint32] // a Date; 0 for that of the album
	seconds           numbers[uint16]
	popularity        numbers[uint8]
}

func (t *trackTable) columns() []column {
	return []column{&t.id, &t.title, &t.credit, &t.featured, &t.album, &t.artists, &t.released, &t.seconds, &t.popularity}
}

type showTable struct {
	id, title, publisher, description texts
	links                             textLists
	language, country, audience       numbers[uint32] // terms
	topics                            lists           // terms
	popularity                        numbers[uint8]
	episodes                          lists // newest first
}

func (t *showTable) columns() []column {
	return []column{
		&t.id, &t.title, &t.publisher, &t.description, &t.links, &t.language, &t.country, &t.audience, &t.topics, &t.popularity, &t.episodes,
	}
}

type episodeTable struct {
	id, title, description texts
	links                  textLists
	show                   numbers[uint32]
	number                 numbers[uint32]
	topic                  numbers[uint32] // a term
	released               numbers[uint32] // a Date
	seconds                numbers[uint16]
	synthetic              numbers[uint8] // 1 for invented
}

func (t *episodeTable) columns() []column {
	return []column{&t.id, &t.title, &t.description, &t.links, &t.show, &t.number, &t.topic, &t.released, &t.seconds, &t.synthetic}
}

type playlistTable struct {
	id, title, description    texts
	genres, moods, activities lists           // terms
	from, to                  numbers[uint16] // years
	language                  numbers[uint32] // a term
	artists, tracks           lists
	popularity                numbers[uint8]
}

func (t *playlistTable) columns() []column {
	return []column{
		&t.id, &t.title, &t.description, &t.genres, &t.moods, &t.activities, &t.from, &t.to, &t.language, &t.artists, &t.tracks, &t.popularity,
	}
}

// none stands for no entry.
const none = ^uint32(0)

// tables are all tables of a catalogue, and the orders in which entries are looked up.
type tables struct {
	terms     terms
	artists   artistTable
	albums    albumTable
	tracks    trackTable
	shows     showTable
	episodes  episodeTable
	playlists playlistTable

	byID        [typeCount]numbers[uint32] // of each type, entries by id
	artistNames nameIndex
	showNames   nameIndex
	newest      numbers[uint32] // albums by date, the newest first
	newestTalk  numbers[uint32] // episodes by date, the newest first
}

// ids returns the column of ids of a type of entry, as numbered by [Types].
func (t *tables) ids(kind int) *texts {
	return [...]*texts{&t.artists.id, &t.albums.id, &t.tracks.id, &t.shows.id, &t.episodes.id, &t.playlists.id}[kind]
}

// columns returns every column in the order of the file.
func (t *tables) columns() []column {
	all := []column{&t.terms.texts}
	for _, table := range []interface{ columns() []column }{&t.artists, &t.albums, &t.tracks, &t.shows, &t.episodes, &t.playlists} {
		all = append(all, table.columns()...)
	}
	for i := range t.byID {
		all = append(all, &t.byID[i])
	}
	return append(all, &t.artistNames.names, &t.artistNames.entries, &t.showNames.names, &t.showNames.entries, &t.newest, &t.newestTalk)
}
