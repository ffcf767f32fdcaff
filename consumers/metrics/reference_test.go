package metrics_test

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// reference counts a log in one pass with maps of everything: docs/metrics.md once more,
// without anything incremental. Cells are by key.
func reference(log []delivery) map[string]schemas.SearchCounts {
	pages := map[string]schemas.SERP{}
	events := map[string]map[string]happening{} // by query and event
	for _, d := range log {
		if p := d.page; p != nil && !p.Probe {
			if _, known := pages[p.CorrelationID]; !known {
				pages[p.CorrelationID] = *p
			}
		}
		if d.event == nil {
			continue
		}
		h := happening{Interaction: *d.event, at: correctedTime(*d.event)}
		if d.event.ReceivedAt.Sub(h.at) > 24*time.Hour {
			continue
		}
		h.at = h.at.Truncate(time.Millisecond)
		mine := events[h.QueryID]
		if mine == nil {
			mine = map[string]happening{}
			events[h.QueryID] = mine
		}
		if old, known := mine[h.EventID]; !known || h.at.Before(old.at) {
			mine[h.EventID] = h
		}
	}
	cells := map[string]schemas.SearchCounts{}
	for id, page := range pages {
		countSearch(cells, page, pages, events[id])
	}
	for key, c := range cells {
		if c.Searches > 0 {
			c.SuccessRate = float64(c.Successes) / float64(c.Searches)
			cells[key] = c
		}
	}
	return cells
}

type happening struct {
	schemas.Interaction
	at      time.Time
	section int // of the page, -1 for none
}

func correctedTime(i schemas.Interaction) time.Time {
	at := i.Timestamp
	if !i.SentAt.IsZero() {
		at = i.ReceivedAt.Add(-i.SentAt.Sub(i.Timestamp))
	}
	if at.After(i.ReceivedAt) {
		at = i.ReceivedAt
	}
	return at
}

// attributed returns the events that count for a page, in order.
func attributed(page schemas.SERP, all map[string]happening) (list []happening) {
	if len(all) > 64 {
		return nil
	}
	asked := page.Asked.At.Truncate(time.Millisecond)
	for _, h := range all {
		h.section = slices.IndexFunc(page.Sections, func(s schemas.Section) bool { return s.ID == h.SectionID })
		if h.section < 0 && h.SectionID != "" {
			continue
		}
		if after := h.at.Sub(asked); after >= -time.Minute && after <= 30*time.Minute {
			list = append(list, h)
		}
	}
	slices.SortFunc(list, func(a, b happening) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.section, b.section), cmp.Compare(a.EventAttributes.Position.Ordinal, b.EventAttributes.Position.Ordinal))
	})
	return list
}

func success(h happening) bool {
	return h.ActionName == "click" || h.ActionName == "stream" && h.MSPlayed >= 30_000
}

// next returns the client's later searches, in order.
func next(page schemas.SERP, pages map[string]schemas.SERP) (list []schemas.SERP) {
	for _, o := range pages {
		later := cmp.Or(o.Asked.At.Truncate(time.Millisecond).Compare(page.Asked.At.Truncate(time.Millisecond)), cmp.Compare(o.CorrelationID, page.CorrelationID)) > 0
		if later && o.Asked.Client == page.Asked.Client && page.Asked.Client != "" {
			list = append(list, o)
		}
	}
	slices.SortFunc(list, func(a, b schemas.SERP) int {
		return cmp.Or(a.Asked.At.Truncate(time.Millisecond).Compare(b.Asked.At.Truncate(time.Millisecond)), cmp.Compare(a.CorrelationID, b.CorrelationID))
	})
	return list
}

func plain(text string) string { return strings.Join(strings.Fields(strings.ToLower(text)), " ") }

func sameWish(a, b string) bool {
	union, common := map[string]bool{}, map[string]bool{}
	x, y := map[string]bool{}, map[string]bool{}
	for w := range strings.FieldsSeq(a) {
		x[w], union[w] = true, true
	}
	for w := range strings.FieldsSeq(b) {
		y[w], union[w] = true, true
		if x[w] {
			common[w] = true
		}
	}
	return a != b && (len(common) == len(x) || len(common) == len(y) || 2*len(common) >= len(union))
}

