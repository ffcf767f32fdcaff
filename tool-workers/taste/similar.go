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
	weightPlayed    = 0.35 // synthetic listeners play both
	weightGenre     = 0.30
	weightMood      = 0.08
	weightFame      = 0.05 // damped: it only settles what is close
)

// Similar returns at most limit artists like the one at index, nearest first.
func (f *Finder) Similar(artist, limit int) []Near {
	name := f.c.Artists[artist].Name
	s := f.sketch(artist)
	var out []Near
	for j := range f.c.Artists {
		if j == artist {
			continue
		}
		if score, sign := s.compare(j); score > 0 {
			out = append(out, Near{j, score, sign.reason(name, s.sharedGenre(j))})
		}
	}
	return nearest(out, limit)
}

// Artist resolves a text that is or holds the name of an artist. A name that others are
// likened to is itself, and not a misspelling of another.
func (f *Finder) Artist(text string) (index int, ok bool) {
	if index, ok = f.c.Named(text); ok {
		return index, true
	}
	if len(f.likedBy[catalog.Fold(text)]) > 0 {
		return 0, false
	}
	return f.c.ArtistIn(text)
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

func (f *Finder) fame(artist int) float64 { return float64(f.c.Artists[artist].Popularity) / 100 }

// sketch is what others are compared with.
type sketch struct {
	f      *Finder
	artist int
	name   string             // folded
	like   map[string]float64 // folded names that it is likened to, the first count most
	played map[int]float64
}

func (f *Finder) sketch(artist int) sketch {
	s := sketch{f: f, artist: artist, name: f.names[artist], like: map[string]float64{}, played: map[int]float64{}}
	for rank, name := range f.likes[artist] {
		s.like[name] = 1 - 0.05*float64(rank)
	}
	for _, c := range f.c.Companions()[artist] {
		s.played[c.Artist] = c.Score
	}
	return s
}

// sign is the strongest thing that two artists have in common.
type sign int

const (
	signGenre sign = iota
	signPlayed
	signLike
	signLikedBack
)

// compare scores the artist at index j; 0 for one that is not like it at all.
func (s sketch) compare(j int) (float64, sign) {
	f := s.f
	like := s.like[f.names[j]]
	likedBack := 0.0
	if slices.Contains(f.likes[j], s.name) {
		likedBack = 1
	}
	played, genre := s.played[j], overlap(f.genres[s.artist], f.genres[j])
	if like == 0 && likedBack == 0 && played == 0 && genre < 0.5 {
		return 0, signGenre
	}
	score := weightLike*like + weightLikedBack*likedBack + weightShared*s.shared(j) + weightPlayed*played +
		weightGenre*genre + weightMood*overlap(f.c.Artists[s.artist].Moods, f.c.Artists[j].Moods) + weightFame*f.fame(j)
	switch {
	case like > 0:
		return score, signLike
	case likedBack > 0:
		return score, signLikedBack
	case played > 0.1:
		return score, signPlayed
	default:
		return score, signGenre
	}
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

func (s sketch) sharedGenre(j int) string {
	for _, g := range s.f.genres[s.artist] {
		if slices.Contains(s.f.genres[j], g) {
			return g
		}
	}
	return ""
}

func (g sign) reason(name, genre string) string {
	switch {
	case g == signLike:
		return fmt.Sprintf("for fans of %s", name)
	case g == signLikedBack:
		return fmt.Sprintf("shares fans with %s", name)
	case g == signPlayed:
		return fmt.Sprintf("synthetic listeners play it along with %s", name)
	case genre != "":
		return fmt.Sprintf("%s, as %s plays it", genre, name)
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
