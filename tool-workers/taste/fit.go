package taste

import "slices"

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

// activityFit wants a mood or a genre that suits the activity. Music whose first genre
// does not suit it is out.
func (f *Finder) activityFit(w Wish, artist int) float64 {
	for _, g := range w.Activity.Avoid {
		if _, in := f.tax.Genres.Distance(g, f.mainGenre(artist)); in {
			return 0
		}
	}
	var mood, genre float64
	for i, m := range w.Activity.Moods {
		mood = max(mood, f.moodFit(m, artist)*(1-0.1*float64(i)))
	}
	for i, g := range w.Activity.Genres {
		v, _ := f.genreFit(g, artist)
		genre = max(genre, v*(1-0.04*float64(i)))
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
