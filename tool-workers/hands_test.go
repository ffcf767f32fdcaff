package tools_test

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
)

// A repeat is for a worker that does not have the call. One that has it says so at once;
// other sections of the page, and the same call sent again, are no repeats.
func TestARepeatOfACallInHandIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := prometheus.NewPedanticRegistry()
		tool := &counted{do: takes(100 * time.Millisecond)}
		w := tools.NewWorker(tool, "v", slog.New(slog.DiscardHandler), reg)
		first := make(chan error, 1)
		go func() {
			_, err := call(t, w, nil)
			first <- err
		}()
		synctest.Wait()
		start := time.Now()
		repeat := func(r *schemas.ToolRequest) { r.Repeat = true }
		if _, err := call(t, w, repeat); !errors.Is(err, tools.ErrInHand) || time.Since(start) > 0 {
			t.Errorf("after %v: %v", time.Since(start), err)
		}
		if _, err := call(t, w, func(r *schemas.ToolRequest) { r.Repeat, r.Section = true, "another" }); err != nil {
			t.Errorf("another section: %v", err)
		}
		if err := <-first; err != nil {
			t.Errorf("the call itself: %v", err)
		}
		if _, err := call(t, w, repeat); err != nil || tool.ran() != 3 {
			t.Errorf("nothing is in hand any more: %v, %d runs", err, tool.ran())
		}
		compare(t, reg, "pfr_tool_skipped_total", skippedHelp, `{reason="in_hand",tool="echo"} 1`)
	})
}

// A call that fails or panics is not in hand for ever.
func TestAFailedCallIsNotInHand(t *testing.T) {
	tool := &counted{do: func(context.Context, int) (tools.Result, error) { panic("broken") }}
	w := tools.NewWorker(tool, "v", slog.New(slog.DiscardHandler), nil)
	func() {
		defer func() { _ = recover() }()
		_, _ = call(t, w, nil)
	}()
	tool.do = func(context.Context, int) (tools.Result, error) { return tools.Result{}, errors.New("broken") }
	for range 2 {
		if _, err := call(t, w, func(r *schemas.ToolRequest) { r.Repeat = true }); err == nil || errors.Is(err, tools.ErrInHand) {
			t.Errorf("%v", err)
		}
	}
}

// An answer says whether the tool was run for it.
func TestKeptAnswersSaySo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := worker(&counted{spec: caching(), do: takes(10 * time.Millisecond)}, "v", results(t), nil)
		cached := make(chan bool, 3)
		ask := func() {
			resp, err := call(t, w, nil)
			if err != nil {
				t.Error(err)
			}
			cached <- resp.Cached
		}
		go ask()
		synctest.Wait()
		ask() // shares the run
		ask()
		n := 0
		for range 3 {
			if <-cached {
				n++
			}
		}
		if n != 2 {
			t.Errorf("%d of 3 answers were kept or shared, want 2", n)
		}
	})
}
