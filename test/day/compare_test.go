package day

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
)

// wrong returns the names of at most some cells of which something else was published than
// the reference has counted.
func (r *reference) wrong(published map[cellName]schemas.SearchCounts, most int) (list []cellName) {
	for name, c := range r.cells {
		if !reflect.DeepEqual(published[name], c.counts()) {
			if list = append(list, name); len(list) == most {
				return list
			}
		}
	}
	for name, got := range published {
		if r.cells[name] == nil && !reflect.DeepEqual(got, schemas.SearchCounts{}) { // nobody searched there
			if list = append(list, name); len(list) == most {
				return list
			}
		}
	}
	return list
}

// difference says what is wrong about a cell.
func (r *reference) difference(name cellName, published map[cellName]schemas.SearchCounts) string {
	var want schemas.SearchCounts
	if c := r.cells[name]; c != nil {
		want = c.counts()
	}
	return fmt.Sprintf("%v:\n got %+v\nwant %+v", name, published[name], want)
}

// arm is an arm of the experiment.
type arm struct {
	clients  map[string]bool
	searches int64
	failed   int64 // searches with a failed section
}

func (r *reference) addArm(p *page, o *one, g *gain) {
	if o.typed {
		return
	}
	a := r.arms[p.arm]
	if a == nil {
		a = &arm{clients: map[string]bool{}}
		r.arms[p.arm] = a
	}
	a.clients[p.client] = true
	a.searches++
	a.failed += int64(min(g.counts.Failed, 1))
}

// sums returns those of an arm by metric.
func (r *reference) sums(name string) map[string]int64 {
	c := r.cell(cellName{schemas.WindowAll, 0, schemas.Cut{Arm: name}}).sum
	sums := map[string]int64{"failed_page_rate": r.arms[name].failed, "cost_nano_usd": c.CostNanoUSD}
	for metric, n := range map[string]int{
		"success_rate": c.Successes, "click_through_rate": c.Clicked, "stream_rate": c.Streamed, "streams_per_search": c.Streams,
		"abandonment_rate": c.Abandoned, "bad_abandonment_rate": c.BadAbandoned, "reformulation_rate": c.Reformulated,
		"zero_result_rate": c.ZeroResults, "fallback_rate": c.Fallbacks, "expired_rate": c.Expired,
	} {
		sums[metric] = int64(n)
	}
	return sums
}

// complete reports whether a readout has all searches and successes of both arms.
func (r *reference) complete(got readout) bool {
	var searches, successes int64
	for _, name := range []string{control, treatment} {
		searches += r.arms[trial+"/"+name].searches
		successes += r.sums(trial + "/" + name)["success_rate"]
	}
	return got.searches() == searches && got.successes() == successes
}

// sameSums compares the sums of the experiment.
func (r *reference) sameSums(t *testing.T, got readout) {
	t.Helper()
	for _, a := range got.Report.Arms {
		want, sums := r.arms[trial+"/"+a.Name], r.sums(trial+"/"+a.Name)
		if a.Units != int64(len(want.clients)) {
			t.Errorf("arm %s: %d clients, want %d", a.Name, a.Units, len(want.clients))
		}
		var seen []string
		for _, m := range a.Metrics {
			seen = append(seen, m.Name)
			if m.Numerator != sums[m.Name] || m.Denominator != want.searches {
				t.Errorf("arm %s, %s: %d of %d, want %d of %d", a.Name, m.Name, m.Numerator, m.Denominator, sums[m.Name], want.searches)
			}
		}
		slices.Sort(seen)
		if all := slices.Sorted(maps.Keys(sums)); !slices.Equal(seen, all) {
			t.Errorf("arm %s: metrics %v, want %v", a.Name, seen, all)
		}
	}
}
