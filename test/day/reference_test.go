package day

import (
	"cmp"
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
	arms    map[string]*arm

	// A search is counted once for a minute, and once for an hour, by all that it can be cut
	// by. The cells of windows and cuts are sums of these.
	minutes, hours map[grain]*cell
	cells          map[cellName]*cell

	ofPages, ofEvents names // each has its own reader
}

// page is what is kept of a page.
type page struct {
	id, text, client, market, platform, arm, name, source, status string
	at                                                            int64
	cost                                                          int64
	asked                                                         bool
	sections                                                      []shown // on the page, then those left out
	onPage                                                        int
	timings                                                       [stageCount]float64 // in milliseconds
}

// stageCount is how many stages timings are kept of.
const stageCount = 5

func stageNames() [stageCount]string {
	return [...]string{"total", "queued", "router", "tools", "refine"}
}

type shown struct{ id, tool, component, status string }

// event is what is kept of an event.
type event struct {
	id, action, section string
	at                  int64
	ordinal, played     int32
	place               int // of the section on the page; -1 if it names none
}

// names has one copy of each text of which there are few, so that millions of records do not
// hold it.
type names map[string]string

func (n names) of(s string) string {
	if known, ok := n[s]; ok {
		return known
	}
	s = strings.Clone(s)
	n[s] = s
	return s
}

func newReference() *reference {
	return &reference{
		pages: map[string]*page{}, events: map[string][]event{}, clients: map[string][]*page{}, arms: map[string]*arm{},
		minutes: map[grain]*cell{}, hours: map[grain]*cell{}, cells: map[cellName]*cell{}, ofPages: names{}, ofEvents: names{},
	}
}

func (r *reference) takePage(p *schemas.SERP) {
	if r.pages[p.CorrelationID] != nil || p.Probe {
		return
	}
	n, t := r.ofPages, p.Timings
	kept := &page{
		id: strings.Clone(p.CorrelationID), text: strings.Join(strings.Fields(strings.ToLower(p.Query)), " "),
		client: n.of(p.Asked.Client), market: n.of(p.Market), platform: n.of(p.Asked.Platform),
		arm: n.of(p.Route.Arm), name: n.of(p.Route.Name), source: n.of(string(p.Route.Source)), status: n.of(string(p.Status)),
		at: p.Asked.At.UnixMilli(), cost: int64(math.Round(p.Cost * 1e9)), asked: p.Route.Source == schemas.SourceLLM, onPage: len(p.Sections),
		timings: [...]float64{t.TotalMS, t.QueuedMS, t.RouterMS, t.ToolsMS, t.RefineMS}, // as in stageNames
	}
	kept.sections = make([]shown, 0, len(p.Sections)+len(p.Omitted))
	for _, list := range [...][]schemas.Section{p.Sections, p.Omitted} {
		for _, s := range list {
			kept.sections = append(kept.sections, shown{n.of(s.ID), n.of(s.Tool), n.of(s.Component), n.of(string(s.Status))})
		}
	}
	r.pages[kept.id] = kept
	r.clients[kept.client] = append(r.clients[kept.client], kept)
}

func (r *reference) takeEvent(i *schemas.Interaction) {
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
		id: i.EventID, action: r.ofEvents.of(i.ActionName), section: r.ofEvents.of(i.SectionID), at: at,
		ordinal: int32(i.EventAttributes.Position.Ordinal), played: int32(i.MSPlayed),
	}
	mine := r.events[i.QueryID]
	known := slices.IndexFunc(mine, func(o event) bool { return o.id == e.id })
	switch {
	case known < 0:
		e.id = strings.Clone(e.id)
		r.events[strings.Clone(i.QueryID)] = append(mine, e)
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
	r.pages, r.events, r.clients = nil, nil, nil // what follows is slow enough without them
}

func (r *reference) countPage(p *page, later []*page) {
	if len(later) > 0 && later[0].at-p.at <= 2000 && strings.HasPrefix(later[0].text, p.text) && later[0].text != p.text {
		r.spread(p, &one{typed: true})
		return
	}
	o := &one{}
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
	slices.SortFunc(list, func(a, b event) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.place, b.place), cmp.Compare(a.ordinal, b.ordinal))
	})
	return list
}

func (e *event) clicked() bool  { return e.action == "click" }
func (e *event) streamed() bool { return e.action == "stream" && e.played >= 30_000 }
func (e *event) success() bool  { return e.clicked() || e.streamed() }

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
