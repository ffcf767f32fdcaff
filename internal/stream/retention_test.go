package stream_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/internal/stream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/twmb/franz-go/pkg/kfake"
)

// TestRetentionOvertakesReader lets a broker delete records that a reader still wants: they are
// counted as lost, and reading goes on with what is left.
func TestRetentionOvertakesReader(t *testing.T) {
	fake, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	cfg := stream.DefaultConfig()
	cfg.Brokers = fake.ListenAddrs()
	reg := prometheus.NewRegistry()
	c, err := stream.Dial(cfg, slog.New(slog.DiscardHandler), reg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.EnsureTopics(t.Context(), stream.TopicSpec{Name: "short", Partitions: 1, Retention: time.Minute}); err != nil {
		t.Fatal(err)
	}
	p, err := stream.NewProducer(c, stream.DefaultProducerConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close(context.Background()) })
	put := func(n int, age time.Duration) {
		for i := range n {
			m := stream.Message{Topic: "short", Value: fmt.Append(nil, i), Time: time.Now().Add(-age)}
			if _, _, err := p.Produce(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
	}
	put(7, time.Hour)
	fake.ApplyRetention()
	put(3, 0)

	bytes := stream.Topic[string]{Name: "short", Decode: func(b []byte) (string, error) { return string(b), nil }}
	var got []int64
	err = stream.Tail(t.Context(), c, bytes, stream.TailConfig{From: stream.FromOffsets(map[int]int64{0: 2}), UntilEnd: true},
		func(_ context.Context, _ string, m stream.Meta) error {
			got = append(got, m.Offset)
			return nil
		})
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got) != "[7 8 9]" {
		t.Errorf("read offsets %v, want the three that are left", got)
	}
	want := `
		# HELP pfr_stream_lost_records_total Records that retention deleted before they were read.
		# TYPE pfr_stream_lost_records_total counter
		pfr_stream_lost_records_total{topic="short"} 5
	`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "pfr_stream_lost_records_total"); err != nil {
		t.Error(err)
	}
	if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
		t.Errorf("metric names: %v %v", problems, err)
	}
}
