package precompute_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/parallel-fusion/pfr/producers/precompute"
	"github.com/parallel-fusion/pfr/schemas"
)

func TestRunPublishesTheHeaviestQueries(t *testing.T) {
	s := newSetup()
	s.cfg.Top = 3
	s.router.through = func(_ context.Context, tier schemas.Source, _ string) (schemas.Decision, error) {
		d := decision(tier, "new_releases", 0.9, 0.001)
		d.TookMS, d.Tiers = 800, []schemas.Tier{{Source: tier, Outcome: schemas.OutcomeAnswered, TookMS: 800}}
		return d, nil
	}
	d := precompute.Demand{Total: 100, Queries: []precompute.Query{{"light", 1}, {"heavy", 30}, {"twice", 10}, {"middle", 15}, {"twice", 10}}}
	r := s.run(t, d)
	expect(t, "report", outline(r), "3 queries: 0 skipped, 0 refused before, 3 routed, 3 published, 0 refused, 0 failed, 0 left (), 0 withdrawn")
	expect(t, "entries", s.store.queries(), "heavy, middle, twice")
	expect(t, "curve", fmt.Sprint(r.Coverage), "[{1 0.3} {3 0.65}]")
	expect(t, "cost", fmt.Sprintf("%.4f %.4f %+v", r.CostUSD, r.CostPer1000, r.Tokens), "0.0030 0.0462 {Prompt:300 Cached:0 Completion:30}")
	for _, p := range s.store.byKey {
		if p.Decision.Tiers != nil || p.Decision.TookMS != 0 || p.ExpiresAt.Sub(p.ComputedAt) != s.cfg.TTL {
			t.Errorf("%+v", p)
		}
	}
}

func TestGates(t *testing.T) {
	sure, unsure := decision(schemas.SourceLLM, "search", 0.9, 0), decision(schemas.SourceLLM, "search", 0.5, 0)
	degraded := decision(schemas.SourceFallback, "search", 0.9, 0)
	degraded.Degraded = true
	lesser := sure
	lesser.Degraded = true
	invalid := sure
	invalid.Layout = ""
	for _, c := range []struct {
		name    string
		gate    precompute.Gate
		says    schemas.Decision
		student schemas.Decision
		want    string // part of the reason; "" for a decision that is published
	}{
		{"none takes the unsure", precompute.GateNone, unsure, sure, ""},
		{"none refuses the degraded", precompute.GateNone, degraded, sure, "degraded"},
		{"none refuses the degraded of the tier itself", precompute.GateNone, lesser, sure, "degraded"},
		{"none refuses a decision of another tier", precompute.GateNone, decision(schemas.SourceStudent, "search", 0.9, 0), sure, "degraded"},
		{"none refuses the invalid", precompute.GateNone, invalid, sure, "layout"},
		{"confidence takes the sure", precompute.GateConfidence, sure, sure, ""},
		{"confidence refuses the unsure", precompute.GateConfidence, unsure, sure, "confidence 0.5 is below 0.7"},
		{"agree takes what the student says too", precompute.GateAgree, sure, decision(schemas.SourceStudent, "search", 0.99, 0), ""},
		{"agree takes what the student is less sure of", precompute.GateAgree, sure, decision(schemas.SourceStudent, "podcast_recs", 0.89, 0), ""},
		{"agree refuses what the student knows better", precompute.GateAgree, sure, decision(schemas.SourceStudent, "podcast_recs", 0.9, 0), "the student takes podcast_recs"},
		{"agree refuses the unsure", precompute.GateAgree, unsure, decision(schemas.SourceStudent, "search", 0.99, 0), "below 0.7"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSetup()
			s.cfg.Gate = c.gate
			s.router.through = func(_ context.Context, tier schemas.Source, _ string) (schemas.Decision, error) {
				if tier == schemas.SourceStudent {
					return c.student, nil
				}
				return c.says, nil
			}
			r := s.run(t, numbered(1))
			if refused := len(r.Refusals) == 1; refused != (c.want != "") || refused == (s.store.published == 1) {
				t.Fatalf("%s, %+v", outline(r), r.Refusals)
			}
			if c.want != "" && !strings.Contains(r.Refusals[0].Reason, c.want) {
				t.Errorf("reason %q", r.Refusals[0].Reason)
			}
		})
	}
}

