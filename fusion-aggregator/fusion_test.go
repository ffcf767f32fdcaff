package fusion_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	fusion "github.com/parallel-fusion/pfr/fusion-aggregator"
	"github.com/parallel-fusion/pfr/schemas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const correlationID = "01890a5d-ac96-774b-bcce-b302099a8057"

// tool answers a request; tools maps names to them and is a fusion.Caller.
type (
	tool  func(ctx context.Context, req schemas.ToolRequest) (schemas.ToolResponse, error)
	tools map[string]tool
)

func (t tools) Call(ctx context.Context, req schemas.ToolRequest) (schemas.ToolResponse, error) {
	f, ok := t[req.Tool]
	if !ok {
		return schemas.ToolResponse{}, fusion.ErrNoResponder
	}
	return f(ctx, req)
}

// after answers with the given track ids once took has passed.
func after(took time.Duration, ids ...string) tool {
	return func(ctx context.Context, req schemas.ToolRequest) (schemas.ToolResponse, error) {
		select {
		case <-time.After(took):
			return respond(req, ids...), nil
		case <-ctx.Done():
			return schemas.ToolResponse{}, ctx.Err()
		}
	}
}

func fails(err error) tool {
	return func(context.Context, schemas.ToolRequest) (schemas.ToolResponse, error) {
		return schemas.ToolResponse{}, err
	}
}

func respond(req schemas.ToolRequest, ids ...string) schemas.ToolResponse {
	resp := schemas.ToolResponse{
		SchemaVersion: schemas.Version, CorrelationID: req.CorrelationID, Section: req.Section, Items: []schemas.Item{},
	}
	for _, id := range ids {
		resp.Items = append(resp.Items, schemas.Item{ID: "track:" + id, Type: "track", Title: strings.ToUpper(id)})
	}
	return resp
}

// sink keeps what an aggregator gives out.
type sink struct {
	mu     sync.Mutex
	pages  []schemas.SERP
	steps  []schemas.Progress
	refuse error
}

func (s *sink) Publish(_ context.Context, page schemas.SERP) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.refuse != nil {
		return s.refuse
	}
	s.pages = append(s.pages, page)
	return nil
}

func (s *sink) Send(_ context.Context, step schemas.Progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.steps = append(s.steps, step)
}

func (s *sink) kinds() string {
	var kinds []string
	for _, g := range s.steps {
		kinds = append(kinds, string(g.Kind))
	}
	return strings.Join(kinds, " ")
}

func aggregator(t testing.TB, callers fusion.Caller, reg prometheus.Registerer) (*fusion.Aggregator, *sink) {
	t.Helper()
	out := &sink{}
	a, err := fusion.New(fusion.DefaultConfig(), fusion.Ports{Tools: callers, Pages: out, Feed: out}, slog.New(slog.DiscardHandler), reg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a, out
}

// decision calls each named tool for a section of the same name, the first as mandatory.
func decision(deadline time.Duration, names ...string) schemas.RouteDecision {
	now := time.Now()
	d := schemas.RouteDecision{
		SchemaVersion: schemas.Version,
		Query: schemas.PublicQuery{
			SchemaVersion: schemas.Version, CorrelationID: correlationID, Text: "anything", Market: "US", Locale: "en-US",
			SubmittedAt: now, Deadline: now.Add(deadline),
		},
		Decision: schemas.Decision{Route: "r", Params: schemas.Params{}, Layout: "l", Source: schemas.SourceStudent, ManifestVersion: "m"},
	}
	for i, name := range names {
		d.Decision.Calls = append(d.Decision.Calls, schemas.Call{
			Tool: name, Section: name, Title: name, Component: "list", Limit: 10, DeadlineMS: 300, Mandatory: i == 0,
		})
	}
	return d
}

// page handles d in virtual time and returns its page and how long it took.
func page(t *testing.T, callers tools, d func() schemas.RouteDecision) (p schemas.SERP, took time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a, out := aggregator(t, callers, nil)
		start := time.Now()
		if err := a.Handle(t.Context(), d()); err != nil {
			t.Fatal(err)
		}
		took = time.Since(start)
		p = out.pages[0]
	})
	if err := p.Validate(); err != nil {
		t.Error(err)
	}
	return p, took
}

