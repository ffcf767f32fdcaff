package rpctest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/internal/rpc"
)

func testCopies(t *testing.T, f *fixture) {
	subject := "pfr.serp.v1." + f.name
	a, b := subscribe(t, f.dial(t), subject, 10), subscribe(t, f.dial(t), subject, 10)
	conn := f.dial(t)
	if err := conn.Publish(t.Context(), subject, []byte("nobody listens to this")[:0]); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if err := conn.Publish(t.Context(), subject, fmt.Appendf(nil, "%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	for _, s := range []*rpc.Subscription{a, b} {
		var got []string
		for range 6 {
			got = append(got, string(await(t, s.C(), "a copy")))
		}
		if want := []string{"", "0", "1", "2", "3", "4"}; !slices.Equal(got, want) {
			t.Errorf("received %q, want %q", got, want)
		}
	}
	a.Close()
	if _, open := <-a.C(); open {
		t.Error("the channel of a closed subscription is open")
	}
	a.Close() // again is nothing
}

func testSubscribeFlushed(t *testing.T, f *fixture) {
	from, to := f.dial(t), f.dial(t)
	for i := range 50 {
		subject := fmt.Sprintf("pfr.serp.v1.%s-%d", f.name, i)
		s := subscribe(t, to, subject, 1)
		if err := from.Publish(t.Context(), subject, []byte("now")); err != nil {
			t.Fatal(err)
		}
		await(t, s.C(), "the first copy after Subscribe")
		s.Close()
	}
}

func testSlowSubscriber(t *testing.T, f *fixture) {
	const sent, kept = 500, 4
	conn := f.dial(t)
	slow, fast := subscribe(t, conn, f.subject, kept), subscribe(t, conn, f.subject, sent)
	for i := range sent {
		if err := conn.Publish(t.Context(), f.subject, fmt.Appendf(nil, "%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	for range sent {
		await(t, fast.C(), "every copy, for the fast one")
	}
	eventually(t, "the rest is dropped", func() bool { return slow.Dropped() == sent-kept })
	for i := range kept {
		if got := string(await(t, slow.C(), "a kept copy")); got != fmt.Sprint(i) {
			t.Errorf("kept %s in place %d", got, i)
		}
	}
	if fast.Dropped() != 0 {
		t.Errorf("the fast subscriber lost %d copies", fast.Dropped())
	}
}

func testDisconnect(t *testing.T, f *fixture) {
	h, entered, release := hold()
	serve(t, f.dial(t), f.service(), h)
	p := newProxy(t, f.url)
	conn := dialURL(t, p.url())
	pending := askLater(t, conn, f.subject, "pending")
	await(t, entered, "the handler")
	start := time.Now()
	p.cut()
	wantError(t, await(t, pending, "the lost request").err, rpc.ErrDisconnected)
	if took := time.Since(start); took > atOnce {
		t.Errorf("the lost request failed after %v, want at once", took)
	}
	start = time.Now()
	_, err := ask(t, conn, f.subject, "while down")
	wantError(t, err, rpc.ErrDisconnected)
	wantError(t, conn.Publish(t.Context(), f.subject, nil), rpc.ErrDisconnected)
	_, err = conn.Subscribe(f.subject, 1)
	wantError(t, err, rpc.ErrDisconnected)
	if took := time.Since(start); took > atOnce || conn.Connected() {
		t.Errorf("calls while down took %v, connected is %v", took, conn.Connected())
	}
	close(release)
	p.mend()
	eventually(t, "the connection is back", conn.Connected)
	reply, err := ask(t, conn, f.subject, "after")
	wantReply(t, asked{reply, err}, "after")
}

// testNothingSentLate loses requests on the wire and while the connection is down. None
// of them may reach a worker afterwards.
func testNothingSentLate(t *testing.T, f *fixture) {
	started := make(chan string, 100)
	serve(t, f.dial(t), f.service(), func(_ context.Context, p []byte) ([]byte, error) {
		started <- string(p)
		return p, nil
	})
	copies := subscribe(t, f.dial(t), f.subject+".copies", 100)
	p := newProxy(t, f.url)
	conn := dialURL(t, p.url())
	reply, err := ask(t, conn, f.subject, "before")
	wantReply(t, asked{reply, err}, "before")
	p.freeze()
	onTheWire := askLater(t, conn, f.subject, "on the wire")
	if err := conn.Publish(t.Context(), f.subject+".copies", []byte("on the wire")); err != nil {
		t.Fatal(err)
	}
	p.cut()
	wantError(t, await(t, onTheWire, "the lost request").err, rpc.ErrDisconnected)
	for range 20 {
		_, err := ask(t, conn, f.subject, "while down")
		wantError(t, err, rpc.ErrDisconnected)
		wantError(t, conn.Publish(t.Context(), f.subject+".copies", []byte("while down")), rpc.ErrDisconnected)
	}
	p.mend()
	eventually(t, "the connection is back", conn.Connected)
	reply, err = ask(t, conn, f.subject, "after")
	wantReply(t, asked{reply, err}, "after")
	if err := conn.Publish(t.Context(), f.subject+".copies", []byte("after")); err != nil {
		t.Fatal(err)
	}
	if got := await(t, copies.C(), "the copy after the outage"); string(got) != "after" {
		t.Errorf("a copy from %q arrived late", got)
	}
	if a, b := await(t, started, "before"), await(t, started, "after"); a != "before" || b != "after" {
		t.Errorf("the worker started %q, then %q", a, b)
	}
}

// testReplyNotSentLate lets a worker answer while it is cut off. With one worker, the
// next answer proves that the lost one is not on its way.
func testReplyNotSentLate(t *testing.T, f *fixture) {
	h, entered, release := hold()
	p := newProxy(t, f.url)
	worker := dialURL(t, p.url())
	cfg := f.service()
	cfg.Workers = 1
	serve(t, worker, cfg, h)
	conn := f.dial(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	lost := make(chan error, 1)
	go func() {
		_, err := conn.Request(ctx, f.subject, []byte("lost"))
		lost <- err
	}()
	await(t, entered, "the handler")
	p.cut()
	eventually(t, "the worker is cut off", func() bool { return !worker.Connected() })
	close(release)
	p.mend()
	eventually(t, "the worker is back", func() bool { return probe(t, conn, f.subject) == nil })
	select {
	case err := <-lost:
		t.Fatalf("the lost request ended with %v", err)
	default:
	}
	cancel()
	wantError(t, await(t, lost, "the cancelled request"), context.Canceled)
}

func testReconnect(t *testing.T, f *fixture) {
	p := newProxy(t, f.url)
	worker := dialURL(t, p.url())
	serve(t, worker, f.service(), echo)
	copies := subscribe(t, worker, f.subject+".copies", 10)
	conn := f.dial(t)
	for range 3 {
		p.cut()
		eventually(t, "the worker is gone", func() bool {
			return errors.Is(probe(t, conn, f.subject), rpc.ErrNoResponders)
		})
		p.mend()
		eventually(t, "the worker is back", func() bool {
			return probe(t, conn, f.subject) == nil
		})
		// The service and the subscription came back in one go.
		if err := conn.Publish(t.Context(), f.subject+".copies", nil); err != nil {
			t.Fatal(err)
		}
		await(t, copies.C(), "a copy after the reconnect")
	}
}

// testFrozen stops the server without closing its sockets and fills them up.
func testFrozen(t *testing.T, f *fixture) {
	serve(t, f.dial(t), f.service(), echo)
	p := newProxy(t, f.url)
	conn := dialURL(t, p.url())
	p.freeze()
	payload := make([]byte, conn.MaxPayload()/2)
	var calls sync.WaitGroup
	var slow sync.Map
	for i := range 64 {
		calls.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			defer cancel()
			start := time.Now()
			if _, err := conn.Request(ctx, f.subject, payload); err == nil {
				slow.Store(i, "answered")
			}
			// The deadline, plus the one write that may be stuck, plus a busy machine.
			if took := time.Since(start); took > 3*time.Second {
				slow.Store(i, took)
			}
		})
	}
	calls.Wait()
	slow.Range(func(i, what any) bool { t.Errorf("request %v: %v", i, what); return true })
	p.mend()
	eventually(t, "requests work again", func() bool { return probe(t, conn, f.subject) == nil })
}

// testStopWhileDown drains and closes without a server, as happens when a whole machine
// goes down.
func testStopWhileDown(t *testing.T, f *fixture) {
	p := newProxy(t, f.url)
	conn := dialURL(t, p.url())
	h, entered, release := hold()
	r := serve(t, conn, f.service(), h)
	s := subscribe(t, conn, f.subject+".copies", 1)
	askLater(t, conn, f.subject, "")
	await(t, entered, "the handler")
	p.cut()
	eventually(t, "the connection is lost", func() bool { return !conn.Connected() })
	start := time.Now()
	r.stop()
	close(release)
	if err := await(t, r.done, "the end of the service"); err != nil {
		t.Errorf("serve: %v", err)
	}
	s.Close()
	if err := conn.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	if took := time.Since(start); took > atOnce {
		t.Errorf("stopping took %v without a server", took)
	}
}

func testClose(t *testing.T, f *fixture) {
	conn := f.dial(t)
	r := serve(t, conn, f.service(), echo)
	s := subscribe(t, conn, f.subject+".copies", 1)
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	if _, open := <-s.C(); open {
		t.Error("the channel of a subscription outlives its connection")
	}
	wantError(t, await(t, r.done, "the end of the service"), rpc.ErrDisconnected)
	_, err := ask(t, conn, f.subject, "")
	wantError(t, err, rpc.ErrDisconnected)
	wantError(t, conn.Publish(t.Context(), f.subject, nil), rpc.ErrDisconnected)
	if err := conn.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

// subscribe subscribes and closes the subscription after the test.
func subscribe(t *testing.T, conn *rpc.Conn, subject string, buffer int) *rpc.Subscription {
	t.Helper()
	s, err := conn.Subscribe(subject, buffer)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}
