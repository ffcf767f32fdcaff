package fusion_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	fusion "github.com/parallel-fusion/pfr/fusion-aggregator"
	"github.com/parallel-fusion/pfr/schemas"
)

// replicas are the workers of one tool. Which one gets a call is up to chance.
type replicas struct {
	mu    sync.Mutex
	rng   *rand.Rand
	hands []map[string]bool // calls in hand, of each
	runs  int               // calls that were worked on
	asked int               // all, with those that were refused
	// serve is how worker i answers.
	serve func(ctx context.Context, i int, req schemas.ToolRequest) (schemas.ToolResponse, error)
}

func newReplicas(n int, serve func(context.Context, int, schemas.ToolRequest) (schemas.ToolResponse, error)) *replicas {
	r := &replicas{rng: rand.New(rand.NewPCG(1, 2)), serve: serve}
	for range n {
		r.hands = append(r.hands, map[string]bool{})
	}
	return r
}

func (r *replicas) Call(ctx context.Context, req schemas.ToolRequest) (schemas.ToolResponse, error) {
	r.mu.Lock()
	i := r.rng.IntN(len(r.hands))
	id := req.CorrelationID + req.Section
	r.asked++
	refused := req.Repeat && r.hands[i][id]
	if !refused {
		r.hands[i][id] = true
		r.runs++
	}
	r.mu.Unlock()
	if refused {
		return schemas.ToolResponse{}, fmt.Errorf("worker %d: %w", i, fusion.ErrElsewhere)
	}
	resp, err := r.serve(ctx, i, req)
	if ctx.Err() == nil { // a worker is not told that its caller has gone
		r.mu.Lock()
		delete(r.hands[i], id)
		r.mu.Unlock()
	}
	return resp, err
}

// takes answers after a while.
func takes(ctx context.Context, took time.Duration, req schemas.ToolRequest) (schemas.ToolResponse, error) {
	return after(took, "x")(ctx, req)
}

// drive makes n pages one after the other and returns them.
func drive(t *testing.T, caller fusion.Caller, n int, hedge fusion.HedgeConfig) ([]schemas.SERP, *prometheus.Registry) {
	t.Helper()
	out, reg, cfg := &sink{}, prometheus.NewRegistry(), fusion.DefaultConfig()
	cfg.Hedge = hedge
	a, err := fusion.New(cfg, fusion.Ports{Tools: caller, Pages: out, Feed: out}, slog.New(slog.DiscardHandler), reg)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for i := range n {
		d := decision(450*ms, "a")
		d.Query.CorrelationID = fmt.Sprintf("01890a5d-ac96-774b-bcce-%012d", i)
		if err := a.Handle(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	return out.pages, reg
}

// percentile is a quantile of how long pages took.
func percentile(pages []schemas.SERP, q float64) time.Duration {
	var took []float64
	for _, p := range pages {
		took = append(took, p.Timings.ToolsMS)
	}
	slices.Sort(took)
	return time.Duration(took[int(q*float64(len(took)))] * float64(ms))
}

// A tool whose p99 is ten times what it was, by one worker of three that stalls at times,
// gets most of it back by repeats, of which there are few.
func TestRepeatsRestoreTheTail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const pages = 4000
		run := func(stalls, hedged bool) (time.Duration, *replicas, []schemas.SERP) {
			rng := rand.New(rand.NewPCG(7, 8))
			var mu sync.Mutex
			r := newReplicas(3, func(ctx context.Context, i int, req schemas.ToolRequest) (schemas.ToolResponse, error) {
				mu.Lock()
				took := time.Duration(15+rng.IntN(10)) * ms
				if stalls && i == 0 && rng.IntN(100) < 10 {
					took = 250 * ms
				}
				mu.Unlock()
				return takes(ctx, took, req)
			})
			hedge := fusion.DefaultHedgeConfig()
			hedge.Enabled = hedged
			out, _ := drive(t, r, pages, hedge)
			return percentile(out, 0.99), r, out
		}
		healthy, _, _ := run(false, false)
		slow, _, _ := run(true, false)
		restored, r, out := run(true, true)
		if slow < 9*healthy {
			t.Fatalf("p99 %v healthy, %v with stalls: the fault is not one", healthy, slow)
		}
		if share := float64(slow-restored) / float64(slow-healthy); share < 0.8 {
			t.Errorf("p99 %v healthy, %v with stalls, %v with repeats: %.0f %% restored", healthy, slow, restored, 100*share)
		}
		if extra := r.runs - pages; extra == 0 || extra > pages/20 {
			t.Errorf("%d extra calls in %d", extra, pages)
		}
		won := 0
		for _, p := range out {
			if p.Sections[0].Repeated {
				won++
			}
			if p.Status != schemas.SERPComplete {
				t.Fatalf("%s", outline(p))
			}
		}
		if won == 0 {
			t.Error("no section says that it came from a repeat")
		}
		t.Logf("p99 %v healthy, %v with stalls, %v with repeats; %d extra calls in %d", healthy, slow, restored, r.runs-pages, pages)
	})
}

