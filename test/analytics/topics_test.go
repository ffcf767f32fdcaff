package analytics

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/internal/codec"
	"github.com/parallel-fusion/pfr/internal/stream"
	"github.com/parallel-fusion/pfr/schemas"
)

// topics are those of one test, on real brokers.
type topics struct {
	cluster                             *stream.Cluster
	pages, events, metrics, latencyBins string
}

// partitions of the topics that are joined.
const partitions = 4

func openTopics(t *testing.T) *topics {
	t.Helper()
	cfg := stream.DefaultConfig()
	cfg.Brokers = strings.Split(brokers(t), ",")
	cluster, err := stream.Dial(cfg, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	suffix := fmt.Sprintf(".%s.%d", strings.ToLower(t.Name()), time.Now().UnixNano())
	s := &topics{
		cluster: cluster, pages: schemas.TopicSERPs + suffix, events: schemas.TopicInteractions + suffix,
		metrics: schemas.TopicOnlineMetrics + suffix, latencyBins: "latency" + suffix,
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	err = cluster.EnsureTopics(ctx,
		stream.TopicSpec{Name: s.pages, Partitions: partitions}, stream.TopicSpec{Name: s.events, Partitions: partitions},
		stream.TopicSpec{Name: s.metrics, Partitions: 1, Compact: true},
		stream.TopicSpec{Name: s.latencyBins, Partitions: 1, Compact: true},
	)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// write puts a world on the topics, each record under the time at which it was written, and
// records that mean nothing.
func (s *topics) write(t *testing.T, w world) {
	t.Helper()
	p, err := stream.NewProducer(s.cluster, stream.DefaultProducerConfig())
	if err != nil {
		t.Fatal(err)
	}
	var records []stream.Message
	for _, page := range w.pages {
		records = append(records, record(t, page, stream.Message{Topic: s.pages, Key: []byte(page.Key()), Time: page.CreatedAt}))
	}
	for _, e := range w.events {
		records = append(records, record(t, e, stream.Message{Topic: s.events, Key: []byte(e.Key()), Time: e.ReceivedAt}))
	}
	for _, poison := range []string{"no JSON", "[]", "{}", `{"correlation_id":7,"query_id":[],"created_at":"soon","timings":"long"}`} {
		for _, topic := range []string{s.pages, s.events} {
			records = append(records, stream.Message{Topic: topic, Key: []byte(poison), Value: []byte(poison)})
		}
	}
	s.produce(t, p, records)
	if err := p.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// produce writes records in their order, but for those of one handful among each other: as
// several gateways would, whose records of the same half hour overtake each other.
func (s *topics) produce(t *testing.T, p *stream.Producer, records []stream.Message) {
	t.Helper()
	const handful, overlap = 32, 30 * time.Minute
	for len(records) > 0 {
		n := 1
		for n < min(handful, len(records)) && records[n].Time.Sub(records[0].Time).Abs() < overlap {
			n++
		}
		var wg sync.WaitGroup
		for _, m := range records[:n] {
			wg.Go(func() {
				if _, _, err := p.Produce(t.Context(), m); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		records = records[n:]
	}
}

func record[T codec.Validator](t *testing.T, v T, m stream.Message) stream.Message {
	t.Helper()
	b, err := codec.Encode(v)
	if err != nil {
		t.Fatal(err)
	}
	m.Value = b
	return m
}

// latest reads a topic to its end and returns the last value of each key, and how many
// records there were.
func latest[T any](t *testing.T, s *topics, topic string) (last map[string]T, records int) {
	t.Helper()
	last = map[string]T{}
	as := stream.Topic[*T]{Name: topic, Decode: func(b []byte) (*T, error) {
		if len(b) == 0 {
			return nil, nil // the key is withdrawn
		}
		v := new(T)
		return v, codec.Unmarshal(b, v)
	}}
	cfg := stream.TailConfig{UntilEnd: true, Bad: func(m stream.Message, err error) { t.Errorf("%s at %d: %v", m.Key, m.Offset, err) }}
	err := stream.Tail(t.Context(), s.cluster, as, cfg, func(_ context.Context, v *T, m stream.Meta) error {
		records++
		if v == nil {
			delete(last, string(m.Key))
			return nil
		}
		last[string(m.Key)] = *v
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return last, records
}
