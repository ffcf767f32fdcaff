package tools_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/parallel-fusion/pfr/internal/codec"
	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
)

// counted is a tool with any spec that counts its runs and does what a function says.
type counted struct {
	spec tools.Spec
	mu   sync.Mutex
	runs int
	do   func(ctx context.Context, run int) (tools.Result, error)
}

func (c *counted) Name() string     { return "echo" }
func (c *counted) Spec() tools.Spec { return c.spec }

func (c *counted) Run(ctx context.Context, _ schemas.ToolRequest) (tools.Result, error) {
	c.mu.Lock()
	c.runs++
	run := c.runs
	c.mu.Unlock()
	if c.do != nil {
		return c.do(ctx, run)
	}
	return tools.Result{Text: fmt.Sprintf("run %d", run), Items: items(1)}, nil
}

func (c *counted) ran() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.runs
}

// takes answers after a while, unless its context ends before.
func takes(d time.Duration) func(context.Context, int) (tools.Result, error) {
	return func(ctx context.Context, _ int) (tools.Result, error) {
		select {
		case <-time.After(d):
			return tools.Result{Items: items(1)}, nil
		case <-ctx.Done():
			return tools.Result{}, ctx.Err()
		}
	}
}

func results(t *testing.T) *tools.Results {
	t.Helper()
	r, err := tools.NewResults(tools.DefaultResultsConfig(), slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func caching() tools.Spec { return tools.Spec{Version: "1.0.0", CacheFor: time.Minute} }

func worker(tool tools.Tool, version string, r *tools.Results, reg prometheus.Registerer) *tools.Worker {
	return tools.NewWorker(tool, version, slog.New(slog.DiscardHandler), reg, tools.WithResults(r))
}

func call(t *testing.T, w *tools.Worker, change func(*schemas.ToolRequest)) (schemas.ToolResponse, error) {
	t.Helper()
	reply, err := w.Handle(t.Context(), request(change))
	if err != nil {
		return schemas.ToolResponse{}, err
	}
	resp, err := codec.Decode[schemas.ToolResponse](reply)
	if err != nil {
		t.Fatal(err)
	}
	return resp, nil
}

func TestEqualCallsAreAnsweredOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tool := &counted{spec: caching()}
		w := worker(tool, "v1", results(t), nil)
		first, err := call(t, w, nil)
		if err != nil {
			t.Fatal(err)
		}
		second, err := call(t, w, func(r *schemas.ToolRequest) {
			r.CorrelationID, r.Section = "0197b7a0-0000-7000-8000-000000000002", "another"
			r.Query, r.User = "another text", &schemas.User{ID: "u"}
		})
		if err != nil || tool.ran() != 1 {
			t.Fatalf("%d runs, %v", tool.ran(), err)
		}
		if second.Text != first.Text || len(second.Items) != 1 || second.Version != "v1" ||
			second.Section != "another" || !strings.HasSuffix(second.CorrelationID, "2") {
			t.Errorf("%+v", second)
		}
		<-time.After(time.Minute) // the answer is no longer good
		if _, err := call(t, w, nil); err != nil || tool.ran() != 2 {
			t.Errorf("%d runs after its time, %v", tool.ran(), err)
		}
	})
}

func TestWhatMakesCallsDifferent(t *testing.T) {
	user := func(id, genre string) func(*schemas.ToolRequest) {
		return func(r *schemas.ToolRequest) {
			r.User = &schemas.User{ID: id, Features: map[string]string{"genre": genre}}
		}
	}
	for name, c := range map[string]struct {
		spec   func(*tools.Spec)
		a, b   func(*schemas.ToolRequest)
		differ bool
	}{
		"the order of parameters": {
			a: func(r *schemas.ToolRequest) { r.Params = schemas.Params{"a": 1, "b": "2"} },
			b: func(r *schemas.ToolRequest) { r.Params = schemas.Params{"b": "2", "a": 1} },
		},
		"a parameter": {b: func(r *schemas.ToolRequest) { r.Params = schemas.Params{"text": "lady"} }, differ: true},
		"a type": {
			a: func(r *schemas.ToolRequest) { r.Params = schemas.Params{"a": 1} },
			b: func(r *schemas.ToolRequest) { r.Params = schemas.Params{"a": "1"} }, differ: true,
		},
		"the limit":      {b: func(r *schemas.ToolRequest) { r.Limit = 3 }, differ: true},
		"the market":     {b: func(r *schemas.ToolRequest) { r.Market = "DE" }, differ: true},
		"the locale":     {b: func(r *schemas.ToolRequest) { r.Locale = "de" }, differ: true},
		"an unread text": {b: func(r *schemas.ToolRequest) { r.Query = "x" }},
		"a text":         {spec: func(s *tools.Spec) { s.Text = true }, b: func(r *schemas.ToolRequest) { r.Query = "x" }, differ: true},
		"an unread user": {a: user("a", "rock"), b: user("b", "pop")},
		"a user":         {spec: func(s *tools.Spec) { s.Personal = true }, a: user("a", "rock"), b: user("b", "rock"), differ: true},
		"a feature":      {spec: func(s *tools.Spec) { s.Personal = true }, a: user("a", "rock"), b: user("a", "pop"), differ: true},
		"no user":        {spec: func(s *tools.Spec) { s.Personal = true }, a: user("a", "rock"), differ: true},
		"the same user":  {spec: func(s *tools.Spec) { s.Personal = true }, a: user("a", "rock"), b: user("a", "rock")},
		"the deadline":   {b: func(r *schemas.ToolRequest) { r.Deadline = r.Deadline.Add(time.Hour) }},
	} {
		t.Run(name, func(t *testing.T) {
			tool := &counted{spec: caching()}
			if c.spec != nil {
				c.spec(&tool.spec)
			}
			w := worker(tool, "v1", results(t), nil)
			for _, change := range []func(*schemas.ToolRequest){c.a, c.b} {
				if _, err := call(t, w, change); err != nil {
					t.Fatal(err)
				}
			}
			if got := tool.ran() == 2; got != c.differ {
				t.Errorf("%d runs", tool.ran())
			}
		})
	}
}