func countSearch(cells map[string]schemas.SearchCounts, page schemas.SERP, pages map[string]schemas.SERP, all map[string]happening) {
	following := next(page, pages)
	since := func(o schemas.SERP) time.Duration {
		return o.Asked.At.Truncate(time.Millisecond).Sub(page.Asked.At.Truncate(time.Millisecond))
	}
	text := plain(page.Query)
	if len(following) > 0 && since(following[0]) <= 2*time.Second && strings.HasPrefix(plain(following[0].Query), text) && plain(following[0].Query) != text {
		spread(cells, page, schemas.SearchCounts{Typed: 1}, nil)
		return
	}
	c := schemas.SearchCounts{Searches: 1, Sections: len(page.Sections) + len(page.Omitted), CostNanoUSD: int64(math.Round(page.Cost * 1e9))}
	for _, o := range following {
		if since(o) <= 5*time.Minute && sameWish(text, plain(o.Query)) {
			c.Reformulated = 1
		}
	}
	happened := attributed(page, all)
	if len(all) > 64 {
		c.Flooded = 1
	}
	first := -1
	for i, h := range happened {
		click, stream := h.ActionName == "click", h.ActionName == "stream" && h.MSPlayed >= 30_000
		if click {
			c.Clicks++
			c.Clicked = 1
		}
		if stream {
			c.Streams++
			c.Streamed = 1
		}
		if h.ActionName != "like" {
			c.Viewed = 1
		}
		if first < 0 && success(h) {
			first = i
		}
	}
	answered, shown := false, false
	for _, s := range slices.Concat(page.Sections, page.Omitted) {
		switch s.Status {
		case schemas.SectionOK:
			shown = true
			answered = answered || s.Component == "answer"
		case schemas.SectionEmpty:
			c.Empty++
		default:
			c.Failed++
		}
	}
	if first >= 0 {
		h := happened[first]
		c.Successes = 1
		if h.section > 0 {
			c.Rescues = 1
		}
		if n := h.EventAttributes.Position.Ordinal; n > 0 {
			c.Ranks = map[int]int{n: 1}
		}
		took := max(h.at.Sub(page.Asked.At.Truncate(time.Millisecond)), 0)
		c.TimeToSuccess = histogramOf(float64(took.Milliseconds()))
	}
	if c.Successes+c.Reformulated+c.Flooded == 0 {
		c.Abandoned = 1
		if !answered {
			c.BadAbandoned = 1
		}
	}
	guardrails(&c, page)
	if !shown {
		c.ZeroResults = 1
	}
	spread(cells, page, c, happened)
}

func guardrails(c *schemas.SearchCounts, page schemas.SERP) {
	one := func(to *int, v bool) {
		if v {
			*to = 1
		}
	}
	source := page.Route.Source
	one(&c.Known, source == "cache" || source == "precomputed")
	one(&c.Fallbacks, source == "fallback")
	one(&c.Degraded, page.Status == "degraded")
	one(&c.Partial, page.Status == "partial")
	one(&c.Expired, page.Status == "expired")
	one(&c.Asked, source == "llm")
	for _, t := range page.Route.Tiers {
		one(&c.Asked, t.Outcome == "invalid" || t.Outcome == "timeout")
		one(&c.Invalid, t.Outcome == "invalid")
	}
	t := page.Timings
	c.Latency = map[string]schemas.Histogram{
		"total": histogramOf(t.TotalMS), "queued": histogramOf(t.QueuedMS), "router": histogramOf(t.RouterMS),
		"tools": histogramOf(t.ToolsMS), "refine": histogramOf(t.RefineMS),
	}
}

func histogramOf(ms float64) schemas.Histogram {
	if bin, ok := schemas.HistogramBin(ms); ok {
		return schemas.Histogram{Bins: map[int]int{bin: 1}}
	}
	return schemas.Histogram{Zero: 1}
}

// spread adds a search to the cells of all its windows and cuts.
func spread(cells map[string]schemas.SearchCounts, page schemas.SERP, c schemas.SearchCounts, happened []happening) {
	r := page.Route
	at := page.Asked.At
	for kind, start := range map[string]time.Time{
		"1m": at.Truncate(time.Minute), "1h": at.Truncate(time.Hour), "1d": at.Truncate(24 * time.Hour), "all": {},
	} {
		add := func(cut schemas.Cut, stages bool, c schemas.SearchCounts) {
			if total, ok := c.Latency["total"]; ok && (!stages || kind == "1m") {
				c.Latency = map[string]schemas.Histogram{"total": total}
			}
			key := schemas.OnlineMetrics{Window: kind, Start: start, Cut: cut}.Key()
			cells[key] = sum(cells[key], c)
		}
		arm, platform, source := r.Arm, page.Asked.Platform, string(r.Source)
		add(schemas.Cut{}, true, c)
		add(schemas.Cut{Route: r.Name}, true, c)
		add(schemas.Cut{Tier: source}, true, c)
		add(schemas.Cut{Market: page.Market}, false, c)
		if platform != "" {
			add(schemas.Cut{Platform: platform}, false, c)
		}
		if arm != "" {
			add(schemas.Cut{Arm: arm}, true, c)
		}
		if kind != "1m" {
			add(schemas.Cut{Route: r.Name, Tier: source}, false, c)
			add(schemas.Cut{Route: r.Name, Market: page.Market}, false, c)
			if arm != "" {
				add(schemas.Cut{Route: r.Name, Arm: arm}, false, c)
				add(schemas.Cut{Market: page.Market, Arm: arm}, false, c)
			}
		}
		if c.Typed == 0 {
			spreadSections(page, happened, func(cut schemas.Cut, c schemas.SearchCounts) { add(cut, false, c) })
		}
	}
}

