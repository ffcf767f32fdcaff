package catalog

// Artist is a person, a band, or whatever else a credit names.
type Artist struct {
	c *Catalog
	i int
}

// Artist returns the i-th artist; the most popular is the first.
func (c *Catalog) Artist(i int) Artist { return Artist{c, i} }

// Index returns the place of the artist among all.
func (a Artist) Index() int { return a.i }

// Ref points at the artist.
func (a Artist) Ref() Ref { return Ref{TypeArtist, a.i} }

// ID returns the id.
func (a Artist) ID() string { return a.c.t.artists.id.at(a.i) }

// Name returns the name.
func (a Artist) Name() string { return a.c.t.artists.name.at(a.i) }

// Note tells the artist from others of its name; mostly "".
func (a Artist) Note() string { return a.c.t.artists.note.at(a.i) }

// Aliases returns other names.
func (a Artist) Aliases() []string { return a.c.t.artists.aliases.at(a.i) }

// Like returns the names of similar artists, in the catalogue or not.
func (a Artist) Like() []string { return a.c.t.artists.like.at(a.i) }

// Links returns URLs.
func (a Artist) Links() []string { return a.c.t.artists.links.at(a.i) }

// Country returns an ISO 3166-1 alpha-2 code, or "".
func (a Artist) Country() string { return a.c.Term(a.c.t.artists.country[a.i]) }

// Languages returns ISO 639-1 codes, the main one first.
func (a Artist) Languages() []string { return a.c.t.terms.strings(a.c.t.artists.languages.at(a.i)) }

// Genres returns the genres, the main one first.
func (a Artist) Genres() []string { return a.c.t.terms.strings(a.c.t.artists.genres.at(a.i)) }

// GenreTerms is Genres as terms.
func (a Artist) GenreTerms() []uint32 { return a.c.t.artists.genres.at(a.i) }

// Moods returns the moods, the main one first.
func (a Artist) Moods() []string { return a.c.t.terms.strings(a.c.t.artists.moods.at(a.i)) }

// MoodTerms is Moods as terms.
func (a Artist) MoodTerms() []uint32 { return a.c.t.artists.moods.at(a.i) }

// LanguageTerms is Languages as terms.
func (a Artist) LanguageTerms() []uint32 { return a.c.t.artists.languages.at(a.i) }

// Tags returns other words that listeners use of the artist.
func (a Artist) Tags() []string { return a.c.t.terms.strings(a.c.t.artists.tags.at(a.i)) }

// Popularity is 0 to 100.
func (a Artist) Popularity() int { return int(a.c.t.artists.popularity[a.i]) }

// Albums returns the releases by the artist, alone or with others, the newest first.
func (a Artist) Albums() []uint32 { return a.c.t.artists.albums.at(a.i) }

// Singles returns the tracks by the artist that are on none of its releases.
func (a Artist) Singles() []uint32 { return a.c.t.artists.tracks.at(a.i) }

// Kind is the kind of a release.
type Kind string

// Kinds of releases.
const (
	KindAlbum       Kind = "album"
	KindEP          Kind = "ep"
	KindSingle      Kind = "single"
	KindLive        Kind = "live"
	KindCompilation Kind = "compilation"
	KindRemix       Kind = "remix"
	KindSoundtrack  Kind = "soundtrack"
	KindOther       Kind = "other" // mixtapes, broadcasts, spoken word
)

// Kinds returns the kinds of releases, in the order of their numbers in a file.
func Kinds() []Kind {
	return []Kind{KindAlbum, KindEP, KindSingle, KindLive, KindCompilation, KindRemix, KindSoundtrack, KindOther}
}

// Album is a release of any kind.
type Album struct {
	c *Catalog
	i int
}

// Album returns the i-th release.
func (c *Catalog) Album(i int) Album { return Album{c, i} }

// Index returns the place of the release among all.
func (a Album) Index() int { return a.i }

// Ref points at the release.
func (a Album) Ref() Ref { return Ref{TypeAlbum, a.i} }

// ID returns the id.
func (a Album) ID() string { return a.c.t.albums.id.at(a.i) }

// Title returns the title.
func (a Album) Title() string { return a.c.t.albums.title.at(a.i) }

// Note tells the release from others of its title; mostly "".
func (a Album) Note() string { return a.c.t.albums.note.at(a.i) }

// Links returns URLs.
func (a Album) Links() []string { return a.c.t.albums.links.at(a.i) }

// Artist returns the main artist.
func (a Album) Artist() Artist { return Artist{a.c, int(a.c.t.albums.artist[a.i])} }

// ArtistNames returns the names of all its artists, the main one first.
func (a Album) ArtistNames() []string {
	names := []string{a.Artist().Name()}
	for _, i := range a.c.t.albums.others.at(a.i) {
		names = append(names, a.c.Artist(int(i)).Name())
	}
	return names
}

