package streamtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/internal/stream"
)

func testTopics(t *testing.T, b *bench) {
	spec := stream.TopicSpec{Name: b.name("ensure"), Partitions: 3, Compact: true, MaxMessageBytes: 64 << 10}
	for range 2 { // the second time it exists
		if err := b.cluster.EnsureTopics(b.ctx, spec); err != nil {
			t.Fatal(err)
		}
	}
	for name, change := range map[string]func(*stream.TopicSpec){
		"partitions": func(s *stream.TopicSpec) { s.Partitions = 4 },
		"policy":     func(s *stream.TopicSpec) { s.Compact = false },
	} {
		other := spec
		change(&other)
		if err := b.cluster.EnsureTopics(b.ctx, other); !errors.Is(err, stream.ErrTopicMismatch) {
			t.Errorf("ensure with other %s: got %v", name, err)
		}
	}
	topics, err := b.cluster.ListTopics(b.ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, info := range topics {
		if info.Name == spec.Name && info.Partitions == 3 {
			return
		}
	}
	t.Errorf("list: %s with 3 partitions is not among %v", spec.Name, topics)
}

func testProduce(t *testing.T, b *bench) {
	topic := b.topic(t, "produce", 4)
	p := b.producer(t)
	var mu sync.Mutex
	where := map[string]string{} // key@offset -> value
	var wg sync.WaitGroup
	for w := range 8 {
		wg.Go(func() {
			for i := range 50 {
				key, value := fmt.Sprint("key", w), fmt.Sprintf("%d:%d", w, i)
				part, off, err := p.Produce(b.ctx, stream.Message{Topic: topic, Key: []byte(key), Value: []byte(value)})
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				where[fmt.Sprintf("%d/%d", part, off)] = value
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	found := 0
	err := stream.Tail(b.ctx, b.cluster, raw(topic), stream.TailConfig{UntilEnd: true},
		func(_ context.Context, v []byte, m stream.Meta) error {
			if want, ok := where[fmt.Sprintf("%d/%d", m.Partition, m.Offset)]; ok {
				if found++; want != string(v) {
					t.Errorf("%d@%d holds %q, the producer said %q", m.Partition, m.Offset, v, want)
				}
			}
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	if found != 400 {
		t.Errorf("%d of 400 records are where the producer said", found)
	}
}

// raw is a topic of plain bytes.
func raw(topic string) stream.Topic[[]byte] {
	return stream.Topic[[]byte]{
		Name:   topic,
		Encode: func(v []byte) ([]byte, error) { return v, nil },
		Decode: func(v []byte) ([]byte, error) { return bytes.Clone(v), nil },
	}
}

func testProduceContext(t *testing.T, b *bench) {
	topic := b.topic(t, "context", 1)
	l := newLink()
	p, err := stream.NewProducer(b.dial(t, l), stream.DefaultProducerConfig())
	if err != nil {
		t.Fatal(err)
	}
	send := func(topic string, d time.Duration) error {
		ctx, cancel := context.WithTimeout(b.ctx, d)
		defer cancel()
		start := time.Now()
		_, _, err := p.Produce(ctx, stream.Message{Topic: topic, Value: []byte("x:1")})
		if late := time.Since(start) - d; late > 2*time.Second {
			t.Errorf("produce returned %v after its deadline", late)
		}
		return err
	}
	if err := send(topic, 10*time.Second); err != nil {
		t.Fatal(err)
	}
	if err := send(b.name("missing"), 300*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("produce to a missing topic: got %v", err)
	}
	l.cut()
	if err := send(topic, 300*time.Millisecond); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, stream.ErrUnknownOutcome) {
		t.Errorf("produce without brokers: got %v", err)
	}
	done, cancel := context.WithCancel(context.Background())
	cancel()
	if err := p.Close(done); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("close without brokers: got %v", err)
	}
	if err := send(topic, time.Second); !errors.Is(err, stream.ErrClosed) {
		t.Errorf("produce after close: got %v", err)
	}
}

func testProducerClose(t *testing.T, b *bench) {
	topic := b.topic(t, "close", 2)
	p, err := stream.NewProducer(b.cluster, stream.DefaultProducerConfig())
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	acked := 0
	var wg sync.WaitGroup
	begun := make(chan struct{}, 200)
	for i := range 200 {
		wg.Go(func() {
			begun <- struct{}{}
			_, _, err := p.Produce(b.ctx, stream.Message{Topic: topic, Key: fmt.Append(nil, i), Value: []byte("v:1")})
			switch {
			case err == nil:
				mu.Lock()
				acked++
				mu.Unlock()
			case !errors.Is(err, stream.ErrClosed):
				t.Errorf("produce during close: %v", err)
			}
		})
	}
	for range 100 {
		<-begun
	}
	if err := p.Close(b.ctx); err != nil {
		t.Fatal(err)
	}
	wg.Wait()
	if n := b.written(t, topic); n < acked || acked == 0 {
		t.Errorf("topic holds %d records, %d were acknowledged", n, acked)
	}
}

func testLarge(t *testing.T, b *bench) {
	topic := b.topic(t, "large", 1)
	small := b.name("small")
	if err := b.cluster.EnsureTopics(b.ctx, stream.TopicSpec{Name: small, Partitions: 1, MaxMessageBytes: 50 << 10}); err != nil {
		t.Fatal(err)
	}
	p := b.producer(t)
	big := bytes.Repeat([]byte("0123456789"), 90<<10) // 900 KB
	for range 3 {
		if _, _, err := p.Produce(b.ctx, stream.Message{Topic: topic, Value: big}); err != nil {
			t.Fatal(err)
		}
	}
	n := 0
	err := stream.Tail(b.ctx, b.cluster, raw(topic), stream.TailConfig{UntilEnd: true},
		func(_ context.Context, v []byte, _ stream.Meta) error {
			if n++; !bytes.Equal(v, big) {
				t.Error("a large record came back changed")
			}
			return nil
		})
	if err != nil || n != b.written(t, topic) || n < 3 {
		t.Errorf("read %d large records: %v", n, err)
	}
	if _, _, err := p.Produce(b.ctx, stream.Message{Topic: topic, Value: append(big, big...)}); !errors.Is(err, stream.ErrTooLarge) {
		t.Errorf("beyond the producer's limit: got %v", err)
	}
	mixedSizes(t, b, p, small)
}

// mixedSizes writes records that only fit the topic apart, among them one that never fits.
func mixedSizes(t *testing.T, b *bench, p *stream.Producer, topic string) {
	t.Helper()
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			size := 20 << 10
			if i == 7 {
				size = 200 << 10
			}
			_, _, err := p.Produce(b.ctx, stream.Message{Topic: topic, Value: make([]byte, size)})
			if i == 7 && !errors.Is(err, stream.ErrTooLarge) {
				t.Errorf("beyond the topic's limit: got %v", err)
			}
			if i != 7 && err != nil {
				t.Errorf("beside a record that is too large: %v", err)
			}
		})
	}
	wg.Wait()
}

func testProduceFaults(t *testing.T, b *bench) {
	if b.Faults == nil {
		t.Skip("these brokers cannot be broken on purpose")
	}
	const produce = 0
	topic := b.topic(t, "faulty", 3)
	for _, f := range []Fault{
		{APIKey: produce, Topic: topic, Code: codeNotLeader, Times: 3},
		{APIKey: produce, Topic: topic, Code: codeTimedOut, Times: 4}, // the write is applied
		{APIKey: produce, Topic: topic, Code: codeNotEnoughReplicas, Times: 3},
	} {
		defer b.Faults.Fail(f)()
	}
	b.publish(t, topic, 6, 40)
	first := map[string]int{} // key -> next new sequence
	repeats := 0
	err := stream.Tail(b.ctx, b.cluster, notes(topic), stream.TailConfig{UntilEnd: true},
		func(_ context.Context, n note, _ stream.Meta) error {
			switch next := first[n.Key]; {
			case n.Seq == next:
				first[n.Key]++
			case n.Seq < next:
				repeats++
			default:
				t.Errorf("%s: %d follows %d", n.Key, n.Seq, next-1)
			}
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	for key, n := range first {
		if n != 40 {
			t.Errorf("%s: %d of 40 records", key, n)
		}
	}
	if len(first) != 6 {
		t.Errorf("%d of 6 keys", len(first))
	}
	if retries := b.metric(t, "pfr_stream_produce_retries_total"); retries < 10 || repeats == 0 {
		t.Errorf("%v retries, %d repeats: the faults did not bite", retries, repeats)
	}
}

// Kafka error codes that the suite injects.
const (
	codeNotLeader         = 6
	codeTimedOut          = 7
	codeNotCoordinator    = 16
	codeNotEnoughReplicas = 19
	codeIllegalGeneration = 22
	codeUnknownMember     = 25
	codeRebalance         = 27
)
