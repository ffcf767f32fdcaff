package stream_test

import (
	"context"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/internal/bustest/streamtest"
	"github.com/parallel-fusion/pfr/internal/stream"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
)

// The promises of the producer: an idle write costs at most twice a raw request of one record,
// and 64 callers get at least three times the throughput of kafka.Writer with its linger timer
// at the shortest useful setting.
const (
	idleBound       = 2.0
	throughputBound = 3.0
)

// rig holds three ways to write a record to the same brokers.
type rig struct {
	topic     string
	own       func(ctx context.Context, key []byte) error
	rawClient func(ctx context.Context, key []byte) error
	writer    func(ctx context.Context, key []byte) error
}

var payload = []byte(strings.Repeat("x", 512))

// fakeBroker starts an in-process broker that stores nothing.
func fakeBroker(t testing.TB) []string {
	t.Helper()
	fake, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.BlackholeProduce())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	return fake.ListenAddrs()
}

// anyBroker returns the brokers of PFR_TEST_KAFKA, or else an in-process one.
func anyBroker(t testing.TB) []string {
	t.Helper()
	if addrs := os.Getenv(streamtest.EnvKafka); addrs != "" {
		return strings.Split(addrs, ",")
	}
	return fakeBroker(t)
}

func newRig(t testing.TB, addrs []string) *rig {
	t.Helper()
	cfg := stream.DefaultConfig()
	cfg.Brokers = addrs
	c, err := stream.Dial(cfg, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	r := &rig{topic: "pfr-test.ratio." + strconv.FormatInt(time.Now().UnixNano(), 36)}
	if err := c.EnsureTopics(t.Context(), stream.TopicSpec{Name: r.topic, Partitions: 4}); err != nil {
		t.Fatal(err)
	}
	p, err := stream.NewProducer(c, stream.DefaultProducerConfig())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close(context.Background()) })
	r.own = func(ctx context.Context, key []byte) error {
		_, _, err := p.Produce(ctx, stream.Message{Topic: r.topic, Key: key, Value: payload})
		return err
	}
	r.connectRivals(t, addrs)
	return r
}

func (r *rig) connectRivals(t testing.TB, addrs []string) {
	t.Helper()
	transport := &kafka.Transport{MetadataTTL: time.Second}
	t.Cleanup(transport.CloseIdleConnections)
	client := &kafka.Client{Addr: kafka.TCP(addrs...), Transport: transport}
	r.rawClient = func(ctx context.Context, key []byte) error {
		res, err := client.Produce(ctx, &kafka.ProduceRequest{
			Topic: r.topic, RequiredAcks: kafka.RequireAll,
			Records: kafka.NewRecordReader(kafka.Record{Time: time.Now(), Key: kafka.NewBytes(key), Value: kafka.NewBytes(payload)}),
		})
		if err == nil {
			err = res.Error
		}
		return err
	}
	w := &kafka.Writer{
		Addr: kafka.TCP(addrs...), Topic: r.topic, Transport: transport, Balancer: kafka.Murmur2Balancer{},
		RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond, BatchSize: 100,
	}
	t.Cleanup(func() { _ = w.Close() })
	r.writer = func(ctx context.Context, key []byte) error {
		return w.WriteMessages(ctx, kafka.Message{Key: key, Value: payload})
	}
}

// idle returns the median time of n writes, one after the other.
func idle(t testing.TB, n int, write func(context.Context, []byte) error) time.Duration {
	t.Helper()
	took := make([]time.Duration, n)
	for i := range took {
		start := time.Now()
		if err := write(t.Context(), []byte("key")); err != nil {
			t.Fatal(err)
		}
		took[i] = time.Since(start)
	}
	slices.Sort(took)
	return took[n/2]
}

// crowd returns the writes per second of 64 callers over d.
func crowd(t testing.TB, d time.Duration, write func(context.Context, []byte) error) float64 {
	t.Helper()
	const callers = 64
	counts := make([]int, callers)
	start := time.Now()
	var wg sync.WaitGroup
	for c := range callers {
		wg.Go(func() {
			key := []byte("key" + strconv.Itoa(c))
			for time.Since(start) < d {
				if err := write(t.Context(), key); err != nil {
					t.Error(err)
					return
				}
				counts[c]++
			}
		})
	}
	wg.Wait()
	total := 0
	for _, n := range counts {
		total += n
	}
	return float64(total) / time.Since(start).Seconds()
}

func median(v []float64) float64 {
	slices.Sort(v)
	return v[len(v)/2]
}

// TestProducerRatios measures both promises in interleaved rounds, so that a busy machine slows
// both sides of a ratio. The broker is the in-process one: with Kafka on the same machine the
// broker's own use of the processor hides the difference. It runs when PFR_TEST_RATIOS is set: a measurement beside other
// packages' tests would say nothing.
func TestProducerRatios(t *testing.T) {
	if os.Getenv("PFR_TEST_RATIOS") == "" {
		t.Skip("PFR_TEST_RATIOS is not set: the ratios are measured alone")
	}
	r := newRig(t, fakeBroker(t))
	crowd(t, 200*time.Millisecond, r.own) // warm up
	crowd(t, 200*time.Millisecond, r.writer)
	idle(t, 100, r.rawClient)
	var idleRatios, crowdRatios []float64
	for range 7 {
		raw, own := idle(t, 300, r.rawClient), idle(t, 300, r.own)
		idleRatios = append(idleRatios, float64(own)/float64(raw))
		theirs, ours := crowd(t, 400*time.Millisecond, r.writer), crowd(t, 400*time.Millisecond, r.own)
		crowdRatios = append(crowdRatios, ours/theirs)
		t.Logf("idle p50 raw %v own %v; 64 callers writer %.0f/s own %.0f/s", raw, own, theirs, ours)
	}
	t.Logf("medians: idle %.2f, 64 callers %.2f", median(idleRatios), median(crowdRatios))
	if got := median(idleRatios); got > idleBound {
		t.Errorf("an idle write takes %.2f times a raw request, at most %v is promised", got, idleBound)
	}
	if got := median(crowdRatios); got < throughputBound {
		t.Errorf("64 callers get %.2f times the throughput of kafka.Writer, %v is promised", got, throughputBound)
	}
}

// BenchmarkIdle writes one record after the other.
func BenchmarkIdle(b *testing.B) {
	r := newRig(b, anyBroker(b))
	for name, write := range map[string]func(context.Context, []byte) error{"raw": r.rawClient, "own": r.own} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := write(b.Context(), []byte("key")); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkCrowd writes from 64 callers.
func BenchmarkCrowd(b *testing.B) {
	r := newRig(b, anyBroker(b))
	for name, write := range map[string]func(context.Context, []byte) error{"writer": r.writer, "own": r.own} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			share := make(chan struct{}, 64)
			var wg sync.WaitGroup
			for i := range 64 {
				wg.Go(func() {
					key := []byte("key" + strconv.Itoa(i))
					for range share {
						if err := write(b.Context(), key); err != nil {
							b.Error(err)
						}
					}
				})
			}
			for b.Loop() {
				share <- struct{}{}
			}
			close(share)
			wg.Wait()
		})
	}
}
