package judge_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parallel-fusion/pfr/evaluation/judge"
)

// slow is a judge that takes a second, and fails for some cases.
type slow struct{ fails func(id string) bool }

func (slow) ID() string { return "slow" }

func (j slow) Judge(ctx context.Context, s judge.Subject) (judge.Judgment, error) {
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
		return judge.Judgment{}, ctx.Err()
	}
	if j.fails(s.Case.ID) {
		return judge.Judgment{CostUSD: .5}, errBusy
	}
	return judge.Judgment{Judge: s.Case.ID, CostUSD: .5}, nil
}

func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen []judge.Progress
		cfg := judge.RunConfig{Parallel: 4, Failures: 3, Progress: func(p judge.Progress) { seen = append(seen, p) }}
		start := time.Now()
		out, err := judge.RunPages(t.Context(), cfg, slow{func(id string) bool { return id == "c3" }}, subjects(10))
		if err != nil || time.Since(start) != 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		for i, o := range out {
			if want := subject(i).Case.ID; i == 3 != (o.Err != nil) || o.Err == nil && o.Judgment.Judge != want {
				t.Errorf("%d: %+v", i, o)
			}
		}
		for i, p := range seen {
			if p.Done != i+1 || p.Of != 10 {
				t.Errorf("%d: %+v", i, p)
			}
		}
		if last := seen[len(seen)-1]; last.Failed != 1 || last.CostUSD != 5 || last.Cached != 0 {
			t.Errorf("%+v", last)
		}
	})
}

// A judge that is out of order is not asked hundreds of times.
func TestFailuresInARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		out, err := judge.RunPages(t.Context(), judge.RunConfig{Parallel: 2, Failures: 3}, slow{func(id string) bool { return len(id) > 2 || id == "c2" }}, subjects(50))
		asked := 0
		for _, o := range out {
			if !errors.Is(o.Err, judge.ErrUnasked) {
				asked++
			}
		}
		if !errors.Is(err, errBusy) || asked < 13 || asked > 14 {
			t.Errorf("%d asked: %v", asked, err)
		}
	})
}

func TestRunEndsWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		out, err := judge.RunPages(ctx, judge.RunConfig{Parallel: 1, Failures: 3}, slow{func(string) bool { return false }}, subjects(10))
		if !errors.Is(err, context.DeadlineExceeded) || out[1].Err != nil || !errors.Is(out[2].Err, context.DeadlineExceeded) || !errors.Is(out[3].Err, judge.ErrUnasked) {
			t.Errorf("%v, %+v", err, out)
		}
	})
	// The last ones under way are no failures of the judge, and no end of the work.
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		failed := 0
		cfg := judge.RunConfig{Parallel: 3, Failures: 2, Progress: func(p judge.Progress) { failed = p.Failed }}
		if _, err := judge.RunPages(ctx, cfg, slow{func(string) bool { return false }}, subjects(3)); !errors.Is(err, context.DeadlineExceeded) || failed != 0 {
			t.Errorf("%v, %d failed", err, failed)
		}
	})
	if _, err := judge.RunPages(t.Context(), judge.RunConfig{}, slow{}, subjects(1)); err == nil {
		t.Error("the zero configuration runs")
	}
	if out, err := judge.RunPages(t.Context(), judge.DefaultRunConfig(), slow{}, nil); err != nil || len(out) != 0 {
		t.Errorf("of nothing: %v, %v", out, err)
	}
}
