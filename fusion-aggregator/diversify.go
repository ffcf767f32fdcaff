package fusion

import (
	"math/bits"

	"github.com/parallel-fusion/pfr/schemas"
)

// traits is what likeness of two items is made of.
type traits struct {
	artist   uint64 // 0: none
	subtitle uint64 // of what it belongs to: an album, a show; 0: nothing
	genres   uint64 // one bit each, within its section
	whole    bool   // of a section that is whole
	seen     bool   // the artist is shown in a section above
	over     bool   // it is over the cap of its artist
	taken    bool
	likeness float64 // to the most like item that is taken
}

// Weights of what two items have in common. Together they are 1.
const (
	likeArtist   = 0.6
	likeSubtitle = 0.15
	likeGenres   = 0.25
	// malusSeen is what an artist of a section above costs, in parts of likeness.
	malusSeen = 0.2
)

// arrange puts what the section found in the order in which it is shown: by rank, or by
// maximal marginal relevance (Carbonell and Goldstein, 1998) where the call wants
// diversity. Items over the cap of their artist come last. With keepTop the first stays where
// it is. Equal input is arranged equally.
func (f *fuser) arrange(c *schemas.Call, keepTop bool) {
	f.order = f.order[:0]
	f.describe(c)
	if isWhole(c) || c.Diversity == 0 && c.PerArtist == 0 {
		for i := range f.found {
			f.order = append(f.order, int32(i))
		}
		return
	}
	for len(f.order) < min(len(f.found), c.Limit) {
		next := 0
		if len(f.order) > 0 || !keepTop {
			next = f.best(c.Diversity)
		}
		f.pick(next, c)
	}
}

// keepsTop reports whether the first item of a section is what the page is for.
func keepsTop(d *schemas.Decision, c *schemas.Call) bool {
	if d.Lead != nil && d.Lead.Section == c.Section && leads(d) {
		return true
	}
	return c.Mandatory && (c.Component == "hero" || c.Display.Lead > 0 || d.Refine != nil && d.Refine.KeepTop)
}

// describe works out the traits of what the section found.
func (f *fuser) describe(c *schemas.Call) {
	f.terms = f.terms[:0]
	for i := range f.found {
		t, it := &f.found[i].traits, f.found[i].item
		t.whole = isWhole(c)
		if t.whole {
			continue
		}
		if len(it.Artists) > 0 {
			if t.artist = f.found[i].main; t.artist == 0 {
				t.artist = artistHash(it.Artists[0])
			}
		}
		if c.Diversity > 0 {
			t.genres, t.seen = f.genres(it.Genres), f.shows(t.artist)
			if it.Subtitle != "" {
				t.subtitle = hashBytes(fnvBasis, it.Subtitle)
			}
		}
	}
}

// genres returns the bits of an item's genres. A section has 64 at most, the first ones.
func (f *fuser) genres(names []string) (set uint64) {
	for _, name := range names {
		h := hashBytes(fnvBasis, name)
		at := 0
		for at < len(f.terms) && f.terms[at] != h {
			at++
		}
		if at == len(f.terms) && at < 64 {
			f.terms = append(f.terms, h)
		}
		set |= 1 << at
	}
	return set
}

func (f *fuser) shows(artist uint64) bool {
	for i := range f.shown {
		if artist != 0 && f.shown[i].traits.artist == artist {
			return true
		}
	}
	return false
}

// best returns the best of what is left: within the caps first, then by relevance less
// likeness, then by rank.
func (f *fuser) best(lambda float64) int {
	at, top, over := -1, 0.0, true
	n := float64(len(f.found))
	for i := range f.found {
		t := &f.found[i].traits
		if t.taken || t.over && !over {
			continue
		}
		likeness := t.likeness
		if t.seen {
			likeness += malusSeen
		}
		score := (1-lambda)*(1-float64(i)/n) - lambda*likeness
		if at < 0 || over && !t.over || score > top {
			at, top, over = i, score, t.over
		}
	}
	return at
}

// pick takes an item next, and notes what that means for the others.
func (f *fuser) pick(at int, c *schemas.Call) {
	f.order = append(f.order, int32(at))
	picked := &f.found[at].traits
	picked.taken = true
	ofArtist := 0
	for _, i := range f.order {
		if f.found[i].traits.artist == picked.artist {
			ofArtist++
		}
	}
	full := c.PerArtist > 0 && picked.artist != 0 && ofArtist >= c.PerArtist
	for i := range f.found {
		t := &f.found[i].traits
		if t.taken {
			continue
		}
		t.over = t.over || full && t.artist == picked.artist
		if c.Diversity > 0 {
			t.likeness = max(t.likeness, t.like(picked))
		}
	}
}

// like returns how much two items have in common, from 0 to 1.
func (t *traits) like(o *traits) float64 {
	sum := 0.0
	if t.artist != 0 && t.artist == o.artist {
		sum += likeArtist
	}
	if t.subtitle != 0 && t.subtitle == o.subtitle {
		sum += likeSubtitle
	}
	if all := bits.OnesCount64(t.genres | o.genres); all > 0 {
		sum += likeGenres * float64(bits.OnesCount64(t.genres&o.genres)) / float64(all)
	}
	return sum
}
