package day

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// cellName is a window and a cut.
type cellName struct {
	window string
	start  int64 // Unix seconds; 0 of all
	cut    schemas.Cut
}

// cell adds searches up. Its histograms are maps of its own.
type cell struct{ sum schemas.SearchCounts }

// spread adds a search to all its cells, and to its arm.
func (r *reference) spread(p *page, o one) {
	c := o.contribution(p)
	r.addArm(p, o, c)
	onlyTotal := c
	if c.Latency != nil {
		onlyTotal.Latency = map[string]schemas.Histogram{"total": c.Latency["total"]}
	}
	cuts := p.cuts()
	for window, start := range p.windows() {
		for _, cut := range cuts {
			if window == schemas.WindowMinute && !cut.minutes {
				continue
			}
			add := &onlyTotal
			if cut.stages && window != schemas.WindowMinute {
				add = &c
			}
			r.cell(cellName{window, start, cut.cut}).add(add)
		}
	}
	if !o.typed {
		r.spreadSections(p, o)
	}
}

// windows returns those that a page is counted for; rollUp makes the others.
func (p *page) windows() map[string]int64 {
	at := time.UnixMilli(p.at).UTC()
	return map[string]int64{schemas.WindowMinute: at.Truncate(time.Minute).Unix(), schemas.WindowHour: at.Truncate(time.Hour).Unix()}
}

// rollUp adds hours up to days, and to all there is.
func (r *reference) rollUp() {
	hours := maps.Clone(r.cells)
	for name, c := range hours {
		if name.window != schemas.WindowHour {
			continue
		}
		day := time.Unix(name.start, 0).UTC().Truncate(24 * time.Hour).Unix()
		r.cell(cellName{schemas.WindowDay, day, name.cut}).add(&c.sum)
		r.cell(cellName{schemas.WindowAll, 0, name.cut}).add(&c.sum)
	}
}

// pageCut is a cut of a page, and whether it has windows of a minute, and latencies by stage.
type pageCut struct {
	cut             schemas.Cut
	minutes, stages bool
}

func (p *page) cuts() []pageCut {
	return []pageCut{
		{schemas.Cut{}, true, true},
		{schemas.Cut{Route: p.name}, false, true},
		{schemas.Cut{Tier: p.source}, false, true},
		{schemas.Cut{Market: p.market}, true, false},
		{schemas.Cut{Platform: p.platform}, false, false},
		{schemas.Cut{Arm: p.arm}, true, true},
		{schemas.Cut{Route: p.name, Tier: p.source}, false, false},
		{schemas.Cut{Route: p.name, Market: p.market}, false, false},
		{schemas.Cut{Route: p.name, Arm: p.arm}, false, false},
		{schemas.Cut{Market: p.market, Arm: p.arm}, false, false},
	}
}

// minuteCuts are those of cuts that the consumers are told to have windows of a minute.
const minuteCuts = `["", "market", "arm"]`

func (r *reference) spreadSections(p *page, o one) {
	var tools []string
	windows := p.windows()
	delete(windows, schemas.WindowMinute)
	for _, s := range p.sections {
		byID := o.ofSections(p, func(other shown) bool { return other.id == s.id })
		var byTool *schemas.SearchCounts
		if !slices.Contains(tools, s.tool) {
			tools = append(tools, s.tool)
			c := o.ofSections(p, func(other shown) bool { return other.tool == s.tool })
			byTool = &c
		}
		for window, start := range windows {
			r.cell(cellName{window, start, schemas.Cut{Route: p.name, Section: s.id}}).add(&byID)
			if byTool != nil {
				r.cell(cellName{window, start, schemas.Cut{Route: p.name, Tool: s.tool}}).add(byTool)
			}
		}
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

func (c *cell) add(o *schemas.SearchCounts) {
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
	s.Ranks = added(s.Ranks, o.Ranks)
	s.TimeToSuccess = merged(s.TimeToSuccess, o.TimeToSuccess)
	for stage, h := range o.Latency {
		if s.Latency == nil {
			s.Latency = map[string]schemas.Histogram{}
		}
		s.Latency[stage] = merged(s.Latency[stage], h)
	}
}

func added(to, by map[int]int) map[int]int {
	if to == nil && len(by) > 0 {
		to = map[int]int{}
	}
	for k, n := range by {
		to[k] += n
	}
	return to
}

func merged(to, by schemas.Histogram) schemas.Histogram {
	return schemas.Histogram{Zero: to.Zero + by.Zero, Bins: added(to.Bins, by.Bins)}
}

// differences compares what was published with the reference.
func (r *reference) differences(published map[cellName]schemas.SearchCounts) (list []string) {
	for name, c := range r.cells {
		want := c.sum
		if want.Searches > 0 {
			want.SuccessRate = float64(want.Successes) / float64(want.Searches)
		}
		if got := published[name]; !reflect.DeepEqual(got, want) {
			list = append(list, fmt.Sprintf("%v:\n got %+v\nwant %+v", name, got, want))
		}
	}
	for name, got := range published {
		if r.cells[name] == nil && !reflect.DeepEqual(got, schemas.SearchCounts{}) {
			list = append(list, fmt.Sprintf("%v: nobody searched there: %+v", name, got))
		}
	}
	slices.Sort(list)
	return list
}

// armSums are those of an experiment's arm.
type armSums struct {
	clients map[string]bool
	sums    map[string]int64 // by metric
	count   int64            // searches
}

func (r *reference) addArm(p *page, o one, c schemas.SearchCounts) {
	if o.typed {
		return
	}
	a := r.arms[p.arm]
	if a == nil {
		a = &armSums{clients: map[string]bool{}, sums: map[string]int64{}}
		r.arms[p.arm] = a
	}
	a.clients[p.client] = true
	a.count++
	for metric, n := range map[string]int{
		"success_rate": c.Successes, "click_through_rate": c.Clicked, "stream_rate": c.Streamed, "streams_per_search": c.Streams,
		"abandonment_rate": c.Abandoned, "bad_abandonment_rate": c.BadAbandoned, "reformulation_rate": c.Reformulated,
		"zero_result_rate": c.ZeroResults, "fallback_rate": c.Fallbacks, "failed_page_rate": min(c.Failed, 1), "expired_rate": c.Expired,
		"cost_nano_usd": int(c.CostNanoUSD),
	} {
		a.sums[metric] += int64(n)
	}
}

// sameSums compares the sums of the experiment.
func (r *reference) sameSums(t *testing.T, got readout) {
	t.Helper()
	for _, a := range got.Report.Arms {
		want := r.arms[trial+"/"+a.Name]
		if a.Units != int64(len(want.clients)) {
			t.Errorf("arm %s: %d clients, want %d", a.Name, a.Units, len(want.clients))
		}
		var seen []string
		for _, m := range a.Metrics {
			seen = append(seen, m.Name)
			if m.Numerator != want.sums[m.Name] || m.Denominator != want.count {
				t.Errorf("arm %s, %s: %d of %d, want %d of %d", a.Name, m.Name, m.Numerator, m.Denominator, want.sums[m.Name], want.count)
			}
		}
		slices.Sort(seen)
		if all := slices.Sorted(maps.Keys(want.sums)); !slices.Equal(seen, all) {
			t.Errorf("arm %s: metrics %v, want %v", a.Name, seen, all)
		}
	}
}
