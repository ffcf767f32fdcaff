package taste

import (
	"hash/fnv"
	"slices"
	"strings"

	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

// Features of a user that change the order. Lists are separated by ";" or ",".
const (
	FeatureGenres    = "favorite_genres"
	FeatureArtists   = "favorite_artists"
	FeatureLanguages = "languages" // ISO 639-1
	FeatureLanguage  = "language"
)

// Profile is what a listener is known to like. The zero Profile is for anybody.
type Profile struct {
	id        string
	genres    []string
	near      map[int]float64 // artist → affinity, 0 to 1
	languages map[string]bool
	listener  Listener        // what a model expects
	liked     map[int]float64 // artist → the most that a track of theirs is expected to be liked
}

// Profile reads the features of a user, who may be nil. It keeps the words and not the
// user.
func (f *Finder) Profile(u *schemas.User) Profile {
	if u == nil {
		return Profile{}
	}
	p := Profile{id: u.ID, near: map[int]float64{}, languages: map[string]bool{}}
	p.listener, _ = f.listening.Listener(u.ID)
	p.liked = f.likedOf(p.listener.Tracks)
	for _, name := range split(u.Features[FeatureGenres]) {
		p.genres = append(p.genres, known(f.tax.Genres, name))
	}
	for _, code := range append(split(u.Features[FeatureLanguages]), split(u.Features[FeatureLanguage])...) {
		p.languages[strings.ToLower(code)] = true
	}
	for _, name := range split(u.Features[FeatureArtists]) {
		if a, ok := f.c.Named(name); ok {
			p.near[a.Index()] = 1
			for _, n := range f.Similar(a.Index(), maxSeeds) {
				p.near[n.Artist] = max(p.near[n.Artist], 0.8*n.Score)
			}
		}
	}
	return p
}

// likedOf returns the most that a track is liked of those that are found with an artist: by
// it, or on a release of it.
func (f *Finder) likedOf(tracks map[int]float64) map[int]float64 {
	liked := map[int]float64{}
	for i, likes := range tracks {
		track := f.c.Track(i)
		artists := track.ArtistIndexes()
		if album, ok := track.Album(); ok {
			artists = slices.Concat(artists, album.ArtistIndexes())
		}
		for _, a := range artists {
			liked[int(a)] = max(liked[int(a)], likes)
		}
	}
	return liked
}

// maxFavourites bounds the work that a user's features can ask for.
const maxFavourites = 16

func split(s string) []string {
	var out []string
	for part := range strings.FieldsFuncSeq(s, func(r rune) bool { return r == ';' || r == ',' }) {
		if part = strings.TrimSpace(part); part != "" && len(out) < maxFavourites {
			out = append(out, part)
		}
	}
	return out
}

// affinity returns a factor around 1 for music by an artist.
func (p Profile) affinity(f *Finder, artist int) float64 {
	if p.id == "" {
		return 1
	}
	factor := 1 + 0.4*p.near[artist] + p.listener.Artists[artist]
	for _, g := range p.genres {
		if fit, _ := f.genreFit(g, artist); fit > 0 {
			factor += 0.25 * fit
			break
		}
	}
	if len(p.languages) > 0 && slices.ContainsFunc(f.c.Artist(artist).Languages(), func(l string) bool { return p.languages[l] }) {
		factor += 0.1
	}
	return factor
}

// fit returns a factor for an entry: above 1 for what the listener should like, below 1 for
// what was played already, and a nudge for all others.
func (p Profile) fit(ref catalog.Ref, id string) float64 {
	factor := p.nudge(id)
	if p.listener.Played[ref] {
		return factor * playedBefore
	}
	switch ref.Type {
	case catalog.TypeTrack:
		factor *= 1 + mostLiked*p.listener.Tracks[ref.Index]
	case catalog.TypeShow:
		factor *= 1 + mostLiked*p.listener.Shows[ref.Index]
	}
	return factor
}

const (
	mostNudge    = 1.03 // bounds nudge
	mostLiked    = 0.5
	playedBefore = 0.75
)

// mostFit bounds fit for the music of an artist.
func (p Profile) mostFit(artist int) float64 { return mostNudge * (1 + mostLiked*p.liked[artist]) }

// nudge returns a factor just above 1 that is steady for a listener and an entry, so that
// equals come in another order for another listener.
func (p Profile) nudge(id string) float64 {
	h := fnv.New32a()
	h.Write([]byte(p.id))
	h.Write([]byte{0})
	h.Write([]byte(id))
	return 1 + (mostNudge-1)*float64(h.Sum32()%1024)/1024
}
