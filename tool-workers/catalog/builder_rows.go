package catalog

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// AddArtist adds an artist.
func (b *Builder) AddArtist(r ArtistRow) error {
	r.Name = clean(r.Name)
	key, err := b.admit(check{TypeArtist, r.Key, r.Name, r.Popularity, nil}, func() string { return slug(r.Name) })
	if err != nil {
		return err
	}
	t := &b.t.artists
	b.keys[typeIndex(TypeArtist)].add(key)
	t.name.add(r.Name)
	t.note.add(clean(r.Note))
	t.aliases.add(cleanAll(r.Aliases))
	t.like.add(cleanAll(r.Like))
	t.links.add(links(r.Links))
	t.country.add(b.t.terms.place(clean(r.Country)))
	t.languages.add(b.terms(r.Languages))
	t.genres.add(b.terms(r.Genres))
	t.moods.add(b.terms(r.Moods))
	t.tags.add(b.terms(r.Tags))
	t.popularity.add(clamp[uint8](r.Popularity))
	return nil
}

// AddAlbum adds a release by artists that are there.
func (b *Builder) AddAlbum(r AlbumRow) error {
	r.Title = clean(r.Title)
	artists, err := b.referAll(TypeArtist, head(r.Artists, maxList))
	if err == nil && len(artists) == 0 {
		err = errors.New("it has no artist")
	}
	if err != nil {
		return fmt.Errorf("album %q: %w", shorten(r.Key+" "+r.Title), err)
	}
	kind := slices.Index(Kinds(), r.Kind)
	if kind < 0 {
		return fmt.Errorf("album %q: %w: kind %q", shorten(r.Key+" "+r.Title), ErrBadRow, r.Kind)
	}
	key, err := b.admit(check{TypeAlbum, r.Key, r.Title, r.Popularity, []string{r.Credit, r.Note}}, func() string {
		return slug(b.t.artists.name.at(int(artists[0]))) + "/" + slug(r.Title)
	})
	if err != nil {
		return err
	}
	t := &b.t.albums
	b.keys[typeIndex(TypeAlbum)].add(key)
	t.title.add(r.Title)
	t.credit.add(clean(r.Credit))
	t.note.add(clean(r.Note))
	t.links.add(links(r.Links))
	t.artist.add(artists[0])
	t.others.add(artists[1:])
	t.kind.add(uint8(kind))
	t.released.add(uint32(r.Released))
	t.genres.add(b.terms(r.Genres))
	t.popularity.add(clamp[uint8](r.Popularity))
	return nil
}

// AddTrack adds a recording, on an album that is there or by artists that are.
func (b *Builder) AddTrack(r TrackRow) error {
	r.Title = clean(r.Title)
	artists, err := b.referAll(TypeArtist, head(r.Artists, maxList))
	album := none
	if err == nil && r.Album != "" {
		album, err = b.refer(TypeAlbum, r.Album)
	}
	if err == nil && album == none && len(artists) == 0 {
		err = errors.New("it has neither an album nor an artist")
	}
	if err != nil {
		return fmt.Errorf("track %q: %w", shorten(r.Key+" "+r.Title), err)
	}
	key, err := b.admit(check{TypeTrack, r.Key, r.Title, r.Popularity, []string{r.Credit}}, func() string { return b.trackKey(r, album, artists) })
	if err != nil {
		return err
	}
	t := &b.t.tracks
	b.keys[typeIndex(TypeTrack)].add(key)
	t.title.add(r.Title)
	t.credit.add(clean(r.Credit))
	t.featured.add(cleanAll(r.Featured))
	t.album.add(album)
	t.artists.add(b.ownArtists(album, artists))
	t.released.add(uint32(r.Released))
	t.seconds.add(clamp[uint16](r.Seconds))
	t.popularity.add(clamp[uint8](r.Popularity))
	return nil
}

// trackKey makes a key of names.
func (b *Builder) trackKey(r TrackRow, album uint32, artists []uint32) string {
	if album != none {
		_, key, _ := strings.Cut(b.t.albums.id.at(int(album)), ":")
		return key + "/" + slug(r.Title)
	}
	return slug(b.t.artists.name.at(int(artists[0]))) + "/" + slug(r.Title)
}

// ownArtists returns no artists when they are those of the album.
func (b *Builder) ownArtists(album uint32, artists []uint32) []uint32 {
	if album == none || len(artists) == 0 || artists[0] != b.t.albums.artist[album] || !slices.Equal(artists[1:], b.t.albums.others.at(int(album))) {
		return artists
	}
	return nil
}

// AddShow adds a podcast.
func (b *Builder) AddShow(r ShowRow) error {
	r.Title = clean(r.Title)
	key, err := b.admit(check{TypeShow, r.Key, r.Title, r.Popularity, []string{r.Publisher, r.Description}}, func() string { return slug(r.Title) })
	if err != nil {
		return err
	}
	t := &b.t.shows
	b.keys[typeIndex(TypeShow)].add(key)
	t.title.add(r.Title)
	t.publisher.add(clean(r.Publisher))
	t.description.add(clean(r.Description))
	t.links.add(links(r.Links))
	t.language.add(b.t.terms.place(clean(r.Language)))
	t.country.add(b.t.terms.place(clean(r.Country)))
	t.audience.add(b.t.terms.place(clean(r.Audience)))
	t.topics.add(b.terms(r.Topics))
	t.popularity.add(clamp[uint8](r.Popularity))
	return nil
}

