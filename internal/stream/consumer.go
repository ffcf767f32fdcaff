package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
)

// ConsumerConfig configures one member of a group. The zero value is not valid; see
// [DefaultConsumerConfig].
type ConsumerConfig struct {
	// Group is the consumer group. A group without offsets starts at the first record.
	Group                string `yaml:"group"`
	HandlersPerPartition int    `yaml:"handlers_per_partition"` // lanes; order per key holds
	QueuePerHandler      int    `yaml:"queue_per_handler"`      // records waiting per lane

	MaxAttempts    int           `yaml:"max_attempts"`    // before a record is dead-lettered
	Backoff        Backoff       `yaml:"backoff"`         // between attempts
	HandlerTimeout time.Duration `yaml:"handler_timeout"` // of one attempt, through its context
	// StuckAfter is how long beyond HandlerTimeout a handler may ignore its context before the
	// member leaves the group with ErrStuck.
	StuckAfter time.Duration `yaml:"stuck_after"`

	CommitInterval time.Duration `yaml:"commit_interval"`
	LagInterval    time.Duration `yaml:"lag_interval"` // how often the ends of the partitions are asked for
	// DrainTimeout is how long handlers may finish what they hold when the member leaves or the
	// group rebalances. It is below RebalanceTimeout and SessionTimeout: a member that drains
	// for longer is expelled.
	DrainTimeout      time.Duration `yaml:"drain_timeout"`
	HeartbeatInterval time.Duration `yaml:"heartbeat_interval"`
	SessionTimeout    time.Duration `yaml:"session_timeout"`
	RebalanceTimeout  time.Duration `yaml:"rebalance_timeout"`
	JoinBackoff       time.Duration `yaml:"join_backoff"`
	Fetch             FetchConfig   `yaml:"fetch"`

	// DeadLetterTopic takes what cannot be handled, through Producer. Both are required.
	DeadLetterTopic string    `yaml:"dead_letter_topic"`
	Producer        *Producer `yaml:"-"`
	// Redact returns the part of a value that a dead letter may hold. Nil keeps nothing.
	Redact func(value []byte) []byte `yaml:"-"`
	// OnAssigned runs before the first fetch of a partition in each generation; state is
	// rebuilt here. It is retried until it returns nil or the generation ends. May be nil.
	OnAssigned func(ctx context.Context, partition int) error `yaml:"-"`
	// OnRevoked runs after the last commit of a partition in a generation. May be nil.
	OnRevoked func(partition int) `yaml:"-"`
}

// DefaultConsumerConfig returns settings for handlers that answer within seconds. The caller
// sets Group, DeadLetterTopic and Producer.
func DefaultConsumerConfig() ConsumerConfig {
	return ConsumerConfig{
		HandlersPerPartition: 16,
		QueuePerHandler:      16,
		MaxAttempts:          3,
		Backoff:              Backoff{Min: 50 * time.Millisecond, Max: time.Second},
		HandlerTimeout:       30 * time.Second,
		StuckAfter:           30 * time.Second,
		CommitInterval:       50 * time.Millisecond,
		LagInterval:          5 * time.Second,
		DrainTimeout:         5 * time.Second,
		HeartbeatInterval:    500 * time.Millisecond,
		SessionTimeout:       10 * time.Second,
		RebalanceTimeout:     15 * time.Second,
		JoinBackoff:          250 * time.Millisecond,
		Fetch:                DefaultFetchConfig(),
	}
}

// Validate reports every problem at once.
func (c ConsumerConfig) Validate() error {
	var errs []error
	add := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	add(c.Group == "", "group: must not be empty")
	add(c.DeadLetterTopic == "" || c.Producer == nil, "dead_letter_topic and its producer: both are needed")
	add(c.HandlersPerPartition <= 0, "handlers_per_partition %d: must be positive", c.HandlersPerPartition)
	add(c.QueuePerHandler <= 0, "queue_per_handler %d: must be positive", c.QueuePerHandler)
	add(c.MaxAttempts <= 0, "max_attempts %d: must be positive", c.MaxAttempts)
	for name, d := range map[string]time.Duration{
		"handler_timeout": c.HandlerTimeout, "stuck_after": c.StuckAfter, "commit_interval": c.CommitInterval,
		"lag_interval": c.LagInterval, "heartbeat_interval": c.HeartbeatInterval,
		"join_backoff": c.JoinBackoff, "drain_timeout": c.DrainTimeout,
	} {
		add(d <= 0, "%s %v: must be positive", name, d)
	}
	add(c.DrainTimeout >= min(c.RebalanceTimeout, c.SessionTimeout),
		"drain_timeout %v: must be below rebalance_timeout %v and session_timeout %v",
		c.DrainTimeout, c.RebalanceTimeout, c.SessionTimeout)
	add(3*c.HeartbeatInterval > c.SessionTimeout,
		"heartbeat_interval %v: must be at most a third of session_timeout %v", c.HeartbeatInterval, c.SessionTimeout)
	return errors.Join(append(errs, c.Backoff.validate("backoff"), c.Fetch.validate())...)
}