// outline is a page in one line: status, coverage, and each section with its items.
func outline(p schemas.SERP) string {
	parts := []string{fmt.Sprintf("%s %.2f", p.Status, p.Coverage)}
	for _, s := range p.Sections {
		var ids []string
		for _, it := range s.Items {
			ids = append(ids, strings.TrimPrefix(it.ID, "track:"))
		}
		parts = append(parts, fmt.Sprintf("%s=%s[%s]", s.ID, s.Status, strings.Join(ids, " ")))
	}
	return strings.Join(parts, " | ")
}

func TestCallsRunInParallel(t *testing.T) {
	ms := time.Millisecond
	p, took := page(t, tools{"a": after(100*ms, "x"), "b": after(120*ms, "y"), "c": after(80*ms, "z")},
		func() schemas.RouteDecision { return decision(450*ms, "a", "b", "c") })
	if took != 120*ms {
		t.Errorf("took %v, want the slowest tool's 120ms", took)
	}
	if got, want := outline(p), "complete 1.00 | a=ok[x] | b=ok[y] | c=ok[z]"; got != want {
		t.Error(got)
	}
}

// Whatever one tool does, the others keep their sections and the page is in time.
func TestOneBadToolCostsOneSection(t *testing.T) {
	ms := time.Millisecond
	wrongCall := func(_ context.Context, req schemas.ToolRequest) (schemas.ToolResponse, error) {
		req.Section = "another"
		return respond(req, "w"), nil
	}
	tooMany := func(_ context.Context, req schemas.ToolRequest) (schemas.ToolResponse, error) {
		return respond(req, slices.Repeat([]string{"a"}, req.Limit+1)...), nil
	}
	for name, c := range map[string]struct {
		bad  tool
		want string
	}{
		"hangs":             {after(time.Hour, "w"), "partial 0.67 | a=ok[x] | bad=timeout[] | c=ok[z]"},
		"fails":             {fails(errors.New("boom")), "partial 0.67 | a=ok[x] | bad=error[] | c=ok[z]"},
		"overloaded":        {fails(fusion.ErrShed), "partial 0.67 | a=ok[x] | bad=shed[] | c=ok[z]"},
		"absent":            {fails(fusion.ErrNoResponder), "partial 0.67 | a=ok[x] | bad=no_responder[] | c=ok[z]"},
		"garbage":           {fails(fmt.Errorf("%w: not JSON", fusion.ErrInvalid)), "partial 0.67 | a=ok[x] | bad=invalid[] | c=ok[z]"},
		"another call's":    {wrongCall, "partial 0.67 | a=ok[x] | bad=invalid[] | c=ok[z]"},
		"more than allowed": {tooMany, "partial 0.67 | a=ok[x] | bad=invalid[] | c=ok[z]"},
		"finds nothing":     {after(0), "complete 1.00 | a=ok[x] | bad=empty[] | c=ok[z]"},
	} {
		t.Run(name, func(t *testing.T) {
			p, took := page(t, tools{"a": after(10*ms, "x"), "bad": c.bad, "c": after(20*ms, "z")},
				func() schemas.RouteDecision { return decision(450*ms, "a", "bad", "c") })
			if took > 300*ms {
				t.Errorf("took %v", took)
			}
			if got := outline(p); got != c.want {
				t.Errorf("got %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestQueryDeadlineBeatsCallDeadline(t *testing.T) {
	ms := time.Millisecond
	p, took := page(t, tools{"a": after(time.Hour)}, func() schemas.RouteDecision { return decision(100*ms, "a") })
	if took != 80*ms { // the deadline less the reserve
		t.Errorf("took %v", took)
	}
	if p.Status != schemas.SERPDegraded { // nothing mandatory was answered
		t.Errorf("status %s", p.Status)
	}
}

// A call with a short deadline of its own does not make the page wait for longer ones.
func TestClosesWhenTheLastOpenCallIsOverdue(t *testing.T) {
	ms := time.Millisecond
	_, took := page(t, tools{"a": after(5*ms, "x"), "b": after(time.Hour)}, func() schemas.RouteDecision {
		d := decision(450*ms, "a", "b")
		d.Decision.Calls[1].DeadlineMS = 50
		return d
	})
	if took != 50*ms {
		t.Errorf("took %v", took)
	}
}

func TestExpiredQueryCallsNoTool(t *testing.T) {
	p, _ := page(t, tools{"a": func(context.Context, schemas.ToolRequest) (schemas.ToolResponse, error) {
		t.Error("tool was called")
		return schemas.ToolResponse{}, nil
	}}, func() schemas.RouteDecision { return decision(0, "a") })
	if p.Status != schemas.SERPExpired || len(p.Sections) != 0 {
		t.Error(outline(p))
	}
}

func TestNoItemTwiceAndOrderIndependentOfArrival(t *testing.T) {
	ids := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}), 0, 5)
	rapid.Check(t, func(rt *rapid.T) {
		lists := [3][]string{ids.Draw(rt, "0"), ids.Draw(rt, "1"), ids.Draw(rt, "2")}
		delays := rapid.SliceOfN(rapid.IntRange(0, 200), 6, 6).Draw(rt, "delays")
		run := func(delays []int) schemas.SERP {
			callers := tools{}
			for i, name := range []string{"x", "y", "z"} {
				callers[name] = after(time.Duration(delays[i])*time.Millisecond, lists[i]...)
			}
			p, _ := page(t, callers, func() schemas.RouteDecision { return decision(450*time.Millisecond, "x", "y", "z") })
			return p
		}
		one, two := run(delays[:3]), run(delays[3:])
		if outline(one) != outline(two) {
			rt.Fatalf("arrival changed the page:\n%s\n%s", outline(one), outline(two))
		}
		seen := map[string]bool{}
		for i, s := range one.Sections {
			for _, it := range s.Items {
				if seen[it.ID] || !slices.Contains(lists[i], strings.TrimPrefix(it.ID, "track:")) {
					rt.Fatalf("item %s is there twice or from nowhere: %s", it.ID, outline(one))
				}
				seen[it.ID] = true
			}
		}
	})
}

// A whole section keeps its items whatever stands elsewhere; spare items stand in for those
// that earlier sections show.
func TestWholeSectionsAndSpareItems(t *testing.T) {
	p, _ := page(t, tools{"a": after(0, "1", "2", "3"), "mix": after(0, "2", "4", "4"), "c": after(0, "1", "3", "4", "5", "6"), "d": after(0, "2")}, func() schemas.RouteDecision {
		d := decision(time.Second, "a", "mix", "c", "d")
		d.Decision.Calls[2].Limit, d.Decision.Calls[2].Spare = 2, 3
		d.Decision.Calls[1].Whole = true
		return d
	})
	if got, want := outline(p), "complete 1.00 | a=ok[1 2 3] | mix=ok[2 4] | c=ok[4 5] | d=empty[]"; got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

func TestOnePagePerCorrelationID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := prometheus.NewPedanticRegistry()
		a, out := aggregator(t, tools{"a": after(0, "x")}, reg)
		d := decision(time.Second, "a")
		out.refuse = errors.New("broker is away")
		if err := a.Handle(t.Context(), d); !errors.Is(err, out.refuse) {
			t.Errorf("err = %v: a page that is not durable must be retried", err)
		}
		out.refuse = nil
		for range 3 {
			if err := a.Handle(t.Context(), d); err != nil {
				t.Error(err)
			}
		}
		if len(out.pages) != 1 {
			t.Errorf("%d pages", len(out.pages))
		}
		want := "# HELP pfr_fusion_duplicate_decisions_total Decisions whose page was out already.\n# TYPE pfr_fusion_duplicate_decisions_total counter\npfr_fusion_duplicate_decisions_total 2\n"
		if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "pfr_fusion_duplicate_decisions_total"); err != nil {
			t.Error(err)
		}
	})
}

