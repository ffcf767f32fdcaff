package rpctest

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/internal/rpc"
	"github.com/parallel-fusion/pfr/internal/telemetry"
)

func testRequestReply(t *testing.T, f *fixture) {
	serve(t, f.dial(t), f.service(), func(_ context.Context, p []byte) ([]byte, error) {
		return bytes.ToUpper(p), nil
	})
	conn := f.dial(t)
	for _, payload := range []string{"hello", "", strings.Repeat("x", 500_000)} {
		reply, err := ask(t, conn, f.subject, payload)
		wantReply(t, asked{reply, err}, strings.ToUpper(payload))
	}
}

func testNeedsDeadline(t *testing.T, f *fixture) {
	_, err := f.dial(t).Request(context.WithoutCancel(t.Context()), f.subject, nil)
	wantError(t, err, rpc.ErrNoDeadline)
}

func testBadSubjects(t *testing.T, f *fixture) {
	conn := f.dial(t)
	for _, subject := range []string{"", "a b", "a.*", "a.>", "a\r\nPUB b 0\r\n"} {
		_, err := ask(t, conn, subject, "")
		wantError(t, err, rpc.ErrBadSubject)
		wantError(t, conn.Publish(t.Context(), subject, nil), rpc.ErrBadSubject)
	}
}

func testNoResponders(t *testing.T, f *fixture) {
	conn := f.dial(t)
	fastest := patience
	for range 5 { // the machine may be busy once, not five times
		start := time.Now()
		_, err := ask(t, conn, f.subject, "anyone?")
		wantError(t, err, rpc.ErrNoResponders)
		fastest = min(fastest, time.Since(start))
	}
	if limit := 50 * time.Millisecond; fastest > limit {
		t.Errorf("no responders after %v, want within %v", fastest, limit)
	}
}

func testSilence(t *testing.T, f *fixture) {
	h, entered, _ := hold()
	serve(t, f.dial(t), f.service(), h)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := f.dial(t).Request(ctx, f.subject, nil)
	wantError(t, err, rpc.ErrTimeout)
	wantError(t, err, context.DeadlineExceeded)
	await(t, entered, "the handler")
}

func testCancel(t *testing.T, f *fixture) {
	h, entered, release := hold()
	serve(t, f.dial(t), f.service(), h)
	conn := f.dial(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	errs := make(chan error, 1)
	go func() {
		_, err := conn.Request(ctx, f.subject, nil)
		errs <- err
	}()
	await(t, entered, "the handler")
	cancel()
	err := await(t, errs, "the cancelled request")
	wantError(t, err, context.Canceled)
	if errors.Is(err, rpc.ErrTimeout) {
		t.Errorf("error %v is a timeout, want only a cancellation", err)
	}
	close(release) // the late reply must not confuse the next request
	reply, err := ask(t, conn, f.subject, "next")
	wantReply(t, asked{reply, err}, "next")
}

func testRemoteErrors(t *testing.T, f *fixture) {
	serve(t, f.dial(t), f.service(), func(_ context.Context, p []byte) ([]byte, error) {
		switch string(p) {
		case "coded":
			return nil, rpc.Errorf(422, "limit %d", 7)
		case "wrapped":
			return nil, errors.Join(errors.New("tool"), rpc.Errorf(400, "inner"))
		case "lines":
			return nil, errors.New("one\r\nNats-Service-Error-Code: 200\r\n\r\ntwo")
		case "long":
			return nil, errors.New(strings.Repeat("ö", 10_000))
		default:
			return []byte("ignored"), errors.New("plain")
		}
	})
	conn := f.dial(t)
	for payload, want := range map[string]rpc.RemoteError{
		"coded":   {Code: 422, Text: "limit 7"},
		"plain":   {Code: rpc.CodeInternal, Text: "plain"},
		"wrapped": {Code: 400, Text: "inner"},
		"lines":   {Code: rpc.CodeInternal, Text: "two"},
		"long":    {Code: rpc.CodeInternal, Text: "öö"},
	} {
		_, err := ask(t, conn, f.subject, payload)
		remote := wantRemote(t, err, want.Code)
		if remote.Subject != f.subject || !strings.Contains(remote.Text, want.Text) || len(remote.Text) > 1024 {
			t.Errorf("%s: %d bytes of %q from %s, want %q", payload, len(remote.Text), remote.Text, remote.Subject, want.Text)
		}
	}
}

func testOversized(t *testing.T, f *fixture) {
	conn := f.dial(t)
	limit := int(conn.MaxPayload())
	serve(t, f.dial(t), f.service(), func(_ context.Context, p []byte) ([]byte, error) {
		if string(p) == "much" {
			return make([]byte, limit+1), nil
		}
		return p, nil
	})
	_, err := ask(t, conn, f.subject, strings.Repeat("x", limit+1))
	wantError(t, err, rpc.ErrTooLarge)
	_, err = ask(t, conn, f.subject, strings.Repeat("x", limit)) // the headers are too much
	wantError(t, err, rpc.ErrTooLarge)
	wantError(t, conn.Publish(t.Context(), f.subject, make([]byte, limit+1)), rpc.ErrTooLarge)
	_, err = ask(t, conn, f.subject, "much")
	wantRemote(t, err, rpc.CodeTooLarge)
	reply, err := ask(t, conn, f.subject, "little")
	wantReply(t, asked{reply, err}, "little")
}

func testTrace(t *testing.T, f *fixture) {
	const trace = "0af7651916cd43dd8448eb211c80319c"
	seen := make(chan string, 1)
	serve(t, f.dial(t), f.service(), func(ctx context.Context, _ []byte) ([]byte, error) {
		telemetry.Inject(ctx, func(key, value string) {
			if key == "traceparent" {
				seen <- value
			}
		})
		return nil, nil
	})
	ctx := telemetry.Extract(t.Context(), func(key string) string {
		if key == "traceparent" {
			return "00-" + trace + "-b7ad6b7169203331-01"
		}
		return ""
	})
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if _, err := f.dial(t).Request(ctx, f.subject, nil); err != nil {
		t.Fatal(err)
	}
	if got := await(t, seen, "a trace"); !strings.Contains(got, trace) {
		t.Errorf("the handler saw trace %s, want %s", got, trace)
	}
}
