package metrics

import (
	"strconv"

	"github.com/parallel-fusion/pfr/schemas"
)

// rates collects what can be told.
type rates map[string]float64

// ratio adds a ÷ b, unless it is a rate of nothing.
func (r rates) ratio(name string, a, b int) {
	if b > 0 {
		r[name] = float64(a) / float64(b)
	}
}

// Rates returns what follows from the counts of a cut, by name, as docs/metrics.md defines
// it. A rate of nothing is missing, and so is what a section or a tool cannot have.
func Rates(c schemas.SearchCounts, cut schemas.Cut) map[string]float64 {
	r := rates{}
	r.ratio("success_rate", c.Successes, c.Searches)
	r.ratio("click_through_rate", c.Clicked, c.Searches)
	r.ratio("stream_rate", c.Streamed, c.Searches)
	r.ratio("viewed_rate", c.Viewed, c.Searches)
	r.ratio("view_through_rate", c.Successes, c.Viewed)
	r.ratio("empty_rate", c.Empty, c.Sections)
	r.ratio("failed_rate", c.Failed, c.Sections)
	if c.Searches > 0 {
		r["mrr"] = reciprocalRanks(c.Ranks) / float64(c.Searches)
	}
	if cut.Section == "" && cut.Tool == "" {
		r.page(&c)
	}
	return r
}

// reciprocalRanks returns the sum of 1 ÷ rank, always in the same order.
func reciprocalRanks(ranks map[int]int) (sum float64) {
	for rank := 1; rank <= schemas.MaxRank; rank++ {
		sum += float64(ranks[rank]) / float64(rank)
	}
	return sum
}

// page adds what only whole pages have.
func (r rates) page(c *schemas.SearchCounts) {
	r.ratio("abandonment_rate", c.Abandoned, c.Searches)
	r.ratio("bad_abandonment_rate", c.BadAbandoned, c.Searches)
	r.ratio("reformulation_rate", c.Reformulated, c.Searches)
	r.ratio("rescue_rate", c.Rescues, c.Successes)
	r.ratio("hit_ratio", c.Known, c.Searches)
	r.ratio("fallback_rate", c.Fallbacks, c.Searches)
	r.ratio("degraded_rate", c.Degraded, c.Searches)
	r.ratio("partial_rate", c.Partial, c.Searches)
	r.ratio("expired_rate", c.Expired, c.Searches)
	r.ratio("zero_result_rate", c.ZeroResults, c.Searches)
	r.ratio("asked_rate", c.Asked, c.Searches)
	r.ratio("invalid_rate", c.Invalid, c.Asked)
	if c.Searches > 0 {
		const nano, thousand = 1e9, 1000
		r["cost_per_1000_usd"] = float64(c.CostNanoUSD) / nano / float64(c.Searches) * thousand
	}
	for _, p := range []int{50, 90} {
		if ms, ok := c.TimeToSuccess.Quantile(float64(p)/100, c.Searches); ok {
			r["time_to_success_p"+strconv.Itoa(p)+"_ms"] = ms
		}
	}
	for stage, h := range c.Latency {
		for _, p := range percentiles() {
			if ms, ok := h.Quantile(float64(p)/100, h.Count()); ok {
				r["latency_"+stage+"_p"+strconv.Itoa(p)+"_ms"] = ms
			}
		}
	}
}

func percentiles() []int { return []int{50, 75, 95, 99} }

// FirstSuccessShare returns which share of the successes of a route began in a section or
// a tool of it: First of the section ÷ Successes of the route. It is published as
// first_success_share.
func FirstSuccessShare(section, route schemas.SearchCounts) (share float64, ok bool) {
	if route.Successes == 0 {
		return 0, false
	}
	return float64(section.First) / float64(route.Successes), true
}
