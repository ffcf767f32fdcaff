package rpc

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/parallel-fusion/pfr/internal/telemetry"
)

// headerDeadline carries the caller's deadline in microseconds since the Unix epoch.
const headerDeadline = "Pfr-Deadline"

// The server answers with this status when nobody listens.
const (
	headerStatus = "Status"
	noResponders = "503"
)

// Request sends payload to one worker that serves subject and returns its reply, which
// the caller owns. The context needs a deadline, which travels with the request. The error
// wraps one of this package's sentinels or [context.Canceled], or is a [RemoteError].
// A late reply is dropped and counted.
func (c *Conn) Request(ctx context.Context, subject string, payload []byte) ([]byte, error) {
	m := c.m.request(subject)
	ctx, end := telemetry.Start(ctx, "request "+m.label, telemetry.Client)
	start := time.Now()
	reply, err := c.request(ctx, subject, payload)
	m.observe(outcome(err), time.Since(start))
	end(err)
	if err != nil {
		return nil, fmt.Errorf("request %s: %w", subject, err)
	}
	return reply, nil
}

func (c *Conn) request(ctx context.Context, subject string, payload []byte) ([]byte, error) {
	msg, err := c.requestMsg(ctx, subject, payload)
	if err != nil {
		return nil, err
	}
	token, answered, ok := c.pending.add()
	if !ok {
		return nil, errClosing
	}
	msg.Reply = c.prefix + token
	if err := c.nc.PublishMsg(msg); err != nil {
		c.pending.finish(token, answer{})
		return nil, sendError(err)
	}
	select {
	case a := <-answered:
		return readAnswer(subject, a)
	case <-ctx.Done():
		if c.pending.finish(token, answer{}) {
			return nil, contextError(ctx)
		}
		return readAnswer(subject, <-answered) // it came at this very moment
	}
}

func (c *Conn) requestMsg(ctx context.Context, subject string, payload []byte) (*nats.Msg, error) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return nil, ErrNoDeadline
	}
	if err := checkSubject(subject); err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, contextError(ctx)
	}
	if !c.Connected() {
		return nil, ErrDisconnected
	}
	msg := &nats.Msg{Subject: subject, Data: payload, Header: nats.Header{
		headerDeadline: {strconv.FormatInt(deadline.UnixMicro(), 10)},
	}}
	telemetry.Inject(ctx, msg.Header.Set)
	return msg, nil
}

// deliver runs for every reply, one at a time. It never blocks.
func (c *Conn) deliver(msg *nats.Msg) {
	if !c.pending.finish(msg.Subject[len(c.prefix):], answer{msg: msg}) {
		c.m.lateReplies.Inc()
	}
}

func readAnswer(subject string, a answer) ([]byte, error) {
	if a.err != nil {
		return nil, a.err
	}
	if len(a.msg.Data) == 0 && a.msg.Header.Get(headerStatus) == noResponders {
		return nil, ErrNoResponders
	}
	if code := a.msg.Header.Get(micro.ErrorCodeHeader); code != "" {
		n, err := strconv.Atoi(code)
		if err != nil {
			n = CodeInternal
		}
		return nil, &RemoteError{Subject: subject, Code: n, Text: a.msg.Header.Get(micro.ErrorHeader)}
	}
	return a.msg.Data, nil
}

// Publish sends a copy of payload to whoever is subscribed to subject now. It returns
// before anybody has it, and nobody may. It fails when there is no connection.
func (c *Conn) Publish(ctx context.Context, subject string, payload []byte) error {
	err := c.publish(ctx, subject, payload)
	c.m.published.WithLabelValues(outcome(err)).Inc()
	if err != nil {
		return fmt.Errorf("publish %s: %w", subject, err)
	}
	return nil
}

func (c *Conn) publish(ctx context.Context, subject string, payload []byte) error {
	if err := checkSubject(subject); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return contextError(ctx)
	}
	if !c.Connected() {
		return ErrDisconnected
	}
	msg := &nats.Msg{Subject: subject, Data: payload}
	telemetry.Inject(ctx, func(key, value string) {
		if msg.Header == nil {
			msg.Header = nats.Header{}
		}
		msg.Header.Set(key, value)
	})
	return sendError(c.nc.PublishMsg(msg))
}

// outcome names an error of Request or Publish for metrics.
func outcome(err error) string {
	var remote *RemoteError
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, ErrNoResponders):
		return "no_responders"
	case errors.Is(err, ErrOverloaded):
		return "overloaded"
	case errors.Is(err, ErrTimeout):
		return "timeout"
	case errors.As(err, &remote):
		return "remote_error"
	case errors.Is(err, ErrDisconnected):
		return "disconnected"
	case errors.Is(err, context.Canceled):
		return "canceled"
	case errors.Is(err, ErrTooLarge):
		return "too_large"
	default:
		return "invalid"
	}
}
