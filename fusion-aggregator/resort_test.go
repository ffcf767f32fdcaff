package fusion_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// withLastResort is the decision for tools a and b, and c as the last resort.
func withLastResort(deadline time.Duration) schemas.RouteDecision {
	d := decision(deadline, "a", "b", "c")
	d.Decision.Calls[2].LastResort = true
	return d
}

// A page that would be empty has what the last resort finds, whatever left it empty, as far as
// there is time; a page with anything on it does not ask for it.
func TestLastResort(t *testing.T) {
	ms := time.Millisecond
	never := func(t *testing.T) tool {
		t.Helper()
		return func(context.Context, schemas.ToolRequest) (schemas.ToolResponse, error) {
			t.Error("the last resort was asked")
			return schemas.ToolResponse{}, nil
		}
	}
	for name, c := range map[string]struct {
		a, b, c  tool
		deadline time.Duration
		want     string
		took     time.Duration
	}{
		"something is there":  {after(10*ms, "x"), after(20 * ms), never(t), 450 * ms, "complete 1.00 | a=ok[x] | b=empty[]", 20 * ms},
		"optional alone":      {after(10 * ms), after(20*ms, "y"), never(t), 450 * ms, "complete 1.00 | a=empty[] | b=ok[y]", 20 * ms},
		"nothing is there":    {after(10 * ms), after(20 * ms), after(30*ms, "z"), 450 * ms, "complete 1.00 | a=empty[] | b=empty[] | c=ok[z]", 50 * ms},
		"all fail":            {fails(errors.New("boom")), after(time.Hour), after(30*ms, "z"), 450 * ms, "degraded 0.33 | a=error[] | b=timeout[] | c=ok[z]", 330 * ms},
		"it finds nothing":    {after(10 * ms), after(20 * ms), after(30 * ms), 450 * ms, "complete 1.00 | a=empty[] | b=empty[]", 50 * ms},
		"it fails":            {after(10 * ms), after(20 * ms), fails(errors.New("boom")), 450 * ms, "complete 1.00 | a=empty[] | b=empty[]", 20 * ms},
		"it is never in time": {after(10 * ms), after(20 * ms), after(time.Hour), 450 * ms, "complete 1.00 | a=empty[] | b=empty[]", 320 * ms},
		"no time is left":     {after(10 * ms), after(time.Hour), never(t), 100 * ms, "partial 0.50 | a=empty[] | b=timeout[]", 80 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			p, took := page(t, tools{"a": c.a, "b": c.b, "c": c.c}, func() schemas.RouteDecision { return withLastResort(c.deadline) })
			if got := outline(p); got != c.want || took != c.took {
				t.Errorf("got %s after %v\nwant %s after %v", got, took, c.want, c.took)
			}
		})
	}
}

// The last resort is not announced, and is sent ahead if it is on the page, as it is there. A
// decision that is handled again finds its calls as they were.
func TestLastResortIsNotAnnounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, out := aggregator(t, tools{"a": after(1), "b": after(2), "c": after(3, "z")}, nil)
		d := withLastResort(time.Second)
		if err := a.Handle(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		if got := out.kinds(); got != "route section section section serp" || len(out.steps[0].Route.Slots) != 2 {
			t.Errorf("steps: %s, %d slots", got, len(out.steps[0].Route.Slots))
		}
		if !reflect.DeepEqual(*out.steps[3].Section, out.pages[0].Sections[2]) {
			t.Errorf("sent ahead: %+v, on the page: %+v", out.steps[3].Section, out.pages[0].Sections[2])
		}
		if calls, resorts := d.Decision.SetAside(); len(calls) != 2 || len(resorts) != 1 || resorts[0].Section != "c" {
			t.Errorf("afterwards the decision has %+v", d.Decision.Calls)
		}
	})
}

// Only the end of a decision may be a last resort, and never all of it.
func TestDecisionsWithLastResorts(t *testing.T) {
	for name, change := range map[string]func([]schemas.Call){
		"alone":     func(c []schemas.Call) { c[0].LastResort, c[0].Mandatory, c[1].LastResort = true, false, true },
		"between":   func(c []schemas.Call) { c[1].LastResort, c[2].LastResort = true, false },
		"mandatory": func(c []schemas.Call) { c[2].Mandatory = true },
	} {
		d := withLastResort(time.Second).Decision
		for i := range d.Calls {
			d.Calls[i].Params = schemas.Params{}
		}
		if err := d.Validate(); err != nil {
			t.Fatal(err)
		}
		change(d.Calls)
		if err := d.Validate(); err == nil {
			t.Errorf("%s: is a good decision", name)
		}
	}
}
