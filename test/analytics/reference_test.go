package analytics

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// tally is what is compared.
type tally struct {
	Searches     int     `json:"searches"`
	Clicks       int     `json:"clicks"`
	Streams      int     `json:"streams"`
	Successes    int     `json:"successes"`
	SuccessRate  float64 `json:"success_rate"`
	Typed        int     `json:"typed"`
	Flooded      int     `json:"flooded"`
	Rescues      int     `json:"rescues"`
	Abandoned    int     `json:"abandoned"`
	BadAbandoned int     `json:"bad_abandoned"`
	Reformulated int     `json:"reformulated"`
	Fallbacks    int     `json:"fallbacks"`
	ZeroResults  int     `json:"zero_results"`
	Slow         int     `json:"slow"`
	CostNanoUSD  int64   `json:"cost_nano_usd"`
}

// slowMS is what a page may take before it counts as slow.
const slowMS = 450

// judged is what came of one search.
type judged struct {
	page            schemas.SERP
	text            string
	clicks, streams int
	first           int // position of the section of the first success; 0: none
	typed, reworded bool
	flooded         bool
}

// merge adds the counts of other.
func (t *tally) merge(other tally) {
	t.Searches += other.Searches
	t.Clicks += other.Clicks
	t.Streams += other.Streams
	t.Successes += other.Successes
	t.Typed += other.Typed
	t.Flooded += other.Flooded
	t.Rescues += other.Rescues
	t.Abandoned += other.Abandoned
	t.BadAbandoned += other.BadAbandoned
	t.Reformulated += other.Reformulated
	t.Fallbacks += other.Fallbacks
	t.ZeroResults += other.ZeroResults
	t.Slow += other.Slow
	t.CostNanoUSD += other.CostNanoUSD
}

func (t *tally) rate() {
	if t.Searches > 0 {
		t.SuccessRate = float64(t.Successes) / float64(t.Searches)
	}
}

// outcomes follows the definitions of docs/metrics.md to the letter, with everything in
// memory and no thought of speed.
func outcomes(w world) map[string]*judged {
	all := map[string]*judged{}
	clients := map[string][]*judged{}
	for _, page := range w.pages {
		if _, again := all[page.CorrelationID]; again || page.Probe {
			continue
		}
		o := &judged{page: page, text: strings.ToLower(strings.Join(strings.Fields(page.Query), " "))}
		all[page.CorrelationID] = o
		if page.Asked != nil {
			clients[page.Asked.Client] = append(clients[page.Asked.Client], o)
		}
	}
	for _, list := range clients {
		word(list)
	}
	events := map[string]map[string]schemas.Interaction{}
	for _, e := range w.events {
		if e.ReceivedAt.Sub(e.At(e.ReceivedAt)) > 24*time.Hour {
			continue // too old
		}
		if events[e.QueryID] == nil {
			events[e.QueryID] = map[string]schemas.Interaction{}
		}
		if _, again := events[e.QueryID][e.EventID]; !again {
			events[e.QueryID][e.EventID] = e
		}
	}
	for id, o := range all {
		o.attribute(events[id])
	}
	return all
}

// word finds what was typed on the way and what was worded otherwise, among one client's
// searches.
func word(list []*judged) {
	slices.SortFunc(list, func(a, b *judged) int {
		return cmp.Or(a.page.Asked.At.Compare(b.page.Asked.At), strings.Compare(a.page.CorrelationID, b.page.CorrelationID))
	})
	for i, o := range list {
		for j, next := range list[i+1:] {
			gap := next.page.Asked.At.Sub(o.page.Asked.At)
			typing := gap <= 2*time.Second && strings.HasPrefix(next.text, o.text)
			if next.text == o.text || gap > 5*time.Minute {
				continue
			}
			o.typed = o.typed || typing && j == 0
			o.reworded = o.reworded || similar(o.text, next.text)
		}
	}
}

func similar(a, b string) bool {
	in := map[string]int{}
	for token := range strings.FieldsSeq(a) {
		in[token] |= 1
	}
	for token := range strings.FieldsSeq(b) {
		in[token] |= 2
	}
	count := map[int]int{}
	for side := range maps.Values(in) {
		count[side]++
	}
	return 2*count[3] >= len(in) || count[1] == 0 || count[2] == 0
}