// Consumer is one member of a group. Create one per goroutine that calls Run.
type Consumer[T any] struct {
	m *member
}

// NewConsumer returns a Consumer that hands the payloads of t to h. Handlers of one key run one
// after the other, those of different keys in parallel.
func NewConsumer[T any](c *Cluster, t Topic[T], cfg ConsumerConfig, h Handler[T]) (*Consumer[T], error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("consumer of %s config: %w", t.Name, err)
	}
	open := func(value []byte) (attempt, error) {
		v, err := t.Decode(value)
		if err != nil {
			return nil, err
		}
		return func(ctx context.Context, meta Meta) error { return h(ctx, v, meta) }, nil
	}
	return &Consumer[T]{m: newMember(c, t.Name, cfg, open)}, nil
}

// Run takes part in the group until ctx ends. Then it stops fetching, lets the handlers finish
// within the drain time, commits, leaves the group and returns nil. Broker faults are retried
// for ever; the only error is ErrStuck, after leaving the group. Call Run once.
func (c *Consumer[T]) Run(ctx context.Context) error { return c.m.run(ctx) }

// attempt handles one decoded record once.
type attempt func(ctx context.Context, meta Meta) error

// member is a Consumer without its payload type.
type member struct {
	c     *Cluster
	topic string
	cfg   ConsumerConfig
	open  func(value []byte) (attempt, error)
	m     memberMetrics
}

// leaveTimeout bounds the good-bye to the group coordinator.
const leaveTimeout = 5 * time.Second

func (m *member) run(ctx context.Context) error {
	conns, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	group, err := kafka.NewConsumerGroup(m.groupConfig(conns))
	if err != nil {
		return fmt.Errorf("join group %s: %w", m.cfg.Group, err)
	}
	err = m.generations(ctx, group)
	timer := time.AfterFunc(leaveTimeout, cut)
	defer timer.Stop()
	_ = group.Close() // always nil
	return err
}

// generations serves one generation after the other until ctx ends or a handler is stuck.
func (m *member) generations(ctx context.Context, group *kafka.ConsumerGroup) error {
	for failures := 0; ctx.Err() == nil; {
		gen, err := group.Next(ctx)
		if ctx.Err() != nil && err != nil {
			return nil
		}
		if err != nil {
			failures++
			m.reportJoin(failures, err)
			pause(ctx, m.cfg.JoinBackoff)
			continue
		}
		failures = 0
		m.m.rebalances.Inc()
		t := newTerm(m, gen)
		gen.Start(func(ended context.Context) {
			t.serve(ctx, ended)
			<-ended.Done() // a generation ends as soon as one of its functions returns
		})
		<-t.served
		if t.err != nil {
			return t.err
		}
	}
	return nil
}

func (m *member) reportJoin(failures int, err error) {
	if failures == 5 {
		m.c.log.Warn("joining the group keeps ending in errors",
			keyTopic, m.topic, keyGroup, m.cfg.Group, keyError, err)
	}
}

func (m *member) groupConfig(conns context.Context) kafka.ConsumerGroupConfig {
	return kafka.ConsumerGroupConfig{
		ID: m.cfg.Group, Brokers: m.c.cfg.Brokers, Dialer: m.c.dialer(conns), Topics: []string{m.topic},
		GroupBalancers:    []kafka.GroupBalancer{kafka.RangeGroupBalancer{}},
		HeartbeatInterval: m.cfg.HeartbeatInterval, SessionTimeout: m.cfg.SessionTimeout,
		RebalanceTimeout: m.cfg.RebalanceTimeout, JoinGroupBackoff: m.cfg.JoinBackoff,
		StartOffset: kafka.FirstOffset, Timeout: m.c.cfg.RequestTimeout,
	}
}
