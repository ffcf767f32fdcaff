package fusion_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"pgregory.net/rapid"

	fusion "github.com/parallel-fusion/pfr/fusion-aggregator"
	"github.com/parallel-fusion/pfr/schemas"
)

// refiner proposes orders by a function.
type refiner func(context.Context, fusion.OpenPage) (fusion.Order, error)

func (r refiner) Refine(ctx context.Context, p fusion.OpenPage) (fusion.Order, error) {
	return r(ctx, p)
}

// refined returns the page of d with a refiner and its metrics.
func refined(t interface {
	Fatal(...any)
	Context() context.Context
}, callers tools, d schemas.RouteDecision, r fusion.Refiner,
) (schemas.SERP, *prometheus.Registry) {
	out, reg := &sink{}, prometheus.NewRegistry()
	a, err := fusion.New(fusion.DefaultConfig(), fusion.Ports{Tools: callers, Pages: out, Feed: out, Refiner: r}, slog.New(slog.DiscardHandler), reg)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if err := a.Handle(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	page := out.pages[0]
	if err := page.Validate(); err != nil {
		t.Fatal(err)
	}
	return page, reg
}

// refinable is a decision whose page may be refined within 100 ms.
func refinable(keepTop bool, names ...string) schemas.RouteDecision {
	d := decision(450*time.Millisecond, names...)
	d.Decision.Refine = &schemas.Refinement{BudgetMS: 100, KeepTop: keepTop}
	return d
}

func says(o fusion.Order, err error) refiner {
	return func(context.Context, fusion.OpenPage) (fusion.Order, error) { return o, err }
}

func TestRefinerOrdersAndDrops(t *testing.T) {
	callers := tools{"a": after(0, "1", "2", "3", "4"), "b": after(0, "5"), "c": after(0, "6", "7")}
	const untouched = "complete 1.00 | a=ok[1 2 3 4] | b=ok[5] | c=ok[6 7]"
	for name, tc := range map[string]struct {
		order   fusion.Order
		err     error
		keepTop bool
		want    string
		outcome string
	}{
		"ordered":             {fusion.Order{{2, 0, 1, 3}, {1, 0}}, nil, false, "complete 1.00 | a=ok[3 1 2 4] | b=ok[5] | c=ok[7 6]", "refined"},
		"dropped":             {fusion.Order{{3, 1, 0}, {0, 1}}, nil, false, "complete 1.00 | a=ok[4 2 1] | b=ok[5] | c=ok[6 7]", "refined"},
		"too few":             {fusion.Order{{3, 1}, {0, 1}}, nil, false, untouched, "invalid"},
		"emptied":             {fusion.Order{{}, {}}, nil, false, untouched, "invalid"},
		"twice":               {fusion.Order{{0, 1, 2, 2}, {0, 1}}, nil, false, untouched, "invalid"},
		"foreign":             {fusion.Order{{0, 1, 2, 4}, {0, 1}}, nil, false, untouched, "invalid"},
		"negative":            {fusion.Order{{0, 1, 2, -1}, {0, 1}}, nil, false, untouched, "invalid"},
		"sections missing":    {fusion.Order{{1, 0, 2, 3}}, nil, false, untouched, "invalid"},
		"sections too many":   {fusion.Order{{1, 0, 2, 3}, {0, 1}, {0}}, nil, false, untouched, "invalid"},
		"top hit kept":        {fusion.Order{{0, 3, 1, 2}, {1, 0}}, nil, true, "complete 1.00 | a=ok[1 4 2 3] | b=ok[5] | c=ok[7 6]", "refined"},
		"top hit moved":       {fusion.Order{{3, 0, 1, 2}, {0, 1}}, nil, true, untouched, "invalid"},
		"error with an order": {fusion.Order{{3, 0, 1, 2}, {0, 1}}, errors.New("away"), false, untouched, "failed"},
		"not asked":           {nil, fusion.ErrNotRefined, false, untouched, "skipped"},
		"no use":              {nil, fmt.Errorf("%w: x", fusion.ErrInvalid), false, untouched, "invalid"},
	} {
		page, reg := refined(t, callers, refinable(tc.keepTop, "a", "b", "c"), says(tc.order, tc.err))
		if got := outline(page); got != tc.want || page.Refined != (tc.outcome == "refined") {
			t.Errorf("%s: refined %v, %s", name, page.Refined, got)
		}
		if n, err := testutil.GatherAndCount(reg, "pfr_fusion_refined_total"); err != nil || n != 1 || counted(t, reg) != tc.outcome {
			t.Errorf("%s: counted as %q, %v", name, counted(t, reg), err)
		}
	}
}

// counted returns the outcome of the one refinement that was counted.
func counted(t *testing.T, reg *prometheus.Registry) string {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "pfr_fusion_refined_total" {
			return f.GetMetric()[0].GetLabel()[0].GetValue()
		}
	}
	return ""
}

