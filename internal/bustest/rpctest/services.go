package rpctest

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/internal/rpc"
)

func testParallelHandlers(t *testing.T, f *fixture) {
	const n = 5
	h, entered, release := hold()
	cfg := f.service()
	cfg.Workers, cfg.Backlog = n, 0
	serve(t, f.dial(t), cfg, h)
	conn := f.dial(t)
	var replies []<-chan asked
	for range n {
		replies = append(replies, askLater(t, conn, f.subject, "x"))
		await(t, entered, "one more handler beside the others")
	}
	close(release)
	for _, r := range replies {
		wantReply(t, await(t, r, "a reply"), "x")
	}
}

func testDeadlineArrives(t *testing.T, f *fixture) {
	seen := make(chan time.Time, 1)
	cfg := f.service()
	cfg.MaxDuration = 2 * patience
	serve(t, f.dial(t), cfg, func(ctx context.Context, _ []byte) ([]byte, error) {
		d, _ := ctx.Deadline()
		seen <- d
		return nil, nil
	})
	want := time.Now().Add(patience)
	ctx, cancel := context.WithDeadline(t.Context(), want)
	defer cancel()
	if _, err := f.dial(t).Request(ctx, f.subject, nil); err != nil {
		t.Fatal(err)
	}
	if got := await(t, seen, "a deadline"); want.Sub(got).Abs() > time.Millisecond {
		t.Errorf("the handler's deadline is off by %v", want.Sub(got))
	}
}

