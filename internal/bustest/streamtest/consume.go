package streamtest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/internal/stream"
	"github.com/parallel-fusion/pfr/internal/telemetry"
)

var errFlaky = errors.New("not this time")

// linger keeps a handler busy for up to d.
func linger(d time.Duration) { <-time.After(rand.N(d)) }

func testOrder(t *testing.T, b *bench) {
	topic, dead := b.topic(t, "order", 4), b.topic(t, "order-dead", 1)
	p := b.producer(t)
	const keys, each = 24, 25
	var mu sync.Mutex
	next := map[string]int{}
	var running, peak atomic.Int64
	cfg := b.config(p, dead)
	cfg.MaxAttempts = 50
	b.join(t, topic, cfg, func(_ context.Context, n note, m stream.Meta) error {
		peak.Store(max(peak.Load(), running.Add(1)))
		defer running.Add(-1)
		linger(2 * time.Millisecond)
		if rand.IntN(10) == 0 && m.Attempt < 5 {
			return errFlaky
		}
		mu.Lock()
		defer mu.Unlock()
		if n.Seq > next[n.Key] {
			t.Errorf("%s: %d handled when %d was due", n.Key, n.Seq, next[n.Key])
		}
		next[n.Key] = max(next[n.Key], n.Seq+1)
		return nil
	})
	b.publish(t, topic, keys, each)
	b.eventually(t, "everything is committed", func() bool { return b.committedAll(cfg.Group, topic) })
	mu.Lock()
	defer mu.Unlock()
	for key, n := range next {
		if n != each {
			t.Errorf("%s: %d of %d handled", key, n, each)
		}
	}
	if len(next) != keys || peak.Load() < 2 {
		t.Errorf("%d of %d keys, at most %d handlers at once", len(next), keys, peak.Load())
	}
}

func testHeaders(t *testing.T, b *bench) {
	topic, dead := b.topic(t, "headers", 2), b.topic(t, "headers-dead", 1)
	p := b.producer(t)
	got := make(chan stream.Meta, 1)
	cfg := b.config(p, dead)
	traces := make(chan string, 2)
	b.join(t, topic, cfg, func(ctx context.Context, n note, m stream.Meta) error {
		if n.Key == "traced" {
			telemetry.Inject(ctx, func(_, v string) { traces <- v })
			return nil
		}
		got <- m
		return nil
	})
	pub := stream.NewPublisher(p, notes(topic))
	testTrace(t, b, pub, traces)
	part, off, err := pub.PublishAt(b.ctx, note{"k", 1},
		stream.Header{Key: "a", Value: []byte("1")}, stream.Header{Key: "a", Value: []byte("2")})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case m := <-got:
		if m.Topic != topic || m.Partition != part || m.Offset != off || string(m.Key) != "k" || m.Attempt != 1 {
			t.Errorf("meta %+v, produced at %d@%d", m, part, off)
		}
		if len(m.Headers) != 2 || m.Header("a") != "1" || string(m.Headers[1].Value) != "2" {
			t.Errorf("headers %v", m.Headers)
		}
		if age := time.Since(m.Time); age < -time.Minute || age > time.Minute {
			t.Errorf("record time is %v old", age)
		}
	case <-b.ctx.Done():
		t.Fatal("nothing arrived")
	}
}

// testTrace checks that a trace survives the way through the brokers.
func testTrace(t *testing.T, b *bench, pub *stream.Publisher[note], traces <-chan string) {
	t.Helper()
	const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
	ctx := telemetry.Extract(b.ctx, func(key string) string {
		if key == "traceparent" {
			return "00-" + trace + "-00f067aa0ba902b7-01"
		}
		return ""
	})
	if err := pub.Publish(ctx, note{"traced", 1}); err != nil {
		t.Fatal(err)
	}
	select {
	case got := <-traces:
		if !strings.Contains(got, trace) {
			t.Errorf("the handler is in trace %s, want %s", got, trace)
		}
	case <-b.ctx.Done():
		t.Fatal("the traced record did not arrive, or without its trace")
	}
}

func testDrain(t *testing.T, b *bench) {
	topic, dead := b.topic(t, "drain", 1), b.topic(t, "drain-dead", 1)
	p := b.producer(t)
	begun := make(chan string, 100)
	release := make(chan struct{})
	var finished, cutOff atomic.Int64
	cfg := b.config(p, dead)
	cfg.HandlersPerPartition = 4
	m := b.join(t, topic, cfg, func(ctx context.Context, n note, _ stream.Meta) error {
		begun <- n.Key
		select {
		case <-release:
			finished.Add(1)
			return nil
		case <-ctx.Done():
			cutOff.Add(1)
			return ctx.Err()
		}
	})
	b.publish(t, topic, 32, 2) // every lane has work in hand and work waiting
	for range 4 {
		<-begun
	}
	m.stop()
	select {
	case err := <-m.done:
		t.Fatalf("run returned %v while handlers were at work", err)
	case <-time.After(b.Session / 10):
	}
	close(release)
	m.leave(t)
	if cutOff.Load() != 0 {
		t.Errorf("%d handlers were cut off", cutOff.Load())
	}
	if n := finished.Load(); n < 4 || n == 64 {
		t.Errorf("%d records finished; want the 4 in hand and what lay below them", n)
	}
	// What was finished is committed: the next member repeats nothing.
	var rest atomic.Int64
	b.join(t, topic, cfg, func(context.Context, note, stream.Meta) error {
		rest.Add(1)
		return nil
	})
	b.eventually(t, "the rest is committed", func() bool { return b.committedAll(cfg.Group, topic) })
	if all := b.written(t, topic); int(rest.Load()+finished.Load()) != all {
		t.Errorf("%d finished before and %d after the change, want %d together", finished.Load(), rest.Load(), all)
	}
}