// AddEpisode adds an episode of a show that is there.
func (b *Builder) AddEpisode(r EpisodeRow) error {
	r.Title = clean(r.Title)
	show, err := b.refer(TypeShow, r.Show)
	if err != nil {
		return fmt.Errorf("episode %q: %w", shorten(r.Key+" "+r.Title), err)
	}
	key, err := b.admit(check{TypeEpisode, r.Key, r.Title, 0, []string{r.Description}}, func() string {
		return slug(b.t.shows.title.at(int(show))) + "/" + slug(r.Title)
	})
	if err != nil {
		return err
	}
	topic := b.t.terms.place(clean(r.Topic))
	if topics := b.t.shows.topics.at(int(show)); topic == 0 && len(topics) > 0 {
		topic = topics[0]
	}
	t := &b.t.episodes
	b.keys[typeIndex(TypeEpisode)].add(key)
	t.title.add(r.Title)
	t.description.add(clean(r.Description))
	t.links.add(links(r.Links))
	t.show.add(show)
	t.number.add(clamp[uint32](r.Number))
	t.topic.add(topic)
	t.released.add(uint32(r.Released))
	t.seconds.add(clamp[uint16](r.Seconds))
	t.synthetic.add(0)
	if r.Synthetic {
		t.synthetic[len(t.synthetic)-1] = 1
	}
	return nil
}

// AddPlaylist adds a playlist of artists and tracks that are there.
func (b *Builder) AddPlaylist(r PlaylistRow) error {
	r.Title = clean(r.Title)
	artists, err := b.referAll(TypeArtist, head(r.Artists, maxList))
	tracks, trackErr := b.referAll(TypeTrack, r.Tracks)
	if err := errors.Join(err, trackErr); err != nil {
		return fmt.Errorf("playlist %q: %w", shorten(r.Key+" "+r.Title), err)
	}
	key, err := b.admit(check{TypePlaylist, r.Key, r.Title, r.Popularity, []string{r.Description}}, func() string { return slug(r.Title) })
	if err != nil {
		return err
	}
	t := &b.t.playlists
	b.keys[typeIndex(TypePlaylist)].add(key)
	t.title.add(r.Title)
	t.description.add(clean(r.Description))
	t.genres.add(b.terms(r.Genres))
	t.moods.add(b.terms(r.Moods))
	t.activities.add(b.terms(r.Activities))
	t.from.add(clamp[uint16](r.EraFrom))
	t.to.add(clamp[uint16](r.EraTo))
	t.language.add(b.t.terms.place(clean(r.Language)))
	t.artists.add(artists)
	t.tracks.add(tracks)
	t.popularity.add(clamp[uint8](r.Popularity))
	return nil
}

// The most that is kept of a text, and of a list: both end up in messages.
const (
	maxTextBytes = 480
	maxList      = 32
)

func (b *Builder) terms(list []string) []uint32 {
	list = cleanAll(list)
	out := make([]uint32, 0, len(list))
	for _, s := range list {
		if p := b.t.terms.place(s); !slices.Contains(out, p) {
			out = append(out, p)
		}
	}
	return out
}

// clean returns s as it may stand on a page: valid, on one line, without characters that
// are not seen but act, and not too long.
func clean(s string) string {
	unfit := func(r rune) bool { return r != ' ' && isGap(r) || isHidden(r) }
	if len(s) > maxTextBytes || !utf8.ValidString(s) || strings.ContainsFunc(s, unfit) {
		s = strings.Map(func(r rune) rune {
			if isHidden(r) {
				return -1
			}
			return r
		}, strings.ToValidUTF8(s, " "))
		s = truncate(strings.Join(strings.FieldsFunc(s, isGap), " "), maxTextBytes)
	}
	return strings.TrimSpace(s)
}

// isGap reports whether one space stands for r.
func isGap(r rune) bool {
	return r == utf8.RuneError || unicode.IsControl(r) || unicode.IsSpace(r)
}

// isHidden reports whether r is a format character, as those are that turn the direction of
// what follows them. The two joiners are parts of words and of emoji.
func isHidden(r rune) bool {
	const zwnj, zwj = '\u200C', '\u200D'
	return r != zwnj && r != zwj && unicode.Is(unicode.Cf, r)
}

// truncate cuts s to at most n bytes between runes, with an ellipsis.
func truncate(s string, n int) string {
	const ellipsis = "…"
	if len(s) <= n {
		return s
	}
	n -= len(ellipsis)
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + ellipsis
}

// cleanAll leaves out what is empty or comes too late in the list.
func cleanAll(list []string) []string {
	out := make([]string, 0, min(len(list), maxList))
	for _, s := range list {
		if s = clean(s); s != "" && len(out) < maxList {
			out = append(out, s)
		}
	}
	return out
}

// links keeps the links that a page may lead to. One that is too long is left out: cut, it
// would lead elsewhere.
func links(list []string) []string {
	kept := make([]string, 0, len(list))
	for _, s := range list {
		s = strings.TrimSpace(s)
		if len(s) <= maxTextBytes && (strings.HasPrefix(s, "https://") || strings.HasPrefix(s, "http://")) {
			kept = append(kept, s)
		}
	}
	return cleanAll(kept)
}
