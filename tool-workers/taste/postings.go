package taste

import (
	"slices"
	"strings"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

// postings are the artists that have a term (a genre, a mood, a language), the most popular
// first. Without them every wish would go through every artist.
type postings struct {
	genre, mood, language map[uint32][]uint32
}

// showPostings are the shows that have a topic, or a word in their title, publisher, topics
// or description, the most popular first.
type showPostings struct {
	topic map[uint32][]uint32
	word  map[string][]uint32
}

// described is up to how many shows the words of descriptions are looked up too: beyond it
// they would take too long to collect at every start.
const described = 20_000

func newShowPostings(c *catalog.Catalog) showPostings {
	p := showPostings{map[uint32][]uint32{}, map[string][]uint32{}}
	all := c.Count(catalog.TypeShow)
	for s := range c.Shows() {
		i := uint32(s.Index())
		for _, t := range s.TopicTerms() {
			p.topic[t] = append(p.topic[t], i)
		}
		text := s.Title() + " " + s.Publisher() + " " + strings.Join(s.Topics(), " ")
		if all <= described {
			text += " " + s.Description()
		}
		for _, w := range Words(text) {
			if of := p.word[w]; len(of) == 0 || of[len(of)-1] != i {
				p.word[w] = append(of, i)
			}
		}
	}
	return p
}

// maxShows bounds the shows that are looked at for one wish.
const maxShows = 1000

// showCandidates returns shows that may fit, the most popular of those about the topic and
// of those with a word of the text; those in the language that is wished for go first.
func (f *Finder) showCandidates(w ShowWish, words []string) []uint32 {
	var lists [][]uint32
	if w.Topic != "" {
		lists = append(lists, f.aboutTopic(w.Topic))
	}
	for _, word := range words {
		lists = append(lists, f.shows.word[word])
	}
	if w.Topic == "" && len(words) == 0 {
		lists = append(lists, first(f.c.Count(catalog.TypeShow)))
	}
	var out []uint32
	for _, list := range lists {
		spoken := list
		if w.Language != "" {
			spoken = slices.DeleteFunc(slices.Clone(list), func(i uint32) bool { return f.c.Show(int(i)).Language() != w.Language })
		}
		out = append(out, spoken[:min(len(spoken), maxShows)]...)
		out = append(out, list[:min(len(list), maxShows)]...)
	}
	return ordered(out)
}

// first returns the first n entries.
func first(n int) []uint32 {
	out := make([]uint32, n)
	for i := range out {
		out[i] = uint32(i)
	}
	return out
}

// aboutTopic returns the shows about a topic and what is below it.
func (f *Finder) aboutTopic(topic string) []uint32 {
	var out []uint32
	for t, shows := range f.shows.topic {
		if _, in := f.tax.Topics.Distance(topic, f.topic[t]); in {
			out = append(out, shows...)
		}
	}
	return ordered(out)
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
	out := first(min(s.f.c.Count(catalog.TypeArtist), maxCandidates))
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

// Releases returns releases of a genre and what is below it: those of so many weeks and
// those still to come, the newest first.
func (f *Finder) Releases(genre string, weeks, limit int) []uint32 {
	genre = known(f.tax.Genres, genre)
	oldest := catalog.Day(f.c.AsOf.AddDate(0, 0, -7*weeks))
	var out []uint32
	for a := range f.c.NewestAlbums() {
		released := a.Released()
		if len(out) == limit || released < oldest&^511 {
			break
		}
		if !released.Within(weeks, f.c.AsOf) && !released.After(f.c.AsOf) {
			continue
		}
		if slices.ContainsFunc(a.GenreTerms(), func(t uint32) bool { _, in := f.tax.Genres.Distance(genre, f.genre[t]); return in }) {
			out = append(out, uint32(a.Index()))
		}
	}
	return out
}
