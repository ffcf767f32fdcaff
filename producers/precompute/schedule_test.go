package precompute_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/parallel-fusion/pfr/producers/precompute"
)

// demander says what is asked by a function, and counts.
type demander struct {
	calls int
	is    func(call int) (precompute.Demand, error)
}

func (d *demander) Demand(context.Context) (precompute.Demand, error) {
	d.calls++
	return d.is(d.calls)
}

// named is a demand for some texts, the first asked most.
func named(texts ...string) precompute.Demand {
	var d precompute.Demand
	for i, text := range texts {
		d.Queries = append(d.Queries, precompute.Query{Text: text, Weight: float64(len(texts) - i)})
	}
	return d
}

// scheduled runs a schedule for some time, with virtual clocks, and returns its metrics.
func (s *setup) scheduled(t *testing.T, cfg precompute.ScheduleConfig, d *demander, lasts time.Duration) *prometheus.Registry {
	t.Helper()
	reg := prometheus.NewRegistry()
	cfg.Batch = s.cfg
	sched, err := precompute.NewSchedule(cfg, precompute.ScheduledPorts{
		Ports: precompute.Ports{Router: s.router, Store: s.store, Journal: s.journal}, Demander: d,
	}, slog.New(slog.DiscardHandler), reg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), lasts)
	defer cancel()
	sched.Run(ctx)
	return reg
}

func expectMetrics(t *testing.T, reg *prometheus.Registry, name, want string) {
	t.Helper()
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), name); err != nil {
		t.Error(err)
	}
}

// hourly is a run every hour, with money enough.
func hourly() precompute.ScheduleConfig {
	return precompute.ScheduleConfig{Every: time.Hour, MaxUSDPerDay: 100}
}

func TestScheduleTakesUpWhatIsPopularThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSetup()
		d := &demander{is: func(call int) (precompute.Demand, error) {
			switch call {
			case 1:
				return named("first"), nil
			case 2:
				return precompute.Demand{}, errors.New("nobody knows what is asked")
			}
			return named("third", "first"), nil
		}}
		reg := s.scheduled(t, hourly(), d, 150*time.Minute)
		expect(t, "entries", s.store.queries(), "first, third")
		if d.calls != 3 || s.router.asked["first"] != 1 {
			t.Errorf("%d runs, %v", d.calls, s.router.asked)
		}
		expectMetrics(t, reg, "pfr_precompute_runs_total", `
# HELP pfr_precompute_runs_total Runs on the schedule, by outcome.
# TYPE pfr_precompute_runs_total counter
pfr_precompute_runs_total{outcome="done"} 2
pfr_precompute_runs_total{outcome="error"} 1
`)
		expectMetrics(t, reg, "pfr_precompute_coverage_ratio", `
# HELP pfr_precompute_coverage_ratio Share of the window's searches that current entries answer, as of the last run.
# TYPE pfr_precompute_coverage_ratio gauge
pfr_precompute_coverage_ratio 1
`)
	})
}

// Runs do not overlap, and those that a long one has held up are not made up for.
func TestALongRunHoldsUpTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSetup()
		began := time.Now()
		var at []time.Duration
		d := &demander{is: func(int) (precompute.Demand, error) {
			at = append(at, time.Since(began))
			time.Sleep(150 * time.Minute)
			return named("long"), nil
		}}
		s.scheduled(t, hourly(), d, 6*time.Hour)
		expect(t, "runs", fmt.Sprint(at), "[0s 2h30m0s 5h0m0s]")
	})
}

// The runs of a day share what the day may cost, a new day brings new money, and what is
// spent is known to a process that takes over.
func TestSpendOfADay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // it begins at midnight UTC
		s := newSetup()
		s.cfg.Concurrency, s.cfg.MaxUSD = 1, 0.003
		cfg := hourly()
		cfg.MaxUSDPerDay = 0.005
		many := &demander{is: func(int) (precompute.Demand, error) { return numbered(100), nil }} // 0.001 USD each
		var spent []int
		each := &demander{is: func(call int) (precompute.Demand, error) {
			spent = append(spent, s.store.published)
			return many.is(call)
		}}
		reg := s.scheduled(t, cfg, each, 5*time.Hour-time.Minute)
		expect(t, "published before each run", fmt.Sprint(spent), "[0 3 5 5 5]")
		expectMetrics(t, reg, "pfr_precompute_runs_total", `
# HELP pfr_precompute_runs_total Runs on the schedule, by outcome.
# TYPE pfr_precompute_runs_total counter
pfr_precompute_runs_total{outcome="spent"} 3
pfr_precompute_runs_total{outcome="stopped"} 2
`)
		s.scheduled(t, cfg, many, time.Hour) // another process, on the same day
		if s.store.published != 5 {
			t.Errorf("after the work went over: %d published", s.store.published)
		}
		time.Sleep(20 * time.Hour)
		s.scheduled(t, cfg, many, time.Hour-time.Minute)
		if s.store.published != 8 {
			t.Errorf("on the next day: %d published", s.store.published)
		}
	})
}

// With the day's money gone, entries that no router takes are withdrawn all the same.
func TestStaleEntriesGoWithoutMoney(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSetup()
		cfg := hourly()
		cfg.MaxUSDPerDay = 0.001
		d := &demander{is: func(call int) (precompute.Demand, error) {
			if call == 2 {
				s.router.versions.Manifest = "m2"
			}
			return named("one"), nil
		}}
		s.scheduled(t, cfg, d, 90*time.Minute)
		expect(t, "entries", s.store.queries(), "")
	})
}

func TestScheduleConfigReportsEveryProblem(t *testing.T) {
	_, err := precompute.NewSchedule(precompute.ScheduleConfig{}, precompute.ScheduledPorts{}, slog.New(slog.DiscardHandler), nil)
	for _, want := range []string{"every", "max_usd_per_day", "tier"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %s in %v", want, err)
		}
	}
}

// What a small market asks most is taken up although it weighs little in all.
func TestRunTakesUpWhatIsToBeTakenBesides(t *testing.T) {
	s := newSetup()
	s.cfg.Top = 1
	d := named("heavy", "middle", "light")
	d.Also = map[string]bool{"light": true, "heavy": true, "nobody asks it": true}
	r := s.run(t, d)
	expect(t, "entries", s.store.queries(), "heavy, light")
	if r.Queries != 2 {
		t.Errorf("%+v", r)
	}
}
