package app

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/internal/inproc"
	"github.com/parallel-fusion/pfr/internal/stream"
	"github.com/parallel-fusion/pfr/schemas"
)

// TestWindowBegins wants the offset at which a window begins: none of its records lies
// before it, and no more than those of a minute are read besides.
func TestWindowBegins(t *testing.T) {
	quiet := slog.New(slog.DiscardHandler)
	brokers, err := inproc.Start(t.Context(), inproc.DefaultConfig(), quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := brokers.Close(); err != nil {
			t.Error(err)
		}
	})
	cfg := DefaultConfig()
	cfg.Kafka.Brokers = []string{brokers.KafkaAddr()}
	a, err := NewAdmin(cfg, quiet)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	if err := a.CreateTopics(t.Context()); err != nil {
		t.Fatal(err)
	}
	producer, err := stream.NewProducer(a.cluster, cfg.Produce)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := producer.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	begin := time.Now().Add(-100 * time.Minute).Truncate(time.Millisecond)
	partition := 0
	for i := range 100 { // one a minute, all of one partition
		m := stream.Message{Topic: schemas.TopicQueries, Key: []byte("k"), Value: []byte("{}"), Time: begin.Add(time.Duration(i) * time.Minute)}
		if partition, _, err = producer.Produce(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	for minute, want := range map[int]int64{-50: 0, 0: 0, 1: 0, 2: 1, 50: 49, 99: 98, 101: 100, 500: 100} {
		t.Run(fmt.Sprint("minute ", minute), func(t *testing.T) {
			ends, err := a.cluster.Offsets(t.Context(), schemas.TopicQueries)
			if err != nil {
				t.Fatal(err)
			}
			w := window{a.cluster, quiet, begin.Add(time.Duration(minute) * time.Minute)}
			got, err := w.search(t.Context(), schemas.TopicQueries, partition, ends[partition])
			if err != nil || got != want {
				t.Errorf("offset %d, want %d: %v", got, want, err)
			}
		})
	}
}
