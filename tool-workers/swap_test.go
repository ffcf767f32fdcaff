package tools_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
)

// model is an inside that knows whether it is used after its end.
type model struct {
	name   string
	took   time.Duration
	closed atomic.Bool
	warmed atomic.Bool
	broken error // of Warm and Close
}

func (m *model) Name() string { return m.name }

func (m *model) Warm(context.Context) error {
	m.warmed.Store(true)
	return m.broken
}

func (m *model) Close() error {
	if m.closed.Swap(true) {
		return errors.New("closed twice")
	}
	return m.broken
}

func (m *model) Run(ctx context.Context, _ schemas.ToolRequest) (tools.Result, error) {
	select {
	case <-time.After(m.took):
	case <-ctx.Done():
		return tools.Result{}, ctx.Err()
	}
	if m.closed.Load() {
		return tools.Result{}, errors.New("used after its end")
	}
	return tools.Result{Items: items(1)}, nil
}

func TestSwapUnderLoad(t *testing.T) {
	const callers, swaps = 4, 40
	s := tools.NewSwappable(&model{name: "m"}, "v0")
	ctx, cancel := context.WithCancel(t.Context())
	var calls sync.WaitGroup
	for range callers {
		calls.Go(func() {
			for ctx.Err() == nil {
				if r, err := s.Run(context.Background(), schemas.ToolRequest{}); err != nil || !strings.HasPrefix(r.Version, "v") {
					t.Errorf("%+v: %v", r, err)
					return
				}
			}
		})
	}
	for i := range swaps {
		next := &model{name: "m"}
		if err := s.Swap(t.Context(), next, fmt.Sprintf("v%d", i+1)); err != nil {
			t.Fatal(err)
		}
		if !next.warmed.Load() {
			t.Fatal("swapped in cold")
		}
	}
	if v := s.Version(); v != "v40" {
		t.Error(v)
	}
	cancel()
	calls.Wait()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := s.Run(t.Context(), schemas.ToolRequest{}); !errors.Is(err, tools.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
	if err := errors.Join(s.Close(), s.Swap(t.Context(), &model{name: "m"}, "v")); !errors.Is(err, tools.ErrClosed) {
		t.Errorf("after the end: %v", err)
	}
}

// A call that runs when the inside is replaced ends on it, and then it is closed.
func TestTheOldInsideOutlivesItsLastCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := &model{name: "m", took: time.Minute}
		s := tools.NewSwappable(old, "old")
		var answered tools.Result
		var calls sync.WaitGroup
		calls.Go(func() { answered, _ = s.Run(t.Context(), schemas.ToolRequest{}) })
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.Swap(ctx, &model{name: "m"}, "new"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the wait for the last call: %v", err)
		}
		if r, err := s.Run(t.Context(), schemas.ToolRequest{}); err != nil || r.Version != "new" {
			t.Errorf("%+v, %v", r, err)
		}
		if old.closed.Load() {
			t.Error("closed under its last call")
		}
		calls.Wait()
		if answered.Version != "old" || len(answered.Items) != 1 || !old.closed.Load() {
			t.Errorf("%+v, closed %v", answered, old.closed.Load())
		}
	})
}

func TestSwapErrors(t *testing.T) {
	broken := errors.New("broken")
	first := &model{name: "m"}
	s := tools.NewSwappable(first, "v1")
	if err := s.Swap(t.Context(), &model{name: "other"}, "v2"); err == nil || !strings.Contains(err.Error(), "other") {
		t.Errorf("another name: %v", err)
	}
	if err := s.Swap(t.Context(), &model{name: "m", broken: broken}, "v2"); !errors.Is(err, broken) || !strings.Contains(err.Error(), "warm m") {
		t.Errorf("one that cannot be warmed: %v", err)
	}
	if s.Version() != "v1" || first.closed.Load() {
		t.Error("a failed swap changed the tool")
	}
	first.broken = broken
	if err := s.Swap(t.Context(), &model{name: "m"}, "v2"); !errors.Is(err, broken) || s.Version() != "v2" {
		t.Errorf("one that cannot be closed: %v, now %s", err, s.Version())
	}
}

func TestSwappableIsWhatIsInside(t *testing.T) {
	var got tools.Call[wishes]
	s := tools.NewSwappable(typed(t, spec(), &got), "v1")
	if inner, ok := tools.SpecOf(s); !ok || inner.Version != "1.2.0" || s.Name() != "wishing" {
		t.Errorf("%s: %+v", s.Name(), inner)
	}
	if err := tools.Warm(t.Context(), s); err != nil {
		t.Error(err)
	}
	bare := &model{name: "m"}
	if _, ok := tools.SpecOf(tools.NewSwappable(bare, "v")); ok {
		t.Error("a tool without a spec has one")
	}
	if err := tools.Warm(t.Context(), tools.NewSwappable(bare, "v")); err != nil || !bare.warmed.Load() {
		t.Errorf("cold: %v", err)
	}
}
