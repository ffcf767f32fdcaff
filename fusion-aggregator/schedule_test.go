package fusion_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	fusion "github.com/parallel-fusion/pfr/fusion-aggregator"
	"github.com/parallel-fusion/pfr/schemas"
)

const ms = time.Millisecond

// A query that gives more time than a standard one gives it to its calls.
func TestCallDeadlinesGrowWithTheQuerys(t *testing.T) {
	for name, c := range map[string]struct {
		deadline, want time.Duration
	}{
		"a hurry":       {200 * ms, 180 * ms}, // the query's deadline less the reserve
		"standard":      {schemas.StandardDeadline, 300 * ms},
		"twice as long": {2 * schemas.StandardDeadline, 600 * ms},
		"ten times":     {10 * schemas.StandardDeadline, 3 * time.Second},
	} {
		var told time.Duration
		_, took := page(t, tools{"a": func(ctx context.Context, req schemas.ToolRequest) (schemas.ToolResponse, error) {
			told = time.Until(req.Deadline)
			<-ctx.Done()
			return schemas.ToolResponse{}, ctx.Err()
		}}, func() schemas.RouteDecision { return decision(c.deadline, "a") })
		if took != c.want || told != c.want {
			t.Errorf("%s: the page took %v, the tool was told %v, want %v", name, took, told, c.want)
		}
	}
}

// The share of the deadline that was spent before the scatter is no longer there.
func TestACallNeverOutlivesThePage(t *testing.T) {
	_, took := page(t, tools{"a": after(time.Hour)}, func() schemas.RouteDecision {
		d := decision(900*ms, "a")
		d.Query.SubmittedAt, d.Query.Deadline = d.Query.SubmittedAt.Add(-500*ms), d.Query.Deadline.Add(-500*ms)
		return d
	})
	if took != 380*ms {
		t.Errorf("took %v", took)
	}
}

func TestQuorum(t *testing.T) {
	for name, c := range map[string]struct {
		tools  tools
		quorum schemas.Quorum
		budget time.Duration
		want   string
		took   time.Duration
		reason string // of the last section
	}{
		"reached": {
			tools{"a": after(20*ms, "1"), "b": after(50*ms, "2"), "c": after(time.Hour)},
			schemas.Quorum{Sections: 2, PatienceMS: 60},
			450 * ms, "partial 0.67 | a=ok[1] | b=ok[2] | c=timeout[]", 110 * ms,
			"the rest of the page was ready, and this had not answered after 110 ms",
		},
		"the last one makes it": {
			tools{"a": after(20*ms, "1"), "b": after(50*ms, "2"), "c": after(100*ms, "3")},
			schemas.Quorum{Sections: 2, PatienceMS: 60},
			450 * ms, "complete 1.00 | a=ok[1] | b=ok[2] | c=ok[3]", 100 * ms, "",
		},
		"a slow query has more patience": {
			tools{"a": after(20*ms, "1"), "b": after(50*ms, "2"), "c": after(time.Hour)},
			schemas.Quorum{Sections: 2, PatienceMS: 60},
			900 * ms, "partial 0.67 | a=ok[1] | b=ok[2] | c=timeout[]", 170 * ms,
			"the rest of the page was ready, and this had not answered after 170 ms",
		},
		"mandatory ones are waited for": {
			tools{"a": after(200*ms, "1"), "b": after(10*ms, "2"), "c": after(20*ms, "3")},
			schemas.Quorum{Sections: 2, PatienceMS: 60},
			450 * ms, "complete 1.00 | a=ok[1] | b=ok[2] | c=ok[3]", 200 * ms, "",
		},
		"a mandatory one that fails is no reason to hurry": {
			tools{"a": fails(errors.New("x")), "b": after(10*ms, "2"), "c": after(250*ms, "3")},
			schemas.Quorum{Sections: 1, PatienceMS: 60},
			450 * ms, "degraded 0.67 | a=error[] | b=ok[2] | c=ok[3]", 250 * ms, "",
		},
		"empty and failed sections are none to show": {
			tools{"a": after(0, "1"), "b": after(0), "c": after(250*ms, "3")},
			schemas.Quorum{Sections: 2, PatienceMS: 60},
			450 * ms, "complete 1.00 | a=ok[1] | b=empty[] | c=ok[3]", 250 * ms, "",
		},
		"not past a deadline": {
			tools{"a": after(290*ms, "1"), "b": after(0, "2"), "c": after(time.Hour)},
			schemas.Quorum{Sections: 2, PatienceMS: 60},
			450 * ms, "partial 0.67 | a=ok[1] | b=ok[2] | c=timeout[]", 300 * ms, "no answer within 300 ms",
		},
	} {
		p, took := page(t, c.tools, func() schemas.RouteDecision {
			d := decision(c.budget, "a", "b", "c")
			d.Decision.Quorum = &c.quorum
			return d
		})
		if got := outline(p); got != c.want || took != c.took || p.Sections[2].Reason != c.reason {
			t.Errorf("%s: %s after %v: %q", name, got, took, p.Sections[2].Reason)
		}
	}
}

// Once what is mandatory is there, optional calls leave refinement its time; a page in a
// hurry is not refined.
func TestOptionalCallsLeaveRoomForRefinement(t *testing.T) {
	for name, c := range map[string]struct {
		mandatory, optional, deadline time.Duration
		refiner                       bool
		want                          time.Duration // how long the page waits for its tools
	}{
		"room":           {50 * ms, 280 * ms, 350 * ms, true, 230 * ms},
		"no refiner":     {50 * ms, 280 * ms, 350 * ms, false, 280 * ms},
		"mandatory late": {260 * ms, 280 * ms, 350 * ms, true, 260 * ms},
		"in a hurry":     {10 * ms, 140 * ms, 200 * ms, true, 140 * ms},
		"time enough":    {50 * ms, 280 * ms, 450 * ms, true, 280 * ms},
	} {
		var waited time.Duration
		synctest.Test(t, func(t *testing.T) {
			var r fusion.Refiner
			if c.refiner {
				r = says(nil, fusion.ErrNotRefined)
			}
			d := refinable(false, "a", "b")
			d.Query.Deadline = time.Now().Add(c.deadline)
			p, _ := refined(t, tools{"a": after(c.mandatory, "1", "2"), "b": after(c.optional, "3", "4")}, d, r)
			waited = time.Duration(p.Timings.ToolsMS * float64(ms))
		})
		if waited != c.want {
			t.Errorf("%s: tools had %v, want %v", name, waited, c.want)
		}
	}
}
