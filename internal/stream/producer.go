package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/parallel-fusion/pfr/internal/telemetry"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
)

// ProducerConfig configures a Producer. The zero value is not valid; see
// [DefaultProducerConfig].
type ProducerConfig struct {
	QueueDepth      int           `yaml:"queue_depth"`       // records waiting per partition before Produce blocks
	MaxBatch        int           `yaml:"max_batch"`         // records per request
	MaxBatchBytes   int           `yaml:"max_batch_bytes"`   // bytes per request, but for one larger record
	MaxMessageBytes int           `yaml:"max_message_bytes"` // larger records are refused at once
	AttemptTimeout  time.Duration `yaml:"attempt_timeout"`   // one request
	DeliveryTimeout time.Duration `yaml:"delivery_timeout"`  // all attempts, unless the context ends earlier
	Backoff         Backoff       `yaml:"backoff"`           // between attempts
	Compression     string        `yaml:"compression"`       // none, gzip, snappy, lz4 or zstd
}

// DefaultProducerConfig returns the settings for small JSON records.
func DefaultProducerConfig() ProducerConfig {
	return ProducerConfig{
		QueueDepth:      1024,
		MaxBatch:        500,
		MaxBatchBytes:   900 << 10,
		MaxMessageBytes: 1000 << 10,
		AttemptTimeout:  2 * time.Second,
		DeliveryTimeout: 30 * time.Second,
		Backoff:         Backoff{Min: 20 * time.Millisecond, Max: 250 * time.Millisecond},
		Compression:     "none",
	}
}

// Validate reports every problem at once.
func (c ProducerConfig) Validate() error {
	var errs []error
	for name, n := range map[string]int{
		"queue_depth": c.QueueDepth, "max_batch": c.MaxBatch, "max_batch_bytes": c.MaxBatchBytes,
		"max_message_bytes": c.MaxMessageBytes,
	} {
		if n <= 0 {
			errs = append(errs, fmt.Errorf("%s %d: must be positive", name, n))
		}
	}
	if c.AttemptTimeout <= 0 || c.DeliveryTimeout < c.AttemptTimeout {
		errs = append(errs, fmt.Errorf("attempt_timeout %v, delivery_timeout %v: must be positive and ascending",
			c.AttemptTimeout, c.DeliveryTimeout))
	}
	if _, err := codecOf(c.Compression); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(append(errs, c.Backoff.validate("backoff"))...)
}

func codecOf(name string) (kafka.Compression, error) {
	switch name {
	case "none":
		return 0, nil
	case "gzip":
		return kafka.Gzip, nil
	case "snappy":
		return kafka.Snappy, nil
	case "lz4":
		return kafka.Lz4, nil
	case "zstd":
		return kafka.Zstd, nil
	default:
		return 0, fmt.Errorf("compression %q: none, gzip, snappy, lz4 or zstd", name)
	}
}

// Producer writes records with acks=all. It is safe for concurrent use.
type Producer struct {
	c     *Cluster
	cfg   ProducerConfig
	codec kafka.Compression
	log   *slog.Logger

	ctx    context.Context // ends when Close gives up on what is queued
	abort  context.CancelFunc
	lanes  sync.WaitGroup
	closed chan struct{} // closed at the start of Close
	topics sync.Map      // name -> *target
	writes writes

	mu      sync.RWMutex
	closing bool
	senders sync.WaitGroup
	queues  map[queueKey]*queue
}

type queueKey struct {
	topic     string
	partition int
}

// NewProducer returns a Producer on c. Close it before c.
func NewProducer(c *Cluster, cfg ProducerConfig) (*Producer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("producer config: %w", err)
	}
	codec, err := codecOf(cfg.Compression)
	if err != nil {
		return nil, err
	}
	ctx, abort := context.WithCancel(context.Background())
	return &Producer{
		c: c, cfg: cfg, codec: codec, log: c.log,
		ctx: ctx, abort: abort, closed: make(chan struct{}), queues: map[queueKey]*queue{},
	}, nil
}