// Workers that know that they are slow pass calls on. One of three is ten times slower for
// good: no repeat could mend that within its budget.
func TestASlowWorkerIsGoneRound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const pages = 3000
		run := func(passes bool) (p99 time.Duration, all, bySlow int64) {
			var n, runs, slowRuns atomic.Int64
			r := newReplicas(3, func(ctx context.Context, i int, req schemas.ToolRequest) (schemas.ToolResponse, error) {
				if i > 0 {
					runs.Add(1)
					return takes(ctx, 20*ms, req)
				}
				if n := n.Add(1); passes && !req.Repeat && n%32 != 0 {
					return schemas.ToolResponse{}, fusion.ErrElsewhere
				}
				runs.Add(1)
				slowRuns.Add(1)
				return takes(ctx, 200*ms, req)
			})
			out, _ := drive(t, r, pages, fusion.DefaultHedgeConfig())
			for _, p := range out {
				if p.Status != schemas.SERPComplete {
					t.Fatal(outline(p))
				}
			}
			return percentile(out, 0.99), runs.Load(), slowRuns.Load()
		}
		slow, _, _ := run(false)
		got, runs, slowRuns := run(true)
		if slow != 200*ms || got > 56*ms || runs > pages*105/100 || slowRuns > pages/20 {
			t.Errorf("p99 %v without, %v with passing on; %d runs for %d pages, %d slow", slow, got, runs, pages, slowRuns)
		}
		t.Logf("p99 %v without, %v with passing on; %d runs for %d pages, %d slow", slow, got, runs, pages, slowRuns)
	})
}

// If every worker passes a call on, one of them does it all the same.
func TestACallThatNobodyWantsIsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newReplicas(1, func(ctx context.Context, _ int, req schemas.ToolRequest) (schemas.ToolResponse, error) {
			if !req.Repeat {
				return schemas.ToolResponse{}, fusion.ErrElsewhere
			}
			return takes(ctx, 50*ms, req)
		})
		pages, reg := drive(t, r, 40, fusion.DefaultHedgeConfig())
		for _, p := range pages {
			if got := outline(p); got != "complete 1.00 | a=ok[x]" || p.Sections[0].Repeated || p.Timings.ToolsMS != 50 {
				t.Fatalf("%s after %v ms", got, p.Timings.ToolsMS)
			}
		}
		if got := repeats(t, reg); got != "" || r.asked != 40+3*3 { // they are offered around three times
			t.Errorf("repeats %q; %d calls sent for 40", got, r.asked)
		}
	})
}

// A tool with one worker is no worse off: its repeats are refused at once, and soon not
// even sent.
func TestOneWorkerIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		r := newReplicas(1, func(ctx context.Context, _ int, req schemas.ToolRequest) (schemas.ToolResponse, error) {
			took := 20 * ms
			if n.Add(1)%20 == 0 {
				took = 200 * ms
			}
			return takes(ctx, took, req)
		})
		out, reg := drive(t, r, 1000, fusion.DefaultHedgeConfig())
		if r.runs != 1000 || percentile(out, 0.5) != 20*ms {
			t.Errorf("%d runs of 1000 calls, median %v", r.runs, percentile(out, 0.5))
		}
		if extra := r.asked - r.runs; extra == 0 || extra > 60 {
			t.Errorf("%d calls were sent in vain", extra)
		}
		if got := repeats(t, reg); !strings.HasPrefix(got, "refused ") || strings.Contains(got, "won") {
			t.Errorf("repeats: %s", got)
		}
	})
}

