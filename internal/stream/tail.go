package stream

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/segmentio/kafka-go"
)

// From says where a [Tail] starts in each partition. The zero value is the start.
type From struct {
	end     bool
	last    int64
	offsets map[int]int64
}

// FromStart reads everything that is kept.
func FromStart() From { return From{} }

// FromEnd reads only what is written from now on.
func FromEnd() From { return From{end: true} }

// FromLast reads the last n records of each partition and what follows.
func FromLast(n int64) From { return From{last: max(n, 0), end: n <= 0} }

// FromOffsets continues at stored offsets: the offset of the next record by partition.
// Partitions that are missing, or shorter than their offset says, are read from their start.
func FromOffsets(next map[int]int64) From { return From{offsets: next} }

// start returns the first offset to read, within the bounds b.
func (f From) start(partition int, b PartitionOffsets) int64 {
	switch next, stored := f.offsets[partition]; {
	case f.end:
		return b.Next
	case f.last > 0:
		return max(b.First, b.Next-f.last)
	case stored:
		return next
	default:
		return b.First
	}
}

// TailConfig configures a [Tail]. The zero value follows every partition from its start.
type TailConfig struct {
	From       From
	Partitions []int // nil means all
	// UntilEnd makes Tail return nil once it has handed over what was there when it began.
	UntilEnd bool
	// CaughtUp is called once, when every partition has reached the end it had when Tail
	// began. May be nil.
	CaughtUp func()
	// Bad is called with records that cannot be decoded; they are counted and passed over.
	// May be nil.
	Bad func(m Message, err error)
	// Fetch is the zero value for the defaults.
	Fetch FetchConfig
}

// Tail reads a topic without a group and without commits, until ctx ends (nil), the end is
// reached with UntilEnd (nil), or h returns an error (that error). Calls of h never overlap and
// follow the offsets within a partition; Meta.Offset+1 is what to store to continue later.
//
//nolint:revive // Five arguments: methods cannot be generic, so the cluster is one of them.
func Tail[T any](ctx context.Context, c *Cluster, t Topic[T], cfg TailConfig, h Handler[T]) error {
	if cfg.Fetch == (FetchConfig{}) {
		cfg.Fetch = DefaultFetchConfig()
	}
	if err := cfg.Fetch.validate(); err != nil {
		return fmt.Errorf("tail of %s config: %w", t.Name, err)
	}
	each := func(m Message) func(context.Context) error {
		v, err := t.Decode(m.Value) // of several partitions at once
		if err == nil {
			return func(ctx context.Context) error { return h(ctx, v, metaOf(m, 1)) }
		}
		return func(context.Context) error {
			c.m.undecodable.WithLabelValues(t.Name).Inc()
			if cfg.Bad != nil {
				cfg.Bad(m, err)
			}
			return nil
		}
	}
	tl := &tail{c: c, topic: t.Name, cfg: cfg, each: each}
	if err := tl.run(ctx); err != nil {
		return fmt.Errorf("tail %s: %w", t.Name, err)
	}
	return nil
}

// tail is a Tail without its payload type.
type tail struct {
	c     *Cluster
	topic string
	cfg   TailConfig
	each  func(m Message) func(context.Context) error // decodes now, and hands over when called

	mu     sync.Mutex // held while a record is handed over
	behind int        // partitions that have not caught up
}

func (t *tail) run(ctx context.Context) error {
	bounds, err := t.bounds(ctx)
	if err != nil {
		return ignoreEnd(ctx, err)
	}
	parts := t.cfg.Partitions
	if parts == nil {
		for p := range bounds {
			parts = append(parts, p)
		}
	}
	for _, p := range parts {
		if p < 0 || p >= len(bounds) {
			return fmt.Errorf("partition %d: the topic has %d", p, len(bounds))
		}
	}
	t.behind = len(parts)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for _, p := range parts {
		wg.Go(func() {
			if err := t.follow(ctx, p, bounds[p]); err != nil {
				cancel(err)
			}
		})
	}
	wg.Wait()
	return ignoreEnd(ctx, context.Cause(ctx))
}

// bounds asks for the ends of the partitions, retrying while brokers are unreachable.
func (t *tail) bounds(ctx context.Context) ([]PartitionOffsets, error) {
	for attempt := 1; ; attempt++ {
		b, err := t.c.Offsets(ctx, t.topic)
		again := retryable(err) || errors.Is(err, kafka.Unknown) // what a broker says that is going down
		if err == nil || !again || errors.Is(err, kafka.UnknownTopicOrPartition) && attempt > unknownTopicAttempts {
			return b, err
		}
		if !pause(ctx, t.cfg.Fetch.Backoff.after(attempt)) {
			return nil, ctx.Err()
		}
	}
}

// unknownTopicAttempts is how often a topic may be missing before a tail gives up: new topics
// take a moment to appear.
const unknownTopicAttempts = 20

// ignoreEnd hides the error that the end of ctx itself causes.
func ignoreEnd(ctx context.Context, err error) error {
	if ctx.Err() != nil && (errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)) {
		return nil
	}
	return err
}

// follow reads one partition.
func (t *tail) follow(ctx context.Context, partition int, b PartitionOffsets) error {
	f := &fetcher{c: t.c, cfg: t.cfg.Fetch, topic: t.topic, partition: partition, next: t.cfg.From.start(partition, b)}
	defer f.close()
	if f.next > b.Next {
		f.rewind(b.First)
	}
	caughtUp := false
	for {
		if !caughtUp && f.next >= b.Next {
			caughtUp = true
			t.reached()
		}
		if caughtUp && t.cfg.UntilEnd {
			return nil
		}
		batch, err := f.poll(ctx)
		if err != nil {
			return nil // ctx has ended
		}
		if err := t.hand(ctx, batch); err != nil {
			return err
		}
	}
}

func (t *tail) hand(ctx context.Context, batch []Message) error {
	for _, m := range batch {
		handOver := t.each(m)
		t.mu.Lock()
		err := ctx.Err()
		if err == nil {
			err = handOver(ctx)
		}
		t.mu.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// reached reports one more partition at its end.
func (t *tail) reached() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.behind--
	if t.behind == 0 && t.cfg.CaughtUp != nil {
		t.cfg.CaughtUp()
	}
}

// ReadAt returns the record at an offset. The error wraps ErrNotFound when the offset is outside
// the partition or its record was compacted away.
func (c *Cluster) ReadAt(ctx context.Context, topic string, partition int, offset int64) (Message, error) {
	fail := func(err error) (Message, error) {
		return Message{}, fmt.Errorf("read %s/%d@%d: %w", topic, partition, offset, err)
	}
	bounds, err := c.Offsets(ctx, topic)
	if err != nil {
		return fail(err)
	}
	if partition < 0 || partition >= len(bounds) || offset < bounds[partition].First || offset >= bounds[partition].Next {
		return fail(ErrNotFound)
	}
	f := &fetcher{c: c, cfg: DefaultFetchConfig(), topic: topic, partition: partition, next: offset}
	defer f.close()
	for f.next <= offset {
		batch, err := f.poll(ctx)
		if err != nil {
			return fail(err)
		}
		if len(batch) > 0 && batch[0].Offset == offset {
			return batch[0], nil
		}
	}
	return fail(ErrNotFound)
}
