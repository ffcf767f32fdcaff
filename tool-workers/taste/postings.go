package taste

import (
	"slices"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

// postings are the artists that have a term (a genre, a mood, a language), the most popular
// first. Without them every wish would go through every artist.
type postings struct {
	genre, mood, language map[uint32][]uint32
}

func newPostings(c *catalog.Catalog) postings {
	p := postings{map[uint32][]uint32{}, map[uint32][]uint32{}, map[uint32][]uint32{}}
	for a := range c.Artists() {
		for _, of := range []struct {
			to    map[uint32][]uint32
			terms []uint32
		}{{p.genre, a.GenreTerms()}, {p.mood, a.MoodTerms()}, {p.language, a.LanguageTerms()}} {
			for _, t := range of.terms {
				of.to[t] = append(of.to[t], uint32(a.Index()))
			}
		}
	}
	return p
}

// maxCandidates bounds the artists that are looked at for one wish: the most popular of
// those that have what the fewest have.
const maxCandidates = 8000

// candidates returns the artists that may match, in order.
func (s *musicSearch) candidates(l loosening) []uint32 {
	f := s.f
	if s.seeds != nil {
		var out []uint32
		for i := range s.seeds {
			out = append(out, uint32(i))
		}
		slices.Sort(out)
		return out
	}
	var lists [][]uint32
	if s.w.Weeks > 0 {
		lists = append(lists, f.releasedWithin(s.w.Weeks*l.weeks))
	}
	if s.w.Genre != "" && !l.anyGenre && !s.noGenre {
		wanted := []string{s.w.Genre}
		if l.genre {
			wanted = append(wanted, f.tax.Genres.Parents(s.w.Genre)...)
		}
		lists = append(lists, f.byGenre(wanted))
	}
	if s.w.Language != "" && !l.language {
		lists = append(lists, f.having(f.artists.language, s.w.Language))
	}
	if s.w.Mood != "" {
		moods := []string{s.w.Mood}
		if l.mood {
			moods = append(moods, f.tax.Close(s.w.Mood)...)
		}
		lists = append(lists, f.having(f.artists.mood, moods...))
	}
	if len(lists) == 0 {
		return s.anybody()
	}
	shortest := slices.MinFunc(lists, func(a, b []uint32) int { return len(a) - len(b) })
	return shortest[:min(len(shortest), maxCandidates)]
}

// anybody returns the most popular artists, and those that are near to the listener.
func (s *musicSearch) anybody() []uint32 {
	out := make([]uint32, min(s.f.c.Count(catalog.TypeArtist), maxCandidates))
	for i := range out {
		out[i] = uint32(i)
	}
	for i := range s.p.near {
		out = append(out, uint32(i))
	}
	return ordered(out)
}

func ordered(artists []uint32) []uint32 {
	slices.Sort(artists)
	return slices.Compact(artists)
}

// having returns the artists that have one of some words.
func (f *Finder) having(of map[uint32][]uint32, words ...string) []uint32 {
	var out []uint32
	for _, w := range words {
		if t, ok := f.c.TermNamed(w); ok {
			out = append(out, of[t]...)
		}
	}
	return ordered(out)
}

// byGenre returns the artists of some genres and what is below them.
func (f *Finder) byGenre(wanted []string) []uint32 {
	var out []uint32
	for t, artists := range f.artists.genre {
		if slices.ContainsFunc(wanted, func(w string) bool { _, in := f.tax.Genres.Distance(w, f.genre[t]); return in }) {
			out = append(out, artists[:min(len(artists), 2*maxCandidates)]...)
		}
	}
	return ordered(out)
}

// releasedWithin returns the artists with a release of so many weeks.
func (f *Finder) releasedWithin(weeks int) []uint32 {
	var out []uint32
	oldest := catalog.Day(f.c.AsOf.AddDate(0, 0, -7*weeks))
	for a := range f.c.NewestAlbums() {
		if a.Released() < oldest&^511 { // a date of lesser precision stands at the head of its year
			break
		}
		out = append(out, uint32(a.Artist().Index()))
	}
	return ordered(out)
}
