package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parallel-fusion/pfr/internal/stream"
	"github.com/parallel-fusion/pfr/producers/gateway"
	"github.com/parallel-fusion/pfr/producers/gateway/traffic"
	"github.com/parallel-fusion/pfr/schemas"
)

// An operator whose brokers do not answer sees the rest, soon, and waits for them once.
func TestStateWithoutBrokers(t *testing.T) {
	cfg := stream.DefaultConfig()
	ended := t.Context().Done()
	cfg.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		select {
		case <-ctx.Done():
		case <-ended:
		}
		return nil, errors.New("no answer")
	}
	cluster, err := stream.Dial(cfg, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cluster.Close() }()
	window, err := traffic.New(traffic.DefaultConfig(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	o := &operations{cluster: cluster, window: window, ladder: gateway.LadderState{InForce: schemas.LadderStudent, By: "somebody"}}
	o.page(schemas.SERP{Status: schemas.SERPComplete, CreatedAt: time.Now().Add(time.Hour)}) // by a clock that is ahead
	gone, leave := context.WithCancel(t.Context())
	leave() // who asks first does not stay, which is nothing to the others
	begun := time.Now()
	for range 100 {
		s := o.State(gone)
		if s.Lag == nil || len(s.Lag) > 0 || s.Pages.Total != 1 || s.Ladder.By != "somebody" {
			t.Fatalf("%+v", s)
		}
	}
	if took := time.Since(begun); took < lagTimeout || took > 4*lagTimeout {
		t.Errorf("it took %v", took)
	}
}

// A router decides nothing before it knows what operators have set, and holds nobody up
// meanwhile.
func TestAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, comes := range []bool{true, false} {
			known, ran, isReady := make(chan struct{}), false, false
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() {
				ended <- after(known, func(context.Context, func()) error { ran = true; return nil })(ctx, func() { isReady = true })
			}()
			synctest.Wait()
			if ran || !isReady {
				t.Errorf("before: ran %v, ready %v", ran, isReady)
			}
			if comes {
				close(known)
			} else {
				cancel()
			}
			if err := <-ended; err != nil || ran != comes {
				t.Errorf("ran %v, want %v: %v", ran, comes, err)
			}
			cancel()
		}
	})
}