// A record whose acknowledgement is lost in a crash is there: the next run asks nobody
// about it, and goes on with the rest.
func TestRunGoesOnAfterACrashBetweenPublishAndReport(t *testing.T) {
	s := newSetup()
	s.cfg.Concurrency = 1
	crash := errors.New("killed")
	s.store.publish = func(schemas.PrecomputedRoute) error {
		if s.store.published == 5 {
			return crash
		}
		return nil
	}
	first, err := s.batch(t).Run(t.Context(), numbered(20))
	if !errors.Is(err, crash) {
		t.Fatal(err)
	}
	expect(t, "first run", outline(first), "20 queries: 0 skipped, 0 refused before, 5 routed, 4 published, 0 refused, 0 failed, 16 left (decisions cannot be kept), 0 withdrawn")
	s.store.publish = nil
	expect(t, "second run", outline(s.run(t, numbered(20))), "20 queries: 5 skipped, 0 refused before, 15 routed, 15 published, 0 refused, 0 failed, 0 left (), 0 withdrawn")
	expect(t, "third run", outline(s.run(t, numbered(20))), "20 queries: 20 skipped, 0 refused before, 0 routed, 0 published, 0 refused, 0 failed, 0 left (), 0 withdrawn")
	for text, n := range s.router.asked {
		if n != 1 {
			t.Errorf("%s was asked %d times", text, n)
		}
	}
}

// Whatever requests cost, as long as none costs more than twice the dearest before it, the
// cap is exceeded by one request at most, and nothing is left while money is.
func TestSpendCap(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		limit := rapid.Float64Range(0.001, 0.1).Draw(rt, "limit")
		concurrency := rapid.IntRange(1, 16).Draw(rt, "concurrency")
		failing := rapid.Float64Range(0, 0.5).Draw(rt, "failing")
		synctest.Test(t, func(t *testing.T) {
			s := newSetup()
			s.cfg.MaxUSD, s.cfg.Concurrency = limit, concurrency
			s.router.through = func(_ context.Context, tier schemas.Source, text string) (schemas.Decision, error) {
				random := rand.New(rand.NewPCG(seed, uint64(len(text)+int(text[6])*1000+int(text[7])*100+int(text[8]))))
				<-time.After(time.Duration(random.IntN(1000)) * time.Millisecond)
				d := decision(tier, "search", 0.9, 0.001*(1+random.Float64()))
				if random.Float64() < failing {
					return schemas.Decision{Cost: d.Cost}, fmt.Errorf("no use: %s", text)
				}
				return d, nil
			}
			r := s.run(t, numbered(60))
			const dearest = 0.002
			if r.CostUSD > limit+dearest {
				t.Errorf("spent %v of %v", r.CostUSD, limit)
			}
			if stopped := r.Left > 0; stopped != (r.Stopped == precompute.StopSpent) || stopped && r.CostUSD < limit {
				t.Errorf("spent %v of %v: %s", r.CostUSD, limit, outline(r))
			}
			if r.Published+len(r.Failures)+r.Left != 60 || s.router.peak > concurrency {
				t.Errorf("%d at once: %s", s.router.peak, outline(r))
			}
		})
	})
}

func TestRequestsRunAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSetup()
		s.cfg.Concurrency = 8
		s.router.through = func(_ context.Context, tier schemas.Source, _ string) (schemas.Decision, error) {
			<-time.After(time.Second)
			return decision(tier, "search", 0.9, 0), nil // nothing to pay, and that is known after the first
		}
		began := time.Now()
		s.run(t, numbered(81))
		if took := time.Since(began); took != 11*time.Second || s.router.peak != 8 {
			t.Errorf("took %v, %d at once", took, s.router.peak)
		}
	})
}

func TestRunWaitsForABusyTier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSetup()
		free := time.Now().Add(s.cfg.Patience / 2)
		s.router.through = func(_ context.Context, tier schemas.Source, _ string) (schemas.Decision, error) {
			if time.Now().Before(free) {
				return schemas.Decision{}, fmt.Errorf("model: %w", precompute.ErrBusy)
			}
			return decision(tier, "search", 0.9, 0.001), nil
		}
		expect(t, "report", outline(s.run(t, numbered(30))), "30 queries: 0 skipped, 0 refused before, 30 routed, 30 published, 0 refused, 0 failed, 0 left (), 0 withdrawn")
		if n := s.router.asked["query 000"]; n < 5 || n > 30 {
			t.Errorf("asked %d times within %v", n, s.cfg.Patience/2)
		}
	})
}

func TestRunGivesUpOnATierThatStaysBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSetup()
		first := true
		s.router.through = func(_ context.Context, tier schemas.Source, _ string) (schemas.Decision, error) {
			if first {
				first = false
				return decision(tier, "search", 0.9, 0.001), nil
			}
			return schemas.Decision{}, precompute.ErrBusy
		}
		began := time.Now()
		r, err := s.batch(t).Run(t.Context(), numbered(30))
		if took := time.Since(began); !errors.Is(err, precompute.ErrBusy) || took > s.cfg.Patience {
			t.Errorf("%v after %v", err, took)
		}
		expect(t, "report", outline(r), "30 queries: 0 skipped, 0 refused before, 1 routed, 1 published, 0 refused, 0 failed, 29 left (the tier cannot be asked), 0 withdrawn")
	})
}

// A tier that takes fewer queries at a time than the run would like is slow, not away.
func TestRunGoesOnWhileTheTierAnswersAnybody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSetup()
		s.cfg.Concurrency, s.cfg.MinConfidence = 16, 0
		s.router.through = func(_ context.Context, tier schemas.Source, _ string) (schemas.Decision, error) {
			s.router.mu.Lock()
			full := s.router.working == 2
			if !full {
				s.router.working++
			}
			s.router.mu.Unlock()
			if full {
				return schemas.Decision{}, precompute.ErrBusy
			}
			<-time.After(30 * time.Second)
			s.router.mu.Lock()
			s.router.working--
			s.router.mu.Unlock()
			return decision(tier, "search", 0.9, 0), nil
		}
		r := s.run(t, numbered(60))
		expect(t, "report", outline(r), "60 queries: 0 skipped, 0 refused before, 60 routed, 60 published, 0 refused, 0 failed, 0 left (), 0 withdrawn")
		if took := time.Duration(r.TookMS) * time.Millisecond; took < 15*time.Minute || took > 20*time.Minute {
			t.Errorf("took %v", took)
		}
	})
}

func TestInterruptedRunFinishesWhatIsInHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSetup()
		ctx, cancel := context.WithCancel(t.Context())
		s.router.through = func(ctx context.Context, tier schemas.Source, text string) (schemas.Decision, error) {
			if text == "query 002" {
				cancel()
			}
			select {
			case <-time.After(time.Second):
				return decision(tier, "search", 0.9, 0), nil
			case <-ctx.Done():
				return schemas.Decision{}, ctx.Err()
			}
		}
		r, err := s.batch(t).Run(ctx, numbered(30))
		if err != nil {
			t.Fatal(err)
		}
		expect(t, "report", outline(r), "30 queries: 0 skipped, 0 refused before, 5 routed, 5 published, 0 refused, 0 failed, 25 left (interrupted), 0 withdrawn")
	})
}

func TestFailuresCostNoOtherQuery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSetup()
		s.router.through = func(ctx context.Context, tier schemas.Source, text string) (schemas.Decision, error) {
			switch text {
			case "query 001":
				return schemas.Decision{Cost: 0.002}, errors.New("no such route")
			case "query 002": // hangs
				<-ctx.Done()
				return schemas.Decision{}, ctx.Err()
			}
			return decision(tier, "search", 0.9, 0.001), nil
		}
		r := s.run(t, numbered(5))
		expect(t, "report", outline(r), "5 queries: 0 skipped, 0 refused before, 3 routed, 3 published, 0 refused, 2 failed, 0 left (), 0 withdrawn")
		if math.Abs(r.CostUSD-0.005) > 1e-12 {
			t.Errorf("cost %v", r.CostUSD)
		}
	})
}

func TestNewReportsEveryProblem(t *testing.T) {
	_, err := precompute.New(precompute.Config{Top: -1, MinConfidence: math.NaN()}, precompute.Ports{Router: answering()}, nil)
	for _, want := range []string{"tier", "gate", "min_confidence", "max_usd", "concurrency", "ttl"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %s in %v", want, err)
		}
	}
	r := answering()
	r.versions.Model = ""
	cfg := precompute.DefaultConfig()
	cfg.Tier = schemas.SourceLLM
	if _, err := precompute.New(cfg, precompute.Ports{Router: r}, nil); err == nil {
		t.Error("a run through a language model that is not there")
	}
}