func spreadSections(page schemas.SERP, happened []happening, add func(schemas.Cut, schemas.SearchCounts)) {
	var tools []string
	for _, s := range slices.Concat(page.Sections, page.Omitted) {
		add(schemas.Cut{Route: page.Route.Name, Section: s.ID}, ofOneSection(page, happened, func(o schemas.Section) bool { return o.ID == s.ID }))
		if !slices.Contains(tools, s.Tool) {
			tools = append(tools, s.Tool)
			add(schemas.Cut{Route: page.Route.Name, Tool: s.Tool}, ofOneSection(page, happened, func(o schemas.Section) bool { return o.Tool == s.Tool }))
		}
	}
}

func ofOneSection(page schemas.SERP, happened []happening, in func(schemas.Section) bool) schemas.SearchCounts {
	c := schemas.SearchCounts{Searches: 1}
	for _, s := range slices.Concat(page.Sections, page.Omitted) {
		if !in(s) {
			continue
		}
		c.Sections++
		switch s.Status {
		case schemas.SectionOK:
		case schemas.SectionEmpty:
			c.Empty++
		default:
			c.Failed++
		}
	}
	succeeded := false
	for _, h := range happened {
		mine := h.section >= 0 && in(page.Sections[h.section])
		if success(h) && !succeeded && mine {
			c.First = 1
			if n := h.EventAttributes.Position.Ordinal; n > 0 {
				c.Ranks = map[int]int{n: 1}
			}
		}
		succeeded = succeeded || success(h)
		if !mine {
			continue
		}
		switch {
		case h.ActionName == "click":
			c.Clicks++
			c.Clicked, c.Successes = 1, 1
		case success(h):
			c.Streams++
			c.Streamed, c.Successes = 1, 1
		}
		if h.ActionName != "like" {
			c.Viewed = 1
		}
	}
	return c
}

// sum adds counts field by field.
func sum(a, b schemas.SearchCounts) schemas.SearchCounts {
	a.Searches += b.Searches
	a.Clicks += b.Clicks
	a.Streams += b.Streams
	a.Successes += b.Successes
	a.Typed += b.Typed
	a.Flooded += b.Flooded
	a.Viewed += b.Viewed
	a.Clicked += b.Clicked
	a.Streamed += b.Streamed
	a.Rescues += b.Rescues
	a.First += b.First
	a.Abandoned += b.Abandoned
	a.BadAbandoned += b.BadAbandoned
	a.Reformulated += b.Reformulated
	a.Known += b.Known
	a.Fallbacks += b.Fallbacks
	a.Degraded += b.Degraded
	a.Partial += b.Partial
	a.Expired += b.Expired
	a.ZeroResults += b.ZeroResults
	a.Asked += b.Asked
	a.Invalid += b.Invalid
	a.CostNanoUSD += b.CostNanoUSD
	a.Sections += b.Sections
	a.Empty += b.Empty
	a.Failed += b.Failed
	a.Ranks = merge(a.Ranks, b.Ranks)
	a.TimeToSuccess = mergeHistograms(a.TimeToSuccess, b.TimeToSuccess)
	latency := maps.Clone(a.Latency)
	if latency == nil {
		latency = map[string]schemas.Histogram{}
	}
	for stage, h := range b.Latency {
		latency[stage] = mergeHistograms(latency[stage], h)
	}
	if len(latency) > 0 {
		a.Latency = latency
	}
	return a
}

func merge(a, b map[int]int) map[int]int {
	if len(a)+len(b) == 0 {
		return nil
	}
	out := map[int]int{}
	for _, m := range []map[int]int{a, b} {
		for k, n := range m {
			out[k] += n
		}
	}
	return out
}

func mergeHistograms(a, b schemas.Histogram) schemas.Histogram {
	return schemas.Histogram{Zero: a.Zero + b.Zero, Bins: merge(a.Bins, b.Bins)}
}
