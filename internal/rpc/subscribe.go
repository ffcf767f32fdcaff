package rpc

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go"
)

// Subscription receives the copies published to one subject. It survives reconnects;
// copies published meanwhile are gone.
type Subscription struct {
	sub       *nats.Subscription
	ch        chan []byte
	ended     chan struct{} // closed after ch
	dropped   atomic.Uint64
	closeOnce sync.Once
}

// Subscribe returns when the server knows of the subscription, so that a copy published
// after that is seen. It holds up to buffer copies, at least one, for a slow reader and
// drops and counts what is beyond. The caller closes it; closing the Conn does too.
func (c *Conn) Subscribe(subject string, buffer int) (*Subscription, error) {
	if !c.Connected() {
		return nil, fmt.Errorf("subscribe to %s: %w", subject, ErrDisconnected)
	}
	s := &Subscription{ch: make(chan []byte, max(buffer, 1)), ended: make(chan struct{})}
	sub, err := c.nc.Subscribe(subject, func(msg *nats.Msg) {
		select {
		case s.ch <- msg.Data:
		default:
			s.dropped.Add(1)
			c.m.dropped.Inc()
		}
	})
	if err != nil {
		return nil, fmt.Errorf("subscribe to %s: %w", subject, sendError(err))
	}
	s.sub = sub
	// It runs after the last delivery, so nothing is sent on a closed channel.
	sub.SetClosedHandler(func(string) { close(s.ch); close(s.ended) })
	if err := c.flushSubscribe(); err != nil {
		_ = sub.Unsubscribe() // fails only when the connection is closed
		return nil, fmt.Errorf("subscribe to %s: %w: %w", subject, ErrDisconnected, err)
	}
	return s, nil
}

func (c *Conn) flushSubscribe() error {
	ctx, cancel := context.WithTimeout(context.Background(), c.cfg.WriteTimeout)
	defer cancel()
	return c.nc.FlushWithContext(ctx)
}

// C delivers payloads, which the reader owns. It is closed after Close, also that of the
// Conn.
func (s *Subscription) C() <-chan []byte { return s.ch }

// Dropped is how many copies were dropped because the reader was slow.
func (s *Subscription) Dropped() uint64 { return s.dropped.Load() }

// Close ends the subscription and closes C, where copies that have arrived can still be
// read.
func (s *Subscription) Close() {
	s.closeOnce.Do(func() {
		_ = s.sub.Unsubscribe() // fails only when the connection is closed, which ends it too
		<-s.ended
	})
}
