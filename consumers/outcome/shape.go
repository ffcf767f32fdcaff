package outcome

import (
	"github.com/parallel-fusion/pfr/schemas"
)

// Other is the platform or market of searches that are not told apart by it.
const Other = "other"

// Platforms and markets are what clients say. A shape costs several times as much as a
// search that shares one, so neither may make any number of shapes.
const (
	maxPlatforms   = 256     // told apart at a time; further ones are Other
	maxOutsiders   = 1 << 13 // with more shapes every new platform and market is Other
	platformLength = 64      // bytes; longer ones are Other
)

// shapes holds each shape once, as long as a search has it.
type shapes struct {
	byKey     map[string]*Shape
	platforms map[string]int // shapes by platform
	next      uint32
	buf       buffer
}

func newShapes() shapes { return shapes{byKey: map[string]*Shape{}, platforms: map[string]int{}} }

// said is what a client said of itself, as far as it is told apart.
type said struct{ platform, market string }

// heard returns what the client of a page said. A platform is told apart as long as a
// search has it, in the order in which they come.
func (t *shapes) heard(page *schemas.SERP) said {
	v := said{market: page.Market}
	if page.Asked != nil {
		v.platform = page.Asked.Platform
	}
	if _, known := t.platforms[v.platform]; v.platform != "" && !known && (len(t.platforms) >= maxPlatforms || len(v.platform) > platformLength) {
		v.platform = Other
	}
	if v.market != "" && !schemas.IsMarket(v.market) {
		v.market = Other
	}
	return v
}

// folded returns v as Other, but for what was not said.
func (v said) folded() said {
	if v.platform != "" {
		v.platform = Other
	}
	if v.market != "" {
		v.market = Other
	}
	return v
}

// of returns the shape of a page, and counts one more search for it.
func (t *shapes) of(page *schemas.SERP) *Shape {
	by := t.heard(page)
	t.buf = appendShapeKey(t.buf[:0], page, by)
	s, ok := t.byKey[string(t.buf)]
	if !ok && len(t.byKey) >= maxOutsiders {
		by = by.folded()
		t.buf = appendShapeKey(t.buf[:0], page, by)
		s, ok = t.byKey[string(t.buf)]
	}
	if ok {
		s.refs++
		return s
	}
	r := &page.Route
	s = &Shape{
		Route: r.Name, Tier: r.Source, Market: by.market, Platform: by.platform, Arm: r.Arm, Exposed: r.Exposed,
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
	if s.Platform != "" && s.Platform != Other {
		t.platforms[s.Platform]++
	}
}

// leave counts one search less.
func (t *shapes) leave(s *Shape) {
	if s.refs--; s.refs > 0 {
		return
	}
	delete(t.byKey, s.key)
	if n := t.platforms[s.Platform]; n > 1 {
		t.platforms[s.Platform] = n - 1
	} else {
		delete(t.platforms, s.Platform)
	}
}

// appendShapeKey appends what tells shapes apart. It is also how a shape is saved.
func appendShapeKey(b buffer, page *schemas.SERP, by said) buffer {
	r := &page.Route
	for _, v := range [...]string{r.Name, string(r.Source), by.market, by.platform, r.Arm} {
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
