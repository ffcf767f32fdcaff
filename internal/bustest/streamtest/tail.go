package streamtest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/parallel-fusion/pfr/internal/stream"
)

// collect tails topic to its end and returns the notes as strings, in order.
func (b *bench) collect(t *testing.T, topic string, cfg stream.TailConfig) []string {
	t.Helper()
	cfg.UntilEnd = true
	var got []string
	err := stream.Tail(b.ctx, b.cluster, notes(topic), cfg, func(_ context.Context, n note, m stream.Meta) error {
		got = append(got, fmt.Sprintf("%s:%d@%d", n.Key, n.Seq, m.Offset))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func testTail(t *testing.T, b *bench) {
	topic := b.topic(t, "tail", 1)
	p := b.producer(t)
	if got := b.collect(t, topic, stream.TailConfig{}); len(got) != 0 {
		t.Errorf("an empty topic holds %v", got)
	}
	b.publish(t, topic, 1, 5)
	for name, tt := range map[string]struct {
		from stream.From
		want string
	}{
		"start":   {stream.FromStart(), "[k0:0@0 k0:1@1 k0:2@2 k0:3@3 k0:4@4]"},
		"last":    {stream.FromLast(2), "[k0:3@3 k0:4@4]"},
		"more":    {stream.FromLast(9), "[k0:0@0 k0:1@1 k0:2@2 k0:3@3 k0:4@4]"},
		"offsets": {stream.FromOffsets(map[int]int64{0: 3}), "[k0:3@3 k0:4@4]"},
		"at end":  {stream.FromOffsets(map[int]int64{0: 5}), "[]"},
		"beyond":  {stream.FromOffsets(map[int]int64{0: 99}), "[k0:0@0 k0:1@1 k0:2@2 k0:3@3 k0:4@4]"},
		"end":     {stream.FromEnd(), "[]"},
	} {
		if got := fmt.Sprint(b.collect(t, topic, stream.TailConfig{From: tt.from})); got != tt.want {
			t.Errorf("from %s: got %s, want %s", name, got, tt.want)
		}
	}
	testFollow(t, b, topic, p)
	stop := errors.New("enough")
	err := stream.Tail(b.ctx, b.cluster, notes(topic), stream.TailConfig{},
		func(context.Context, note, stream.Meta) error { return stop })
	if !errors.Is(err, stop) {
		t.Errorf("the handler's error: got %v", err)
	}
	if err := stream.Tail(b.ctx, b.cluster, notes(topic), stream.TailConfig{Partitions: []int{7}}, nil); err == nil {
		t.Error("a partition that does not exist is not an error")
	}
}

// testFollow tails topic while records arrive, one of them undecodable.
func testFollow(t *testing.T, b *bench, topic string, p *stream.Producer) {
	t.Helper()
	ctx, stop := context.WithCancel(b.ctx)
	defer stop()
	caughtUp, seen, bad := make(chan struct{}), make(chan note, 64), make(chan stream.Message, 1)
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() {
		err := stream.Tail(ctx, b.cluster, notes(topic), stream.TailConfig{
			CaughtUp: func() { close(caughtUp) },
			Bad:      func(m stream.Message, _ error) { bad <- m },
		}, func(_ context.Context, n note, _ stream.Meta) error {
			seen <- n
			return nil
		})
		if err != nil {
			t.Errorf("follow: %v", err)
		}
	})
	defer stop()
	<-caughtUp
	if len(seen) != 5 {
		t.Errorf("caught up after %d of 5 records", len(seen))
	}
	if _, _, err := p.Produce(b.ctx, stream.Message{Topic: topic, Value: []byte("?")}); err != nil {
		t.Fatal(err)
	}
	if err := stream.NewPublisher(p, notes(topic)).Publish(b.ctx, note{"live", 9}); err != nil {
		t.Fatal(err)
	}
	if m := <-bad; string(m.Value) != "?" {
		t.Errorf("the undecodable record is %q", m.Value)
	}
	for range 5 {
		<-seen
	}
	if n := <-seen; n != (note{"live", 9}) {
		t.Errorf("followed %v", n)
	}
}

func testReadAt(t *testing.T, b *bench) {
	topic := b.topic(t, "readat", 1)
	b.publish(t, topic, 1, 20)
	for _, off := range []int64{0, 13, 19} {
		m, err := b.cluster.ReadAt(b.ctx, topic, 0, off)
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("k0:%d", off); string(m.Value) != want || m.Offset != off {
			t.Errorf("at %d: %s@%d", off, m.Value, m.Offset)
		}
	}
	for _, off := range []int64{-1, 20} {
		if _, err := b.cluster.ReadAt(b.ctx, topic, 0, off); !errors.Is(err, stream.ErrNotFound) {
			t.Errorf("at %d: got %v", off, err)
		}
	}
	if _, err := b.cluster.ReadAt(b.ctx, topic, 4, 0); !errors.Is(err, stream.ErrNotFound) {
		t.Errorf("partition 4: got %v", err)
	}
}
