package taste

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

// Near is an artist that is like another.
type Near struct {
	Artist int
	Score  float64 // 0 to about 1
	Why    string
}

// How much each sign of likeness weighs.
const (
	weightLike      = 0.40 // editors liken one to the other
	weightLikedBack = 0.25 // and the other way round
	weightShared    = 0.25 // both are likened to the same third artists
	weightPlayed    = 0.35 // the same listeners play both
	weightGenre     = 0.30
	weightMood      = 0.08
	weightEra       = 0.04 // they released records in the same years
	weightFame      = 0.05 // damped: it only settles what is close
)

// leastClosest is the score from which the closest companion counts fully. Where even that
// one is far, none is close.
const leastClosest = 0.3

// Similar returns at most limit artists like the one at index, nearest first.
func (f *Finder) Similar(artist, limit int) []Near {
	s := f.sketch(artist)
	var out []Near
	for _, j := range s.candidates() {
		if score := s.compare(int(j)); score > 0 {
			out = append(out, Near{Artist: int(j), Score: score})
		}
	}
	out = nearest(out, limit)
	for i, n := range out {
		out[i].Why = s.reason(n.Artist)
	}
	return out
}

// Likeness returns how much some artists are like the one at index, 0 to 1. It compares
// them alone, and so is quicker than [Finder.Similar].
func (f *Finder) Likeness(artist int, others []int) map[int]float64 {
	s, out := f.sketch(artist), make(map[int]float64, len(others))
	for _, j := range others {
		if _, done := out[j]; !done && j != artist {
			out[j] = min(1, s.compare(j))
		}
	}
	return out
}

// candidates returns the artists that may be like it: those that listeners or editors put
// beside it, and the best known of its genres.
func (s sketch) candidates() []uint32 {
	f := s.f
	var out []uint32
	for j := range s.played {
		out = append(out, uint32(j))
	}
	for _, j := range f.likedBy[s.name] {
		out = append(out, uint32(j))
	}
	for name := range s.like {
		if a, ok := f.c.Named(name); ok {
			out = append(out, uint32(a.Index()))
		}
	}
	const ofGenre = 2000
	for _, g := range f.c.Artist(s.artist).GenreTerms() {
		of := f.artists.genre[g]
		out = append(out, of[:min(len(of), ofGenre)]...)
	}
	return slices.DeleteFunc(ordered(out), func(j uint32) bool { return int(j) == s.artist })
}

// Artist resolves a text that is or holds the name of an artist. A name that others are
// likened to is itself, and not a misspelling of another.
func (f *Finder) Artist(text string) (index int, ok bool) {
	if a, ok := f.c.Named(text); ok {
		return a.Index(), true
	}
	if len(f.likedBy[catalog.Fold(text)]) > 0 {
		return 0, false
	}
	a, ok := f.c.ArtistIn(text)
	return a.Index(), ok
}

// SimilarToName returns artists like one that the catalogue does not have, from those that
// are likened to it. It returns none for a name that nobody mentions.
func (f *Finder) SimilarToName(name string, limit int) []Near {
	scores := map[int]float64{}
	mentions := f.likedBy[catalog.Fold(name)]
	for _, i := range mentions {
		scores[i] += 0.6
		for _, near := range f.Similar(i, 12) {
			scores[near.Artist] += 0.3 * near.Score
		}
	}
	var out []Near
	for i, score := range scores {
		why := fmt.Sprintf("close to artists for fans of %s", name)
		if slices.Contains(mentions, i) {
			why = fmt.Sprintf("shares fans with %s", name)
		}
		out = append(out, Near{i, score * (1 + weightFame*f.fame(i)), why})
	}
	return nearest(out, limit)
}

func nearest(all []Near, limit int) []Near {
	slices.SortFunc(all, func(a, b Near) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Artist, b.Artist))
	})
	return all[:min(limit, len(all))]
}

func (f *Finder) fame(artist int) float64 { return float64(f.c.Artist(artist).Popularity()) / 100 }

// sketch is what others are compared with.
type sketch struct {
	f      *Finder
	artist int
	name   string   // folded
	genres []string // by the names of the taxonomy
	moods  []string
	from   int // years of its releases, 0 when unknown
	to     int
	like   map[string]float64 // folded names that it is likened to, the first count most
	liked  map[int]float64    // those of them that the catalogue has
	played map[int]Companion
}

