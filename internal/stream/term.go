package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
)

// abandonGrace is how long a handler may take to notice that its context has ended.
const abandonGrace = 2 * time.Second

// errDrained is the cause of a handler's context when the drain time is over.
var errDrained = errors.New("drain time is over")

// term is one generation as this member lives it: fetch, handle, commit, drain.
type term struct {
	m      *member
	gen    *kafka.Generation
	parts  []*partition
	served chan struct{} // closed when everything is drained and committed
	err    error         // set before served is closed
}

func newTerm(m *member, gen *kafka.Generation) *term {
	t := &term{m: m, gen: gen, served: make(chan struct{})}
	for _, a := range gen.Assignments[m.topic] {
		t.parts = append(t.parts, newPartition(m, a.ID, a.Offset))
	}
	return t
}

// serve works until ctx or the generation ends. Fetching stops first, then handlers finish
// within the drain time, then the last watermarks are committed. While ctx ends but the
// generation does not, heartbeats go on during the drain.
func (t *term) serve(ctx, ended context.Context) {
	defer close(t.served)
	fetching, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(ended, stop)()
	handling, abort := context.WithCancelCause(context.WithoutCancel(ctx))
	defer abort(nil)

	drained := make(chan struct{})
	var wg sync.WaitGroup
	for _, p := range t.parts {
		wg.Go(func() { p.run(fetching, handling) })
	}
	go func() { wg.Wait(); close(drained) }()
	var lag sync.WaitGroup
	lag.Go(func() { t.measureUntil(fetching) })

	if p := t.watch(fetching); p != nil {
		t.err = fmt.Errorf("%w: group %s, %s/%d", ErrStuck, t.m.cfg.Group, t.m.topic, p.id)
		t.m.m.stuck.Inc()
		stop()
	}
	t.drain(drained, abort)
	lag.Wait()
	t.commit()
	for _, p := range t.parts {
		t.m.c.m.dropLag(t.m.topic, t.m.cfg.Group, p.id)
		if t.m.cfg.OnRevoked != nil {
			t.m.cfg.OnRevoked(p.id)
		}
	}
}

// watch commits until fetching ends. It returns a partition whose handler is
// stuck, or nil.
func (t *term) watch(fetching context.Context) *partition {
	commits := time.NewTicker(t.m.cfg.CommitInterval)
	defer commits.Stop()
	for {
		select {
		case <-fetching.Done():
			return nil
		case <-commits.C:
			t.commit()
			if p := t.stuck(); p != nil {
				return p
			}
		}
	}
}

// drain waits for the handlers; when the drain time is over it ends their contexts. A handler
// that ignores even that is left behind and its record stays uncommitted.
func (t *term) drain(drained <-chan struct{}, abort context.CancelCauseFunc) {
	if waitFor(drained, t.m.cfg.DrainTimeout) {
		return
	}
	abort(errDrained)
	if waitFor(drained, abandonGrace) {
		return
	}
	t.m.m.stuck.Inc()
	if t.err == nil {
		t.err = fmt.Errorf("%w: group %s, %s did not drain", ErrStuck, t.m.cfg.Group, t.m.topic)
	}
}

// waitFor returns false when done is not closed within d.
func waitFor(done <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-timer.C:
		return false
	}
}

// commit sends the watermarks that moved. The coordinator refuses it once the generation is
// stale; the heartbeat notices that too and ends the generation, so a refusal is only counted.
func (t *term) commit() {
	moved := map[int]int64{}
	for _, p := range t.parts {
		if next, ok := p.tracker.committable(); ok && next > p.committed.Load() {
			moved[p.id] = next
		}
	}
	if len(moved) == 0 {
		return
	}
	if err := t.gen.CommitOffsets(map[string]map[int]int64{t.m.topic: moved}); err != nil {
		t.m.m.commitErrors.Inc()
		t.m.c.log.Debug("commit refused", keyTopic, t.m.topic, keyGroup, t.m.cfg.Group,
			keyMember, t.gen.MemberID, keyError, err)
		return
	}
	for _, p := range t.parts {
		if next, ok := moved[p.id]; ok {
			p.committed.Store(next)
			t.m.c.m.setLag(t.m.topic, t.m.cfg.Group, p.id, max(0, p.end.Load()-next))
		}
	}
}

// measureUntil asks for the ends of the partitions until ctx ends, so that lag is right even
// while nothing is fetched or committed.
func (t *term) measureUntil(ctx context.Context) {
	for pause(ctx, t.m.cfg.LagInterval) {
		t.measure(ctx)
	}
}

func (t *term) measure(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, t.m.cfg.LagInterval)
	defer cancel()
	ends, err := t.m.c.Offsets(ctx, t.m.topic)
	if err != nil {
		return // the next round tries again; fetch errors are reported elsewhere
	}
	for _, p := range t.parts {
		if p.id >= len(ends) {
			continue
		}
		next := max(p.committed.Load(), p.start, ends[p.id].First)
		t.m.c.m.setLag(t.m.topic, t.m.cfg.Group, p.id, max(0, ends[p.id].Next-next))
	}
}

// stuck returns a partition with a handler that has ignored its context for too long, or nil.
func (t *term) stuck() *partition {
	limit := time.Now().Add(-t.m.cfg.HandlerTimeout - t.m.cfg.StuckAfter).UnixNano()
	for _, p := range t.parts {
		for i := range p.busy {
			if since := p.busy[i].Load(); since != 0 && since < limit {
				return p
			}
		}
	}
	return nil
}

// busySince is the start of a lane's current attempt in Unix nanoseconds; 0 means idle.
type busySince = atomic.Int64
