package day

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/internal/codec"
	"github.com/parallel-fusion/pfr/internal/inproc"
	"github.com/parallel-fusion/pfr/internal/stream"
	"github.com/parallel-fusion/pfr/schemas"
)

// brokers are those of the day, in this process.
type brokers struct {
	cfg inproc.Config
	*inproc.Brokers
	cluster *stream.Cluster

	published map[cellName]schemas.SearchCounts
	revisions map[cellName]int
	next      map[string]map[int]int64
}

const partitions = 4

func startBrokers(t *testing.T) *brokers {
	t.Helper()
	cfg := inproc.DefaultConfig()
	cfg.DataDir, cfg.CleanInterval = t.TempDir(), time.Hour // retention would remove the past
	b := &brokers{cfg: cfg, published: map[cellName]schemas.SearchCounts{}, revisions: map[cellName]int{}, next: map[string]map[int]int64{}}
	var err error
	if b.Brokers, err = inproc.Start(t.Context(), cfg, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	sc := stream.DefaultConfig()
	sc.Brokers, sc.ClientID = []string{b.KafkaAddr()}, "day"
	if b.cluster, err = stream.Dial(sc, slog.New(slog.DiscardHandler), nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.cluster.Close() })
	return b
}

// restart stops the brokers, and starts them again with what they have on the disk. Whoever
// writes at the time writes some records twice.
func (b *brokers) restart(t *testing.T) {
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	again, err := inproc.Start(t.Context(), b.cfg, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Error(err)
		return
	}
	b.Brokers = again
}

func topic[T codec.Validator](name string) stream.Topic[T] {
	return stream.Topic[T]{Name: name, Encode: codec.Encode[T], Decode: codec.Decode[T]}
}

// Producing.
const (
	writers = 512            // records on their way at a time
	slice   = 10 * 60 * 1000 // of the day, in milliseconds: within one, records come in any order
)

// produce writes the day, slice after slice.
func (b *brokers) produce(t *testing.T, w *world) {
	b.awaitTopics(t)
	cfg := stream.DefaultProducerConfig()
	cfg.Compression = "lz4" // the brokers hold all of it in memory
	p, err := stream.NewProducer(b.cluster, cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := p.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	queue := make(chan record, writers)
	var pending, done sync.WaitGroup
	for range writers {
		done.Go(func() {
			for r := range queue {
				if _, _, err := p.Produce(t.Context(), w.message(t, r)); err != nil {
					t.Error(err)
				}
				pending.Done()
			}
		})
	}
	until := int64(0)
	for _, r := range w.records() {
		if r.at >= until {
			pending.Wait()
			until = r.at - r.at%slice + slice
		}
		pending.Add(1)
		queue <- r
	}
	close(queue)
	done.Wait()
}

// message returns a record in the form of its topic, with the time that it happens.
func (w *world) message(t *testing.T, r record) stream.Message {
	var name, key string
	var data []byte
	var err error
	if r.page {
		p := w.page(r.index)
		name, key = schemas.TopicSERPs, p.Key()
		data, err = codec.Encode(p)
	} else {
		i := w.interaction(r.index)
		name, key = schemas.TopicInteractions, i.Key()
		data, err = codec.Encode(i)
	}
	if err != nil {
		t.Error(err)
	}
	return stream.Message{Topic: name, Key: []byte(key), Value: data, Time: moment(r.at)}
}

// awaitTopics returns when the consumer has made the topics.
func (b *brokers) awaitTopics(t *testing.T) {
	t.Helper()
	eventually(t, "topics", func() bool {
		there, err := b.cluster.ListTopics(t.Context())
		return err == nil && len(there) >= len(schemas.Topics())
	})
}

// reference reads both topics once.
func (b *brokers) reference(t *testing.T) *reference {
	t.Helper()
	ref := newReference()
	var reading sync.WaitGroup
	reading.Go(func() { // the two share nothing of the reference
		err := stream.Tail(t.Context(), b.cluster, topic[schemas.SERP](schemas.TopicSERPs), stream.TailConfig{UntilEnd: true},
			func(_ context.Context, p schemas.SERP, _ stream.Meta) error {
				ref.takePage(&p)
				return nil
			})
		if err != nil {
			t.Error(err)
		}
	})
	err := stream.Tail(t.Context(), b.cluster, topic[schemas.Interaction](schemas.TopicInteractions), stream.TailConfig{UntilEnd: true},
		func(_ context.Context, i schemas.Interaction, _ stream.Meta) error {
			ref.takeEvent(&i)
			return nil
		})
	if err != nil {
		t.Error(err)
	}
	reading.Wait()
	ref.count()
	return ref
}

// awaitSame waits until what is published is what the reference has counted.
func (b *brokers) awaitSame(t *testing.T, ref *reference) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for tick := time.NewTicker(time.Second); ; <-tick.C {
		b.read(t)
		if len(ref.wrong(b.published, 1)) == 0 {
			return
		}
		if time.Now().After(deadline) {
			wrong := ref.wrong(b.published, len(ref.cells)+len(b.published))
			t.Fatalf("%d of %d cells are wrong; one of them: %s", len(wrong), len(ref.cells), ref.difference(wrong[0], b.published))
		}
	}
}

// read takes what was published since the last call.
func (b *brokers) read(t *testing.T) {
	t.Helper()
	b.tail(t, schemas.TopicOnlineMetrics, func(data []byte) error {
		m, err := codec.Decode[schemas.OnlineMetrics](data)
		if err != nil {
			return err
		}
		name := cellName{window: m.Window, cut: m.Cut}
		if !m.Start.IsZero() {
			name.start = m.Start.Unix()
		}
		if m.Revision >= b.revisions[name] {
			b.revisions[name], b.published[name] = m.Revision, m.Counts
		}
		return nil
	})
}

// tail hands over what has come on a topic since the last call.
func (b *brokers) tail(t *testing.T, name string, take func([]byte) error) {
	t.Helper()
	next := b.next[name]
	if next == nil {
		next = map[int]int64{}
		b.next[name] = next
	}
	raw := stream.Topic[[]byte]{Name: name, Decode: func(v []byte) ([]byte, error) { return slices.Clone(v), nil }}
	err := stream.Tail(t.Context(), b.cluster, raw, stream.TailConfig{From: stream.FromOffsets(maps.Clone(next)), UntilEnd: true},
		func(_ context.Context, v []byte, m stream.Meta) error {
			next[m.Partition] = m.Offset + 1
			return take(v)
		})
	if err != nil {
		t.Fatal(err)
	}
}

// awaitReadout returns the first readout with as many searches as there are.
func (b *brokers) awaitReadout(t *testing.T, ref *reference) (last readout) {
	t.Helper()
	eventually(t, "the last readout", func() bool {
		b.tail(t, schemas.TopicExperiments, func(data []byte) error {
			m, err := codec.Decode[schemas.ExperimentReadout](data)
			if err != nil {
				return err
			}
			last = readout{}
			return json.Unmarshal(m.Readout, &last)
		})
		return ref.complete(last)
	})
	return last
}

// patience is how long anything may take, also on a machine that has other things to do.
const patience = 10 * time.Minute

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for tick := time.NewTicker(50 * time.Millisecond); !done(); <-tick.C {
		if t.Failed() { // the consumer will not come
			t.FailNow()
		}
		if time.Now().After(deadline) {
			t.Fatalf("still no %s after %v", what, patience)
		}
	}
}
