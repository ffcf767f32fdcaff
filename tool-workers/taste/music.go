package taste

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/recommend"
)

// Limits of one answer.
const (
	enough    = 3  // fewer matches than this, and the wish is loosened
	perArtist = 2  // entries by one artist
	maxSeeds  = 40 // artists like the one that is named
)

// Music returns at most limit tracks, albums and artists for a wish, best first, types
// taking turns. It returns none when nothing fits even loosely.
func (f *Finder) Music(w Wish, types []schemas.ItemType, p Profile, limit int) []Pick {
	s := f.newSearch(w, p, types)
	s.limit = limit
	var picks []Pick
	have := map[catalog.Ref]bool{}
	for _, l := range s.loosenings() {
		for _, pick := range s.run(l) {
			if !have[pick.Ref] {
				have[pick.Ref] = true
				picks = append(picks, pick)
			}
		}
		picks = f.varied(picks, limit)
		if len(picks) >= s.enough(l) {
			break
		}
	}
	for i := range picks {
		picks[i].Why, picks[i].found = s.why(picks[i].found), nil
		if i > 0 { // what fits less comes later
			picks[i].Score = min(picks[i].Score, picks[i-1].Score)
		}
	}
	return picks
}

// enough is how many matches end the search. An artist who sings in the language that is
// wished for, and in another one first, may well be meant, if there are not many better.
func (s *musicSearch) enough(l loosening) int {
	if s.w.Language != "" && !l.tongues {
		return min(s.limit, 3*enough)
	}
	return enough
}

// musicSearch is one wish on its way.
type musicSearch struct {
	f       *Finder
	w       Wish
	p       Profile
	types   []schemas.ItemType
	seeds   map[int]Near // nil when no artist is named
	seed    int          // the artist that is named, -1 if the catalogue does not have it
	suits   suiting      // for the activity
	noGenre bool         // nobody in the catalogue plays the genre
	limit   int
	scratch []candidate // of one artist at a time
}

func (f *Finder) newSearch(w Wish, p Profile, types []schemas.ItemType) *musicSearch {
	s := &musicSearch{f: f, w: w, p: p, types: types, seed: -1}
	if w.Artist != "" {
		s.findSeeds()
	}
	if w.Activity != nil {
		s.suits = f.suiting(w.Activity)
	}
	if w.Genre != "" {
		s.noGenre = len(f.byGenre([]string{w.Genre})) == 0
	}
	return s
}

// findSeeds looks up who is like the artist that is named. An artist without any stands
// for itself.
func (s *musicSearch) findSeeds() {
	s.seeds = map[int]Near{}
	i, known := s.f.Artist(s.w.Artist)
	var like []Near
	if known {
		s.seed, like = i, s.f.Similar(i, maxSeeds)
	} else {
		like = s.f.SimilarToName(s.w.Artist, maxSeeds)
	}
	for _, n := range like {
		s.seeds[n.Artist] = n
	}
	if known && len(like) == 0 {
		s.seeds[i] = Near{i, 1, "there is nobody like it here"}
	}
}

// loosening is what a run may overlook.
type loosening struct {
	depth    int
	weeks    int // times as many
	mood     bool
	genre    bool
	years    int  // either way
	tongues  bool // a language that is not the artist's first
	language bool
	activity bool
	anyGenre bool
}

// loosenings returns the steps that make a difference to this wish, the strict one first.
// Each includes those before it.
func (s *musicSearch) loosenings() []loosening {
	w, now := s.w, loosening{weeks: 1}
	steps := []loosening{now}
	step := func(applies bool, change func(*loosening)) {
		if applies {
			now.depth++
			change(&now)
			steps = append(steps, now)
		}
	}
	step(w.Weeks > 0, func(l *loosening) { l.weeks = 3 })
	step(w.Language != "", func(l *loosening) { l.tongues = true })
	step(w.Mood != "", func(l *loosening) { l.mood = true })
	step(w.From+w.To > 0, func(l *loosening) { l.years = 5 })
	step(len(s.f.tax.Genres.Parents(w.Genre)) > 0, func(l *loosening) { l.genre = true })
	step(w.Activity != nil, func(l *loosening) { l.activity = true })
	step(w.Weeks > 0, func(l *loosening) { l.weeks = 1000 })
	step(w.Language != "" && (w.Genre != "" || w.Mood != ""), func(l *loosening) { l.language = true })
	rest := w
	rest.Genre, rest.Weeks = "", 0
	step(w.Genre != "" && s.noGenre && !rest.Empty(), func(l *loosening) { l.anyGenre = true })
	return steps
}

