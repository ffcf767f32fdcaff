package taste

import (
	"slices"

	"github.com/parallel-fusion/pfr/tool-workers/taxonomy"
)

// Fits are between 0, for what does not fit, and 1.

// genreFit says how well a genre describes an artist, and which genre of the artist that
// is. What an artist is known for first counts most; a sub-genre counts nearly as much.
func (f *Finder) genreFit(genre string, artist int) (fit float64, matched string) {
	for i, g := range f.genres(artist) {
		steps, ok := f.tax.Genres.Distance(genre, g)
		if !ok {
			continue
		}
		if v := (1 - 0.18*float64(min(i, 4))) * (1 - 0.06*float64(min(steps, 3))); v > fit {
			fit, matched = v, g
		}
	}
	return fit, matched
}

// widerGenreFit is genreFit for the genres around one, at a discount.
func (f *Finder) widerGenreFit(genre string, artist int) (fit float64, matched string) {
	for _, parent := range f.tax.Genres.Parents(genre) {
		if v, g := f.genreFit(parent, artist); v > fit {
			fit, matched = v, g
		}
	}
	return 0.5 * fit, matched
}

// moodFit is for an artist whose moods are ranked.
func (f *Finder) moodFit(mood string, artist int) float64 {
	i := slices.Index(f.c.Artist(artist).Moods(), mood)
	if i < 0 {
		return 0
	}
	return 1 - 0.12*float64(i)
}

// closeMoodFit is moodFit for the moods near to one, at a discount.
func (f *Finder) closeMoodFit(mood string, artist int) (fit float64, matched string) {
	for i, m := range f.tax.Close(mood) {
		if v := f.moodFit(m, artist) * (0.6 - 0.1*float64(i)); v > fit {
			fit, matched = v, m
		}
	}
	return fit, matched
}

// suiting is how well terms suit an activity, worked out once for a wish.
type suiting struct {
	genre, mood map[uint32]float64
	avoid       map[uint32]bool
}

func (f *Finder) suiting(to *taxonomy.Activity) suiting {
	s := suiting{map[uint32]float64{}, map[uint32]float64{}, map[uint32]bool{}}
	for i, m := range to.Moods {
		if t, ok := f.c.TermNamed(m); ok {
			s.mood[t] = 1 - 0.1*float64(i)
		}
	}
	for t := range f.artists.genre {
		for i, g := range to.Genres {
			if steps, ok := f.tax.Genres.Distance(g, f.genre[t]); ok {
				s.genre[t] = max(s.genre[t], (1-0.06*float64(min(steps, 3)))*(1-0.04*float64(i)))
			}
		}
		s.avoid[t] = slices.ContainsFunc(to.Avoid, func(g string) bool { _, in := f.tax.Genres.Distance(g, f.genre[t]); return in })
	}
	return s
}

// activityFit wants a mood or a genre that suits the activity. Music whose first genre
// does not suit it is out.
func (f *Finder) activityFit(suits suiting, artist int) float64 {
	a := f.c.Artist(artist)
	var mood, genre float64
	for i, t := range a.GenreTerms() {
		if i == 0 && suits.avoid[t] {
			return 0
		}
		genre = max(genre, (1-0.18*float64(min(i, 4)))*suits.genre[t])
	}
	for i, t := range a.MoodTerms() {
		mood = max(mood, (1-0.12*float64(i))*suits.mood[t])
	}
	return 0.5*mood + 0.5*genre
}

func (f *Finder) languageFit(language string, artist int) float64 {
	switch i := slices.Index(f.c.Artist(artist).Languages(), language); {
	case i < 0:
		return 0
	case i == 0:
		return 1
	default: // what it sings in the language is not told apart from the rest
		return otherLanguage
	}
}

// otherLanguage is the fit of a language that is not an artist's first.
const otherLanguage = 0.75