// repeats returns how many repeats there were, by outcome.
func repeats(t *testing.T, reg *prometheus.Registry) string {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, f := range families {
		if f.GetName() != "pfr_fusion_repeats_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			out = append(out, fmt.Sprint(m.GetLabel()[0].GetValue(), " ", m.GetCounter().GetValue()))
		}
	}
	return strings.Join(out, ", ")
}

// warm answers in 20 ms so often that the aggregator knows the tool, and then as told.
func warm(then func(ctx context.Context, i int, req schemas.ToolRequest) (schemas.ToolResponse, error)) *replicas {
	const known = 60
	var n atomic.Int64
	return newReplicas(3, func(ctx context.Context, i int, req schemas.ToolRequest) (schemas.ToolResponse, error) {
		if n.Add(1) <= known {
			return takes(ctx, 20*ms, req)
		}
		return then(ctx, i, req)
	})
}

// The 61st call is repeated or not, and the page is as it should be.
func TestFaultsAndRepeats(t *testing.T) {
	for name, c := range map[string]struct {
		then func(n int) func(ctx context.Context, req schemas.ToolRequest) (schemas.ToolResponse, error)
		want string
		took time.Duration
		n    string // repeats
	}{
		"the first hangs, the other answers": {func(n int) func(context.Context, schemas.ToolRequest) (schemas.ToolResponse, error) {
			return map[int]tool{1: after(time.Hour), 2: after(30*ms, "two")}[n]
		}, "complete 1.00 | a=ok[two]", 55 * ms, "won 1"},
		"the first is late but first": {func(n int) func(context.Context, schemas.ToolRequest) (schemas.ToolResponse, error) {
			return map[int]tool{1: after(40*ms, "one"), 2: after(30*ms, "two")}[n]
		}, "complete 1.00 | a=ok[one]", 40 * ms, "lost 1"},
		"the other fails": {func(n int) func(context.Context, schemas.ToolRequest) (schemas.ToolResponse, error) {
			return map[int]tool{1: after(90*ms, "one"), 2: fails(errors.New("x"))}[n]
		}, "complete 1.00 | a=ok[one]", 90 * ms, "failed 1"},
		"the other talks rubbish": {func(n int) func(context.Context, schemas.ToolRequest) (schemas.ToolResponse, error) {
			return map[int]tool{1: after(90*ms, "one"), 2: func(_ context.Context, req schemas.ToolRequest) (schemas.ToolResponse, error) {
				req.Section = "another"
				return respond(req, "rubbish"), nil
			}}[n]
		}, "complete 1.00 | a=ok[one]", 90 * ms, "failed 1"},
		"the first fails late": {func(n int) func(context.Context, schemas.ToolRequest) (schemas.ToolResponse, error) {
			return map[int]tool{1: failsAfter(40*ms, errors.New("x")), 2: after(60*ms, "two")}[n]
		}, "complete 1.00 | a=ok[two]", 85 * ms, "won 1"},
		"all hang": {func(int) func(context.Context, schemas.ToolRequest) (schemas.ToolResponse, error) {
			return after(time.Hour)
		}, "degraded 0.00 | a=timeout[]", 300 * ms, "failed 1"},
		"both fail": {func(n int) func(context.Context, schemas.ToolRequest) (schemas.ToolResponse, error) {
			return map[int]tool{1: failsAfter(40*ms, fusion.ErrShed), 2: failsAfter(60*ms, errors.New("x"))}[n]
		}, "degraded 0.00 | a=shed[]", 85 * ms, "failed 1"},
		"no worker is there": {func(int) func(context.Context, schemas.ToolRequest) (schemas.ToolResponse, error) {
			return fails(fusion.ErrNoResponder)
		}, "degraded 0.00 | a=no_responder[]", 0, ""},
		"overloaded": {func(int) func(context.Context, schemas.ToolRequest) (schemas.ToolResponse, error) {
			return fails(fusion.ErrShed)
		}, "degraded 0.00 | a=shed[]", 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var n atomic.Int64
				r := warm(func(ctx context.Context, _ int, req schemas.ToolRequest) (schemas.ToolResponse, error) {
					return c.then(int(n.Add(1)))(ctx, req)
				})
				pages, reg := drive(t, r, 61, fusion.DefaultHedgeConfig())
				last := pages[60]
				if took := time.Duration(last.Timings.ToolsMS * float64(ms)); outline(last) != c.want || took != c.took || repeats(t, reg) != c.n {
					t.Errorf("%s after %v, repeats %q", outline(last), took, repeats(t, reg))
				}
			})
		})
	}
}