// run returns the best of what fits, best first, types taking turns. It goes through the
// artists in the order of how well they could do, and stops when the rest cannot do better.
func (s *musicSearch) run(l loosening) []Pick {
	var matches []match
	for _, artist := range s.candidates(l) {
		if m, ok := s.matchArtist(l, int(artist)); ok {
			matches = append(matches, m)
		}
	}
	slices.SortFunc(matches, func(a, b match) int { return cmp.Or(cmp.Compare(b.most, a.most), cmp.Compare(a.artist, b.artist)) })
	byType := make([][]Pick, len(s.types))
	for n, m := range matches {
		const often = 32
		if n%often == 0 && s.settled(byType, m.most) {
			break
		}
		for i, t := range s.types {
			byType[i] = append(byType[i], s.entries(l, m, t)...)
		}
	}
	for i, picks := range byType {
		byScore(picks)
		byType[i] = s.diverse(picks)
	}
	return TakeTurns(byType)
}

const (
	relevanceShare = 0.8 // how much the fit counts against being unlike what stands before
	maxDiverse     = 100 // entries; the work grows with their square
)

// diverse reorders the head of a list that no genre or artist holds together, so that one
// genre does not fill the page (MMR).
func (s *musicSearch) diverse(picks []Pick) []Pick {
	if s.w.Genre != "" || s.seeds != nil {
		return picks
	}
	first := picks[:min(len(picks), 2*s.limit, maxDiverse)]
	candidates, genres := make([]recommend.Scored, len(first)), make([][]string, len(first))
	for i, p := range first {
		candidates[i], genres[i] = recommend.Scored{Item: i, Score: float32(p.Score)}, s.f.genres(p.Artist)
	}
	best := recommend.MMR(candidates, len(first), relevanceShare, func(a, b int) float64 {
		return (overlap(genres[a], genres[b]) + overlap(genres[b], genres[a])) / 2
	})
	out := make([]Pick, 0, len(picks))
	for _, b := range best {
		out = append(out, first[b.Item])
	}
	return append(out, picks[len(first):]...)
}

// settled reports whether every type has more than enough entries with a score above most.
func (s *musicSearch) settled(byType [][]Pick, most float64) bool {
	for _, picks := range byType {
		better := 0
		for _, p := range picks {
			if p.Score > most {
				better++
			}
		}
		if better < 2*perArtist*s.limit { // all may be by few artists
			return false
		}
	}
	return true
}

// match is how an artist fits.
type match struct {
	artist int
	score  float64
	most   float64  // no entry of the artist can score more
	what   string   // the artist's own words for it: "groovy soul"
	misses []string // what was overlooked
}

func (s *musicSearch) matchArtist(l loosening, artist int) (match, bool) {
	m := match{artist: artist, score: 1}
	near, wanted := s.seeds[artist]
	if s.seeds != nil && !wanted {
		return m, false
	}
	if wanted {
		m.score, m.what = min(near.Score, 1), near.Why
	}
	genre, ok := s.matchGenre(l, &m)
	if !ok {
		return m, false
	}
	mood, ok := s.matchMood(l, &m)
	if !ok || !s.matchActivity(l, &m) || !s.matchLanguage(l, &m) {
		return m, false
	}
	if m.what == "" {
		m.what = describe(mood, genre)
	}
	if s.w.Activity != nil && !l.activity {
		m.what = Join(m.what, " ", "for "+s.w.Activity.Name)
	}
	m.score *= (0.5 + 0.5*s.f.fame(artist)) * s.p.affinity(s.f, artist) / float64(1+l.depth)
	m.most = m.score * s.p.mostFit(artist)
	return m, true
}

