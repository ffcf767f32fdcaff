package outcome

import (
	"github.com/parallel-fusion/pfr/schemas"
)

// shapes holds each shape once, as long as a search has it.
type shapes struct {
	byKey map[string]*Shape
	next  uint32
	buf   buffer
}

func newShapes() shapes { return shapes{byKey: map[string]*Shape{}} }

// of returns the shape of a page, and counts one more search for it.
func (t *shapes) of(page *schemas.SERP) *Shape {
	t.buf = appendShapeKey(t.buf[:0], page)
	if s, ok := t.byKey[string(t.buf)]; ok {
		s.refs++
		return s
	}
	r, platform := &page.Route, ""
	if page.Asked != nil {
		platform = page.Asked.Platform
	}
	s := &Shape{
		Route: r.Name, Tier: r.Source, Market: page.Market, Platform: platform, Arm: r.Arm, Exposed: r.Exposed,
		Slots: make([]Slot, 0, len(page.Sections)+len(page.Omitted)), refs: 1, key: string(t.buf),
	}
	for omitted, list := range [...][]schemas.Section{page.Sections, page.Omitted} {
		for i := range list {
			s.addSlot(Slot{
				ID: list[i].ID, Tool: list[i].Tool, Component: list[i].Component, Omitted: omitted == 1, Comparison: comparison(&list[i]),
			})
		}
	}
	t.add(s)
	return s
}

func comparison(s *schemas.Section) string {
	if s.Rival == nil {
		return ""
	}
	return s.Rival.Comparison
}

func (s *Shape) addSlot(slot Slot) {
	slot.hash = sectionHash(slot.ID)
	s.Slots = append(s.Slots, slot)
}

func (t *shapes) add(s *Shape) {
	s.serial = t.next
	t.next++
	t.byKey[s.key] = s
}

// leave counts one search less.
func (t *shapes) leave(s *Shape) {
	if s.refs--; s.refs == 0 {
		delete(t.byKey, s.key)
	}
}

// appendShapeKey appends what tells shapes apart. It is also how a shape is saved.
func appendShapeKey(b buffer, page *schemas.SERP) buffer {
	platform := ""
	if page.Asked != nil {
		platform = page.Asked.Platform
	}
	r := &page.Route
	for _, v := range [...]string{r.Name, string(r.Source), page.Market, platform, r.Arm} {
		b = b.text(v)
	}
	b = b.flag(r.Exposed).number(uint64(len(page.Sections) + len(page.Omitted)))
	for omitted, list := range [...][]schemas.Section{page.Sections, page.Omitted} {
		for i := range list {
			b = b.text(list[i].ID).text(list[i].Tool).text(list[i].Component).flag(omitted == 1).text(comparison(&list[i]))
		}
	}
	return b
}

// readShape is the reverse of appendShapeKey.
func readShape(key string) (*Shape, error) {
	r := &reader{rest: []byte(key)}
	s := &Shape{Route: r.text(), Tier: schemas.Source(r.text()), Market: r.text(), Platform: r.text(), Arm: r.text(), Exposed: r.flag(), key: key}
	for n := r.count(); n > 0; n-- {
		s.addSlot(Slot{ID: r.text(), Tool: r.text(), Component: r.text(), Omitted: r.flag(), Comparison: r.text()})
	}
	return s, r.done()
}