func (f *Finder) sketch(artist int) sketch {
	a := f.c.Artist(artist)
	s := sketch{
		f: f, artist: artist, name: catalog.Fold(a.Name()), genres: f.genres(artist), moods: a.Moods(),
		like: map[string]float64{}, liked: map[int]float64{}, played: map[int]Companion{},
	}
	s.from, s.to = f.years(artist)
	for rank, name := range f.likes[artist] {
		s.like[name] = 1 - 0.05*float64(rank)
		if other, ok := f.c.Named(name); ok {
			s.liked[other.Index()] = s.like[name]
		}
	}
	companions := f.listening.Companions(artist) // the closest first
	for _, c := range companions {
		if !f.listening.Invented() { // real ones count for more: the closest fully
			c.Score /= max(companions[0].Score, leastClosest)
		}
		s.played[c.Artist] = c
	}
	return s
}

// years returns when the artist's first and latest dated releases came out, 0 for unknown.
func (f *Finder) years(artist int) (from, to int) {
	albums := f.c.Artist(artist).Albums() // the newest first, those without a date last
	for _, i := range albums {
		if year := f.c.Album(int(i)).Released().Year(); year > 0 {
			to = max(to, year)
			from = year
		}
	}
	return from, to
}

// compare scores another artist; 0 for one that is not like it at all.
func (s sketch) compare(j int) float64 {
	f := s.f
	like, played, genre := s.liked[j], s.played[j].Score, overlap(s.genres, f.genres(j))
	likedBack := 0.0
	if slices.Contains(f.likes[j], s.name) {
		likedBack = 1
	}
	if like == 0 && likedBack == 0 && played == 0 && genre < 0.5 {
		return 0
	}
	return weightLike*like + weightLikedBack*likedBack + weightShared*s.shared(j) + weightPlayed*played +
		weightGenre*genre + weightMood*overlap(s.moods, f.c.Artist(j).Moods()) + weightEra*s.sameYears(j) + weightFame*f.fame(j)
}

// shared returns how much of what the two are likened to is the same.
func (s sketch) shared(j int) float64 {
	n := 0
	for _, name := range s.f.likes[j] {
		if _, ok := s.like[name]; ok {
			n++
		}
	}
	return float64(n) / float64(max(1, len(s.like), len(s.f.likes[j])))
}

// sameYears returns how much of the time in which the two released records is the same.
func (s sketch) sameYears(j int) float64 {
	from, to := s.f.years(j)
	if from == 0 || s.from == 0 {
		return 0
	}
	both := min(to, s.to) - max(from, s.from) + 1
	return max(0, float64(both)) / float64(max(to, s.to)-min(from, s.from)+1)
}

func (s sketch) sharedGenre(j int) string {
	of := s.f.genres(j)
	for _, g := range s.genres {
		if slices.Contains(of, g) {
			return g
		}
	}
	return ""
}

// reason says what the two have in common, the strongest first.
func (s sketch) reason(j int) string {
	name, genre := s.f.c.Artist(s.artist).Name(), s.sharedGenre(j)
	together := ""
	if genre != "" {
		together = "both " + genre
	}
	switch c := s.played[j]; {
	case s.liked[j] > 0:
		return Join(fmt.Sprintf("for fans of %s", name), "; ", together)
	case slices.Contains(s.f.likes[j], s.name):
		return Join(fmt.Sprintf("shares fans with %s", name), "; ", together)
	case c.Shared > 1 && s.f.listening.Invented():
		return Join(fmt.Sprintf("shares %d synthetic listeners", c.Shared), "; ", together)
	case c.Shared > 1:
		return Join(fmt.Sprintf("shares %d listeners", c.Shared), "; ", together)
	case genre != "":
		return together
	default:
		return fmt.Sprintf("close to %s", name)
	}
}

// overlap compares two ranked lists: what both hold counts more the higher it stands. 1 is
// for lists with the same head.
func overlap(a, b []string) float64 {
	var sum, most float64
	for i, x := range a {
		w := 1 / float64(i+1)
		most += w
		if j := slices.Index(b, x); j >= 0 {
			sum += w / (1 + 0.3*float64(j))
		}
	}
	if most == 0 {
		return 0
	}
	return sum / most
}
