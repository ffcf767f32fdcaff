package stream

import (
	"context"
	"errors"
	"hash/maphash"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/parallel-fusion/pfr/internal/telemetry"
)

// partition is one assigned partition within a generation.
type partition struct {
	m       *member
	id      int
	start   int64 // committed offset at assignment, or firstOffset or lastOffset
	tracker *tracker
	end     atomic.Int64 // last high watermark seen
	// committed is the last offset committed in this generation, -1 before the first.
	committed atomic.Int64
	seed      maphash.Seed
	lanes     []chan delivery
	busy      []busySince

	blocked atomic.Int64 // lanes that wait for the dead-letter topic

	mu      sync.Mutex
	horizon int64 // highest offset that a lane has begun
	sealed  bool  // nothing beyond the horizon may begin any more
}

// delivery is a record on its way through a lane.
type delivery struct {
	msg    Message
	ticket uint64
}

func newPartition(m *member, id int, start int64) *partition {
	p := &partition{
		m: m, id: id, start: start, tracker: newTracker(), seed: maphash.MakeSeed(),
		horizon: -1,
		lanes:   make([]chan delivery, m.cfg.HandlersPerPartition),
		busy:    make([]busySince, m.cfg.HandlersPerPartition),
	}
	p.committed.Store(-1)
	for i := range p.lanes {
		p.lanes[i] = make(chan delivery, m.cfg.QueuePerHandler)
	}
	return p
}

// run fetches until fetching ends, then waits for the lanes. They finish what they have begun
// and what lies below it, so that the watermark reaches the highest finished record and the next
// owner of the partition repeats nothing. The rest is left to that owner.
func (p *partition) run(fetching, handling context.Context) {
	if !p.prepare(fetching) {
		return
	}
	var lanes sync.WaitGroup
	for i := range p.lanes {
		lanes.Go(func() { p.lane(i, scope{fetching, handling}) })
	}
	p.feed(fetching)
	p.seal()
	for _, l := range p.lanes {
		close(l)
	}
	lanes.Wait()
}

// prepare runs OnAssigned until it succeeds. It returns false when the generation ends first.
func (p *partition) prepare(fetching context.Context) bool {
	if p.m.cfg.OnAssigned == nil {
		return true
	}
	for attempt := 1; ; attempt++ {
		err := p.m.cfg.OnAssigned(fetching, p.id)
		if err == nil {
			return true
		}
		if fetching.Err() != nil {
			return false
		}
		p.m.c.log.Warn("preparing an assigned partition ended in an error", keyTopic, p.m.topic,
			keyGroup, p.m.cfg.Group, keyPartition, p.id, keyAttempt, attempt, keyError, err)
		if !pause(fetching, p.m.cfg.Backoff.after(attempt)) {
			return false
		}
	}
}

// feed hands fetched records to their lanes; a full lane holds up the partition.
func (p *partition) feed(fetching context.Context) {
	f := &fetcher{c: p.m.c, cfg: p.m.cfg.Fetch, topic: p.m.topic, partition: p.id, next: p.start}
	defer f.close()
	for {
		batch, err := f.poll(fetching)
		if err != nil {
			return
		}
		for _, msg := range batch {
			p.end.Store(msg.HighWaterMark)
			d := delivery{msg: msg, ticket: p.tracker.add(msg.Offset)}
			select {
			case p.lanes[laneOf(p.seed, msg, len(p.lanes))] <- d:
			case <-fetching.Done():
				return
			}
		}
	}
}

// lane handles its records one after the other.
func (p *partition) lane(i int, s scope) {
	for d := range p.lanes[i] {
		if !p.admit(d.msg.Offset) || !p.handle(&p.busy[i], d.msg, s) {
			return // a later record of the same key must not overtake this one
		}
		p.tracker.finish(d.ticket)
		p.m.m.consumed.Inc()
	}
}

// admit decides whether a lane may begin the record at offset.
func (p *partition) admit(offset int64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sealed {
		return offset <= p.horizon
	}
	p.horizon = max(p.horizon, offset)
	return true
}

func (p *partition) seal() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sealed = true
}

// scope holds the two lifetimes of a lane: records arrive while fetching lasts, work in hand may
// go on while handling lasts.
type scope struct{ fetching, handling context.Context }

// handle returns true when the effect of msg, or its dead letter, is durable.
func (p *partition) handle(busy *busySince, msg Message, s scope) bool {
	ctx := telemetry.Extract(s.handling, msg.Header)
	ctx, end := telemetry.Start(ctx, "process "+msg.Topic, telemetry.Consumer)
	call, err := p.decode(msg)
	if err != nil {
		end(err)
		return p.deadLetter(s, msg, failure{kind: KindDecode, attempts: 0, err: err})
	}
	for n := 1; ; n++ {
		err = p.try(ctx, busy, call, metaOf(msg, n))
		if err == nil {
			end(nil)
			return true
		}
		if s.handling.Err() != nil {
			end(err)
			return false // cut off: that is no fault of the record
		}
		if kind := p.verdict(err, n); kind != "" {
			end(err)
			return p.deadLetter(s, msg, failure{kind: kind, attempts: n, err: err})
		}
		p.m.c.log.Debug("handling will be tried again", keyTopic, msg.Topic, keyGroup, p.m.cfg.Group,
			keyPartition, msg.Partition, keyOffset, msg.Offset, keyAttempt, n, keyError, err)
		if !pause(s.handling, p.m.cfg.Backoff.after(n)) {
			end(err)
			return false
		}
	}
}

// decode opens a record; a panic in the decoder is a decode error.
func (p *partition) decode(msg Message) (call attempt, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{value: v}
		}
	}()
	return p.m.open(msg.Value)
}

// try runs one attempt under its timeout and turns a panic into an error.
func (p *partition) try(ctx context.Context, busy *busySince, call attempt, meta Meta) (err error) {
	ctx, cancel := context.WithTimeout(ctx, p.m.cfg.HandlerTimeout)
	defer cancel()
	start := time.Now()
	busy.Store(start.UnixNano())
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{value: v, stack: debug.Stack()}
		}
		busy.Store(0)
		p.m.m.handled.Observe(time.Since(start).Seconds())
		p.m.countAttempt(err)
	}()
	return call(ctx, meta)
}

// verdict names the kind of dead letter that err makes of a record after n attempts, or "" when
// another attempt is due.
func (p *partition) verdict(err error, n int) string {
	var panicked *panicError
	switch {
	case errors.Is(err, ErrPermanent):
		return KindPermanent
	case n < p.m.cfg.MaxAttempts:
		return ""
	case errors.As(err, &panicked):
		return KindPanic
	default:
		return KindExhausted
	}
}
