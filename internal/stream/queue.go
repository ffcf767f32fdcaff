package stream

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
)

// write is a record on its way to a partition.
type write struct {
	msg      Message
	ctx      context.Context // of the caller
	deadline time.Time
	sent     bool         // an attempt may have reached the broker
	done     chan outcome // buffered: the queue never waits for a caller
}

type outcome struct {
	offset int64
	err    error
	// clean says that the first attempt succeeded, so nothing else holds the write any more.
	clean bool
}

// writes recycles what the usual write leaves behind.
type writes struct{ pool sync.Pool }

func (ws *writes) get(ctx context.Context, m Message, deadline time.Time) *write {
	w, ok := ws.pool.Get().(*write)
	if !ok {
		w = &write{done: make(chan outcome, 1)}
	}
	w.msg, w.ctx, w.deadline, w.sent = m, ctx, deadline, false
	return w
}

func (ws *writes) put(w *write) {
	w.msg, w.ctx = Message{}, nil
	ws.pool.Put(w)
}

// expired reports why w is not worth sending any more, or nil.
func (w *write) expired(now time.Time) error {
	if err := w.ctx.Err(); err != nil {
		return err
	}
	if now.After(w.deadline) {
		return context.DeadlineExceeded
	}
	return nil
}

// queue sends the records of one partition, one batch at a time. Batches have no timer: each
// holds what queued up while the one before it travelled.
type queue struct {
	p    *Producer
	key  queueKey
	in   chan *write
	held *write // taken from in, but too big for the current batch

	depth    prometheus.Gauge
	produced prometheus.Counter
	retries  prometheus.Counter
	sizes    prometheus.Observer
}

func newQueue(p *Producer, k queueKey) *queue {
	return &queue{
		p: p, key: k, in: make(chan *write, p.cfg.QueueDepth),
		depth:    p.c.m.queueDepth.WithLabelValues(k.topic),
		produced: p.c.m.produced.WithLabelValues(k.topic),
		retries:  p.c.m.produceRetries.WithLabelValues(k.topic),
		sizes:    p.c.m.batchSize.WithLabelValues(k.topic),
	}
}

// run sends until the queue is closed and empty.
func (q *queue) run() {
	batch := make([]*write, 0, q.p.cfg.MaxBatch)
	for {
		first := q.held
		q.held = nil
		if first == nil {
			w, open := <-q.in
			if !open {
				return
			}
			first = w
		}
		batch = q.collect(append(batch[:0], first))
		q.deliver(batch)
		q.depth.Sub(float64(len(batch)))
		clear(batch)
	}
}

// collect adds what is queued already, within the limits of a batch. It yields once: the callers
// that the last batch woke are about to queue their next records, and the first of them wakes
// this goroutine before the others had their turn. On an idle process yielding costs nothing.
func (q *queue) collect(batch []*write) []*write {
	runtime.Gosched()
	size := batch[0].msg.size()
	for len(batch) < q.p.cfg.MaxBatch {
		select {
		case w, open := <-q.in:
			if !open {
				return batch
			}
			if size += w.msg.size(); size > q.p.cfg.MaxBatchBytes {
				q.held = w
				return batch
			}
			batch = append(batch, w)
		default:
			return batch
		}
	}
	return batch
}

// deliver sends batch until it is acknowledged, refused for good, or nobody waits for it. A
// batch that is too large for the topic, or that holds a record the broker refuses, is halved
// until the culprit stands alone.
func (q *queue) deliver(batch []*write) {
	for attempt := 1; ; attempt++ {
		if batch = q.dropExpired(batch); len(batch) == 0 {
			return
		}
		base, err := q.send(batch)
		switch {
		case err == nil:
			q.acknowledge(batch, base, attempt == 1)
			return
		case len(batch) > 1 && (tooLarge(err) || errors.Is(err, kafka.InvalidRecord)):
			half := len(batch) / 2
			q.deliver(batch[:half])
			q.deliver(batch[half:])
			return
		case !retryable(err) || q.p.ctx.Err() != nil:
			q.fail(batch, err)
			return
		}
		q.retries.Inc()
		q.p.log.Debug("produce attempt ended in an error", keyTopic, q.key.topic,
			keyPartition, q.key.partition, keyAttempt, attempt, keyError, err)
		pause(q.p.ctx, q.p.cfg.Backoff.after(attempt))
	}
}

// dropExpired answers the writes whose time is over and returns the others, in order.
func (q *queue) dropExpired(batch []*write) []*write {
	now := time.Now()
	kept := batch[:0]
	for _, w := range batch {
		err := w.expired(now)
		switch {
		case err == nil:
			kept = append(kept, w)
		case w.sent:
			w.done <- outcome{err: fmt.Errorf("%w: %w", ErrUnknownOutcome, err)}
		default:
			w.done <- outcome{err: err}
		}
	}
	return kept
}

func (q *queue) send(batch []*write) (base int64, err error) {
	ctx, cancel := context.WithTimeout(q.p.ctx, q.p.cfg.AttemptTimeout)
	defer cancel()
	for _, w := range batch {
		w.sent = true
	}
	// A connection may still encode a request that has timed out: it gets a slice of its own.
	own := slices.Clone(batch)
	res, err := q.p.c.client.Produce(ctx, &kafka.ProduceRequest{
		Topic: q.key.topic, Partition: q.key.partition, RequiredAcks: kafka.RequireAll,
		Records: &records{batch: own, now: time.Now()}, Compression: q.p.codec,
	})
	if err != nil {
		return 0, err
	}
	if errors.Is(res.Error, kafka.UnknownTopicOrPartition) {
		q.p.topics.Delete(q.key.topic) // it may come back with other partitions
	}
	return res.BaseOffset, res.Error
}

func (q *queue) acknowledge(batch []*write, base int64, clean bool) {
	for i, w := range batch {
		w.done <- outcome{offset: base + int64(i), clean: clean}
	}
	q.produced.Add(float64(len(batch)))
	q.sizes.Observe(float64(len(batch)))
}

func (q *queue) fail(batch []*write, err error) {
	if tooLarge(err) {
		err = fmt.Errorf("%w: %w", ErrTooLarge, err)
	} else if retryable(err) || q.p.ctx.Err() != nil {
		err = fmt.Errorf("%w: %w", ErrUnknownOutcome, err)
	}
	for _, w := range batch {
		w.done <- outcome{err: err}
	}
}

// records presents a batch to kafka-go.
type records struct {
	batch      []*write
	now        time.Time
	i          int
	rec        kafka.Record
	key, value view
}

// ReadRecord returns the next record; it is valid until the next call.
func (r *records) ReadRecord() (*kafka.Record, error) {
	if r.i == len(r.batch) {
		return nil, io.EOF
	}
	m := &r.batch[r.i].msg
	r.i++
	r.rec = kafka.Record{Time: m.Time, Key: r.key.of(m.Key), Value: r.value.of(m.Value)}
	if m.Time.IsZero() {
		r.rec.Time = r.now
	}
	if len(m.Headers) > 0 {
		r.rec.Headers = make([]kafka.Header, len(m.Headers))
		for i, h := range m.Headers {
			r.rec.Headers[i] = kafka.Header{Key: h.Key, Value: h.Value}
		}
	}
	return &r.rec, nil
}

// view reads a byte slice in place; one is used for every record of a batch.
type view struct{ bytes.Reader }

// Close does nothing.
func (v *view) Close() error { return nil }

// of points v at b; nil stays nil, which Kafka tells from empty.
func (v *view) of(b []byte) kafka.Bytes {
	if b == nil {
		return nil
	}
	v.Reset(b)
	return v
}
