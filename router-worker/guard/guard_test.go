package guard_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/router-worker/guard"
	"github.com/parallel-fusion/pfr/schemas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// server is a replica that answers by a function.
type server struct {
	answer  func(ctx context.Context) (router.Answer, error)
	healthy atomic.Bool
	calls   atomic.Int32
}

func (s *server) Route(ctx context.Context, _ string) (router.Answer, error) {
	s.calls.Add(1)
	return s.answer(ctx)
}

func (s *server) Compose(ctx context.Context, text string) (router.Answer, error) {
	return s.Route(ctx, text)
}
func (s *server) Version() string { return "v" }
func (s *server) Probe(context.Context) error {
	if !s.healthy.Load() {
		return errors.New("away")
	}
	return nil
}

var good = router.Answer{
	Guess: router.Guess{Route: "search", Confidence: 1}, Tokens: schemas.Tokens{Prompt: 90, Completion: 10}, CostUSD: 0.01,
}

func answers(a router.Answer, err error) *server {
	return &server{answer: func(context.Context) (router.Answer, error) { return a, err }}
}

// after returns a replica that takes its time.
func after(d time.Duration, a router.Answer) *server {
	return &server{answer: func(ctx context.Context) (router.Answer, error) {
		select {
		case <-time.After(d):
			return a, nil
		case <-ctx.Done():
			return router.Answer{}, ctx.Err()
		}
	}}
}

func newGuard(t testing.TB, cfg guard.Config, servers ...*server) *guard.Guard {
	t.Helper()
	replicas := make([]guard.Replica, len(servers))
	for i, s := range servers {
		replicas[i] = s
	}
	g, err := guard.New("test", cfg, replicas, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

var question = router.Ask{Text: "x", Market: "US"}

func TestAnswerCarriesItsCost(t *testing.T) {
	a, err := newGuard(t, guard.DefaultConfig(), answers(good, nil)).Ask(t.Context(), question)
	if err != nil || a.Route != "search" || a.CostUSD != 0.01 || a.Tokens.Prompt != 90 {
		t.Errorf("%+v, %v", a, err)
	}
	bad := good
	bad.Guess = router.Guess{}
	a, err = newGuard(t, guard.DefaultConfig(), answers(bad, router.ErrOutput)).Ask(t.Context(), question)
	if !errors.Is(err, router.ErrOutput) || a.CostUSD != 0.01 {
		t.Errorf("an answer that is no use has been paid for: %+v, %v", a, err)
	}
}

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		_, err := newGuard(t, guard.DefaultConfig(), after(time.Minute, good)).Ask(t.Context(), question)
		if router.Outcome(err) != schemas.OutcomeTimeout || time.Since(began) != guard.DefaultConfig().Timeout {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

func TestBreakerOpensOnInvalidOutputAndClosesOnAProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := answers(router.Answer{}, router.ErrOutput)
		s.healthy.Store(true)
		cfg := guard.DefaultConfig()
		g := newGuard(t, cfg, s)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- g.Run(ctx, func() {}) }()
		synctest.Wait()
		for range 3 * cfg.Of {
			_, _ = g.Ask(t.Context(), question)
		}
		if n := s.calls.Load(); n > int32(cfg.Of) {
			t.Errorf("%d calls before the breaker opened", n)
		}
		if _, err := g.Ask(t.Context(), question); !errors.Is(err, router.ErrUnavailable) || g.Status().Available != 0 {
			t.Errorf("open: %v, %+v", err, g.Status())
		}
		s.healthy.Store(false)
		time.Sleep(2 * cfg.ProbeEvery)
		if g.Status().Available != 0 {
			t.Error("closed although the probe failed")
		}
		s.healthy.Store(true)
		time.Sleep(2 * cfg.ProbeEvery)
		if g.Status().Available != 1 {
			t.Error("still open although the probe passed")
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestReplicaThatIsDownIsLeftOut(t *testing.T) {
	down, up := answers(router.Answer{}, errors.New("refused")), answers(good, nil)
	g := newGuard(t, guard.DefaultConfig(), down, up)
	failed := 0
	for range 100 {
		if _, err := g.Ask(t.Context(), question); err != nil {
			failed++
		}
	}
	if failed > int(guard.DefaultConfig().Of) {
		t.Errorf("%d of 100 failed", failed)
	}
}

// Stragglers: one answer in twenty takes a second, the others ten milliseconds.
func TestHedgingCutsTheTailWithinItsBudget(t *testing.T) {
	tail := func(hedge float64) (p99 time.Duration, calls int32) {
		synctest.Test(t, func(t *testing.T) {
			var n atomic.Int32
			straggling := func() *server {
				s := &server{}
				s.answer = func(ctx context.Context) (router.Answer, error) {
					d := 10 * time.Millisecond
					if n.Add(1)%20 == 0 {
						d = time.Second
					}
					return after(d, good).answer(ctx)
				}
				return s
			}
			cfg := guard.DefaultConfig()
			cfg.HedgeQuantile = hedge
			a, b := straggling(), straggling()
			g := newGuard(t, cfg, a, b)
			var slow int
			for range 1000 {
				began := time.Now()
				if _, err := g.Ask(t.Context(), question); err != nil {
					t.Fatal(err)
				}
				if time.Since(began) > 500*time.Millisecond {
					slow++
				}
			}
			calls = a.calls.Load() + b.calls.Load()
			p99 = 10 * time.Millisecond
			if slow > 10 {
				p99 = time.Second
			}
		})
		return p99, calls
	}
	without, _ := tail(0)
	with, calls := tail(0.9)
	if with > without/2 || calls > 1100 {
		t.Errorf("p99 %v, was %v, with %d calls for 1,000 requests", with, without, calls)
	}
}

func TestOutageIsNotDoubled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := guard.DefaultConfig()
		cfg.Failures, cfg.Of = 10_000, 10_000 // the breaker is another test's
		a, b := after(100*time.Millisecond, good), after(100*time.Millisecond, good)
		g := newGuard(t, cfg, a, b)
		for range 100 {
			_, _ = g.Ask(t.Context(), question)
		}
		before := a.calls.Load() + b.calls.Load()
		a.answer, b.answer = after(time.Hour, good).answer, after(time.Hour, good).answer
		for range 200 {
			_, _ = g.Ask(t.Context(), question)
		}
		if extra := a.calls.Load() + b.calls.Load() - before - 200; extra > 200/10+5 {
			t.Errorf("%d extra calls in an outage", extra)
		}
	})
}