// attribute counts the events that belong to the search.
func (o *judged) attribute(events map[string]schemas.Interaction) {
	var first string
	for _, e := range events {
		at, asked := e.At(e.ReceivedAt), o.page.AskedAt()
		position := 1 + slices.IndexFunc(o.page.Sections, func(s schemas.Section) bool { return s.ID == e.SectionID })
		inTime := !at.Before(asked.Add(-time.Minute)) && !at.After(asked.Add(30*time.Minute))
		if !inTime || e.SectionID != "" && position == 0 || !e.Success() {
			continue
		}
		if e.Streamed() {
			o.streams++
		} else {
			o.clicks++
		}
		if key := fmt.Sprintf("%s %04d", at.UTC().Format("20060102150405.000"), position); first == "" || key < first {
			first, o.first = key, position
		}
	}
	if o.flooded = len(events) > 64; o.flooded {
		o.clicks, o.streams, o.first = 0, 0, 0
	}
}

// reference returns the tallies of every window and cut, by the key of the record.
func reference(w world) map[string]tally {
	out := map[string]tally{}
	for _, o := range outcomes(w) {
		cut := schemas.Cut{Route: o.page.Route.Name, Market: o.page.Market, Arm: o.page.Route.Arm}
		for _, key := range keysOf(o.page.AskedAt(), cut) {
			t := out[key]
			t.merge(o.tally())
			out[key] = t
		}
	}
	for key, t := range out {
		t.rate()
		out[key] = t
	}
	return out
}

// keysOf returns the keys of every window and cut that a search counts in; own is all that
// it may be cut by.
func keysOf(at time.Time, own schemas.Cut) []string {
	route, market, arm := own.Route, own.Market, own.Arm
	cuts := []schemas.Cut{{}, {Route: route}, {Market: market}, {Route: route, Market: market}}
	if arm != "" {
		cuts = append(cuts, schemas.Cut{Arm: arm}, schemas.Cut{Route: route, Arm: arm})
	}
	var out []string
	for window, length := range map[string]time.Duration{schemas.WindowMinute: time.Minute, schemas.WindowHour: time.Hour, schemas.WindowDay: 24 * time.Hour} {
		for _, cut := range cuts {
			out = append(out, schemas.OnlineMetrics{Window: window, Start: at.UTC().Truncate(length), Cut: cut}.Key())
		}
	}
	slices.Sort(out) // what is not said is not cut by, and makes equal keys
	return slices.Compact(out)
}

// tally is what the search adds to each window and cut.
func (o *judged) tally() tally {
	if o.typed {
		return tally{Typed: 1}
	}
	filled, answers := 0, 0
	for _, s := range o.page.Sections {
		filled += count(s.Status == schemas.SectionOK)
		answers += count(s.Status == schemas.SectionOK && s.Component == "answer")
	}
	abandoned := o.clicks+o.streams == 0 && !o.reworded && !o.flooded
	return tally{
		Searches: 1, Clicks: o.clicks, Streams: o.streams, Successes: count(o.clicks+o.streams > 0),
		Flooded: count(o.flooded), Rescues: count(o.first > 1),
		Abandoned: count(abandoned), BadAbandoned: count(abandoned && answers == 0), Reformulated: count(o.reworded),
		Fallbacks: count(o.page.Route.Source == schemas.SourceFallback), ZeroResults: count(filled == 0),
		Slow: count(o.page.Timings.TotalMS > slowMS), CostNanoUSD: int64(math.Round(o.page.Cost * 1e9)),
	}
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}

// binsByRoute returns how many pages took how long, by the key of the record of each route.
func binsByRoute(w world) map[string]map[int]int {
	out := map[string]map[int]int{}
	for _, o := range outcomes(w) {
		if o.typed {
			continue
		}
		bin, _ := schemas.HistogramBin(o.page.Timings.TotalMS)
		for _, key := range keysOf(o.page.AskedAt(), schemas.Cut{Route: o.page.Route.Name}) {
			if !strings.HasSuffix(key, "|route="+o.page.Route.Name) {
				continue
			}
			if out[key] == nil {
				out[key] = map[int]int{}
			}
			out[key][bin]++
		}
	}
	return out
}
