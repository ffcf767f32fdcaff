package day

import (
	"cmp"
	"hash/fnv"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// reference counts a day in one pass over the logs, with maps of everything: docs/metrics.md
// once more, and nothing of the product's own counting.
type reference struct {
	pages   map[string]*page
	events  map[string][]event // by correlation id
	clients map[string][]*page
	cells   map[cellName]*cell
	arms    map[string]*armSums
}

// page is what is kept of a page.
type page struct {
	id, text, client, market, platform, arm, name, source, status string
	at                                                            int64
	cost                                                          int64
	asked                                                         bool
	sections                                                      []shown // on the page, then those left out
	onPage                                                        int
	timings                                                       map[string]float64
}

type shown struct{ id, tool, component, status string }

// event is what is kept of an event.
type event struct {
	id, action, section string
	at                  int64
	ordinal, played     int
	place               int // of the section on the page; -1 if it names none
}

func newReference() *reference {
	return &reference{
		pages: map[string]*page{}, events: map[string][]event{}, clients: map[string][]*page{}, cells: map[cellName]*cell{}, arms: map[string]*armSums{},
	}
}

func (r *reference) takePage(p schemas.SERP) {
	if r.pages[p.CorrelationID] != nil || p.Probe {
		return
	}
	kept := &page{
		id: p.CorrelationID, text: strings.Join(strings.Fields(strings.ToLower(p.Query)), " "), client: p.Asked.Client, market: p.Market, platform: p.Asked.Platform,
		arm: p.Route.Arm, name: p.Route.Name, source: string(p.Route.Source), status: string(p.Status),
		at: p.Asked.At.UnixMilli(), cost: int64(math.Round(p.Cost * 1e9)), asked: p.Route.Source == schemas.SourceLLM, onPage: len(p.Sections),
		timings: map[string]float64{
			"total": p.Timings.TotalMS, "queued": p.Timings.QueuedMS, "router": p.Timings.RouterMS, "tools": p.Timings.ToolsMS, "refine": p.Timings.RefineMS,
		},
	}
	for _, s := range slices.Concat(p.Sections, p.Omitted) {
		kept.sections = append(kept.sections, shown{s.ID, s.Tool, s.Component, string(s.Status)})
	}
	r.pages[kept.id] = kept
	r.clients[kept.client] = append(r.clients[kept.client], kept)
}

func (r *reference) takeEvent(i schemas.Interaction) {
	at := i.Timestamp.UnixMilli()
	received := i.ReceivedAt.UnixMilli()
	if !i.SentAt.IsZero() {
		at = received - (i.SentAt.UnixMilli() - at)
	}
	at = min(at, received)
	if received-at > (24 * time.Hour).Milliseconds() {
		return
	}
	e := event{
		id: i.EventID, action: i.ActionName, section: i.SectionID, at: at, ordinal: i.EventAttributes.Position.Ordinal, played: i.MSPlayed,
	}
	mine := r.events[i.QueryID]
	known := slices.IndexFunc(mine, func(o event) bool { return o.id == e.id })
	switch {
	case known < 0:
		r.events[i.QueryID] = append(mine, e)
	case at < mine[known].at:
		mine[known] = e
	}
}

// count does all the counting, once everything was taken.
func (r *reference) count() {
	for _, list := range r.clients {
		slices.SortFunc(list, func(a, b *page) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.id, b.id)) })
		for i, p := range list {
			r.countPage(p, list[i+1:])
		}
	}
	r.rollUp()
}

func (r *reference) countPage(p *page, later []*page) {
	if len(later) > 0 && later[0].at-p.at <= 2000 && strings.HasPrefix(later[0].text, p.text) && later[0].text != p.text {
		r.spread(p, one{typed: true})
		return
	}
	o := one{}
	for _, next := range later {
		if next.at-p.at > (5 * time.Minute).Milliseconds() {
			break
		}
		o.reformulated = o.reformulated || sameWish(p.text, next.text)
	}
	all := r.events[p.id]
	o.flooded = len(all) > 64
	if !o.flooded {
		o.events = attributed(p, all)
	}
	r.spread(p, o)
}

// attributed returns the events that count for a page, in order.
func attributed(p *page, all []event) (list []event) {
	for _, e := range all {
		e.place = slices.IndexFunc(p.sections[:p.onPage], func(s shown) bool { return s.id == e.section })
		after := e.at - p.at
		if (e.section == "" || e.place >= 0) && after >= -60_000 && after <= 30*60_000 {
			list = append(list, e)
		}
	}
	slices.SortFunc(list, func(a, b event) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(hashOf(a.id), hashOf(b.id))) })
	return list
}