// Produce writes m and blocks until every replica has it, ctx ends or the delivery timeout is
// over. The partition is murmur2 of the key, as the Java client picks it. It blocks, too, while
// the queue of the partition is full. After an error that wraps ErrUnknownOutcome the record may
// be on the topic all the same. Retries may write a record twice.
func (p *Producer) Produce(ctx context.Context, m Message) (partition int, offset int64, err error) {
	deadline := time.Now().Add(p.cfg.DeliveryTimeout)
	to, err := p.target(ctx, m.Topic, deadline)
	if err != nil {
		p.c.m.produceErrors.WithLabelValues(m.Topic).Inc()
		return 0, 0, fmt.Errorf("produce to %s: %w", m.Topic, err)
	}
	ctx, end := telemetry.Start(ctx, to.span, telemetry.Producer)
	defer func() { end(err) }()
	telemetry.Inject(ctx, func(k, v string) {
		m.Headers = append(slices.Clip(m.Headers), Header{Key: k, Value: []byte(v)})
	})
	start := time.Now()
	partition = partitionOf(m.Key, to.partitions)
	offset, err = p.write(p.writes.get(ctx, m, deadline), partition)
	if err != nil {
		to.failed.Inc()
		return 0, 0, fmt.Errorf("produce to %s: %w", m.Topic, err)
	}
	to.took.Observe(time.Since(start).Seconds())
	return partition, offset, nil
}

func (p *Producer) write(w *write, partition int) (offset int64, err error) {
	if n := w.msg.size(); n > p.cfg.MaxMessageBytes {
		return 0, fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, n, p.cfg.MaxMessageBytes)
	}
	ctx := w.ctx
	if err := p.enqueue(w, partition); err != nil {
		return 0, err
	}
	select {
	case r := <-w.done:
		if r.clean {
			p.writes.put(w)
		}
		return r.offset, r.err
	case <-ctx.Done():
		return 0, fmt.Errorf("%w: %w", ErrUnknownOutcome, ctx.Err())
	}
}

// enqueue hands w to the queue of its partition, or fails when the producer closes first.
func (p *Producer) enqueue(w *write, partition int) error {
	q, err := p.queueOf(queueKey{w.msg.Topic, partition})
	if err != nil {
		return err
	}
	defer p.senders.Done()
	select {
	case q.in <- w:
		q.depth.Inc()
		return nil
	case <-w.ctx.Done():
		return fmt.Errorf("queue full: %w", w.ctx.Err())
	case <-p.closed:
		return ErrClosed
	}
}

// queueOf returns the queue of a partition and counts the caller as a sender.
func (p *Producer) queueOf(k queueKey) (*queue, error) {
	p.mu.RLock()
	q, closing := p.queues[k], p.closing
	if q != nil && !closing {
		p.senders.Add(1)
	}
	p.mu.RUnlock()
	if closing {
		return nil, ErrClosed
	}
	if q != nil {
		return q, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closing {
		return nil, ErrClosed
	}
	if q = p.queues[k]; q == nil {
		q = newQueue(p, k)
		p.queues[k] = q
		p.lanes.Go(q.run)
	}
	p.senders.Add(1)
	return q, nil
}

// target is what a producer knows about a topic.
type target struct {
	partitions int
	span       string
	took       prometheus.Observer
	failed     prometheus.Counter
}

// target looks topic up; it waits for a topic that is being created.
func (p *Producer) target(ctx context.Context, topic string, deadline time.Time) (*target, error) {
	if known, ok := p.topics.Load(topic); ok {
		if to, ok := known.(*target); ok {
			return to, nil
		}
	}
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	for attempt := 1; ; attempt++ {
		n, err := p.c.partitions(ctx, topic)
		if err == nil && n > 0 {
			to := &target{
				partitions: n, span: "produce " + topic,
				took: p.c.m.produceTime.WithLabelValues(topic), failed: p.c.m.produceErrors.WithLabelValues(topic),
			}
			p.topics.Store(topic, to)
			return to, nil
		}
		if err != nil && !retryable(err) {
			return nil, err
		}
		if !pause(ctx, p.cfg.Backoff.after(attempt)) {
			return nil, errors.Join(err, ctx.Err())
		}
	}
}

// Close refuses new records, sends what was accepted and waits for it until ctx ends; then it
// gives up the rest, whose callers get an error, and returns an error itself. Only the first
// call does the work.
func (p *Producer) Close(ctx context.Context) error {
	p.mu.Lock()
	if p.closing {
		p.mu.Unlock()
		return nil
	}
	p.closing = true
	p.mu.Unlock()
	close(p.closed)
	p.senders.Wait()
	for _, q := range p.queues { // nobody adds queues any more
		close(q.in)
	}
	stop := context.AfterFunc(ctx, p.abort)
	p.lanes.Wait()
	p.abort()
	if !stop() {
		return fmt.Errorf("flush producer: %w", ctx.Err())
	}
	return nil
}
