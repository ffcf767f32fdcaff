package metrics

import (
	"slices"

	"github.com/parallel-fusion/pfr/consumers/outcome"
	"github.com/parallel-fusion/pfr/schemas"
)

// What is counted, as in [schemas.SearchCounts].
const (
	cSearches = iota
	cClicks
	cStreams
	cSuccesses
	cTyped
	cFlooded
	cViewed
	cClicked
	cStreamed
	cRescues
	cFirst
	cAbandoned
	cBadAbandoned
	cReformulated
	cKnown
	cFallbacks
	cDegraded
	cPartial
	cExpired
	cZeroResults
	cAsked
	cInvalid
	cCost
	cSections
	cEmpty
	cFailed
	counters // how many there are
)

// tally is one of each count.
type tally [counters]int64

// flag counts one if v holds.
func (t *tally) flag(counter int, v bool) {
	if v {
		t[counter]++
	}
}

// contribution is what one search adds to a cell.
type contribution struct {
	tally
	rank    int         // of the first success; 0 for none
	success outcome.Bin // time to success, if hasSuccess
	has     has
}

type has uint8

const (
	hasSuccess has = 1 << iota
	hasLatency
)

// ofPage returns what a search adds to the cells of its page.
func ofPage(o *outcome.Outcome) (c contribution) {
	if o.Typed {
		c.tally[cTyped] = 1
		return c
	}
	c.has = hasLatency
	t := &c.tally
	t[cSearches] = 1
	t[cClicks], t[cStreams] = int64(o.Clicks), int64(o.Streams)
	t.flag(cSuccesses, o.Success())
	t.flag(cFlooded, o.Flooded)
	t.flag(cViewed, o.Viewed)
	t.flag(cClicked, o.Clicks > 0)
	t.flag(cStreamed, o.Streams > 0)
	t.flag(cRescues, o.Rescued())
	t.flag(cAbandoned, o.Abandoned())
	t.flag(cBadAbandoned, o.BadAbandoned())
	t.flag(cReformulated, o.Reformulated)
	t.flag(cKnown, o.Tier == schemas.SourceCache || o.Tier == schemas.SourcePrecomputed)
	t.flag(cFallbacks, o.Tier == schemas.SourceFallback)
	t.flag(cDegraded, o.Status == schemas.SERPDegraded)
	t.flag(cPartial, o.Status == schemas.SERPPartial)
	t.flag(cExpired, o.Status == schemas.SERPExpired)
	t.flag(cZeroResults, o.ZeroResults())
	t.flag(cAsked, o.Asked)
	t.flag(cInvalid, o.Invalid)
	t[cCost] = o.CostNanoUSD
	for i := range o.Sections {
		t.section(&o.Sections[i])
	}
	if o.First.OK {
		c.rank = min(o.First.Ordinal, schemas.MaxRank)
		c.has |= hasSuccess
		c.success = outcome.BinOf(float64(o.First.After.Milliseconds()))
	}
	return c
}

// section counts how a section was answered.
func (t *tally) section(s *outcome.Section) {
	t[cSections]++
	t.flag(cEmpty, s.Status == schemas.SectionEmpty)
	t.flag(cFailed, !s.Status.Answered())
}

// ofSections returns what a search adds to the cells of some of its sections.
func ofSections(o *outcome.Outcome, slots []int) (c contribution) {
	if o.Typed {
		return c
	}
	t := &c.tally
	t[cSearches] = 1
	viewed := false
	for _, i := range slots {
		s := &o.Sections[i]
		t.section(s)
		t[cClicks] += int64(s.Clicks)
		t[cStreams] += int64(s.Streams)
		viewed = viewed || s.Viewed
	}
	t.flag(cViewed, viewed)
	t.flag(cClicked, t[cClicks] > 0)
	t.flag(cStreamed, t[cStreams] > 0)
	t.flag(cSuccesses, t[cClicks]+t[cStreams] > 0)
	if o.First.OK && slices.Contains(slots, o.First.Section) {
		t[cFirst] = 1
		c.rank = min(o.First.Ordinal, schemas.MaxRank)
	}
	return c
}

// difference is what a change of an outcome does to a cell.
type difference struct {
	counts     [counters]int64
	which      [counters]uint8 // those of counts that are not 0
	n          int             // how many of which
	from, to   contribution    // for what is not a sum
	unmoved    bool            // nothing changes
	successes  bool            // the count of successes does
	latencyOld bool
	latencyNew bool
}

// set makes d what leads from d.from to d.to.
func (d *difference) set() {
	d.n = 0
	for i := range counters {
		if v := d.to.tally[i] - d.from.tally[i]; v != 0 {
			d.counts[i] = v
			d.which[d.n] = uint8(i)
			d.n++
		}
	}
	from, to := &d.from, &d.to
	d.latencyOld, d.latencyNew = from.has&hasLatency != 0, to.has&hasLatency != 0
	d.successes = from.tally[cSuccesses] != to.tally[cSuccesses]
	d.unmoved = d.n == 0 && from.rank == to.rank && from.success == to.success && from.has == to.has
}

// room is what a change needs while it is counted.
type room struct {
	page, section difference
}

func (m *room) ofPage(c outcome.Change) {
	m.page.from = contribution{}
	if c.Before != nil {
		m.page.from = ofPage(c.Before)
	}
	m.page.to = ofPage(c.After)
	m.page.set()
}

// ofSections reports false if the change does nothing to these sections.
func (m *room) ofSections(c outcome.Change, slots []int) bool {
	m.section.from = contribution{}
	if c.Before != nil {
		if c.Before.Typed == c.After.Typed && c.Before.First == c.After.First && !touches(c, slots) {
			return false
		}
		m.section.from = ofSections(c.Before, slots)
	}
	m.section.to = ofSections(c.After, slots)
	m.section.set()
	return true
}

// touches reports whether what came of these sections has changed.
func touches(c outcome.Change, slots []int) bool {
	for _, i := range slots {
		a, b := &c.Before.Sections[i], &c.After.Sections[i]
		if a.Clicks != b.Clicks || a.Streams != b.Streams || a.Viewed != b.Viewed {
			return true
		}
	}
	return false
}