// Workers of several versions of a tool share the memory, not the answers.
func TestVersionsDoNotMix(t *testing.T) {
	kept := results(t)
	for i, c := range []struct{ spec, data string }{{"1.0.0", "d1"}, {"1.0.0", "d2"}, {"1.1.0", "d1"}, {"1.1.0", "d2"}} {
		tool := &counted{spec: tools.Spec{Version: c.spec, CacheFor: time.Hour}}
		tool.do = func(context.Context, int) (tools.Result, error) { return tools.Result{Text: fmt.Sprint(i)}, nil }
		w := worker(tool, c.data, kept, nil)
		for range 2 {
			if resp, err := call(t, w, nil); err != nil || resp.Text != fmt.Sprint(i) || resp.Version != c.data {
				t.Errorf("%+v: %+v, %v", c, resp, err)
			}
		}
		if tool.ran() != 1 {
			t.Errorf("%+v: %d runs", c, tool.ran())
		}
	}
}

// An answer that came from other data than the call began with is given, but not kept.
func TestSwapWhileACallRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inside := func(text string, took time.Duration) tools.Tool {
			return &counted{spec: caching(), do: func(ctx context.Context, run int) (tools.Result, error) {
				r, err := takes(took)(ctx, run)
				r.Text = text
				return r, err
			}}
		}
		s := tools.NewSwappable(inside("old", time.Second), "v1")
		w := worker(s, "unused", results(t), nil)
		var calls sync.WaitGroup
		calls.Go(func() {
			if resp, err := call(t, w, nil); err != nil || resp.Text != "old" || resp.Version != "v1" {
				t.Errorf("%+v, %v", resp, err)
			}
		})
		synctest.Wait()
		if err := s.Swap(t.Context(), inside("new", 0), "v2"); err != nil {
			t.Error(err)
		}
		calls.Wait()
		if resp, err := call(t, w, nil); err != nil || resp.Text != "new" || resp.Version != "v2" {
			t.Errorf("%+v, %v", resp, err)
		}
	})
}

func TestFailuresAreNotKept(t *testing.T) {
	for _, failure := range []error{errors.New("broken"), tools.ErrBadRequest, context.DeadlineExceeded} {
		tool := &counted{spec: caching(), do: func(_ context.Context, run int) (tools.Result, error) {
			if run == 1 {
				return tools.Result{Items: items(1)}, failure
			}
			return tools.Result{Text: "well"}, nil
		}}
		w := worker(tool, "v1", results(t), nil)
		if _, err := call(t, w, nil); !errors.Is(err, failure) {
			t.Errorf("%v, want %v", err, failure)
		}
		if resp, err := call(t, w, nil); err != nil || resp.Text != "well" {
			t.Errorf("after %v: %+v, %v", failure, resp, err)
		}
	}
}

func TestEqualCallsShareARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := prometheus.NewPedanticRegistry()
		tool := &counted{spec: caching(), do: takes(time.Second)}
		w := worker(tool, "v1", results(t), reg)
		var calls sync.WaitGroup
		for range 5 {
			calls.Go(func() {
				if resp, err := call(t, w, nil); err != nil || len(resp.Items) != 1 {
					t.Errorf("%+v, %v", resp, err)
				}
			})
		}
		calls.Wait()
		if _, err := call(t, w, nil); err != nil || tool.ran() != 1 {
			t.Errorf("%d runs, %v", tool.ran(), err)
		}
		compare(t, reg, "pfr_tool_results_total", "Calls whose answer may be kept, by where it came from.",
			`{from="hit",tool="echo"} 1`, `{from="miss",tool="echo"} 1`, `{from="shared",tool="echo"} 4`)
	})
}

