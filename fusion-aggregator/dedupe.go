package fusion

import "github.com/parallel-fusion/pfr/schemas"

// fuser makes the items of a page out of what the tools found. It is scratch: fusers are
// used again.
type fuser struct {
	asked versions
	shown []candidate // on the page so far, in its order
	found []candidate // of the section in hand: its works, by rank
	order []int32     // of the section in hand: places in found
	terms []uint64    // of the section in hand: its genres
}

// candidate is a work that a section may show.
type candidate struct {
	work
	section int
	place   int      // in its section
	covers  versions // of the same work, which are not shown for it
	traits  traits
}

// stands notes that the candidate stands for another item of its work.
func (c *candidate) stands(other *work) { c.covers |= other.under(&c.work) }

// fuse leaves each section of a page the items that it shows. Sections are in the order of
// the page, as their calls are; those that have not landed are empty. The slices of items
// are new, what they held stays as it was.
//
// A work is shown once: by the first section that has it, as the version that ranks best
// there, but an item gives way to the plain version in its own section. A section that is
// whole is one thing made of items, and an answer is about its items: they keep their works
// whatever stands elsewhere, and those may stand there too.
func (f *fuser) fuse(query string, d *schemas.Decision, sections []schemas.Section) {
	f.asked, f.shown = askedFor(query), f.shown[:0]
	for i := range sections {
		if len(sections[i].Items) > 0 {
			f.section(i, d, &sections[i])
		}
	}
	for i := range f.shown {
		c := &f.shown[i]
		if names := (c.covers &^ c.versions).names(); names != nil {
			sections[c.section].Items[c.place].Versions = names
		}
	}
	f.release()
}

// release lets go of the items of the page.
func (f *fuser) release() {
	clear(f.shown[:cap(f.shown)])
	clear(f.found[:cap(f.found)])
}

// section chooses what a section shows.
func (f *fuser) section(i int, d *schemas.Decision, s *schemas.Section) {
	c := &d.Calls[i]
	f.found = f.found[:0]
	for j := range s.Items {
		w := workOf(&s.Items[j], f.asked)
		if isWhole(c) || !f.above(&w) {
			f.take(w)
		}
	}
	f.arrange(c, keepsTop(d, c))
	items := make([]schemas.Item, min(len(f.order), c.Limit))
	for place := range items {
		kept := f.found[f.order[place]]
		kept.section, kept.place = i, place
		items[place] = *kept.item
		f.shown = append(f.shown, kept)
	}
	s.Items = items
}

func isWhole(c *schemas.Call) bool { return c.Whole || c.Display.Text == schemas.TextAnswer }

// above reports whether the page shows the work already, and notes there what else of it
// was found.
func (f *fuser) above(w *work) bool {
	for i := range f.shown {
		if c := &f.shown[i]; c.same(w) && !c.traits.whole {
			c.stands(w)
			return true
		}
	}
	return false
}

// take adds a work to those that the section found, unless it is there.
func (f *fuser) take(w work) {
	for i := range f.found {
		c := &f.found[i]
		if !c.same(&w) {
			continue
		}
		if f.asked == 0 && c.id != w.id && !c.versions.plain() && w.versions.plain() {
			c.work, w = w, c.work
		}
		c.stands(&w)
		return
	}
	f.found = append(f.found, candidate{work: w})
}