func (s *musicSearch) matchGenre(l loosening, m *match) (genre string, ok bool) {
	first := s.f.mainGenre(m.artist)
	if s.w.Genre == "" {
		return first, true
	}
	fit, genre := s.f.genreFit(s.w.Genre, m.artist)
	if fit == 0 && l.genre {
		fit, genre = s.f.widerGenreFit(s.w.Genre, m.artist)
		m.misses = append(m.misses, "near "+s.w.Genre)
	}
	if fit == 0 && l.anyGenre {
		fit, genre = 0.3, first
		m.misses = append(m.misses, "there is no "+s.w.Genre+" here")
	}
	m.score *= fit
	if i := slices.Index(s.f.genres(m.artist), genre); i > 1 {
		genre = first + ", also " + genre
	}
	return genre, fit > 0
}

func (s *musicSearch) matchMood(l loosening, m *match) (mood string, ok bool) {
	if s.w.Mood == "" {
		return "", true
	}
	fit, mood := s.f.moodFit(s.w.Mood, m.artist), s.w.Mood
	if fit == 0 && l.mood {
		fit, mood = s.f.closeMoodFit(s.w.Mood, m.artist)
		m.misses = append(m.misses, "not quite "+s.w.Mood)
	}
	m.score *= fit
	return mood, fit > 0
}

func (s *musicSearch) matchActivity(l loosening, m *match) bool {
	if s.w.Activity == nil {
		return true
	}
	fit := s.f.activityFit(s.suits, m.artist)
	if fit < 0.35 && l.activity {
		fit = 0.2
		m.misses = append(m.misses, "not made for "+s.w.Activity.Name)
	}
	m.score *= fit
	return fit >= 0.35 || l.activity
}

func (s *musicSearch) matchLanguage(l loosening, m *match) bool {
	if s.w.Language == "" {
		return true
	}
	fit := s.f.languageFit(s.w.Language, m.artist)
	if fit == otherLanguage && !l.tongues {
		fit = 0
	}
	if fit == 0 && l.language {
		fit = 0.3
		m.misses = append(m.misses, fmt.Sprintf("not in %s", LanguageName(s.w.Language)))
	}
	m.score *= fit
	return fit > 0
}

// varied keeps at most limit picks, at most perArtist by each artist, alone or with others,
// and a recording that is on several albums once.
func (f *Finder) varied(picks []Pick, limit int) []Pick {
	count, have := map[int]int{}, map[string]bool{}
	out := make([]Pick, 0, limit)
	for _, p := range picks {
		if len(out) == limit {
			break
		}
		main := f.mainArtist(p)
		if count[p.Artist] >= perArtist || count[main] >= perArtist {
			continue
		}
		if key := catalog.Recording(f.c.Item(p.Ref)); !have[key] {
			have[key] = true
			count[main]++
			if p.Artist != main { // found by another who is on it
				count[p.Artist]++
			}
			out = append(out, p)
		}
	}
	return out
}

// mainArtist returns who a pick is by in the first place.
func (f *Finder) mainArtist(p Pick) int {
	switch p.Ref.Type {
	case catalog.TypeTrack:
		return f.c.Track(p.Ref.Index).Artist().Index()
	case catalog.TypeAlbum:
		return f.c.Album(p.Ref.Index).Artist().Index()
	default:
		return p.Artist
	}
}

// TakeTurns merges ranked lists: the first of each, then the second of each, and so on.
func TakeTurns(lists [][]Pick) []Pick {
	if len(lists) == 1 {
		return lists[0]
	}
	var out []Pick
	for row, more := 0, true; more; row++ {
		more = false
		for _, l := range lists {
			if row < len(l) {
				out, more = append(out, l[row]), true
			}
		}
	}
	return out
}