// compare checks the counts of a vector.
func compare(t *testing.T, reg *prometheus.Registry, name, help string, counts ...string) {
	t.Helper()
	want := "# HELP " + name + " " + help + "\n# TYPE " + name + " counter\n"
	for _, c := range counts {
		want += name + c + "\n"
	}
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), name); err != nil {
		t.Error(err)
	}
}

// A call that waited for another one, which had less time, has its answer all the same.
func TestACallOutlivesTheOneItWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tool := &counted{spec: caching(), do: takes(3 * time.Second)}
		w := worker(tool, "v1", results(t), nil)
		var calls sync.WaitGroup
		within := func(d time.Duration, want error) {
			calls.Go(func() {
				_, err := call(t, w, func(r *schemas.ToolRequest) { r.Deadline = time.Now().Add(d) })
				if !errors.Is(err, want) {
					t.Errorf("within %v: %v, want %v", d, err, want)
				}
			})
			synctest.Wait()
		}
		within(time.Second, context.DeadlineExceeded)
		within(time.Minute, nil)
		within(2*time.Second, context.DeadlineExceeded) // it waits no longer than it may
		calls.Wait()
		if n := tool.ran(); n < 2 || n > 3 { // the second run is that of either of the two that waited
			t.Errorf("%d runs", n)
		}
	})
}

func TestAPanicReleasesTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tool := &counted{spec: caching(), do: func(ctx context.Context, run int) (tools.Result, error) {
			if r, err := takes(time.Second)(ctx, run); run > 1 {
				return r, err
			}
			panic("broken")
		}}
		w := worker(tool, "v1", results(t), nil)
		var calls sync.WaitGroup
		panics := 0
		calls.Go(func() {
			defer func() {
				if recover() != nil {
					panics++
				}
			}()
			_, _ = call(t, w, nil)
		})
		synctest.Wait()
		calls.Go(func() {
			if _, err := call(t, w, nil); err == nil || errors.Is(err, tools.ErrBadRequest) {
				t.Errorf("the call that waited: %v", err)
			}
		})
		calls.Wait()
		if panics != 1 {
			t.Error("the panic did not reach the one who ran the tool")
		}
		if _, err := call(t, w, nil); err != nil {
			t.Errorf("the next call: %v", err)
		}
	})
}

func TestLateAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		late     schemas.LateResults
		cacheFor time.Duration
		took     time.Duration
		answered bool
		runs     int // of two calls, one after the other
	}{
		"kept":           {schemas.LateCache, time.Minute, 1500 * time.Millisecond, true, 1},
		"dropped":        {schemas.LateDrop, time.Minute, 1500 * time.Millisecond, false, 2},
		"not mentioned":  {"", time.Minute, 1500 * time.Millisecond, false, 2},
		"far too late":   {schemas.LateCache, time.Minute, time.Minute, false, 2},
		"not to be kept": {schemas.LateCache, 0, 1500 * time.Millisecond, false, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				reg := prometheus.NewPedanticRegistry()
				tool := &counted{spec: tools.Spec{Version: "1.0.0", CacheFor: c.cacheFor}, do: takes(c.took)}
				w := worker(tool, "v1", results(t), reg)
				ask := func() error {
					_, err := call(t, w, func(r *schemas.ToolRequest) { r.Deadline, r.Late = time.Now().Add(time.Second), c.late })
					return err
				}
				if err := ask(); (err == nil) != c.answered || err != nil && !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("first: %v", err)
				}
				if err := ask(); (err == nil) != c.answered {
					t.Errorf("second: %v", err)
				}
				if tool.ran() != c.runs {
					t.Errorf("%d runs", tool.ran())
				}
				kept := map[bool]string{true: "{tool=\"echo\"} 1", false: "{tool=\"echo\"} 0"}[c.answered]
				compare(t, reg, "pfr_tool_late_kept_total", "Late answers kept for the next equal call.", kept)
			})
		})
	}
}

// A tool that ignores its deadline does not get its late answer kept.
func TestALateAnswerThatNobodyWantedIsNotKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tool := &counted{spec: caching(), do: func(context.Context, int) (tools.Result, error) {
			<-time.After(2 * time.Second)
			return tools.Result{}, nil
		}}
		w := worker(tool, "v1", results(t), nil)
		for _, left := range []time.Duration{time.Second, time.Minute} {
			_, _ = call(t, w, func(r *schemas.ToolRequest) { r.Deadline = time.Now().Add(left) })
		}
		if tool.ran() != 2 {
			t.Errorf("%d runs", tool.ran())
		}
	})
}

func TestResultsConfigReportsEveryProblem(t *testing.T) {
	err := tools.ResultsConfig{LateGrace: -1}.Validate()
	for _, field := range []string{"max_mb", "max_ttl", "late_grace"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%v does not mention %s", err, field)
		}
	}
	if err := tools.DefaultResultsConfig().Validate(); err != nil {
		t.Error(err)
	}
}
