package day

import (
	"maps"
	"slices"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// cellName is a window and a cut.
type cellName struct {
	window string
	start  int64 // Unix seconds; 0 of all
	cut    schemas.Cut
}

// grain is all that a search is cut by, and a window.
type grain struct {
	start                               int64 // Unix seconds
	name, source, market, platform, arm string
}

// minuteCuts are those of cuts that the consumers are told to have windows of a minute.
const minuteCuts = `["", "market", "arm"]`

// spread counts a search for its minute, its hour, its sections and its arm.
func (r *reference) spread(p *page, o *one) {
	g := o.gain(p)
	r.addArm(p, o, &g)
	at := time.UnixMilli(p.at).UTC()
	hour := at.Truncate(time.Hour).Unix()
	grained(r.minutes, grain{start: at.Truncate(time.Minute).Unix(), market: p.market, arm: p.arm}).gain(&g, 1)
	grained(r.hours, grain{hour, p.name, p.source, p.market, p.platform, p.arm}).gain(&g, stageCount)
	if !o.typed {
		r.spreadSections(p, o, hour)
	}
}

func grained(cells map[grain]*cell, key grain) *cell {
	c := cells[key]
	if c == nil {
		c = &cell{}
		cells[key] = c
	}
	return c
}

func (r *reference) spreadSections(p *page, o *one, hour int64) {
	for i, s := range p.sections {
		g := o.ofSections(p, func(other *shown) bool { return other.id == s.id })
		r.cell(cellName{schemas.WindowHour, hour, schemas.Cut{Route: p.name, Section: s.id}}).gain(&g, 0)
		if slices.ContainsFunc(p.sections[:i], func(other shown) bool { return other.tool == s.tool }) {
			continue
		}
		g = o.ofSections(p, func(other *shown) bool { return other.tool == s.tool })
		r.cell(cellName{schemas.WindowHour, hour, schemas.Cut{Route: p.name, Tool: s.tool}}).gain(&g, 0)
	}
}

// rollUp adds up the cells of all windows and cuts: minutes and hours from grains, days and
// all there is from hours.
func (r *reference) rollUp() {
	for key, c := range r.minutes {
		for _, cut := range []schemas.Cut{{}, {Market: key.market}, {Arm: key.arm}} {
			r.cell(cellName{schemas.WindowMinute, key.start, cut}).add(c, 1)
		}
	}
	for key, c := range r.hours {
		for cut, timed := range key.cuts() {
			r.cell(cellName{schemas.WindowHour, key.start, cut}).add(c, timed)
		}
	}
	for name, c := range maps.Clone(r.cells) {
		if name.window != schemas.WindowHour {
			continue
		}
		day := time.Unix(name.start, 0).UTC().Truncate(24 * time.Hour).Unix()
		r.cell(cellName{schemas.WindowDay, day, name.cut}).add(c, stageCount)
		r.cell(cellName{schemas.WindowAll, 0, name.cut}).add(c, stageCount)
	}
}

// cuts returns those of an hour, each with how many stages its latency is kept of.
func (k grain) cuts() map[schemas.Cut]int {
	return map[schemas.Cut]int{
		{}:                                stageCount,
		{Route: k.name}:                   stageCount,
		{Tier: k.source}:                  stageCount,
		{Arm: k.arm}:                      stageCount,
		{Market: k.market}:                1,
		{Platform: k.platform}:            1,
		{Route: k.name, Tier: k.source}:   1,
		{Route: k.name, Market: k.market}: 1,
		{Route: k.name, Arm: k.arm}:       1,
		{Market: k.market, Arm: k.arm}:    1,
	}
}

func (r *reference) cell(name cellName) *cell {
	c := r.cells[name]
	if c == nil {
		c = &cell{}
		r.cells[name] = c
	}
	return c
}

// cell adds searches up. The maps of the sum are made when there is something for them.
type cell struct {
	sum     schemas.SearchCounts // but for its latency
	latency [stageCount]schemas.Histogram
}

// gain adds a search, with the timings of some stages.
func (c *cell) gain(g *gain, timed int) {
	c.count(&g.counts)
	if g.rank > 0 {
		c.sum.Ranks = counted(c.sum.Ranks, g.rank, 1)
	}
	if g.success >= 0 && g.page != nil {
		measure(&c.sum.TimeToSuccess, g.success)
	}
	for i := 0; g.page != nil && i < timed; i++ {
		measure(&c.latency[i], g.page.timings[i])
	}
}

func measure(h *schemas.Histogram, ms float64) {
	if bin, ok := schemas.HistogramBin(ms); ok {
		h.Bins = counted(h.Bins, bin, 1)
	} else {
		h.Zero++
	}
}

func counted(counts map[int]int, key, by int) map[int]int {
	if counts == nil {
		counts = map[int]int{}
	}
	counts[key] += by
	return counts
}

// add adds a cell up, with the latency of some stages.
func (c *cell) add(o *cell, timed int) {
	c.count(&o.sum)
	for rank, n := range o.sum.Ranks {
		c.sum.Ranks = counted(c.sum.Ranks, rank, n)
	}
	merge(&c.sum.TimeToSuccess, &o.sum.TimeToSuccess)
	for i := range timed {
		merge(&c.latency[i], &o.latency[i])
	}
}

func merge(to, by *schemas.Histogram) {
	to.Zero += by.Zero
	for bin, n := range by.Bins {
		to.Bins = counted(to.Bins, bin, n)
	}
}

// counts returns what is to be published of the cell.
func (c *cell) counts() schemas.SearchCounts {
	want := c.sum
	if want.Searches > 0 {
		want.SuccessRate = float64(want.Successes) / float64(want.Searches)
	}
	for i, stage := range stageNames() {
		if c.latency[i].Count() == 0 {
			continue
		}
		if want.Latency == nil {
			want.Latency = map[string]schemas.Histogram{}
		}
		want.Latency[stage] = c.latency[i]
	}
	return want
}

// count adds whole numbers up.
func (c *cell) count(o *schemas.SearchCounts) {
	s := &c.sum
	for _, n := range []struct {
		to *int
		by int
	}{
		{&s.Searches, o.Searches},
		{&s.Clicks, o.Clicks},
		{&s.Streams, o.Streams},
		{&s.Successes, o.Successes},
		{&s.Typed, o.Typed},
		{&s.Flooded, o.Flooded},
		{&s.Viewed, o.Viewed},
		{&s.Clicked, o.Clicked},
		{&s.Streamed, o.Streamed},
		{&s.Rescues, o.Rescues},
		{&s.First, o.First},
		{&s.Abandoned, o.Abandoned},
		{&s.BadAbandoned, o.BadAbandoned},
		{&s.Reformulated, o.Reformulated},
		{&s.Known, o.Known},
		{&s.Fallbacks, o.Fallbacks},
		{&s.Degraded, o.Degraded},
		{&s.Partial, o.Partial},
		{&s.Expired, o.Expired},
		{&s.ZeroResults, o.ZeroResults},
		{&s.Asked, o.Asked},
		{&s.Invalid, o.Invalid},
		{&s.Sections, o.Sections},
		{&s.Empty, o.Empty},
		{&s.Failed, o.Failed},
	} {
		*n.to += n.by
	}
	s.CostNanoUSD += o.CostNanoUSD
}
