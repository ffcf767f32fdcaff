package catalog

import (
	"slices"
	"strings"

	"github.com/parallel-fusion/pfr/schemas"
)

// Item returns an entry as a result. Score and, but for shows and playlists, Why are left
// to the caller.
func (c *Catalog) Item(r Ref) schemas.Item {
	switch r.Type {
	case TypeArtist:
		return c.Artist(r.Index).item()
	case TypeAlbum:
		return c.Album(r.Index).item()
	case TypeTrack:
		return c.Track(r.Index).item()
	case TypeShow:
		return c.Show(r.Index).item()
	case TypeEpisode:
		return c.Episode(r.Index).item()
	default:
		return c.Playlist(r.Index).item()
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

func (a Artist) item() schemas.Item {
	genres := a.Genres()
	return schemas.Item{
		ID: a.ID(), Type: TypeArtist, Title: a.Name(), Subtitle: subtitle("Artist", a.Note(), strings.Join(head(genres, 3), ", ")),
		Artists: []string{a.Name()}, Genres: genres,
	}
}

func (a Album) item() schemas.Item {
	return schemas.Item{
		ID: a.ID(), Type: TypeAlbum, Title: a.Title(), Subtitle: subtitle(a.Kind().label(), a.Credit(), a.Note()),
		Artists: a.ArtistNames(), Genres: a.Genres(), Kind: string(a.Kind()), ReleaseDate: a.Released().String(),
	}
}

func (t Track) item() schemas.Item {
	title := ""
	if album, ok := t.Album(); ok {
		title = album.Title()
	}
	return schemas.Item{
		ID: t.ID(), Type: TypeTrack, Title: t.Title(), Subtitle: subtitle(t.Credit(), title),
		Artists: append(t.ArtistNames(), t.Featured()...), Genres: t.Genres(), ReleaseDate: t.Released().String(),
	}
}

func (s Show) item() schemas.Item {
	return schemas.Item{
		ID: s.ID(), Type: TypeShow, Title: s.Title(), Subtitle: subtitle("Podcast", s.Publisher()),
		Genres: s.Topics(), Why: s.Description(),
	}
}

func (e Episode) item() schemas.Item {
	item := schemas.Item{
		ID: e.ID(), Type: TypeEpisode, Title: e.Title(), Subtitle: subtitle("Episode", e.Show().Title()),
		ReleaseDate: e.Released().String(), Synthetic: e.Synthetic(),
	}
	if topic := e.Topic(); topic != "" {
		item.Genres = []string{topic}
	}
	return item
}

func (p Playlist) item() schemas.Item {
	genres := p.Genres()
	return schemas.Item{
		ID: p.ID(), Type: TypePlaylist, Title: p.Title(), Subtitle: subtitle("Playlist", strings.Join(head(genres, 3), ", ")),
		Genres: genres, Why: p.Description(),
	}
}

// subtitle joins what is there with dots. It fits a message, as its parts do.
func subtitle(parts ...string) string {
	parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
	return truncate(strings.Join(parts, " · "), schemas.MaxTitleBytes)
}

// credit returns the artists as printed, or their names.
func credit(printed string, names []string) string {
	switch {
	case printed != "":
		return printed
	case len(names) == 1:
		return names[0]
	default:
		return truncate(strings.Join(names[:len(names)-1], ", ")+" & "+names[len(names)-1], maxTextBytes)
	}
}

// InText returns the kind as it stands in a sentence.
func (k Kind) InText() string {
	switch k {
	case KindEP:
		return "EP"
	case KindLive:
		return "live album"
	case KindRemix:
		return "remix album"
	case KindOther:
		return "release"
	default:
		return string(k)
	}
}

func (k Kind) label() string {
	text := k.InText()
	return strings.ToUpper(text[:1]) + text[1:]
}

func head(list []string, n int) []string { return list[:min(len(list), n)] }