func TestRememberedPageIsNotMadeAgain(t *testing.T) {
	a, out := aggregator(t, tools{}, nil)
	a.Remember(correlationID)
	if err := a.Handle(t.Context(), decision(time.Second, "a")); err != nil || len(out.pages) != 0 {
		t.Errorf("err %v, %d pages", err, len(out.pages))
	}
}

func TestProgressComesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, out := aggregator(t, tools{"a": after(2, "x"), "b": after(1, "y")}, nil)
		if err := a.Handle(t.Context(), decision(time.Second, "a", "b")); err != nil {
			t.Fatal(err)
		}
		if got := out.kinds(); got != "route section section serp" {
			t.Errorf("steps: %s", got)
		}
		if out.steps[1].Section.ID != "b" {
			t.Error("the faster section must come first")
		}
		if !reflect.DeepEqual(*out.steps[3].SERP, out.pages[0]) {
			t.Error("the last step is not the page")
		}
	})
}

func TestLateAnswersAreCountedAndDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := prometheus.NewPedanticRegistry()
		a, out := aggregator(t, tools{"a": after(400*time.Millisecond, "x")}, reg)
		if err := a.Handle(t.Context(), decision(450*time.Millisecond, "a")); err != nil {
			t.Fatal(err)
		}
		a.Close() // waits for the late call
		if got := outline(out.pages[0]); got != "degraded 0.00 | a=timeout[]" {
			t.Error(got)
		}
		want := "# HELP pfr_fusion_late_answers_total Good answers that came after their section was closed.\n# TYPE pfr_fusion_late_answers_total counter\npfr_fusion_late_answers_total{tool=\"a\"} 1\n"
		if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "pfr_fusion_late_answers_total"); err != nil {
			t.Error(err)
		}
	})
}

