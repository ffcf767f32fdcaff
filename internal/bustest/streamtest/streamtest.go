// Package streamtest is the conformance suite of package stream: the delivery contract, run
// against any set of brokers.
//
// A [Harness] names the brokers under test and what can be done to them. The suite speaks to
// them through package stream alone; faults of the brokers themselves are injected through
// [Faults], where the harness has them.
package streamtest

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/parallel-fusion/pfr/internal/stream"
	"github.com/prometheus/client_golang/prometheus"
)

// Harness is a set of brokers under test.
type Harness struct {
	Brokers []string
	// Session is the shortest group session that the brokers allow, or longer.
	Session time.Duration
	// Faults breaks the brokers; nil means that they cannot be broken.
	Faults Faults
}

// Faults breaks brokers on purpose.
type Faults interface {
	// Fail makes the brokers answer requests with an error until remove is called or f.Times
	// requests have failed.
	Fail(f Fault) (remove func())
	// MoveLeader gives a partition to another broker.
	MoveLeader(topic string, partition int) error
}

// Fault selects requests by Kafka API key and topic or group.
type Fault struct {
	APIKey int16
	Topic  string // "" means any
	Group  string // "" means any
	Code   int16  // the Kafka error code to answer
	Times  int    // 0 means until removed
}

// Run checks every promise of package stream. open is called once per test.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	tests := []struct {
		name string
		run  func(*testing.T, *bench)
	}{
		{"TopicsAreEnsured", testTopics},
		{"ProduceReturnsTheOffset", testProduce},
		{"ProduceHonoursItsContext", testProduceContext},
		{"CloseFlushes", testProducerClose},
		{"LargeMessages", testLarge},
		{"OrderPerKey", testOrder},
		{"HeadersAndMetaArrive", testHeaders},
		{"RedeliversAfterCrash", testCrash},
		{"NoSkipOverJoinsAndLeaves", testRebalance},
		{"StaleGenerationCannotCommit", testStale},
		{"DrainsOnClose", testDrain},
		{"CutsOffAfterDrainTime", testCutOff},
		{"StuckHandlerLeavesTheGroup", testStuck},
		{"AssignmentIsPrepared", testAssigned},
		{"OneHoldsTheLease", testLease},
		{"LeaseEndsWithItsWork", testLeaseEnds},
		{"PoisonMovesOn", testPoison},
		{"MissingDeadLetterTopicBlocks", testBlocked},
		{"TailReads", testTail},
		{"ReadAt", testReadAt},
		{"ProducerSurvivesFaults", testProduceFaults},
		{"ConsumerSurvivesFaults", testConsumeFaults},
		{"LeaderMoves", testLeaderMove},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.run(t, newBench(t, open(t)))
		})
	}
}

// patience bounds every wait of the suite.
const patience = 60 * time.Second

// bench is the equipment of one test.
type bench struct {
	Harness
	ctx     context.Context
	reg     *prometheus.Registry
	cluster *stream.Cluster
	p       *stream.Producer // made by the first call of producer
	suffix  string
}

func newBench(t *testing.T, h Harness) *bench {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	b := &bench{Harness: h, ctx: ctx, reg: prometheus.NewRegistry(), suffix: uuid.NewString()[:8]}
	b.cluster = b.dial(t, nil)
	return b
}