func testCutOff(t *testing.T, b *bench) {
	topic, dead := b.topic(t, "cutoff", 1), b.topic(t, "cutoff-dead", 1)
	p := b.producer(t)
	begun := make(chan struct{}, 1)
	cfg := b.config(p, dead)
	cfg.DrainTimeout = 100 * time.Millisecond
	m := b.join(t, topic, cfg, func(ctx context.Context, _ note, _ stream.Meta) error {
		begun <- struct{}{}
		<-ctx.Done()
		return ctx.Err()
	})
	b.publish(t, topic, 1, 1)
	<-begun
	m.leave(t)
	if b.committedAll(cfg.Group, topic) {
		t.Error("a record that was cut off has been committed")
	}
	if n := b.metric(t, "pfr_stream_dead_letters_total"); n != 0 {
		t.Errorf("%v dead letters for work that was only cut off", n)
	}
}

func testStuck(t *testing.T, b *bench) {
	topic, dead := b.topic(t, "stuck", 1), b.topic(t, "stuck-dead", 1)
	p := b.producer(t)
	cfg := b.config(p, dead)
	cfg.HandlerTimeout, cfg.StuckAfter, cfg.DrainTimeout = 50*time.Millisecond, 50*time.Millisecond, 50*time.Millisecond
	wake := make(chan struct{})
	defer close(wake)
	m := b.join(t, topic, cfg, func(context.Context, note, stream.Meta) error {
		<-wake // ignores its context
		return nil
	})
	b.publish(t, topic, 1, 1)
	select {
	case err := <-m.done:
		if !errors.Is(err, stream.ErrStuck) {
			t.Fatalf("run: %v", err)
		}
	case <-b.ctx.Done():
		t.Fatal("a stuck handler keeps its partition")
	}
	var handled atomic.Int64
	b.join(t, topic, b.config(p, dead), func(context.Context, note, stream.Meta) error {
		handled.Add(1)
		return nil
	})
	b.eventually(t, "another member handles the record", func() bool { return handled.Load() == 1 })
}

func testAssigned(t *testing.T, b *bench) {
	topic, dead := b.topic(t, "assigned", 2), b.topic(t, "assigned-dead", 1)
	p := b.producer(t)
	b.publish(t, topic, 8, 2)
	var mu sync.Mutex
	prepared, calls := map[int]bool{}, 0
	cfg := b.config(p, dead)
	cfg.OnAssigned = func(_ context.Context, partition int) error {
		mu.Lock()
		defer mu.Unlock()
		if calls++; calls <= 3 {
			return errFlaky
		}
		prepared[partition] = true
		return nil
	}
	revoked := make(chan int, 16)
	cfg.OnRevoked = func(partition int) { revoked <- partition }
	m := b.join(t, topic, cfg, func(_ context.Context, _ note, m stream.Meta) error {
		mu.Lock()
		defer mu.Unlock()
		if !prepared[m.Partition] {
			t.Errorf("partition %d was read before it was prepared", m.Partition)
		}
		return nil
	})
	b.eventually(t, "everything is committed", func() bool { return b.committedAll(cfg.Group, topic) })
	m.leave(t)
	if a, z := <-revoked, <-revoked; a == z {
		t.Errorf("partition %d was revoked twice", a)
	}
}

// ledger notes what a group handled, by partition and offset.
type ledger struct {
	mu      sync.Mutex
	handled map[int]map[int64]int
}

func newLedger() *ledger { return &ledger{handled: map[int]map[int64]int{}} }

func (l *ledger) add(m stream.Meta) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.handled[m.Partition] == nil {
		l.handled[m.Partition] = map[int64]int{}
	}
	l.handled[m.Partition][m.Offset]++
}

// totals returns the number of distinct records and of repeated handlings.
func (l *ledger) totals() (distinct, repeats int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, offsets := range l.handled {
		distinct += len(offsets)
		for _, n := range offsets {
			repeats += n - 1
		}
	}
	return distinct, repeats
}

// missing returns the first offset below end that was not handled, or -1.
func (l *ledger) missing(partition int, end int64) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	for o := range end {
		if l.handled[partition][o] == 0 {
			return o
		}
	}
	return -1
}

// watchCommits checks until stop that committed offsets never decrease and never pass a record
// that was not handled.
func (b *bench) watchCommits(t *testing.T, group, topic string, l *ledger) (stop func()) {
	t.Helper()
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		last := map[int]int64{}
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
			}
			if err := b.checkCommits(group, topic, l, last); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	return func() { close(quit); <-done }
}

func (b *bench) checkCommits(group, topic string, l *ledger, last map[int]int64) error {
	committed, err := b.cluster.Committed(b.ctx, group, topic)
	if err != nil {
		return nil // a coordinator on the move
	}
	for p, c := range committed {
		if c = max(c, 0); c < last[p] {
			return fmt.Errorf("partition %d: committed offset fell from %d to %d", p, last[p], c)
		}
		if o := l.missing(p, c); o >= 0 {
			return fmt.Errorf("partition %d: %d is committed, %d was not handled", p, c, o)
		}
		last[p] = c
	}
	return nil
}