func failsAfter(took time.Duration, err error) tool {
	return func(ctx context.Context, req schemas.ToolRequest) (schemas.ToolResponse, error) {
		_, _ = takes(ctx, took, req)
		return schemas.ToolResponse{}, err
	}
}

// Nothing is repeated without an estimate, without a budget, or when it is switched off;
// answers that were kept are no estimate.
func TestWhenNothingIsRepeated(t *testing.T) {
	slow := func(ctx context.Context, _ int, req schemas.ToolRequest) (schemas.ToolResponse, error) {
		return takes(ctx, 250*ms, req)
	}
	kept := newReplicas(3, func(ctx context.Context, _ int, req schemas.ToolRequest) (schemas.ToolResponse, error) {
		resp, err := takes(ctx, 20*ms, req)
		resp.Cached = true
		return resp, err
	})
	for name, c := range map[string]struct {
		r     *replicas
		n     int
		hedge func(*fusion.HedgeConfig)
	}{
		"no estimate": {newReplicas(3, slow), 15, func(*fusion.HedgeConfig) {}},
		"kept ones":   {kept, 100, func(h *fusion.HedgeConfig) { h.MinDelay = 1 * ms }},
		"no budget":   {warm(slow), 80, func(h *fusion.HedgeConfig) { h.Share = 0 }},
		"off":         {warm(slow), 80, func(h *fusion.HedgeConfig) { h.Enabled = false }},
		"no time":     {warm(slow), 62, func(h *fusion.HedgeConfig) { h.MinDelay = 290 * ms }},
	} {
		synctest.Test(t, func(t *testing.T) {
			hedge := fusion.DefaultHedgeConfig()
			c.hedge(&hedge)
			if _, reg := drive(t, c.r, c.n, hedge); repeats(t, reg) != "" || c.r.asked != c.n {
				t.Errorf("%s: repeats %s; %d calls sent for %d", name, repeats(t, reg), c.r.asked, c.n)
			}
		})
	}
}

// An answer that comes after the page went out without it is counted, and the worker had
// the whole of its deadline for it: it can keep it.
func TestAnAnswerAfterTheQuorumIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := prometheus.NewPedanticRegistry()
		var left time.Duration
		a, out := aggregator(t, tools{"a": after(10*ms, "1"), "b": after(10*ms, "2"), "c": func(ctx context.Context, req schemas.ToolRequest) (schemas.ToolResponse, error) {
			resp, err := takes(ctx, 200*ms, req)
			left = time.Until(req.Deadline)
			return resp, err
		}}, reg)
		d := decision(450*ms, "a", "b", "c")
		d.Decision.Quorum = &schemas.Quorum{Sections: 2, PatienceMS: 20}
		if err := a.Handle(t.Context(), d); err != nil {
			t.Fatal(err)
		}
		a.Close()
		if got := outline(out.pages[0]); got != "partial 0.67 | a=ok[1] | b=ok[2] | c=timeout[]" || left != 100*ms {
			t.Errorf("%s; the tool had %v left", got, left)
		}
		if n, err := testutil.GatherAndCount(reg, "pfr_fusion_late_answers_total"); n != 1 || err != nil {
			t.Errorf("%d late answers, %v", n, err)
		}
	})
}