func hashOf(id string) uint64 {
	f := fnv.New64a()
	f.Write([]byte(id))
	return f.Sum64()
}

func (e event) clicked() bool  { return e.action == "click" }
func (e event) streamed() bool { return e.action == "stream" && e.played >= 30_000 }
func (e event) success() bool  { return e.clicked() || e.streamed() }

// sameWish reports whether two texts are wordings of one wish.
func sameWish(a, b string) bool {
	union, common, x, y := map[string]bool{}, 0, map[string]bool{}, map[string]bool{}
	for w := range strings.FieldsSeq(a) {
		x[w], union[w] = true, true
	}
	for w := range strings.FieldsSeq(b) {
		if x[w] && !y[w] {
			common++
		}
		y[w], union[w] = true, true
	}
	return a != b && (common == len(x) || common == len(y) || 2*common >= len(union))
}

// one is what came of one search.
type one struct {
	typed, reformulated, flooded bool
	events                       []event
}

// first returns the index of the first success, or -1.
func (o one) first() int { return slices.IndexFunc(o.events, event.success) }

// contribution returns what a search adds to the cells of its page.
func (o one) contribution(p *page) schemas.SearchCounts {
	if o.typed {
		return schemas.SearchCounts{Typed: 1}
	}
	c := schemas.SearchCounts{
		Searches: 1, Flooded: flag(o.flooded), Reformulated: flag(o.reformulated), CostNanoUSD: p.cost, Sections: len(p.sections),
		Known: flag(p.source == "cache" || p.source == "precomputed"), Fallbacks: flag(p.source == "fallback"), Asked: flag(p.asked),
		Degraded: flag(p.status == "degraded"), Partial: flag(p.status == "partial"), Expired: flag(p.status == "expired"),
	}
	for _, e := range o.events {
		c.Clicks += flag(e.clicked())
		c.Streams += flag(e.streamed())
		c.Clicked = max(c.Clicked, flag(e.clicked()))
		c.Streamed = max(c.Streamed, flag(e.streamed()))
		c.Viewed = max(c.Viewed, flag(e.action != "like"))
	}
	answered, filled := false, false
	for _, s := range p.sections {
		c.Empty += flag(s.status == "empty")
		c.Failed += flag(s.status != "empty" && s.status != "ok")
		filled = filled || s.status == "ok"
		answered = answered || s.status == "ok" && s.component == "answer"
	}
	c.ZeroResults = flag(!filled)
	if i := o.first(); i >= 0 {
		e := o.events[i]
		c.Successes, c.Rescues = 1, flag(e.place > 0)
		if e.ordinal > 0 {
			c.Ranks = map[int]int{e.ordinal: 1}
		}
		c.TimeToSuccess = single(float64(max(e.at-p.at, 0)))
	}
	c.Abandoned = flag(c.Successes+c.Reformulated+c.Flooded == 0)
	c.BadAbandoned = flag(c.Abandoned == 1 && !answered)
	c.Latency = map[string]schemas.Histogram{}
	for stage, ms := range p.timings {
		c.Latency[stage] = single(ms)
	}
	return c
}

// ofSections returns what a search adds to the cells of some sections.
func (o one) ofSections(p *page, in func(shown) bool) schemas.SearchCounts {
	c := schemas.SearchCounts{Searches: 1}
	for _, s := range p.sections {
		if in(s) {
			c.Sections++
			c.Empty += flag(s.status == "empty")
			c.Failed += flag(s.status != "empty" && s.status != "ok")
		}
	}
	first := o.first()
	for i, e := range o.events {
		if e.place < 0 || !in(p.sections[e.place]) {
			continue
		}
		if i == first {
			c.First = 1
			if e.ordinal > 0 {
				c.Ranks = map[int]int{e.ordinal: 1}
			}
		}
		c.Clicks += flag(e.clicked())
		c.Streams += flag(e.streamed())
		c.Clicked = max(c.Clicked, flag(e.clicked()))
		c.Streamed = max(c.Streamed, flag(e.streamed()))
		c.Successes = max(c.Successes, flag(e.success()))
		c.Viewed = max(c.Viewed, flag(e.action != "like"))
	}
	return c
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}

func single(ms float64) schemas.Histogram {
	if bin, ok := schemas.HistogramBin(ms); ok {
		return schemas.Histogram{Bins: map[int]int{bin: 1}}
	}
	return schemas.Histogram{Zero: 1}
}
