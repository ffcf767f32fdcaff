package app

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/parallel-fusion/pfr/consumers/deadletters"
	"github.com/parallel-fusion/pfr/internal/stream"
	"github.com/parallel-fusion/pfr/schemas"
)

// Admin is for operators: it works on the topics and joins no group.
type Admin struct {
	cfg     Config
	cluster *stream.Cluster
	log     *slog.Logger
}

// NewAdmin returns an Admin for the brokers of cfg. The caller closes it.
func NewAdmin(cfg Config, log *slog.Logger) (*Admin, error) {
	cluster, err := stream.Dial(cfg.Kafka, log, nil)
	if err != nil {
		return nil, err
	}
	return &Admin{cfg: cfg, cluster: cluster, log: log}, nil
}

// Close closes the connections.
func (a *Admin) Close() { _ = a.cluster.Close() }

// CreateTopics creates the topics that are missing and checks the others.
func (a *Admin) CreateTopics(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, a.cfg.Supervise.StartTimeout)
	defer cancel()
	return a.cluster.EnsureTopics(ctx, a.cfg.Topics.specs()...)
}

// TopicState is a topic of the pipeline as the brokers have it.
type TopicState struct {
	Name       string
	Partitions int   // 0: the topic is missing
	Records    int64 // that are retained
}

// Topics returns the state of every topic of the pipeline.
func (a *Admin) Topics(ctx context.Context) ([]TopicState, error) {
	there, err := a.cluster.ListTopics(ctx)
	if err != nil {
		return nil, err
	}
	partitions := map[string]int{}
	for _, t := range there {
		partitions[t.Name] = t.Partitions
	}
	var states []TopicState
	for _, name := range schemas.Topics() {
		s := TopicState{Name: name, Partitions: partitions[name]}
		if s.Partitions > 0 {
			offsets, err := a.cluster.Offsets(ctx, name)
			if err != nil {
				return nil, err
			}
			for _, o := range offsets {
				s.Records += o.Next - o.First
			}
		}
		states = append(states, s)
	}
	return states, nil
}

// DeadLetters hands every dead letter to f, oldest first.
func (a *Admin) DeadLetters(ctx context.Context, f func(schemas.DeadLetter) error) error {
	raw := stream.Topic[[]byte]{
		Name:   schemas.TopicDeadLetters,
		Decode: func(b []byte) ([]byte, error) { return append([]byte(nil), b...), nil },
	}
	return stream.Tail(ctx, a.cluster, raw, stream.TailConfig{UntilEnd: true}, func(_ context.Context, value []byte, m stream.Meta) error {
		d, err := deadletters.Read(deadletters.Record{Key: m.Key, Value: value, Header: m.Header})
		if err != nil {
			a.log.Warn("unreadable dead letter", "offset", m.Offset, "err", err)
			return nil
		}
		return f(d)
	})
}

// ShadowDecisions hands every retained comparison of a candidate router to f.
func (a *Admin) ShadowDecisions(ctx context.Context, f func(schemas.ShadowDecision) error) error {
	return stream.Tail(ctx, a.cluster, shadows, stream.TailConfig{UntilEnd: true},
		func(_ context.Context, d schemas.ShadowDecision, _ stream.Meta) error { return f(d) })
}

// Replay puts the record at topic, partition and offset on its topic once more, as it was,
// and returns where it lies now.
func (a *Admin) Replay(ctx context.Context, topic string, partition int, offset int64) (int, int64, error) {
	m, err := a.cluster.ReadAt(ctx, topic, partition, offset)
	if err != nil {
		return 0, 0, fmt.Errorf("original of the dead letter: %w", err)
	}
	p, err := stream.NewProducer(a.cluster, a.cfg.Produce)
	if err != nil {
		return 0, 0, err
	}
	newPartition, newOffset, err := p.Produce(ctx, stream.Message{Topic: topic, Key: m.Key, Value: m.Value, Headers: m.Headers})
	if err != nil {
		return 0, 0, fmt.Errorf("replay to %s: %w", topic, err)
	}
	cctx, cancel := context.WithTimeout(ctx, flushTimeout)
	defer cancel()
	return newPartition, newOffset, p.Close(cctx)
}
