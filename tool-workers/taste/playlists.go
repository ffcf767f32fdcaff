package taste

import (
	"slices"
	"strings"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

// Playlists returns at most limit playlists for a wish and the text that it came from,
// best first. A playlist must have the genre that is wished for and, of what else is
// wished for, at least something; its reason says what it does not have. Words of the text
// that say nothing are ignored.
func (f *Finder) Playlists(w Wish, text string, limit int) []Pick {
	words := Words(text)
	for _, word := range words {
		if from := decade(word); from != 0 && w.From+w.To == 0 {
			w.From, w.To = from, from+9
		}
	}
	words = slices.DeleteFunc(words, func(word string) bool { return f.says(w, word) })
	var picks []Pick
	for l := range f.c.Playlists() {
		if pick := f.playlist(l, w, words); pick.Score > 0 {
			picks = append(picks, pick)
		}
	}
	byScore(picks)
	for i, pick := range picks {
		if pick.Score < tooPoor*picks[0].Score {
			picks = picks[:i]
			break
		}
	}
	return picks[:min(limit, len(picks))]
}

// tooPoor is the share of the best score below which a playlist is no answer.
const tooPoor = 0.45

// says reports whether a word only repeats what the wish says already.
func (f *Finder) says(w Wish, word string) bool {
	activity, ok := f.tax.Activity(word)
	return decade(word) != 0 || ok && activity == w.Activity || w.Mood != "" && f.tax.Mood(word) == w.Mood ||
		slices.Contains(strings.Fields(catalog.Fold(w.Genre)), word)
}

// playlist scores one playlist; its score is 0 when it does not fit.
func (f *Finder) playlist(l catalog.Playlist, w Wish, words []string) Pick {
	pick := Pick{Ref: l.Ref(), Artist: -1, Why: l.Description()}
	title := textFit(words, l.Title(), l.Description())
	sum, wished := 0.0, 0.0
	var misses []string
	aspect := func(isWished bool, weight, fit float64, miss string) {
		if !isWished {
			return
		}
		wished += weight
		sum += weight * fit
		if fit == 0 {
			misses = append(misses, miss)
		}
	}
	genre, near := f.listGenreFit(w.Genre, l.Genres())
	if w.Genre != "" && genre == 0 || clashes(w, l) {
		return Pick{}
	}
	if near {
		misses = append(misses, "near "+w.Genre)
	}
	aspect(w.Genre != "", 1, genre, "")
	aspect(w.Mood != "", 0.7, ranked(l.Moods(), w.Mood), "not quite "+w.Mood)
	if w.Activity != nil {
		aspect(true, 0.8, ranked(l.Activities(), w.Activity.Name), "not made for "+w.Activity.Name)
	}
	aspect(w.From+w.To > 0, 0.8, eraFit(w, l), "not only "+era(w.From, w.To))
	aspect(w.Language != "", 0.6, sameLanguage(w.Language, l.Language()), "not only in "+LanguageName(w.Language))
	if wished == 0 && title < 0.5 || wished > 0 && sum == 0 {
		return Pick{}
	}
	pick.Why = Join(strings.Join(misses, ", "), ": ", pick.Why)
	pick.Score = (sum/max(1, wished) + 0.6*title) * (0.8 + 0.2*float64(l.Popularity())/100)
	return pick
}

// listGenreFit says how well a list fits a genre; near is true when it does only because
// it has a genre around that one.
func (f *Finder) listGenreFit(genre string, of []string) (fit float64, near bool) {
	const around = 0.3
	for i, name := range terms(f.tax.Genres, of) {
		if steps, ok := f.tax.Genres.Distance(genre, name); ok {
			fit = max(fit, (1-0.15*float64(min(i, 4)))*(1-0.06*float64(min(steps, 3))))
		} else if slices.Contains(f.tax.Genres.Parents(genre), name) {
			near = true
		}
	}
	if fit > 0 || !near {
		return fit, false
	}
	return around, true
}

// ranked is 1 for the first of a list, a little less for each further one, 0 for none.
func ranked(of []string, wanted string) float64 {
	i := slices.IndexFunc(of, func(s string) bool { return strings.EqualFold(s, wanted) })
	if i < 0 {
		return 0
	}
	return 1 - 0.1*float64(min(i, 5))
}

// clashes reports whether a playlist is in another language than the one that is wished for,
// or of other years.
func clashes(w Wish, l catalog.Playlist) bool {
	from, to := l.Era()
	return w.Language != "" && l.Language() != "" && l.Language() != w.Language ||
		w.From+w.To > 0 && from+to > 0 && eraFit(w, l) == 0
}

// eraFit is how far the wished years and those of the playlist are the same.
func eraFit(w Wish, l catalog.Playlist) float64 {
	listFrom, listTo := l.Era()
	if listFrom+listTo == 0 {
		return 0
	}
	const open = 40 // years that an open era reaches
	from, to := w.From, w.To
	if from == 0 {
		from = to - open
	}
	if to == 0 {
		to = from + open
	}
	if listTo == 0 {
		listTo = from + open
	}
	both := min(to, listTo) - max(from, listFrom) + 1
	return max(0, float64(both)) / float64(max(to-from, listTo-listFrom)+1)
}

func sameLanguage(wanted, of string) float64 {
	if wanted == of {
		return 1
	}
	return 0
}