// ArtistIndexes returns all its artists, the main one first.
func (a Album) ArtistIndexes() []uint32 {
	return append([]uint32{a.c.t.albums.artist[a.i]}, a.c.t.albums.others.at(a.i)...)
}

// Credit returns the artists as printed.
func (a Album) Credit() string { return credit(a.c.t.albums.credit.at(a.i), a.ArtistNames()) }

// Kind returns the kind.
func (a Album) Kind() Kind { return Kinds()[a.c.t.albums.kind[a.i]] }

// Released returns when it came or comes out.
func (a Album) Released() Date { return Date(a.c.t.albums.released[a.i]) }

// Genres returns its genres, or those of its artist.
func (a Album) Genres() []string { return a.c.t.terms.strings(a.GenreTerms()) }

// GenreTerms is Genres as terms.
func (a Album) GenreTerms() []uint32 {
	if own := a.c.t.albums.genres.at(a.i); len(own) > 0 {
		return own
	}
	return a.Artist().GenreTerms()
}

// Popularity is 0 to 100, that of its artist where its own is unknown.
func (a Album) Popularity() int {
	if own := int(a.c.t.albums.popularity[a.i]); own > 0 {
		return own
	}
	return a.Artist().Popularity()
}

// Tracks returns its tracks in order.
func (a Album) Tracks() []uint32 { return a.c.t.albums.tracks.at(a.i) }

// Track is a recording.
type Track struct {
	c *Catalog
	i int
}

// Track returns the i-th track.
func (c *Catalog) Track(i int) Track { return Track{c, i} }

// Index returns the place of the track among all.
func (t Track) Index() int { return t.i }

// Ref points at the track.
func (t Track) Ref() Ref { return Ref{TypeTrack, t.i} }

// ID returns the id.
func (t Track) ID() string { return t.c.t.tracks.id.at(t.i) }

// Title returns the title.
func (t Track) Title() string { return t.c.t.tracks.title.at(t.i) }

// Album returns the release that the track is on.
func (t Track) Album() (Album, bool) {
	album := t.c.t.tracks.album[t.i]
	return Album{t.c, int(album)}, album != none
}

// Artist returns the main artist.
func (t Track) Artist() Artist {
	if own := t.c.t.tracks.artists.at(t.i); len(own) > 0 {
		return Artist{t.c, int(own[0])}
	}
	return Artist{t.c, int(t.c.t.albums.artist[t.c.t.tracks.album[t.i]])}
}

// ArtistNames returns the names of all its artists, the main one first, without guests.
func (t Track) ArtistNames() []string {
	own := t.c.t.tracks.artists.at(t.i)
	if len(own) == 0 {
		return Album{t.c, int(t.c.t.tracks.album[t.i])}.ArtistNames()
	}
	names := make([]string, len(own))
	for i, a := range own {
		names[i] = t.c.Artist(int(a)).Name()
	}
	return names
}

// ArtistIndexes returns all its artists, the main one first, without guests.
func (t Track) ArtistIndexes() []uint32 {
	if own := t.c.t.tracks.artists.at(t.i); len(own) > 0 {
		return own
	}
	return Album{t.c, int(t.c.t.tracks.album[t.i])}.ArtistIndexes()
}

// Credit returns the artists as printed, without guests.
func (t Track) Credit() string {
	printed := t.c.t.tracks.credit.at(t.i)
	if album, ok := t.Album(); ok && printed == "" && len(t.c.t.tracks.artists.at(t.i)) == 0 {
		return album.Credit()
	}
	return credit(printed, t.ArtistNames())
}

// Featured returns the names of guests.
func (t Track) Featured() []string { return t.c.t.tracks.featured.at(t.i) }

// Released returns when the track came out: its own date, or that of its release.
func (t Track) Released() Date {
	if own := Date(t.c.t.tracks.released[t.i]); own != 0 {
		return own
	}
	if album, ok := t.Album(); ok {
		return album.Released()
	}
	return 0
}

// Genres returns the genres of its release, or of its artist.
func (t Track) Genres() []string { return t.c.t.terms.strings(t.GenreTerms()) }

// GenreTerms is Genres as terms.
func (t Track) GenreTerms() []uint32 {
	if album, ok := t.Album(); ok && len(t.c.t.tracks.artists.at(t.i)) == 0 {
		return album.GenreTerms()
	}
	return t.Artist().GenreTerms()
}

// Seconds returns the length, 0 when unknown.
func (t Track) Seconds() int { return int(t.c.t.tracks.seconds[t.i]) }

// Popularity is 0 to 100.
func (t Track) Popularity() int { return int(t.c.t.tracks.popularity[t.i]) }
