package rpc

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
)

// Conn is one connection to NATS. It reconnects for ever and is safe for concurrent use.
type Conn struct {
	cfg     Config
	log     *slog.Logger
	m       *metrics
	nc      *nats.Conn
	prefix  string // of reply subjects, with its dot
	pending *pending

	up        chan struct{} // closed on the first connect
	closed    chan struct{} // closed when the library has let go of everything
	lastErr   atomic.Value  // of the last failed attempt, as attemptError
	closeOnce sync.Once
	closeErr  error
}

// attemptError gives every stored error the same concrete type.
type attemptError struct{ err error }

// Log keys.
const (
	keyConn    = "conn"
	keyError   = "error"
	keySubject = "subject"
	keyService = "service"
	keyStack   = "stack"
	keyPanic   = "panic"
)

// errClosing says that Close has begun.
var errClosing = fmt.Errorf("%w: connection is closing", ErrDisconnected)

// Dial connects, and keeps trying for cfg.ConnectTimeout or until ctx ends. The registerer
// may be nil; connections that share one should differ in name. The caller closes the
// Conn.
func Dial(ctx context.Context, cfg Config, log *slog.Logger, reg prometheus.Registerer) (*Conn, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("rpc config: %w", err)
	}
	m, err := newMetrics(cfg.Name, reg)
	if err != nil {
		return nil, fmt.Errorf("rpc metrics: %w", err)
	}
	c := &Conn{
		cfg: cfg, log: log.With(keyConn, cfg.Name), m: m, pending: newPending(),
		up: make(chan struct{}), closed: make(chan struct{}),
	}
	if c.nc, err = nats.Connect(cfg.URL, c.options()...); err != nil {
		return nil, fmt.Errorf("connect %s: %w", redact(cfg.URL), err)
	}
	if err := c.start(ctx); err != nil {
		c.nc.Close()
		<-c.closed
		return nil, fmt.Errorf("connect %s: %w", redact(cfg.URL), err)
	}
	return c, nil
}

func (c *Conn) options() []nats.Option {
	return []nats.Option{
		nats.Name(c.cfg.Name),
		nats.CustomInboxPrefix("_INBOX_" + c.cfg.Name),
		nats.Timeout(c.cfg.ConnectTimeout),
		nats.RetryOnFailedConnect(true),
		nats.IgnoreAuthErrorAbort(), // rotated credentials heal by themselves
		nats.MaxReconnects(-1),
		nats.ReconnectWait(c.cfg.ReconnectWait),
		nats.ReconnectJitter(c.cfg.ReconnectWait/2, c.cfg.ReconnectWait/2),
		nats.ReconnectBufSize(-1), // nothing is kept for later
		nats.PingInterval(c.cfg.PingInterval),
		nats.MaxPingsOutstanding(2),
		nats.FlusherTimeout(c.cfg.WriteTimeout),
		nats.DrainTimeout(c.cfg.DrainTimeout),
		nats.ConnectHandler(func(*nats.Conn) { c.connected() }),
		nats.ReconnectHandler(func(*nats.Conn) { c.reconnected() }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { c.disconnected(err) }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { c.lastErr.Store(attemptError{err}) }),
		nats.ErrorHandler(func(_ *nats.Conn, s *nats.Subscription, err error) { c.asyncError(s, err) }),
		nats.ClosedHandler(func(*nats.Conn) { c.pending.failAll(errClosing); close(c.closed) }),
	}
}

// start waits for the first connect and opens the inbox for replies.
func (c *Conn) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.ConnectTimeout)
	defer cancel()
	select {
	case <-c.up:
	case <-c.closed:
		return c.attempt(c.nc.LastError())
	case <-ctx.Done():
		return c.attempt(ctx.Err())
	}
	inbox := c.nc.NewInbox()
	c.prefix = inbox + "."
	sub, err := c.nc.Subscribe(inbox+".*", c.deliver)
	if err != nil {
		return fmt.Errorf("subscribe to replies: %w", err)
	}
	if err := sub.SetPendingLimits(inboxMessages, inboxBytes); err != nil {
		return fmt.Errorf("limit replies: %w", err)
	}
	return c.nc.FlushWithContext(ctx)
}

// Limits of replies received and not yet handed to their callers.
const (
	inboxMessages = 16 << 10
	inboxBytes    = 64 << 20
)

// attempt adds what the last attempt to connect said, which tells more than err.
func (c *Conn) attempt(err error) error {
	last, ok := c.lastErr.Load().(attemptError)
	if !ok {
		return err
	}
	return errors.Join(err, last.err)
}

// Connected reports whether requests can be sent now.
func (c *Conn) Connected() bool { return c.nc.IsConnected() }

// MaxPayload is how many bytes the server carries in one message, headers included.
func (c *Conn) MaxPayload() int64 { return c.nc.MaxPayload() }

// Close waits for pending requests, drains subscriptions and sends what is buffered, all
// within cfg.DrainTimeout, and returns when the connection is closed. Services should have
// returned before. Calls after the first return the same error.
func (c *Conn) Close() error {
	c.closeOnce.Do(func() { c.closeErr = c.close() })
	return c.closeErr
}

func (c *Conn) close() error {
	deadline := time.NewTimer(c.cfg.DrainTimeout)
	defer deadline.Stop()
	select {
	case <-c.pending.close():
	case <-c.closed:
	case <-deadline.C:
		c.pending.failAll(errClosing)
	}
	// A connection that is down has nothing to drain: the library closes it at once.
	err := c.nc.Drain()
	if errors.Is(err, nats.ErrConnectionReconnecting) || errors.Is(err, nats.ErrConnectionClosed) {
		err = nil
	}
	select {
	case <-c.closed:
	case <-time.After(c.cfg.DrainTimeout):
		c.nc.Close()
		<-c.closed
		err = errors.Join(err, errors.New("drain took too long"))
	}
	if err != nil {
		return fmt.Errorf("close connection %s: %w", c.cfg.Name, err)
	}
	return nil
}

func (c *Conn) connected() {
	c.m.connected.Set(1)
	close(c.up)
}

func (c *Conn) reconnected() {
	c.m.connected.Set(1)
	c.m.reconnects.Inc()
	c.log.Info("NATS reconnected")
}

func (c *Conn) disconnected(err error) {
	c.m.connected.Set(0)
	c.pending.failAll(ErrDisconnected)
	if err != nil { // nil: closed on purpose
		c.m.disconnects.Inc()
		c.log.Warn("NATS disconnected", keyError, err)
	}
}

func (c *Conn) asyncError(s *nats.Subscription, err error) {
	if errors.Is(err, nats.ErrSlowConsumer) {
		c.m.slowConsumers.Inc()
	}
	subject := ""
	if s != nil {
		subject = s.Subject
	}
	c.log.Warn("NATS reported an error", keySubject, subject, keyError, err)
}

// redact removes the passwords from a list of server addresses.
func redact(urls string) string {
	parts := strings.Split(urls, ",")
	for i, p := range parts {
		u, err := url.Parse(strings.TrimSpace(p))
		if err != nil {
			parts[i] = "(unreadable address)"
			continue
		}
		parts[i] = u.Redacted()
	}
	return strings.Join(parts, ",")
}