// dial connects; link may be nil.
func (b *bench) dial(t *testing.T, l *link) *stream.Cluster {
	t.Helper()
	cfg := stream.DefaultConfig()
	cfg.Brokers = b.Brokers
	cfg.MetadataTTL = 200 * time.Millisecond
	if l != nil {
		cfg.Dial = l.dial
	}
	c, err := stream.Dial(cfg, slog.New(slog.DiscardHandler), b.reg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// over returns the bench with its cluster reached through l.
func (b *bench) over(t *testing.T, l *link) *bench {
	t.Helper()
	other := *b
	other.cluster = b.dial(t, l)
	return &other
}

// topic creates a topic of its own for the test.
func (b *bench) topic(t *testing.T, name string, partitions int) string {
	t.Helper()
	name = b.name(name)
	if err := b.cluster.EnsureTopics(b.ctx, stream.TopicSpec{Name: name, Partitions: partitions}); err != nil {
		t.Fatal(err)
	}
	return name
}

func (b *bench) name(s string) string { return "pfr-test." + s + "." + b.suffix }

// producer closes with the test. It is patient with brokers that share their machine: an attempt
// that times out is repeated, and most tests count records.
func (b *bench) producer(t *testing.T) *stream.Producer {
	t.Helper()
	if b.p != nil {
		return b.p
	}
	cfg := stream.DefaultProducerConfig()
	cfg.AttemptTimeout = 10 * time.Second
	p, err := stream.NewProducer(b.cluster, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := p.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	b.p = p
	return p
}

// note is the payload of the suite.
type note struct {
	Key string
	Seq int
}

func notes(topic string) stream.Topic[note] {
	return stream.Topic[note]{
		Name:   topic,
		Key:    func(n note) string { return n.Key },
		Encode: func(n note) ([]byte, error) { return fmt.Appendf(nil, "%s:%d", n.Key, n.Seq), nil },
		Decode: decodeNote,
	}
}

func decodeNote(b []byte) (note, error) {
	key, seq, ok := strings.Cut(string(b), ":")
	n, err := strconv.Atoi(seq)
	if !ok || err != nil {
		return note{}, fmt.Errorf("note of %d bytes: want key:sequence", len(b))
	}
	return note{key, n}, nil
}

// config returns a quick consumer for the group of this test.
func (b *bench) config(p *stream.Producer, deadLetters string) stream.ConsumerConfig {
	cfg := stream.DefaultConsumerConfig()
	cfg.Group = "group-" + b.suffix
	cfg.DeadLetterTopic, cfg.Producer = deadLetters, p
	cfg.SessionTimeout = b.Session
	cfg.RebalanceTimeout = b.Session
	cfg.DrainTimeout = b.Session * 2 / 3
	cfg.HeartbeatInterval = b.Session / 6
	cfg.JoinBackoff = 100 * time.Millisecond
	cfg.CommitInterval = 20 * time.Millisecond
	cfg.LagInterval = 200 * time.Millisecond
	cfg.Backoff = stream.Backoff{Min: 5 * time.Millisecond, Max: 20 * time.Millisecond}
	return cfg
}

// membership is a running consumer.
type membership struct {
	stop context.CancelFunc
	done chan error
}

// join runs a consumer until leave, or until the test ends.
func (b *bench) join(t *testing.T, topic string, cfg stream.ConsumerConfig, h stream.Handler[note]) *membership {
	t.Helper()
	consumer, err := stream.NewConsumer(b.cluster, notes(topic), cfg, h)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	m := &membership{stop: stop, done: make(chan error, 1)}
	finished := make(chan struct{})
	go func() {
		defer close(finished)
		m.done <- consumer.Run(ctx)
	}()
	t.Cleanup(func() { stop(); <-finished })
	return m
}

// leave ends a membership and waits for it.
func (m *membership) leave(t *testing.T) {
	t.Helper()
	m.stop()
	select {
	case err := <-m.done:
		if err != nil {
			t.Errorf("leave: %v", err)
		}
	case <-time.After(patience):
		t.Fatal("leave: still running")
	}
}

// publish writes seq 0..n-1 for each key, the keys in parallel, each key in order.
func (b *bench) publish(t *testing.T, topic string, keys, n int) {
	t.Helper()
	pub := stream.NewPublisher(b.producer(t), notes(topic))
	var failed atomic.Int64
	done := make(chan struct{})
	for k := range keys {
		go func() {
			defer func() { done <- struct{}{} }()
			for seq := range n {
				if err := pub.Publish(b.ctx, note{"k" + strconv.Itoa(k), seq}); err != nil {
					failed.Add(1)
				}
			}
		}()
	}
	for range keys {
		<-done
	}
	if n := failed.Load(); n > 0 {
		t.Fatalf("publish: %d records were not acknowledged", n)
	}
}

// eventually polls until cond holds.
func (b *bench) eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !cond() {
		select {
		case <-tick.C:
		case <-b.ctx.Done():
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

// committedAll reports whether the group has committed the end of every partition.
func (b *bench) committedAll(group, topic string) bool {
	committed, err := b.cluster.Committed(b.ctx, group, topic)
	if err != nil {
		return false
	}
	bounds, err := b.cluster.Offsets(b.ctx, topic)
	if err != nil {
		return false
	}
	for p, c := range committed {
		if max(c, 0) != bounds[p].Next {
			return false
		}
	}
	return true
}

// written returns the number of records on a topic. It can exceed the number of acknowledged
// ones: an attempt that timed out may have been applied.
func (b *bench) written(t *testing.T, topic string) int {
	t.Helper()
	bounds, err := b.cluster.Offsets(b.ctx, topic)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, p := range bounds {
		n += int(p.Next)
	}
	return n
}

// metric sums the samples of a counter or gauge over its labels.
func (b *bench) metric(t *testing.T, name string) float64 {
	t.Helper()
	families, err := b.reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	return sum
}
