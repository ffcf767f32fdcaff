package day

import (
	"slices"

	"github.com/parallel-fusion/pfr/schemas"
)

// one is what came of one search.
type one struct {
	typed, reformulated, flooded bool
	events                       []event
}

// first returns the index of the first success, or -1.
func (o *one) first() int {
	return slices.IndexFunc(o.events, func(e event) bool { return e.success() })
}

// gain is what a search adds to cells. Its counts have no maps.
type gain struct {
	counts  schemas.SearchCounts
	rank    int     // of the first success; 0: none
	success float64 // milliseconds to the first success; below 0: none
	page    *page   // whose timings count; nil: none
}

// gain returns what a search adds to the cells of its page.
func (o *one) gain(p *page) gain {
	if o.typed {
		return gain{counts: schemas.SearchCounts{Typed: 1}, success: -1}
	}
	g := gain{success: -1, page: p}
	c := &g.counts
	*c = schemas.SearchCounts{
		Searches: 1, Flooded: flag(o.flooded), Reformulated: flag(o.reformulated), CostNanoUSD: p.cost, Sections: len(p.sections),
		Known: flag(p.source == "cache" || p.source == "precomputed"), Fallbacks: flag(p.source == "fallback"), Asked: flag(p.asked),
		Degraded: flag(p.status == "degraded"), Partial: flag(p.status == "partial"), Expired: flag(p.status == "expired"),
	}
	for i := range o.events {
		addEvent(c, &o.events[i])
	}
	answered, filled := false, false
	for i := range p.sections {
		s := &p.sections[i]
		addSection(c, s)
		filled = filled || s.status == "ok"
		answered = answered || s.status == "ok" && s.component == "answer"
	}
	c.ZeroResults = flag(!filled)
	if i := o.first(); i >= 0 {
		e := &o.events[i]
		c.Successes, c.Rescues = 1, flag(e.place > 0)
		g.rank, g.success = int(e.ordinal), float64(max(e.at-p.at, 0))
	}
	c.Abandoned = flag(c.Successes+c.Reformulated+c.Flooded == 0)
	c.BadAbandoned = flag(c.Abandoned == 1 && !answered)
	return g
}

func addEvent(c *schemas.SearchCounts, e *event) {
	c.Clicks += flag(e.clicked())
	c.Streams += flag(e.streamed())
	c.Clicked = max(c.Clicked, flag(e.clicked()))
	c.Streamed = max(c.Streamed, flag(e.streamed()))
	c.Viewed = max(c.Viewed, flag(e.action != "like"))
}

func addSection(c *schemas.SearchCounts, s *shown) {
	c.Empty += flag(s.status == "empty")
	c.Failed += flag(s.status != "empty" && s.status != "ok")
}

// ofSections returns what a search adds to the cells of some sections.
func (o *one) ofSections(p *page, in func(*shown) bool) gain {
	g := gain{counts: schemas.SearchCounts{Searches: 1}, success: -1}
	for i := range p.sections {
		if in(&p.sections[i]) {
			g.counts.Sections++
			addSection(&g.counts, &p.sections[i])
		}
	}
	first := o.first()
	for i := range o.events {
		e := &o.events[i]
		if e.place < 0 || !in(&p.sections[e.place]) {
			continue
		}
		if i == first {
			g.counts.First, g.rank = 1, int(e.ordinal)
		}
		addEvent(&g.counts, e)
		g.counts.Successes = max(g.counts.Successes, flag(e.success()))
	}
	return g
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
