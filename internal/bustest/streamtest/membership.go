package streamtest

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/internal/stream"
)

func testCrash(t *testing.T, b *bench) {
	topic, dead := b.topic(t, "crash", 2), b.topic(t, "crash-dead", 1)
	p := b.producer(t)
	b.publish(t, topic, 10, 20)
	l := newLink()
	cfg := b.config(p, dead)
	cfg.HandlersPerPartition = 2
	first := newLedger()
	var gate sync.Once
	inHand, release := make(chan stream.Meta, 1), make(chan struct{})
	victim := b.over(t, l).join(t, topic, cfg, func(_ context.Context, n note, m stream.Meta) error {
		if n.Seq == 10 {
			held := false
			gate.Do(func() { held = true })
			if held {
				inHand <- m
				<-release
			}
		}
		first.add(m)
		return nil
	})
	lost := <-inHand
	before, err := b.cluster.Committed(b.ctx, cfg.Group, topic)
	if err != nil {
		t.Fatal(err)
	}
	l.cut() // killed: no commit and no good-bye gets out
	close(release)
	victim.stop()

	second := newLedger()
	b.join(t, topic, cfg, func(_ context.Context, _ note, m stream.Meta) error {
		second.add(m)
		return nil
	})
	b.eventually(t, "everything is committed", func() bool { return b.committedAll(cfg.Group, topic) })
	if second.handled[lost.Partition][lost.Offset] == 0 {
		t.Errorf("%d@%d was in hand during the crash and did not come again", lost.Partition, lost.Offset)
	}
	bounds, err := b.cluster.Offsets(b.ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	for part, bound := range bounds {
		for o := max(before[part], 0); o < bound.Next; o++ {
			if first.handled[part][o]+second.handled[part][o] == 0 {
				t.Errorf("%d@%d was never handled", part, o)
			}
		}
	}
}

func testRebalance(t *testing.T, b *bench) {
	topic, dead := b.topic(t, "rebalance", 6), b.topic(t, "rebalance-dead", 1)
	p := b.producer(t)
	cfg := b.config(p, dead)
	l := newLedger()
	handle := func(_ context.Context, _ note, m stream.Meta) error {
		linger(4 * time.Millisecond)
		l.add(m)
		return nil
	}
	stopWatch := b.watchCommits(t, cfg.Group, topic, l)
	stopTraffic := b.traffic(t, topic)
	// Each change waits until the group has made progress with the members it has.
	progress := func() {
		have, _ := l.totals()
		b.eventually(t, "the group has handled more", func() bool { n, _ := l.totals(); return n >= have+300 })
	}
	b.join(t, topic, cfg, handle)
	progress()
	second := b.join(t, topic, cfg, handle)
	progress()
	b.join(t, topic, cfg, handle)
	progress()
	second.leave(t)
	progress()
	acknowledged := stopTraffic()
	b.eventually(t, "everything is committed", func() bool { return b.committedAll(cfg.Group, topic) })
	stopWatch()
	distinct, repeats := l.totals()
	refused := b.metric(t, "pfr_stream_commit_errors_total")
	t.Logf("%d records, %d handled twice, %v rebalances, %v refused commits", distinct, repeats,
		b.metric(t, "pfr_stream_rebalances_total"), refused)
	if written := b.written(t, topic); distinct != written || distinct < acknowledged {
		t.Errorf("%d records acknowledged, %d written, %d handled", acknowledged, written, distinct)
	}
	if repeats > 0 && refused == 0 {
		t.Errorf("%d records were handled twice although every commit was accepted", repeats)
	}
	if inFlight := 6 * cfg.HandlersPerPartition; repeats > inFlight {
		t.Errorf("%d records were handled twice, want at most the %d in hand", repeats, inFlight)
	}
}

// traffic publishes from 24 callers until stop, which returns how many records were acknowledged.
func (b *bench) traffic(t *testing.T, topic string) (stop func() int) {
	t.Helper()
	pub := stream.NewPublisher(b.producer(t), notes(topic))
	quit := make(chan struct{})
	var total atomic.Int64
	var wg sync.WaitGroup
	for k := range 24 {
		wg.Go(func() {
			for seq := 0; ; seq++ {
				select {
				case <-quit:
					return
				case <-time.After(time.Millisecond):
				}
				if err := pub.Publish(b.ctx, note{string(rune('a' + k)), seq}); err != nil {
					t.Error(err)
					return
				}
				total.Add(1)
			}
		})
	}
	return func() int {
		close(quit)
		wg.Wait()
		return int(total.Load())
	}
}

func testStale(t *testing.T, b *bench) {
	topic, dead := b.topic(t, "stale", 1), b.topic(t, "stale-dead", 1)
	p := b.producer(t)
	b.publish(t, topic, 1, 10)
	cfg := b.config(p, dead)
	l := newLedger()
	link := newLink()
	inHand, release := make(chan struct{}), make(chan struct{})
	var once sync.Once
	b.over(t, link).join(t, topic, cfg, func(_ context.Context, n note, m stream.Meta) error {
		if n.Seq == 3 {
			once.Do(func() { close(inHand); <-release })
		}
		l.add(m)
		return nil
	})
	<-inHand
	b.eventually(t, "the first three are committed", func() bool {
		c, err := b.cluster.Committed(b.ctx, cfg.Group, topic)
		return err == nil && c[0] == 3
	})
	stopWatch := b.watchCommits(t, cfg.Group, topic, l)
	link.freeze() // the member is paused: it neither speaks nor knows that it is expelled
	b.join(t, topic, cfg, func(_ context.Context, _ note, m stream.Meta) error {
		l.add(m)
		return nil
	})
	b.eventually(t, "the second member has taken over", func() bool { return b.committedAll(cfg.Group, topic) })
	refused := b.metric(t, "pfr_stream_commit_errors_total")
	close(release) // record 3 is finished at last; its commit would rewind the group to 4
	link.thaw()
	b.eventually(t, "the stale commit is refused", func() bool {
		return b.metric(t, "pfr_stream_commit_errors_total") > refused
	})
	b.publish(t, topic, 1, 3)
	b.eventually(t, "the group goes on", func() bool { return b.committedAll(cfg.Group, topic) })
	stopWatch()
}

func testConsumeFaults(t *testing.T, b *bench) {
	if b.Faults == nil {
		t.Skip("these brokers cannot be broken on purpose")
	}
	const fetch, commit, join, heartbeat, sync = 1, 8, 11, 12, 14
	topic, dead := b.topic(t, "faulty", 3), b.topic(t, "faulty-dead", 1)
	p := b.producer(t)
	cfg := b.config(p, dead)
	l := newLedger()
	for _, f := range []Fault{
		{APIKey: join, Group: cfg.Group, Code: codeNotCoordinator, Times: 1},
		{APIKey: sync, Group: cfg.Group, Code: codeRebalance, Times: 1},
		{APIKey: fetch, Topic: topic, Code: codeNotLeader, Times: 5},
	} {
		defer b.Faults.Fail(f)()
	}
	stopWatch := b.watchCommits(t, cfg.Group, topic, l)
	b.join(t, topic, cfg, func(_ context.Context, _ note, m stream.Meta) error {
		l.add(m)
		return nil
	})
	for _, f := range []Fault{
		{APIKey: commit, Group: cfg.Group, Code: codeNotCoordinator, Times: 2},
		{APIKey: commit, Group: cfg.Group, Code: codeTimedOut, Times: 2},
		{APIKey: heartbeat, Group: cfg.Group, Code: codeRebalance, Times: 1},
		{APIKey: heartbeat, Group: cfg.Group, Code: codeUnknownMember, Times: 1},
		{APIKey: commit, Group: cfg.Group, Code: codeIllegalGeneration, Times: 1},
	} {
		b.publish(t, topic, 6, 10)
		remove := b.Faults.Fail(f)
		b.eventually(t, "everything is committed", func() bool { return b.committedAll(cfg.Group, topic) })
		remove()
	}
	stopWatch()
	if distinct, _ := l.totals(); distinct != 300 {
		t.Errorf("%d of 300 records handled", distinct)
	}
}

func testLeaderMove(t *testing.T, b *bench) {
	if b.Faults == nil {
		t.Skip("these brokers cannot be broken on purpose")
	}
	topic, dead := b.topic(t, "moving", 2), b.topic(t, "moving-dead", 1)
	p := b.producer(t)
	cfg := b.config(p, dead)
	l := newLedger()
	b.join(t, topic, cfg, func(_ context.Context, _ note, m stream.Meta) error {
		l.add(m)
		return nil
	})
	for range 3 {
		b.publish(t, topic, 8, 5)
		for part := range 2 {
			if err := b.Faults.MoveLeader(topic, part); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.eventually(t, "everything is committed", func() bool { return b.committedAll(cfg.Group, topic) })
	if distinct, repeats := l.totals(); distinct != 120 || repeats != 0 {
		t.Errorf("%d of 120 records handled, %d twice", distinct, repeats)
	}
}