func TestLimitsHoldPerMarket(t *testing.T) {
	for name, l := range map[string]guard.Limits{
		"requests": {RequestsPerMinute: 10, TokensPerMinute: 1e9, USDPerDay: 1e9},
		"tokens":   {RequestsPerMinute: 1e9, TokensPerMinute: 1000, USDPerDay: 1e9},
		"spend":    {RequestsPerMinute: 1e9, TokensPerMinute: 1e9, USDPerDay: 0.1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := guard.DefaultConfig()
				cfg.Limits = l
				s := answers(good, nil)
				g := newGuard(t, cfg, s)
				ask := func(market string) error {
					_, err := g.Ask(t.Context(), router.Ask{Text: "x", Market: market})
					return err
				}
				var wg sync.WaitGroup
				if err := ask("US"); err != nil { // what one costs is known from here on
					t.Fatal(err)
				}
				for range 500 {
					wg.Go(func() { _ = ask("US") })
				}
				wg.Wait()
				if n := s.calls.Load(); n != 10 {
					t.Errorf("%d calls, want 10", n)
				}
				if err := ask("US"); !errors.Is(err, router.ErrLimited) {
					t.Errorf("err = %v", err)
				}
				if err := ask("GB"); err != nil {
					t.Errorf("another market: %v", err)
				}
				time.Sleep(24 * time.Hour)
				if err := ask("US"); err != nil {
					t.Errorf("in the next window: %v", err)
				}
			})
		})
	}
}

func TestSpendCapHoldsFromCold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := guard.DefaultConfig()
		cfg.Limits.USDPerDay = 0.05 // five requests
		s := after(time.Second, good)
		g := newGuard(t, cfg, s)
		for range 20 {
			var wg sync.WaitGroup
			for range 64 {
				wg.Go(func() { _, _ = g.Ask(t.Context(), question) })
			}
			wg.Wait()
		}
		if n := s.calls.Load(); n != 5 {
			t.Errorf("%d calls for the price of 5", n)
		}
	})
}

func TestOneOddBillSwitchesNothingOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := guard.DefaultConfig()
		odd := good
		odd.Tokens.Prompt = 10 * cfg.Limits.TokensPerMinute
		s := answers(odd, nil)
		g := newGuard(t, cfg, s)
		_, _ = g.Ask(t.Context(), question)
		s.answer = answers(good, nil).answer
		if _, err := g.Ask(t.Context(), question); !errors.Is(err, router.ErrLimited) {
			t.Errorf("in the same minute: %v", err)
		}
		time.Sleep(time.Minute)
		if _, err := g.Ask(t.Context(), question); err != nil {
			t.Errorf("in the next minute: %v", err)
		}
	})
}

func TestRefusalsAreNotCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := guard.DefaultConfig()
		cfg.Limits.RequestsPerMinute = 20
		s := answers(router.Answer{}, errors.New("refused"))
		s.healthy.Store(true)
		g := newGuard(t, cfg, s)
		for range 50 {
			_, _ = g.Ask(t.Context(), question)
		}
		s.answer = answers(good, nil).answer
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- g.Run(ctx, func() {}) }()
		synctest.Wait()
		if _, err := g.Ask(t.Context(), question); err != nil {
			t.Errorf("recovered: %v", err)
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestPanicOfAClientIsAFailure(t *testing.T) {
	s := &server{answer: func(context.Context) (router.Answer, error) { panic("nil map") }}
	g := newGuard(t, guard.DefaultConfig(), s, s)
	if _, err := g.Ask(t.Context(), question); err == nil {
		t.Error("no error")
	}
}

// The first attempt fails late, when the hedge is about to answer.
func TestHedgeOutlivesAFirstAttemptThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := guard.DefaultConfig()
		cfg.HedgeBudget, cfg.HedgeQuantile = 1, 0.9
		a, b := after(10*time.Millisecond, good), after(10*time.Millisecond, good)
		g := newGuard(t, cfg, a, b)
		for range 100 {
			_, _ = g.Ask(t.Context(), question)
		}
		var n atomic.Int32
		either := func(ctx context.Context) (router.Answer, error) {
			if n.Add(1) == 1 {
				time.Sleep(100 * time.Millisecond)
				return router.Answer{}, errors.New("reset")
			}
			return after(300*time.Millisecond, good).answer(ctx)
		}
		a.answer, b.answer = either, either
		if _, err := g.Ask(t.Context(), question); err != nil {
			t.Error(err)
		}
	})
}

func TestLimitsChangeWithoutARestart(t *testing.T) {
	s := answers(good, nil)
	g := newGuard(t, guard.DefaultConfig(), s)
	g.SetLimits(guard.DefaultConfig().Limits, map[string]guard.Limits{"US": {}})
	if _, err := g.Ask(t.Context(), question); !errors.Is(err, router.ErrLimited) || s.calls.Load() != 0 {
		t.Errorf("err = %v", err)
	}
	g.SetLimits(guard.DefaultConfig().Limits, nil)
	if _, err := g.Ask(t.Context(), question); err != nil {
		t.Error(err)
	}
}

func TestLiveQueriesGoFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := guard.DefaultConfig()
		cfg.MaxConcurrent = 4
		g := newGuard(t, cfg, after(time.Second, good))
		if _, err := g.Ask(t.Context(), question); err != nil { // what one costs is known from here on
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() { _, _ = g.Ask(t.Context(), question) })
		}
		synctest.Wait()
		if _, err := g.Ask(t.Context(), router.Ask{Text: "x", Market: "US", Batch: true}); !errors.Is(err, router.ErrUnavailable) {
			t.Errorf("batch work was taken while live queries ran: %v", err)
		}
		if _, err := g.Ask(t.Context(), question); err != nil {
			t.Errorf("a live query was refused: %v", err)
		}
		wg.Wait()
	})
}

func TestConfigProblems(t *testing.T) {
	bad := guard.Config{HedgeQuantile: 2, Limits: guard.Limits{USDPerDay: -1}}
	if err := bad.Validate(); err == nil {
		t.Error("no error")
	}
	if _, err := guard.New("x", guard.DefaultConfig(), nil, slog.New(slog.DiscardHandler), nil); err == nil {
		t.Error("no replicas: no error")
	}
}
