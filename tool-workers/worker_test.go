package tools_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
)

const skippedHelp = "Calls that were refused, by reason."

func TestACallAfterItsDeadlineIsNotRun(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	tool := &counted{}
	w := tools.NewWorker(tool, "v", slog.New(slog.DiscardHandler), reg)
	_, err := call(t, w, func(r *schemas.ToolRequest) { r.Deadline = time.Now().Add(-time.Millisecond) })
	if !errors.Is(err, tools.ErrTooLate) || !errors.Is(err, context.DeadlineExceeded) || tool.ran() != 0 {
		t.Errorf("%d runs, %v", tool.ran(), err)
	}
	compare(t, reg, "pfr_tool_skipped_total", skippedHelp, `{reason="expired",tool="echo"} 1`)
}

// A call with less time than the tool usually takes is refused at once; some are run, or
// nobody would see that the tool has become fast.
func TestACallWithoutAChanceIsNotRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reg := prometheus.NewPedanticRegistry()
		tool := &counted{do: takes(100 * time.Millisecond)}
		w := tools.NewWorker(tool, "v", slog.New(slog.DiscardHandler), reg)
		within := func(d time.Duration) error {
			_, err := call(t, w, func(r *schemas.ToolRequest) { r.Deadline = time.Now().Add(d) })
			return err
		}
		for range 3 {
			if err := within(time.Second); err != nil {
				t.Fatal(err)
			}
		}
		if err := within(110 * time.Millisecond); err != nil {
			t.Errorf("enough time: %v", err)
		}
		tool.do = nil // it is fast now
		start, refused := time.Now(), 0
		for within(50*time.Millisecond) != nil {
			if refused++; refused > 100 {
				t.Fatal("nobody sees that the tool is fast")
			}
		}
		if refused == 0 || time.Since(start) > 0 {
			t.Errorf("%d refused in %v", refused, time.Since(start))
		}
		compare(t, reg, "pfr_tool_skipped_total", skippedHelp, `{reason="too_little_time",tool="echo"} 15`)
		for range 20 { // and soon every call is run
			_ = within(time.Second)
		}
		if err := within(50 * time.Millisecond); err != nil {
			t.Errorf("a fast tool: %v", err)
		}
	})
}

// A tool that adapts usually takes all the time that it may. With less it is still asked,
// until there is none.
func TestAToolThatAdaptsIsAskedHoweverLittleTimeIsLeft(t *testing.T) {
	for name, r := range map[string]*tools.Results{"nothing kept": nil, "answers kept": results(t)} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				spec := caching()
				spec.Adapts = true
				takes := 250 * time.Millisecond
				tool := &counted{spec: spec, do: func(ctx context.Context, _ int) (tools.Result, error) {
					quick, cancel := context.WithTimeout(ctx, takes)
					defer cancel()
					<-quick.Done()
					return tools.Result{Items: items(1)}, nil
				}}
				options := []tools.WorkerOption{}
				if r != nil {
					options = append(options, tools.WithResults(r))
				}
				w := tools.NewWorker(tool, "v", slog.New(slog.DiscardHandler), nil, options...)
				within := func(limit int, d time.Duration) error {
					_, err := call(t, w, func(r *schemas.ToolRequest) { r.Limit, r.Deadline = limit, time.Now().Add(d) })
					return err
				}
				for i := range 24 {
					if err := within(1+i, time.Second); err != nil {
						t.Fatal(err)
					}
				}
				takes = 200 * time.Millisecond
				if err := within(30, 230*time.Millisecond); err != nil {
					t.Errorf("less time than usual: %v", err)
				}
				if err := within(31, 0); !errors.Is(err, tools.ErrTooLate) {
					t.Errorf("no time: %v", err)
				}
			})
		})
	}
}

// A tool that never makes it in the time it gets is still asked: all that is known is that
// it needs longer.
func TestASlowToolIsAskedAsLongAsNothingIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tool := &counted{do: takes(time.Hour)}
		w := tools.NewWorker(tool, "v", slog.New(slog.DiscardHandler), nil)
		for range 40 {
			if _, err := call(t, w, func(r *schemas.ToolRequest) { r.Deadline = time.Now().Add(time.Second) }); !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
		}
		if tool.ran() != 40 {
			t.Errorf("%d runs", tool.ran())
		}
	})
}

func TestCancellationReachesTheTool(t *testing.T) {
	for name, options := range map[string]tools.Spec{"nothing kept": {}, "answers kept": caching()} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tool := &counted{spec: options, do: takes(time.Hour)}
				w := worker(tool, "v", results(t), nil)
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error)
				go func() {
					_, err := w.Handle(ctx, request(nil))
					ended <- err
				}()
				synctest.Wait()
				cancel()
				synctest.Wait()
				select {
				case err := <-ended:
					if !errors.Is(err, context.Canceled) {
						t.Error(err)
					}
				default:
					t.Error("the tool goes on")
					<-ended //nolint:errcheck // it has failed already
				}
			})
		})
	}
}

func TestBadParametersAreNoFailureOfTheTool(t *testing.T) {
	reg := prometheus.NewPedanticRegistry()
	w := tools.NewWorker(&counted{do: func(context.Context, int) (tools.Result, error) {
		return tools.Result{}, tools.ErrBadRequest
	}}, "v", slog.New(slog.DiscardHandler), reg)
	if _, err := call(t, w, nil); !errors.Is(err, tools.ErrBadRequest) {
		t.Error(err)
	}
	compare(t, reg, "pfr_tool_skipped_total", skippedHelp, `{reason="bad_request",tool="echo"} 1`)
	compare(t, reg, "pfr_tool_errors_total", "Calls that failed.", `{tool="echo"} 0`)
}

func TestWarm(t *testing.T) {
	broken := errors.New("broken")
	cold := &model{name: "m", broken: broken}
	w := tools.NewWorker(cold, "v", slog.New(slog.DiscardHandler), nil)
	if err := w.Warm(t.Context()); !errors.Is(err, broken) || !strings.Contains(err.Error(), "warm m") || !cold.warmed.Load() {
		t.Errorf("%v", err)
	}
	w = tools.NewWorker(&counted{}, "v", slog.New(slog.DiscardHandler), nil)
	if err := w.Warm(t.Context()); err != nil {
		t.Errorf("a tool that is never cold: %v", err)
	}
}

// A tool may know the version of its data better than whoever serves it.
func TestTheVersionOfTheAnswer(t *testing.T) {
	for want, tool := range map[string]tools.Tool{
		"of the worker": &counted{},
		"of the tool":   tools.NewSwappable(&counted{}, "of the tool"),
		"of the answer": &counted{do: func(context.Context, int) (tools.Result, error) {
			return tools.Result{Version: "of the answer"}, nil
		}},
	} {
		w := tools.NewWorker(tool, "of the worker", slog.New(slog.DiscardHandler), nil)
		if resp, err := call(t, w, nil); err != nil || resp.Version != want {
			t.Errorf("%+v, %v, want %s", resp, err, want)
		}
	}
}
