package judge_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parallel-fusion/pfr/evaluation/judge"
)

var errBusy = errors.New("busy")

func TestRetry(t *testing.T) {
	retry := judge.Retry{Attempts: 4, First: time.Second, Longest: 3 * time.Second}
	for name, tc := range map[string]struct {
		fail  func(n int) error
		calls int
		took  time.Duration
		ok    bool
	}{
		"at once":    {func(int) error { return nil }, 1, 0, true},
		"later":      {func(n int) error { return passes(n < 3, 0) }, 3, 3 * time.Second, true},
		"never":      {func(int) error { return passes(true, 0) }, 4, 6 * time.Second, false}, // 1 + 2 + 3
		"asked to":   {func(n int) error { return passes(n < 2, 2*time.Second) }, 2, 2 * time.Second, true},
		"asked much": {func(n int) error { return passes(n < 2, time.Hour) }, 2, 3 * time.Second, true},
		"for good":   {func(int) error { return errBusy }, 1, 0, false},
	} {
		synctest.Test(t, func(t *testing.T) {
			j := &scripted{id: "a", answer: func(n int, _ judge.Subject) (judge.Judgment, error) {
				return judge.Judgment{CostUSD: 1}, tc.fail(n)
			}}
			start := time.Now()
			out, err := judge.NewGuarded(j, retry).Judge(t.Context(), subject(1))
			if took := time.Since(start); j.count() != tc.calls || took != tc.took || (err == nil) != tc.ok || out.CostUSD != float64(tc.calls) {
				t.Errorf("%s: %d calls in %v, %v, cost %v", name, j.count(), took, err, out.CostUSD)
			}
			if !tc.ok && !errors.Is(err, errBusy) {
				t.Errorf("%s: the error is %v", name, err)
			}
		})
	}
}

// passes is an error that may pass, if there is one.
func passes(fails bool, after time.Duration) error {
	if !fails {
		return nil
	}
	return &judge.PassingError{After: after, Err: errBusy}
}

func TestRetryEndsWithItsCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		j := &scripted{id: "a", answer: func(int, judge.Subject) (judge.Judgment, error) { return judge.Judgment{}, passes(true, 0) }}
		start := time.Now()
		if _, err := judge.NewGuarded(j, judge.DefaultRetry()).Judge(ctx, subject(1)); !errors.Is(err, errBusy) || time.Since(start) != 1500*time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

// Money that is used up stops a run with a text that helps, and the next run goes on.
func TestAllowance(t *testing.T) {
	dir, j := t.TempDir(), &scripted{id: "a"}
	run := func(usd float64, calls int) (done, cached int, err error) {
		store := openStore(t, judge.StoreConfig{Dir: dir})
		defer closeAll(t, store)
		cfg := judge.RunConfig{Parallel: 1, Failures: 3}
		var last judge.Progress
		cfg.Progress = func(p judge.Progress) { last = p }
		out, err := judge.RunPages(t.Context(), cfg, judge.NewCached(judge.NewGuarded(j, judge.NewAllowance(usd, calls)), store), subjects(10))
		for _, o := range out {
			if o.Err == nil {
				done++
			} else if _, spent := errors.AsType[*judge.SpentError](o.Err); !spent && !errors.Is(o.Err, judge.ErrUnasked) {
				t.Error(o.Err)
			}
		}
		if last.Failed > 0 || last.Done != done {
			t.Errorf("%+v with %d done", last, done)
		}
		return done, last.Cached, err
	}
	done, _, err := run(.035, 0)
	spent, ok := errors.AsType[*judge.SpentError](err)
	if done != 3 || j.count() != 3 || !ok || spent.Calls != 3 || !strings.Contains(err.Error(), "$0.0300 of $0.0350") || !strings.Contains(err.Error(), "goes on from here") {
		t.Errorf("%d done, %d calls, %v", done, j.count(), err)
	}
	done, cached, err := run(0, 2)
	if _, ok := errors.AsType[*judge.SpentError](err); done != 5 || cached != 3 || j.count() != 5 || !ok {
		t.Errorf("%d done, %d cached, %d calls, %v", done, cached, j.count(), err)
	}
	if done, cached, err := run(1, 0); done != 10 || cached != 5 || j.count() != 10 || err != nil {
		t.Errorf("%d done, %d cached, %d calls, %v", done, cached, j.count(), err)
	}
	if done, cached, err := run(.000001, 0); done != 10 || cached != 10 || err != nil { // nothing is asked, so nothing is missing
		t.Errorf("%d done, %d cached, %v", done, cached, err)
	}
}

// With many questions under way the limit holds, from the first one on.
func TestAllowanceInParallel(t *testing.T) {
	a := judge.NewAllowance(.2, 0)
	j := judge.NewGuarded(&scripted{id: "a"}, a)
	_, err := judge.RunPages(t.Context(), judge.RunConfig{Parallel: 16, Failures: 3}, j, subjects(100))
	usd, calls := a.Spent()
	if _, ok := errors.AsType[*judge.SpentError](err); !ok || usd > .2+1e-9 || usd < .19-1e-9 || calls > 20 {
		t.Errorf("%v: $%.3f in %d calls", err, usd, calls)
	}
}

func TestLedger(t *testing.T) {
	dir := t.TempDir()
	j := &scripted{id: "a", answer: func(n int, s judge.Subject) (judge.Judgment, error) {
		if n <= 3 && s.Case.ID != "c1" {
			return judge.Judgment{}, errBusy
		}
		return all("a", true), nil
	}}
	open := func(wanted ...string) *judge.Ledger {
		t.Helper()
		l, err := judge.OpenLedger(dir)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range l.Open() {
			got = append(got, f.Case+" "+f.Error)
		}
		if strings.Join(got, ",") != strings.Join(wanted, ",") {
			t.Errorf("open are %q, want %q", got, wanted)
		}
		return l
	}
	cfg := judge.RunConfig{Parallel: 1, Failures: 5}
	l := open()
	if _, err := judge.RunPages(t.Context(), cfg, judge.NewGuarded(j, l), subjects(3)); err != nil {
		t.Fatal(err)
	}
	if len(l.Open()) != 2 {
		t.Errorf("open in the same run: %+v", l.Open())
	}
	closeAll(t, l)
	l = open("c0 busy", "c2 busy")
	if _, err := judge.NewGuarded(j, l).Judge(t.Context(), subject(0)); err != nil {
		t.Fatal(err)
	}
	closeAll(t, l)
	l = open("c2 busy")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	failing := &scripted{id: "a", answer: func(int, judge.Subject) (judge.Judgment, error) { return judge.Judgment{}, errBusy }}
	_, _ = judge.NewGuarded(failing, l).Judge(ctx, subject(5)) // its caller has left
	spent := judge.NewAllowance(0, 1)
	_, _ = judge.NewGuarded(j, spent).Judge(t.Context(), subject(6))
	if _, err := judge.NewGuarded(j, l, spent).Judge(t.Context(), subject(6)); err == nil {
		t.Error("an allowance of one question gave two")
	}
	closeAll(t, l)
	closeAll(t, open("c2 busy"))
}
