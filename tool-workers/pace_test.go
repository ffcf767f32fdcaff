package tools_test

import (
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
)

// A worker that has become slow wants others to have the calls, but takes those that found
// nobody else, and sees when it is fast again.
func TestASlowWorkerPassesCallsOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := prometheus.NewPedanticRegistry()
		tool := &counted{do: takes(20 * time.Millisecond)}
		w := tools.NewWorker(tool, "v", slog.New(slog.DiscardHandler), reg)
		passed := func(calls int) (n int) {
			for range calls {
				_, err := call(t, w, nil)
				if err != nil && !errors.Is(err, tools.ErrSlow) {
					t.Fatal(err)
				}
				if err != nil {
					n++
				}
			}
			return n
		}
		if n := passed(100); n != 0 {
			t.Errorf("%d passed on by a worker in health", n)
		}
		tool.do = takes(30 * time.Millisecond)
		if n := passed(100); n != 0 {
			t.Errorf("%d passed on by a worker that is a little slow", n)
		}
		tool.do = takes(200 * time.Millisecond)
		passed(60) // until it is clear
		if n := passed(320); n != 310 {
			t.Errorf("%d of 320 passed on by a slow worker", n)
		}
		start := time.Now()
		if _, err := call(t, w, func(r *schemas.ToolRequest) { r.Repeat = true }); err != nil || time.Since(start) < 200*time.Millisecond {
			t.Errorf("nobody else was found: %v", err)
		}
		tool.do = takes(20 * time.Millisecond)
		calls := 0
		for passed(2) > 0 {
			if calls++; calls > 2000 {
				t.Fatal("it never sees that it is fast")
			}
		}
	})
}

// What is fast is not slow, however much faster it was.
func TestAFastWorkerKeepsItsCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tool := &counted{do: takes(100 * time.Microsecond)}
		w := tools.NewWorker(tool, "v", slog.New(slog.DiscardHandler), nil)
		for i := range 200 {
			if i == 100 {
				tool.do = takes(15 * time.Millisecond)
			}
			if _, err := call(t, w, nil); err != nil {
				t.Fatalf("call %d: %v", i, err)
			}
		}
	})
}
