// Package taste finds what fits a wish, and orders it for a listener.
//
// A [Wish] is what a call asks for: a genre, a mood, something to do, years, a language.
// A [Finder] answers it with [Pick]s from the catalogue: entries that fit, how well, and
// why. When too few fit it loosens the wish step by step, and says so of every entry that
// it lets in that way. It also knows which artists are alike ([Finder.Similar]).
//
// What listeners do comes from a [Listening], which may be a trained model. A [Profile] changes the order for one listener. What it holds never shows in the reasons
// that a pick gives: those are for the page, which knows nothing of the listener.
package taste

import (
	"fmt"

	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/taxonomy"
)

// Finder answers wishes. It is read-only once built, and safe for concurrent use.
type Finder struct {
	c         *catalog.Catalog
	tax       *taxonomy.Taxonomy
	listening Listening
	genre     []string // of each term of the catalogue, by the names of the taxonomy
	topic     []string // likewise
	shows     showPostings
	artists   postings         // of each term
	likes     map[int][]string // folded names that an artist is likened to
	likedBy   map[string][]int // folded name → artists that are likened to it
}

// NewFinder returns a Finder over c. Of listeners it knows what l says.
func NewFinder(c *catalog.Catalog, l Listening) (*Finder, error) {
	tax, err := taxonomy.Load()
	if err != nil {
		return nil, fmt.Errorf("load taxonomy: %w", err)
	}
	f := &Finder{c: c, tax: tax, listening: l, artists: newPostings(c), shows: newShowPostings(c), likes: map[int][]string{}, likedBy: map[string][]int{}}
	for i := range uint32(c.Terms()) {
		f.genre = append(f.genre, term(tax.Genres, c.Term(i)))
		f.topic = append(f.topic, term(tax.Topics, c.Term(i)))
	}
	for a := range c.Artists() {
		for _, name := range a.Like() {
			folded := catalog.Fold(name)
			f.likes[a.Index()] = append(f.likes[a.Index()], folded)
			f.likedBy[folded] = append(f.likedBy[folded], a.Index())
		}
	}
	return f, nil
}

// Catalog returns the catalogue that the picks point into.
func (f *Finder) Catalog() *catalog.Catalog { return f.c }

// Taxonomy returns the words that wishes are understood by.
func (f *Finder) Taxonomy() *taxonomy.Taxonomy { return f.tax }

// Pick is an entry that fits.
type Pick struct {
	Ref    catalog.Ref
	Artist int     // -1 when it is not by one artist
	Score  float64 // above 0; comparable within one answer
	Why    string

	found *finding // how it was found, until Why is written
}

// Items returns the picks as results.
func (f *Finder) Items(picks []Pick) []schemas.Item {
	out := make([]schemas.Item, len(picks))
	for i, p := range picks {
		out[i] = f.c.Item(p.Ref)
		out[i].Score = Round(p.Score)
		if p.Why != "" {
			out[i].Why = p.Why
		}
	}
	return out
}

// Round keeps four digits: a score is for comparing, and short on the wire.
func Round(score float64) float64 { return float64(int(score*1e4+0.5)) / 1e4 }

// term translates a name; one that the tree does not know stays.
func term(t *taxonomy.Tree, name string) string {
	if known := t.Term(name); known != "" {
		return known
	}
	return name
}

func terms(t *taxonomy.Tree, names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = term(t, name)
	}
	return out
}

// genres returns the genres of an artist by the names of the taxonomy, the main one first.
func (f *Finder) genres(artist int) []string { return named(f.genre, f.c.Artist(artist).GenreTerms()) }

// mainGenre returns the first of them, or "".
func (f *Finder) mainGenre(artist int) string {
	if of := f.c.Artist(artist).GenreTerms(); len(of) > 0 {
		return f.genre[of[0]]
	}
	return ""
}

func (f *Finder) topics(show int) []string { return named(f.topic, f.c.Show(show).TopicTerms()) }

func named(names []string, terms []uint32) []string {
	out := make([]string, len(terms))
	for i, t := range terms {
		out[i] = names[t]
	}
	return out
}
