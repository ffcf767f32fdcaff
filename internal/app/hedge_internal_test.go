package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	fusion "github.com/parallel-fusion/pfr/fusion-aggregator"
	"github.com/parallel-fusion/pfr/internal/inproc"
	"github.com/parallel-fusion/pfr/internal/rpc"
	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
)

// pagesOf makes pages from what workers answer on a NATS server.
type pagesOf struct {
	cfg  Config
	conn *rpc.Conn
	mu   sync.Mutex
	out  []schemas.SERP
	n    atomic.Int64
}

func (p *pagesOf) Publish(_ context.Context, page schemas.SERP) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out = append(p.out, page)
	return nil
}

func (*pagesOf) Send(context.Context, schemas.Progress) {}

func newPagesOf(t *testing.T) *pagesOf {
	t.Helper()
	running := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, running) })
	quiet := slog.New(slog.DiscardHandler)
	brokers, err := inproc.Start(t.Context(), inproc.DefaultConfig(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = brokers.Close() })
	p := &pagesOf{cfg: DefaultConfig()}
	p.cfg.NATS.URL = brokers.NATSURL()
	if p.conn, err = rpc.Dial(t.Context(), p.cfg.NATS, quiet, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.conn.Close() })
	return p
}

// serve serves a tool, as a process of its own would, for as long as the test runs.
func (p *pagesOf) serve(t *testing.T, spec tools.Spec, run func(context.Context) error) {
	t.Helper()
	spec.For, spec.Version, spec.Example.Query = "takes its time", "1.0.0", "anything"
	tool, err := tools.Typed("slow", spec, func(ctx context.Context, _ tools.Call[struct{}]) (tools.Result, error) {
		return tools.Result{Text: "done"}, run(ctx)
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ready, done := make(chan struct{}), make(chan error, 1)
	go func() {
		done <- ServeTool(ctx, p.cfg, ToolProcess{Tool: tool, Ready: func() { close(ready) }}, slog.New(slog.DiscardHandler))
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	select {
	case <-ready:
	case <-time.After(20 * time.Second):
		t.Fatal("the tool was never ready")
	}
}

// aggregator returns one that asks the workers, and its metrics.
func (p *pagesOf) aggregator(t *testing.T, hedged bool) (*fusion.Aggregator, *prometheus.Registry) {
	t.Helper()
	cfg := fusion.DefaultConfig()
	cfg.Hedge.Enabled = hedged
	return p.aggregatorOf(t, cfg)
}

func (p *pagesOf) aggregatorOf(t *testing.T, cfg fusion.Config) (*fusion.Aggregator, *prometheus.Registry) {
	t.Helper()
	reg := prometheus.NewRegistry()
	a, err := fusion.New(cfg, fusion.Ports{Tools: toolCaller{p.conn}, Pages: p, Feed: p}, slog.New(slog.DiscardHandler), reg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	return a, reg
}

// decision asks the tool once for each section; the first is mandatory.
func (p *pagesOf) decision(sections ...string) schemas.RouteDecision {
	now := time.Now()
	d := schemas.RouteDecision{
		SchemaVersion: schemas.Version,
		Query: schemas.PublicQuery{
			SchemaVersion: schemas.Version, CorrelationID: fmt.Sprintf("01890a5d-ac96-774b-bcce-%012d", p.n.Add(1)),
			Text: "anything", Market: "US", SubmittedAt: now, Deadline: now.Add(schemas.StandardDeadline),
		},
		Decision: schemas.Decision{Route: "r", Params: schemas.Params{}, Layout: "l", Source: schemas.SourceStudent, ManifestVersion: "m"},
	}
	for i, s := range sections {
		d.Decision.Calls = append(d.Decision.Calls, schemas.Call{
			Tool: "slow", Section: s, Title: s, Component: "list", Params: schemas.Params{}, Limit: 10, DeadlineMS: 300, Mandatory: i == 0, Late: schemas.LateCache,
		})
	}
	return d
}

// make makes so many pages, a few at a time, and returns how long their tools took.
func (p *pagesOf) make(t *testing.T, a *fusion.Aggregator, pages int) []float64 {
	t.Helper()
	const atOnce = 6
	p.out = nil
	var wg sync.WaitGroup
	for range atOnce {
		wg.Go(func() {
			for range pages / atOnce {
				if err := a.Handle(t.Context(), p.decision("s")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	var took []float64
	for _, page := range p.out {
		took = append(took, page.Timings.ToolsMS)
	}
	slices.Sort(took)
	return took
}

// three are the workers of a tool, of which one can be made slow.
type three struct {
	*pagesOf
	faulty         atomic.Bool
	runs, slowRuns atomic.Int64
}

const usual = 20 * time.Millisecond

// newThree serves a tool that takes the usual time. Once it is faulty, run n of one worker
// takes as told.
func newThree(t *testing.T, takes func(n int64) time.Duration) *three {
	t.Helper()
	w := &three{pagesOf: newPagesOf(t)}
	for worker := range 3 {
		w.serve(t, tools.Spec{}, func(ctx context.Context) error {
			took := usual
			w.runs.Add(1)
			if worker == 0 && w.faulty.Load() {
				took = takes(w.slowRuns.Add(1))
			}
			select {
			case <-time.After(took):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
	}
	return w
}

// p99 is how long the slowest page in a hundred takes, in milliseconds.
func (w *three) p99(t *testing.T, a *fusion.Aggregator, pages int) float64 {
	t.Helper()
	w.runs.Store(0)
	w.slowRuns.Store(0)
	took := w.make(t, a, pages)
	return took[len(took)*99/100]
}

// One worker of three is slow. Over NATS, where chance decides who gets a call, most of the
// p99 comes back, and there are few extra calls. Times, and who is found to be slow, are
// judged with PFR_TEST_SCALE=1 only, for a machine that has nothing else to do; extra calls
// are counted on any.
func TestASlowWorkerOfThree(t *testing.T) {
	for name, c := range map[string]struct {
		takes func(n int64) time.Duration // of its run n
		share float64                     // of all calls that it gets at most
	}{
		"stalls at times": {func(n int64) time.Duration {
			if n%10 == 0 {
				return 10 * usual
			}
			return usual
		}, 1},
		"is ten times slower": {func(int64) time.Duration { return 10 * usual }, 0.25},
	} {
		t.Run(name, func(t *testing.T) {
			const pages, before = 480, 180
			w := newThree(t, c.takes)
			off, _ := w.aggregator(t, false)
			on, reg := w.aggregator(t, true)
			healthy := w.p99(t, on, before) // and everybody learns how fast the tool is
			w.faulty.Store(true)
			slow := w.p99(t, off, before)
			restored := w.p99(t, on, pages)
			extra, share := w.runs.Load()-pages, float64(w.slowRuns.Load())/pages
			won := 0
			for _, page := range w.out {
				if page.Sections[0].Repeated {
					won++
				}
			}
			t.Logf("p99 %.1f ms healthy, %.1f at first, %.1f in the end; %d extra calls in %d, %d won; %.0f %% of the calls to the slow one", healthy, slow, restored, extra, pages, won, 100*share)
			calm := os.Getenv("PFR_TEST_SCALE") == "1"
			if back := (slow - restored) / (slow - healthy); calm && (back < 0.8 || share > c.share) {
				t.Errorf("%.0f %% of the p99 restored, %.2f of the calls to the slow worker", 100*back, share)
			}
			if extra <= 0 || extra > pages/20+10 || won == 0 { // ten may be saved up
				t.Errorf("%d extra calls, %d won", extra, won)
			}
			if n, err := testutil.GatherAndCount(reg, "pfr_fusion_repeats_total"); n == 0 || err != nil {
				t.Errorf("repeats are not counted: %v", err)
			}
		})
	}
}

// An answer that came too late for its page serves the next one. Nothing but the first
// section has a deadline that a slow machine could miss, and that one is missed on any.
func TestALateAnswerServesTheNextPage(t *testing.T) {
	p := newPagesOf(t)
	p.cfg.Tools.Results.LateGrace = time.Minute
	var runs atomic.Int64
	release := make(chan struct{})
	p.serve(t, tools.Spec{CacheFor: time.Minute}, func(ctx context.Context) error {
		runs.Add(1)
		select {
		case <-release:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	cfg := fusion.DefaultConfig()
	cfg.LateGrace = time.Minute
	a, _ := p.aggregatorOf(t, cfg)
	handle := func(section time.Duration) {
		t.Helper()
		const page = time.Minute
		d := p.decision("s")
		d.Query.Deadline = d.Query.SubmittedAt.Add(page)
		d.Decision.Calls[0].DeadlineMS = int(section.Milliseconds() * schemas.StandardDeadline.Milliseconds() / page.Milliseconds()) // it grows with the page's
		if err := a.Handle(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	handle(300 * time.Millisecond)
	close(release) // past the deadline, within the grace
	a.Close()
	handle(30 * time.Second)
	var got []string
	for _, page := range p.out {
		s := page.Sections[0]
		got = append(got, fmt.Sprint(s.Status, " ", s.Text, " ", s.Cached))
	}
	if want := []string{"timeout  false", "ok done true"}; !slices.Equal(got, want) || runs.Load() != 1 {
		t.Errorf("%s after %d runs", strings.Join(got, ", "), runs.Load())
	}
}