func testMaxDuration(t *testing.T, f *fixture) {
	cfg := f.service()
	cfg.MaxDuration = 50 * time.Millisecond
	serve(t, f.dial(t), cfg, func(ctx context.Context, _ []byte) ([]byte, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	_, err := ask(t, f.dial(t), f.subject, "")
	wantRemote(t, err, rpc.CodeTimeout)
}

func testExpired(t *testing.T, f *fixture) {
	h, entered, release := hold()
	cfg := f.service()
	cfg.Workers, cfg.Backlog = 1, 10
	serve(t, f.dial(t), cfg, h)
	conn := f.dial(t)
	first := askLater(t, conn, f.subject, "first")
	await(t, entered, "the first request")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := conn.Request(ctx, f.subject, []byte("expired"))
	wantError(t, err, rpc.ErrTimeout)
	third := askLater(t, conn, f.subject, "third")
	close(release)
	wantReply(t, await(t, first, "the first reply"), "first")
	wantReply(t, await(t, third, "the third reply"), "third")
	if got := await(t, entered, "the third request"); got != "third" {
		t.Errorf("the handler started %q after its deadline", got)
	}
	if s := discoverOne(t, conn, f.name).Stats; s.Expired != 1 || s.Handled != 2 {
		t.Errorf("stats %+v, want 1 expired and 2 handled", s)
	}
}

func testOverload(t *testing.T, f *fixture) {
	h, entered, release := hold()
	cfg := f.service()
	cfg.Workers, cfg.Backlog = 1, 1
	serve(t, f.dial(t), cfg, h)
	conn := f.dial(t)
	working := askLater(t, conn, f.subject, "working")
	await(t, entered, "the worker")
	waiting := askLater(t, conn, f.subject, "waiting")
	eventually(t, "one request waits", func() bool {
		return discoverOne(t, conn, f.name).Stats.Backlog == 1
	})
	start := time.Now()
	_, err := ask(t, conn, f.subject, "too much")
	if took := time.Since(start); took > atOnce {
		t.Errorf("refused after %v, want at once", took)
	}
	wantError(t, err, rpc.ErrOverloaded)
	if remote := wantRemote(t, err, rpc.CodeOverloaded); !remote.Temporary() {
		t.Error("overload is not temporary")
	}
	close(release)
	wantReply(t, await(t, working, "the reply"), "working")
	wantReply(t, await(t, waiting, "the reply that waited"), "waiting")
}

func testPanic(t *testing.T, f *fixture) {
	cfg := f.service()
	cfg.Workers = 1
	serve(t, f.dial(t), cfg, func(_ context.Context, p []byte) ([]byte, error) {
		if string(p) == "boom" {
			panic("secret of a user")
		}
		return p, nil
	})
	conn := f.dial(t)
	for range 3 { // the only worker survives each time
		_, err := ask(t, conn, f.subject, "boom")
		if remote := wantRemote(t, err, rpc.CodeInternal); strings.Contains(remote.Text, "secret") {
			t.Errorf("the panic's value travelled: %q", remote.Text)
		}
		reply, err := ask(t, conn, f.subject, "still there?")
		wantReply(t, asked{reply, err}, "still there?")
	}
}

func testQueueGroup(t *testing.T, f *fixture) {
	const n = 60
	var handled [2]atomic.Int64
	for i := range handled {
		cfg := f.service()
		cfg.Version = []string{"1.0.0", "1.1.0"}[i] // as during an upgrade
		serve(t, f.dial(t), cfg, func(_ context.Context, p []byte) ([]byte, error) {
			handled[i].Add(1)
			return p, nil
		})
	}
	conn := f.dial(t)
	for range n {
		if _, err := ask(t, conn, f.subject, ""); err != nil {
			t.Fatal(err)
		}
	}
	a, b := handled[0].Load(), handled[1].Load()
	if a == 0 || b == 0 || a+b != n {
		t.Errorf("the replicas handled %d and %d of %d", a, b, n)
	}
}

func testDrain(t *testing.T, f *fixture) {
	h, entered, release := hold()
	cfg := f.service()
	cfg.Workers, cfg.Backlog = 1, 1
	r := serve(t, f.dial(t), cfg, h)
	conn := f.dial(t)
	working := askLater(t, conn, f.subject, "working")
	await(t, entered, "the worker")
	waiting := askLater(t, conn, f.subject, "waiting")
	eventually(t, "one request waits", func() bool {
		return discoverOne(t, conn, f.name).Stats.Backlog == 1
	})
	r.stop()
	eventually(t, "the service takes no more", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		list, err := conn.Discover(ctx, f.name)
		return err == nil && len(list) == 0
	})
	select {
	case err := <-r.done:
		t.Fatalf("serve returned %v with work in hand", err)
	default:
	}
	close(release)
	wantReply(t, await(t, working, "the reply"), "working")
	wantReply(t, await(t, waiting, "the reply that waited"), "waiting")
	if err := await(t, r.done, "the end of the service"); err != nil {
		t.Error(err)
	}
	_, err := ask(t, conn, f.subject, "closed?")
	wantError(t, err, rpc.ErrNoResponders)
}

func testDrainCancels(t *testing.T, f *fixture) {
	h, entered, _ := hold()
	cfg := f.service()
	cfg.DrainTimeout = 50 * time.Millisecond
	cfg.MaxDuration = patience
	r := serve(t, f.dial(t), cfg, h)
	reply := askLater(t, f.dial(t), f.subject, "x")
	await(t, entered, "the handler")
	r.stop()
	if err := await(t, r.done, "the end of the service"); err != nil {
		t.Error(err)
	}
	wantRemote(t, await(t, reply, "the reply").err, rpc.CodeInternal)
}

// testRollingRestart replaces one of two replicas again and again under load. A request
// that reaches a replica on its way out is answered all the same.
func testRollingRestart(t *testing.T, f *fixture) {
	const restarts, callers = 25, 4
	serve(t, f.dial(t), f.service(), echo)
	worker, conn := f.dial(t), f.dial(t)
	ctx, cancel := context.WithCancel(t.Context())
	var failed atomic.Pointer[error]
	var load sync.WaitGroup
	for range callers {
		load.Go(func() {
			for ctx.Err() == nil && failed.Load() == nil {
				if _, err := ask(t, conn, f.subject, "x"); err != nil {
					failed.Store(&err)
				}
			}
		})
	}
	for range restarts {
		r := serve(t, worker, f.service(), echo)
		r.stop()
		if err := await(t, r.done, "the end of the service"); err != nil {
			t.Error(err)
		}
	}
	cancel()
	load.Wait()
	if err := failed.Load(); err != nil {
		t.Errorf("a request failed: %v", *err)
	}
}

func testServeFlushed(t *testing.T, f *fixture) {
	worker, conn := f.dial(t), f.dial(t)
	for range 30 {
		r := serve(t, worker, f.service(), echo)
		if _, err := ask(t, conn, f.subject, ""); err != nil {
			t.Fatalf("first request after ready: %v", err)
		}
		r.stop()
		if err := await(t, r.done, "the end of the service"); err != nil {
			t.Error(err)
		}
	}
}

func testDiscovery(t *testing.T, f *fixture) {
	conn := f.dial(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if list, err := conn.Discover(ctx, f.name); err != nil || len(list) != 0 {
		t.Fatalf("discovered %v, %v before there was a service", list, err)
	}
	cfg := f.service()
	cfg.Version, cfg.Description, cfg.Workers = "1.2.3", "echoes", 3
	cfg.Metadata = map[string]string{"schema": "v1"}
	serve(t, f.dial(t), cfg, echo)
	serve(t, f.dial(t), cfg, echo)
	for range 4 {
		if _, err := ask(t, conn, f.subject, ""); err != nil {
			t.Fatal(err)
		}
	}
	list, err := conn.Discover(ctx, f.name)
	if err != nil || len(list) != 2 {
		t.Fatalf("discovered %v, %v; want two instances", list, err)
	}
	for _, s := range list {
		if s.Name != f.name || s.Version != "1.2.3" || s.Description != "echoes" || s.Subject != f.subject ||
			s.QueueGroup != f.name || s.Metadata["schema"] != "v1" || s.Stats.Workers != 3 || s.Started.IsZero() {
			t.Errorf("discovered %+v", s)
		}
	}
	if n := list[0].Stats.Handled + list[1].Stats.Handled; n != 4 || list[0].ID == list[1].ID {
		t.Errorf("instances %s and %s handled %d requests, want 4 by two", list[0].ID, list[1].ID, n)
	}
	all, err := conn.Discover(ctx, "")
	if err != nil || !slices.ContainsFunc(all, func(s rpc.ServiceInfo) bool { return s.ID == list[0].ID }) {
		t.Errorf("discovery of all services lacks %s: %v", list[0].ID, err)
	}
}

func testServeConfig(t *testing.T, f *fixture) {
	err := f.dial(t).Serve(t.Context(), rpc.ServiceConfig{Backlog: -1}, echo, nil)
	if err == nil {
		t.Fatal("an empty config was accepted")
	}
	for _, field := range []string{"name", "version", "subject", "workers", "backlog", "max_duration", "drain_timeout"} {
		if !strings.Contains(err.Error(), field) {
			t.Errorf("error %q does not mention %s", err, field)
		}
	}
}

// discoverOne returns the only instance of a service.
func discoverOne(t *testing.T, conn *rpc.Conn, name string) rpc.ServiceInfo {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	list, err := conn.Discover(ctx, name)
	if err != nil || len(list) != 1 {
		t.Fatalf("discovered %v, %v; want one service", list, err)
	}
	return list[0]
}
