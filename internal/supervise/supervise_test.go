package supervise_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parallel-fusion/pfr/internal/supervise"
)

// diary records the order of events. Parts run one after the other by contract, so it
// needs no lock beyond the channel.
type diary chan string

func (d diary) part(name string) supervise.Part {
	return supervise.Part{Name: name, Run: func(ctx context.Context, ready func()) error {
		d <- "+" + name
		ready()
		<-ctx.Done()
		time.Sleep(time.Second) // draining; virtual time
		d <- "-" + name
		return ctx.Err()
	}}
}

func (d diary) String() string {
	close(d)
	var all []string
	for e := range d {
		all = append(all, e)
	}
	return strings.Join(all, " ")
}

func run(ctx context.Context, started func(), parts ...supervise.Part) error {
	cfg := supervise.DefaultConfig()
	cfg.Started = started
	return supervise.Run(ctx, cfg, slog.New(slog.DiscardHandler), parts...)
}

func TestStopsInReverseOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		d := make(diary, 20)
		err := run(ctx, func() { d <- "started"; cancel() }, d.part("brokers"), d.part("tools"), d.part("router"))
		if err != nil {
			t.Error(err)
		}
		if got, want := d.String(), "+brokers +tools +router started -router -tools -brokers"; got != want {
			t.Errorf("order: %s", got)
		}
	})
}

func TestFailureStopsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := make(diary, 20)
		broken := errors.New("broken")
		failing := supervise.Part{Name: "b", Run: func(_ context.Context, ready func()) error {
			ready()
			time.Sleep(time.Minute)
			return broken
		}}
		err := run(t.Context(), func() {}, d.part("a"), failing, d.part("c"))
		if !errors.Is(err, broken) || !strings.Contains(err.Error(), "b: broken") {
			t.Errorf("err = %v", err)
		}
		if got, want := d.String(), "+a +c -c -a"; got != want {
			t.Errorf("order: %s", got)
		}
	})
}

func TestReturningEarlyIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quitter := supervise.Part{Name: "quitter", Run: func(_ context.Context, ready func()) error { ready(); return nil }}
		if err := run(t.Context(), func() {}, quitter); err == nil {
			t.Error("no error")
		}
	})
}

func TestGivesUpOnPartsThatHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		defer close(release)
		mute := supervise.Part{Name: "mute", Run: func(context.Context, func()) error { <-release; return nil }}
		err := run(t.Context(), func() { t.Error("started") }, mute)
		if err == nil || !strings.Contains(err.Error(), "mute: not ready after 30s") || !strings.Contains(err.Error(), "stop mute: still running after 10s") {
			t.Errorf("err = %v", err)
		}
	})
}
