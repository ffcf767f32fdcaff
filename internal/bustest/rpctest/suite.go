// Package rpctest is the contract of request-reply and copies over NATS, as a test suite.
//
// The suite talks to a server of its caller's choice, through the public interface of
// package rpc only. It puts its own proxy before the server where a test needs a broken
// network, so any server will do.
package rpctest

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/internal/rpc"
)

// Run runs the whole suite. open returns the address of a server that lives as long as
// the test it is called with; it may be the same one each time.
func Run(t *testing.T, open func(t *testing.T) string) {
	for _, c := range []struct {
		name string
		test func(*testing.T, *fixture)
	}{
		{"RequestReply", testRequestReply},
		{"NeedsADeadline", testNeedsDeadline},
		{"RefusesBadSubjects", testBadSubjects},
		{"NoRespondersAtOnce", testNoResponders},
		{"SilenceEndsAtTheDeadline", testSilence},
		{"CancelEndsARequest", testCancel},
		{"RemoteErrorsAreTyped", testRemoteErrors},
		{"RefusesOversizedPayloads", testOversized},
		{"TraceTravels", testTrace},

		{"HandlersRunInParallel", testParallelHandlers},
		{"DeadlineArrives", testDeadlineArrives},
		{"HandlersAreBounded", testMaxDuration},
		{"ExpiredWorkIsNotStarted", testExpired},
		{"OverloadAtOnce", testOverload},
		{"PanicIsAnError", testPanic},
		{"QueueGroupSharesTheWork", testQueueGroup},
		{"DrainFinishesAcceptedWork", testDrain},
		{"DrainCancelsSlowHandlers", testDrainCancels},
		{"RollingRestartLosesNothing", testRollingRestart},
		{"ServeIsEffectiveOnReady", testServeFlushed},
		{"DiscoveryListsServices", testDiscovery},
		{"ServeRefusesBadConfig", testServeConfig},

		{"CopiesReachSubscribers", testCopies},
		{"SubscribeIsEffectiveOnReturn", testSubscribeFlushed},
		{"SlowSubscriberIsBounded", testSlowSubscriber},

		{"DisconnectFailsPendingAtOnce", testDisconnect},
		{"NothingIsSentLate", testNothingSentLate},
		{"RepliesAreNotSentLate", testReplyNotSentLate},
		{"ServicesAndSubscriptionsReturn", testReconnect},
		{"FrozenServerBlocksNobody", testFrozen},
		{"StopsWhileDown", testStopWhileDown},
		{"CloseEndsEverything", testClose},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, newFixture(t, open(t))) })
	}
}

// patience bounds every wait of the suite. No test should get near it.
const patience = 20 * time.Second

// atOnce is what "at once" means on a busy machine.
const atOnce = time.Second

// fixture is what one test works with. Its subject is its own.
type fixture struct {
	url     string
	name    string
	subject string
}

func newFixture(t *testing.T, url string) *fixture {
	t.Helper()
	name := "t" + strconv.FormatInt(time.Now().UnixNano(), 36)
	return &fixture{url: url, name: name, subject: "pfr.tool.v1." + name}
}

// dial connects to the server and closes the connection after the test.
func (f *fixture) dial(t *testing.T) *rpc.Conn {
	t.Helper()
	return dialURL(t, f.url)
}

func dialURL(t *testing.T, url string) *rpc.Conn {
	t.Helper()
	cfg := rpc.DefaultConfig()
	cfg.URL, cfg.Name = url, "test"
	cfg.ReconnectWait = 20 * time.Millisecond
	cfg.WriteTimeout = 300 * time.Millisecond
	conn, err := rpc.Dial(t.Context(), cfg, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	return conn
}

// service returns the settings of the test's own service.
func (f *fixture) service() rpc.ServiceConfig {
	cfg := rpc.DefaultServiceConfig()
	cfg.Name, cfg.Subject = f.name, f.subject
	return cfg
}

// running is a service that serves.
type running struct {
	stop func()     // begins the drain
	done chan error // what Serve returned
}

// serve starts a service, waits until it is known, and drains it after the test.
func serve(t *testing.T, conn *rpc.Conn, cfg rpc.ServiceConfig, h rpc.Handler) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	r := &running{stop: cancel, done: make(chan error, 1)}
	ready := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.done <- conn.Serve(ctx, cfg, h, func() { close(ready) })
	}()
	t.Cleanup(func() { cancel(); await(t, ended, "the service to end") })
	select {
	case <-ready:
	case err := <-r.done:
		t.Fatalf("serve: %v", err)
	case <-time.After(patience):
		t.Fatal("the service was never ready")
	}
	return r
}

// brief is enough for an answer and short enough to be tried again.
const brief = 200 * time.Millisecond

// probe sends an empty request whose loss matters to nobody.
func probe(t *testing.T, conn *rpc.Conn, subject string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), brief)
	defer cancel()
	_, err := conn.Request(ctx, subject, nil)
	return err
}

// ask sends one request with a deadline far away.
func ask(t *testing.T, conn *rpc.Conn, subject, payload string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	reply, err := conn.Request(ctx, subject, []byte(payload))
	return string(reply), err
}

// asked is the outcome of a request in the background.
type asked struct {
	reply string
	err   error
}

// askLater sends a request in the background.
func askLater(t *testing.T, conn *rpc.Conn, subject, payload string) <-chan asked {
	t.Helper()
	out := make(chan asked, 1)
	go func() {
		reply, err := ask(t, conn, subject, payload)
		out <- asked{reply, err}
	}()
	return out
}

// await receives, or fails the test when nothing comes.
func await[T any](t *testing.T, ch <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("waited in vain for %s", what)
		panic("unreachable")
	}
}

// eventually polls until ok or fails the test.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(patience)
	for !ok() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// wantError fails the test unless err wraps target.
func wantError(t *testing.T, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Fatalf("error %v, want %v", err, target)
	}
}

// wantReply fails the test unless the request was answered with want.
func wantReply(t *testing.T, a asked, want string) {
	t.Helper()
	if a.err != nil || a.reply != want {
		t.Fatalf("reply %q, %v; want %q", a.reply, a.err, want)
	}
}

// wantRemote fails the test unless err is a remote error with this code.
func wantRemote(t *testing.T, err error, code int) *rpc.RemoteError {
	t.Helper()
	var remote *rpc.RemoteError
	if !errors.As(err, &remote) || remote.Code != code {
		t.Fatalf("error %v, want remote %d", err, code)
	}
	return remote
}

// echo answers with what it got.
func echo(_ context.Context, payload []byte) ([]byte, error) { return payload, nil }

// hold returns a handler that announces each payload and answers after release.
func hold() (h rpc.Handler, entered chan string, release chan struct{}) {
	entered, release = make(chan string, 100), make(chan struct{})
	return func(ctx context.Context, payload []byte) ([]byte, error) {
		entered <- string(payload)
		select {
		case <-release:
			return payload, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}, entered, release
}
