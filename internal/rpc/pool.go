package rpc

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/parallel-fusion/pfr/internal/telemetry"
)

// pool runs the handlers of one service. NATS hands over one request at a time and waits;
// the pool takes it and lets it go on.
type pool struct {
	cfg    ServiceConfig
	handle Handler
	conn   *Conn
	m      *serviceMetrics
	counts counts

	base   context.Context // ends when the drain has taken too long
	cancel context.CancelFunc

	mu      sync.RWMutex // guards the closing of jobs
	stopped bool
	jobs    chan job
	workers sync.WaitGroup
}

// job is one accepted request.
type job struct {
	reply   string
	header  micro.Headers
	payload []byte
	arrived time.Time
}

// counts is what the pool tells to discovery.
type counts struct {
	busy                                     atomic.Int64
	handled, failed, panics, expired, refuse atomic.Uint64
}

// errPanic is what the caller of a handler that panicked is told.
var errPanic = errors.New("handler panicked")

// newPool starts the workers. base must not end before stop has returned.
func newPool(base context.Context, cfg ServiceConfig, h Handler, c *Conn) *pool {
	p := &pool{cfg: cfg, handle: h, conn: c, m: c.m.service(cfg.Name), jobs: make(chan job, cfg.Backlog)}
	p.base, p.cancel = context.WithCancel(base)
	for range cfg.Workers {
		p.workers.Go(func() {
			for j := range p.jobs {
				p.m.backlog.Set(float64(len(p.jobs)))
				p.work(j)
			}
		})
	}
	return p
}

// accept takes a request or refuses it at once. It never blocks.
func (p *pool) accept(req micro.Request) {
	if req.Reply() == "" {
		p.m.handled.WithLabelValues("no_reply").Inc() // nobody could get the answer
		return
	}
	j := job{reply: req.Reply(), header: req.Headers(), payload: req.Data(), arrived: time.Now()}
	if p.offer(j) {
		p.m.backlog.Set(float64(len(p.jobs)))
		return
	}
	p.counts.refuse.Add(1)
	p.m.handled.WithLabelValues("overloaded").Inc()
	p.respond(j, nil, Errorf(CodeOverloaded, "%d workers busy, %d requests waiting", p.cfg.Workers, p.cfg.Backlog))
}

func (p *pool) offer(j job) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.stopped {
		return false
	}
	select {
	case p.jobs <- j:
		return true
	default:
		return false
	}
}

// work runs the handler for one request, unless its deadline has passed.
func (p *pool) work(j job) {
	now := time.Now()
	p.m.wait.Observe(now.Sub(j.arrived).Seconds())
	deadline, err := p.deadline(j, now)
	if err != nil {
		p.m.handled.WithLabelValues("bad_request").Inc()
		p.respond(j, nil, err)
		return
	}
	if !now.Before(deadline) {
		p.counts.expired.Add(1)
		p.m.handled.WithLabelValues("expired").Inc()
		return // its caller has given up
	}
	p.counts.busy.Add(1)
	p.m.busy.Inc()
	ctx, cancel := context.WithDeadline(telemetry.Extract(p.base, getter(j.header)), deadline)
	reply, err := p.call(ctx, j.payload)
	cancel()
	p.m.busy.Dec()
	p.counts.busy.Add(-1)
	p.m.run.Observe(time.Since(now).Seconds())
	p.count(err)
	p.respond(j, reply, err)
}

// deadline is the caller's, but not later than the service allows.
func (p *pool) deadline(j job, now time.Time) (time.Time, error) {
	limit := now.Add(p.cfg.MaxDuration)
	text := j.header.Get(headerDeadline)
	if text == "" {
		return limit, nil
	}
	micros, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return limit, Errorf(CodeBadRequest, "header %s is not a number of microseconds", headerDeadline)
	}
	if d := time.UnixMicro(micros); d.Before(limit) {
		return d, nil
	}
	return limit, nil
}

// call runs the handler and turns a panic into an error.
func (p *pool) call(ctx context.Context, payload []byte) (reply []byte, err error) {
	ctx, end := telemetry.Start(ctx, "serve "+p.cfg.Name, telemetry.Server)
	defer func() {
		if v := recover(); v != nil {
			reply, err = nil, errPanic
			p.conn.log.Error("handler panicked", keyService, p.cfg.Name,
				keyPanic, panicText(v), keyStack, string(debug.Stack()))
		}
		end(err)
	}()
	return p.handle(ctx, payload)
}

// panicText describes a panic without the values in it, which may be a user's.
func panicText(v any) string {
	if err, ok := v.(runtime.Error); ok {
		return err.Error()
	}
	return fmt.Sprintf("%T", v)
}

func (p *pool) count(err error) {
	outcome := "ok"
	switch {
	case errors.Is(err, errPanic):
		outcome = "panic"
		p.counts.panics.Add(1)
	case err != nil:
		outcome = "error"
		p.counts.failed.Add(1)
	}
	p.counts.handled.Add(1)
	p.m.handled.WithLabelValues(outcome).Inc()
}

// respond sends the outcome. A reply that the server would not carry becomes an error.
// A reply that cannot be sent is counted: its caller has been told already.
func (p *pool) respond(j job, reply []byte, err error) {
	msg := &nats.Msg{Subject: j.reply, Data: reply}
	if err == nil && int64(len(reply)) > p.conn.MaxPayload() {
		err = Errorf(CodeTooLarge, "reply of %d bytes is over the limit of %d", len(reply), p.conn.MaxPayload())
	}
	if err != nil {
		code, text := wireError(err)
		msg.Data = nil
		msg.Header = nats.Header{micro.ErrorCodeHeader: {strconv.Itoa(code)}, micro.ErrorHeader: {text}}
	}
	if err := p.conn.nc.PublishMsg(msg); err != nil {
		p.m.handled.WithLabelValues("reply_lost").Inc()
	}
}

// stop finishes the accepted requests. No request may be offered while it runs that has
// to be answered.
func (p *pool) stop() error {
	defer p.cancel()
	p.mu.Lock()
	p.stopped = true
	close(p.jobs)
	p.mu.Unlock()
	done := make(chan struct{})
	go func() { p.workers.Wait(); close(done) }()
	if waitFor(done, p.cfg.DrainTimeout) {
		return nil
	}
	p.cancel()
	if waitFor(done, cancelGrace) {
		return nil
	}
	return fmt.Errorf("%d handlers still run %v after their context was cancelled", p.counts.busy.Load(), cancelGrace)
}

// cancelGrace is how long a handler may take to notice that its context has ended.
const cancelGrace = time.Second

func waitFor(done <-chan struct{}, limit time.Duration) bool {
	t := time.NewTimer(limit)
	defer t.Stop()
	select {
	case <-done:
		return true
	case <-t.C:
		return false
	}
}

// getter reads trace headers written in any case.
func getter(h micro.Headers) func(string) string {
	return func(key string) string {
		if v := h.Get(key); v != "" {
			return v
		}
		for k, v := range h {
			if len(v) > 0 && strings.EqualFold(k, key) {
				return v[0]
			}
		}
		return ""
	}
}
