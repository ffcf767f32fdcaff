package metrics

import (
	"slices"

	"github.com/parallel-fusion/pfr/consumers/outcome"
	"github.com/parallel-fusion/pfr/schemas"
)

// cell is what was counted for one window and one value of each dimension of a cut.
type cell struct {
	key      cellKey
	window   *window
	counts   tally
	ranks    hist   // of first successes; the bin is the rank
	success  hist   // time to success
	latency  []hist // by stage; none, the total alone, or all
	revision int
	state    state
	children []*cell // those of sections and tools, whose share depends on this one's successes
	parent   *cell
}

// state says whether a cell has been published as it is.
type state uint8

const (
	clean state = iota
	dirty
	sent // handed out, but perhaps not published yet
)

// cellKey names a cell within its window.
type cellKey struct {
	cut    uint8           // index in the configuration
	values [maxDims]uint32 // of its dimensions
}

// hist is a [schemas.Histogram] that can be added to and subtracted from.
type hist struct {
	zero int32
	bins []bin // in order, none of them 0
}

type bin struct {
	i int16
	n int32
}

// add counts n more of a bin.
func (h *hist) add(at outcome.Bin, n int32) {
	if at == outcome.ZeroBin {
		h.zero += n
		return
	}
	i, found := slices.BinarySearchFunc(h.bins, int16(at), func(b bin, at int16) int { return int(b.i) - int(at) })
	switch {
	case !found:
		h.bins = slices.Insert(h.bins, i, bin{int16(at), n})
	case h.bins[i].n == -n:
		h.bins = slices.Delete(h.bins, i, i+1)
	default:
		h.bins[i].n += n
	}
}

// merge adds all that o has.
func (h *hist) merge(o *hist) {
	h.zero += o.zero
	for _, b := range o.bins {
		h.add(outcome.Bin(b.i), b.n)
	}
}

func (h *hist) clone() hist { return hist{h.zero, slices.Clone(h.bins)} }

func (h *hist) histogram() schemas.Histogram {
	out := schemas.Histogram{Zero: int(h.zero)}
	if len(h.bins) > 0 {
		out.Bins = make(map[int]int, len(h.bins))
	}
	for _, b := range h.bins {
		out.Bins[int(b.i)] = int(b.n)
	}
	return out
}

// apply changes the cell by a difference.
func (c *cell) apply(d *difference, timings *[outcome.Stages]outcome.Bin) {
	for _, i := range d.which[:d.n] {
		c.counts[i] += d.counts[i]
	}
	if d.from.rank != d.to.rank {
		c.rank(d.from.rank, -1)
		c.rank(d.to.rank, 1)
	}
	if d.from.has&hasSuccess != d.to.has&hasSuccess || d.from.success != d.to.success {
		c.took(&d.from, -1)
		c.took(&d.to, 1)
	}
	if d.latencyOld == d.latencyNew {
		return
	}
	n := int32(1)
	if d.latencyOld {
		n = -1
	}
	for stage := range c.latency {
		c.latency[stage].add(timings[stage], n)
	}
}

func (c *cell) rank(rank int, n int32) {
	if rank > 0 {
		c.ranks.add(outcome.Bin(rank), n)
	}
}

func (c *cell) took(from *contribution, n int32) {
	if from.has&hasSuccess != 0 {
		c.success.add(from.success, n)
	}
}

// copied is a cell as it was at one point in time.
type copied struct {
	cut      schemas.Cut
	window   windowKey
	counts   tally
	ranks    hist
	success  hist
	latency  []hist
	revision int
	parent   int64 // successes of all sections
	shared   bool  // parent is known
}

// copy returns the cell as it is.
func (c *cell) copy(cut schemas.Cut) copied {
	out := copied{
		cut: cut, window: c.window.key, counts: c.counts, revision: c.revision,
		ranks: c.ranks.clone(), success: c.success.clone(), latency: make([]hist, len(c.latency)),
	}
	for i := range c.latency {
		out.latency[i] = c.latency[i].clone()
	}
	if c.parent != nil {
		out.parent, out.shared = c.parent.counts[cSuccesses], true
	}
	return out
}

// searchCounts returns the counts as they are published.
func (c *copied) searchCounts() schemas.SearchCounts {
	n := func(counter int) int { return int(c.counts[counter]) }
	out := schemas.SearchCounts{
		Searches: n(cSearches), Clicks: n(cClicks), Streams: n(cStreams), Successes: n(cSuccesses),
		Typed: n(cTyped), Flooded: n(cFlooded), Viewed: n(cViewed), Clicked: n(cClicked), Streamed: n(cStreamed),
		Rescues: n(cRescues), First: n(cFirst), Abandoned: n(cAbandoned), BadAbandoned: n(cBadAbandoned), Reformulated: n(cReformulated),
		Known: n(cKnown), Fallbacks: n(cFallbacks), Degraded: n(cDegraded), Partial: n(cPartial), Expired: n(cExpired),
		ZeroResults: n(cZeroResults), Asked: n(cAsked), Invalid: n(cInvalid), CostNanoUSD: c.counts[cCost],
		Sections: n(cSections), Empty: n(cEmpty), Failed: n(cFailed),
		TimeToSuccess: c.success.histogram(),
	}
	if out.Searches > 0 {
		out.SuccessRate = float64(out.Successes) / float64(out.Searches)
	}
	for _, b := range c.ranks.bins {
		if out.Ranks == nil {
			out.Ranks = map[int]int{}
		}
		out.Ranks[int(b.i)] = int(b.n)
	}
	for stage := range c.latency {
		if h := c.latency[stage].histogram(); h.Count() > 0 {
			if out.Latency == nil {
				out.Latency = map[string]schemas.Histogram{}
			}
			out.Latency[outcome.Stage(stage).String()] = h
		}
	}
	return out
}
