// Package taste finds what fits a wish, and orders it for a listener.
//
// A [Wish] is what a call asks for: a genre, a mood, something to do, years, a language.
// A [Finder] answers it with [Pick]s from the catalogue: entries that fit, how well, and
// why. When too few fit it loosens the wish step by step, and says so of every entry that
// it lets in that way. It also knows which artists are alike ([Finder.Similar]).
//
// A [Profile] changes the order for one listener. What it holds never shows in the reasons
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
	c       *catalog.Catalog
	tax     *taxonomy.Taxonomy
	names   []string         // of each artist, folded
	genres  [][]string       // of each artist, by the names of the taxonomy
	topics  [][]string       // of each show
	likes   [][]string       // folded names that each artist is likened to
	likedBy map[string][]int // folded name → artists that are likened to it
}

// NewFinder returns a Finder over c.
func NewFinder(c *catalog.Catalog) (*Finder, error) {
	tax, err := taxonomy.Load()
	if err != nil {
		return nil, fmt.Errorf("load taxonomy: %w", err)
	}
	f := &Finder{c: c, tax: tax, likedBy: map[string][]int{}}
	for i, a := range c.Artists {
		f.names = append(f.names, catalog.Fold(a.Name))
		f.genres = append(f.genres, terms(tax.Genres, a.Genres))
		folded := make([]string, len(a.Like))
		for n, name := range a.Like {
			folded[n] = catalog.Fold(name)
			f.likedBy[folded[n]] = append(f.likedBy[folded[n]], i)
		}
		f.likes = append(f.likes, folded)
	}
	for _, s := range c.Shows {
		f.topics = append(f.topics, terms(tax.Topics, s.Topics))
	}
	c.Companions() // worked out here, not at the first call
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

// terms translates names; a name that the tree does not know stays.
func terms(t *taxonomy.Tree, names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		if out[i] = t.Term(name); out[i] == "" {
			out[i] = name
		}
	}
	return out
}