// The worker decides what it keeps: it has to know what the manifest says.
func TestThePolicyForLateAnswersReachesTheTool(t *testing.T) {
	for _, late := range []schemas.LateResults{"", schemas.LateDrop, schemas.LateCache} {
		synctest.Test(t, func(t *testing.T) {
			got := schemas.LateResults("nothing")
			a, _ := aggregator(t, tools{"a": func(_ context.Context, req schemas.ToolRequest) (schemas.ToolResponse, error) {
				got = req.Late
				return respond(req, "x"), nil
			}}, nil)
			d := decision(time.Second, "a")
			d.Decision.Calls[0].Late = late
			if err := a.Handle(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			if got != late {
				t.Errorf("the tool got %q, want %q", got, late)
			}
		})
	}
}

func TestUserGoesToToolsOnly(t *testing.T) {
	const canary = "canary-feature"
	synctest.Test(t, func(t *testing.T) {
		var got *schemas.User
		a, out := aggregator(t, tools{"a": func(_ context.Context, req schemas.ToolRequest) (schemas.ToolResponse, error) {
			got = req.User
			return respond(req, "x"), nil
		}}, nil)
		d := decision(time.Second, "a")
		d.User = &schemas.User{ID: canary}
		if err := a.Handle(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		if got == nil || got.ID != canary {
			t.Error("the tool did not get the user")
		}
		if s := fmt.Sprintf("%+v %+v", out.pages, out.steps); strings.Contains(s, canary) {
			t.Error("the user is in a page or a step")
		}
	})
}