// Only what the manifest opens is shown to the refiner, and without it nobody is asked.
func TestRefinerSeesOpenSectionsOnly(t *testing.T) {
	d := refinable(true, "list", "mix", "card", "one", "none", "whole", "said")
	d.Decision.Calls[1].Component, d.Decision.Calls[2].Component, d.Decision.Calls[5].Whole = "mix", "answer", true
	callers := tools{
		"list": after(0, "1", "2"), "mix": after(0, "3", "4"), "card": after(0, "5", "6"), "one": after(0, "7"), "none": fails(errors.New("x")), "whole": after(0, "8", "9"),
		"said": func(_ context.Context, req schemas.ToolRequest) (schemas.ToolResponse, error) {
			r := respond(req, "10", "11")
			r.Text = "words about these"
			return r, nil
		},
	}
	var seen []string
	look := refiner(func(_ context.Context, p fusion.OpenPage) (fusion.Order, error) {
		for _, s := range p.Sections {
			seen = append(seen, fmt.Sprint(p.Query, " ", s.Title, " ", s.KeepTop, " ", len(s.Items)))
		}
		return nil, fusion.ErrNotRefined
	})
	refined(t, callers, d, look)
	if want := []string{"anything list true 2"}; !slices.Equal(seen, want) {
		t.Errorf("%q", seen)
	}
	seen, d.Decision.Refine = nil, nil
	if page, _ := refined(t, callers, d, look); seen != nil || page.Refined {
		t.Errorf("a route that is not refined was shown: %q", seen)
	}
}

// The step ends within its budget and leaves the reserve of the query alone.
func TestRefinerHasABudget(t *testing.T) {
	ms := time.Millisecond
	for name, tc := range map[string]struct {
		tool     time.Duration // how long the only tool takes
		deadline time.Duration
		want     time.Duration
	}{
		"budget":       {50 * ms, 450 * ms, 150 * ms},
		"deadline":     {290 * ms, 370 * ms, 350 * ms},
		"no time left": {300 * ms, 200 * ms, 180 * ms},
	} {
		synctest.Test(t, func(t *testing.T) {
			d := refinable(false, "a")
			d.Query.Deadline = time.Now().Add(tc.deadline)
			start := time.Now()
			page, _ := refined(t, tools{"a": after(tc.tool, "1", "2", "3")}, d, refiner(func(ctx context.Context, _ fusion.OpenPage) (fusion.Order, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}))
			took := time.Duration(page.Timings.TotalMS * float64(ms))
			if took != tc.want || page.Refined || time.Since(start) > time.Second {
				t.Errorf("%s: the page took %v, want %v", name, took, tc.want)
			}
		})
	}
}

// Whatever order is proposed, the page has no new item, none twice and none changed, its
// status and everything else stay, and an unsound order changes nothing.
func TestAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d, callers := refinable(rapid.Bool().Draw(t, "keep top")), tools{}
		for i := range rapid.IntRange(1, 4).Draw(t, "sections") {
			name, ids := fmt.Sprint("s", i), []string{}
			for j := range rapid.IntRange(0, 6).Draw(t, "items") {
				ids = append(ids, fmt.Sprintf("%d-%d", i, j))
			}
			callers[name] = after(0, ids...)
			d.Decision.Calls = append(d.Decision.Calls, schemas.Call{
				Tool: name, Section: name, Title: name, Component: rapid.SampledFrom([]string{"list", "answer", "mix"}).Draw(t, "component"),
				Limit: 10, DeadlineMS: 300, Mandatory: i == 0, Whole: rapid.Bool().Draw(t, "whole"),
			})
		}
		d.Query.Deadline = time.Now().Add(time.Minute)
		d.Decision.Refine.BudgetMS = 60_000
		plain, _ := refined(t, callers, d, nil)
		var order fusion.Order
		got, _ := refined(t, callers, d, refiner(func(_ context.Context, p fusion.OpenPage) (fusion.Order, error) {
			for _, s := range p.Sections {
				order = append(order, drawOrder(t, len(s.Items)))
			}
			return order, nil
		}))
		if why := changed(plain, got, d); why != "" {
			t.Fatalf("%v: %s\n%s\n%s", order, why, outline(plain), outline(got))
		}
	})
}

// drawOrder draws an order of n items that is sound, or nearly so.
func drawOrder(t *rapid.T, n int) []int {
	places := make([]int, n)
	for i := range places {
		places[i] = i
	}
	places = rapid.Permutation(places).Draw(t, "places")
	switch rapid.IntRange(0, 9).Draw(t, "kind") {
	case 0:
		return append(places, rapid.IntRange(-2, n+2).Draw(t, "more"))
	case 1, 2:
		return places[:rapid.IntRange(0, n).Draw(t, "kept")]
	}
	return places
}

// changed says what is different about a page that must not be.
func changed(plain, got schemas.SERP, d schemas.RouteDecision) string {
	for i := range got.Sections {
		items, was := got.Sections[i].Items, plain.Sections[i].Items
		same := reflect.DeepEqual(items, was)
		if !same && (!got.Refined || d.Decision.Calls[i].Whole || got.Sections[i].Component != "list") {
			return "a closed section, or a page that is not refined"
		}
		if len(items) < min(len(was), 3) || 2*len(items) < len(was) {
			return "too few items"
		}
		if d.Decision.Refine.KeepTop && i == 0 && len(was) > 0 && !reflect.DeepEqual(items[0], was[0]) {
			return "the top hit"
		}
		left := slices.Clone(was)
		for _, it := range items {
			at := slices.IndexFunc(left, func(o schemas.Item) bool { return reflect.DeepEqual(o, it) })
			if at < 0 {
				return "an item is new, changed or there twice"
			}
			left = slices.Delete(left, at, at+1)
		}
		got.Sections[i].Items, got.Sections[i].TookMS, plain.Sections[i].TookMS = was, 0, 0
	}
	got.Refined, got.Timings, plain.Timings, got.CreatedAt = false, schemas.Timings{}, schemas.Timings{}, plain.CreatedAt
	if !reflect.DeepEqual(plain, got) {
		return "something other than the order"
	}
	return ""
}
