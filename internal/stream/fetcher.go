package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go"
)

// Start offsets that a fetcher resolves when it connects.
const (
	firstOffset = kafka.FirstOffset
	lastOffset  = kafka.LastOffset
)

// FetchConfig tunes reading one partition.
type FetchConfig struct {
	MaxBytes int           `yaml:"max_bytes"` // per fetch and partition; one larger batch still passes
	MaxWait  time.Duration `yaml:"max_wait"`  // how long the broker holds an empty fetch
	Backoff  Backoff       `yaml:"backoff"`   // after an error
}

// DefaultFetchConfig returns the settings that keep idle load low: an empty fetch waits at the
// broker and is cut off at once on shutdown.
func DefaultFetchConfig() FetchConfig {
	return FetchConfig{
		MaxBytes: 1 << 20,
		MaxWait:  500 * time.Millisecond,
		Backoff:  Backoff{Min: 10 * time.Millisecond, Max: 250 * time.Millisecond},
	}
}

func (c FetchConfig) validate() error {
	var errs []error
	if c.MaxBytes <= 0 || c.MaxBytes > 64<<20 {
		errs = append(errs, fmt.Errorf("fetch max_bytes %d: must be within 1..%d", c.MaxBytes, 64<<20))
	}
	if c.MaxWait < 10*time.Millisecond {
		errs = append(errs, fmt.Errorf("fetch max_wait %v: must be at least 10ms", c.MaxWait))
	}
	return errors.Join(append(errs, c.Backoff.validate("fetch backoff"))...)
}

// fetcher reads one partition without a group, on a connection of its own. It is used by one
// goroutine.
type fetcher struct {
	c         *Cluster
	cfg       FetchConfig
	topic     string
	partition int
	next      int64 // offset of the next record, or firstOffset or lastOffset
	conn      *kafka.Conn
	failures  int
}

// poll returns the next records, or none when the broker had none within MaxWait. It retries
// every error and returns one only when ctx ends. The records are in memory: nothing keeps the
// connection busy while they are handled.
func (f *fetcher) poll(ctx context.Context) ([]Message, error) {
	for {
		batch, err := f.fetch(ctx)
		if err == nil {
			f.failures = 0
			return batch, nil
		}
		f.close()
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		f.report(err)
		if !pause(ctx, f.cfg.Backoff.after(f.failures)) {
			return nil, ctx.Err()
		}
	}
}

// report counts an error and logs it once it persists.
func (f *fetcher) report(err error) {
	f.failures++
	f.c.m.fetchErrors.WithLabelValues(f.topic).Inc()
	if f.failures == 5 {
		f.c.log.Warn("fetching keeps ending in errors",
			keyTopic, f.topic, keyPartition, f.partition, keyOffset, f.next, keyError, err)
	}
}

func (f *fetcher) fetch(ctx context.Context) ([]Message, error) {
	if f.conn == nil {
		if err := f.connect(ctx); err != nil {
			return nil, err
		}
	}
	if _, err := f.conn.Seek(f.next, kafka.SeekAbsolute|kafka.SeekDontCheck); err != nil {
		return nil, err
	}
	if err := f.conn.SetReadDeadline(time.Now().Add(f.cfg.MaxWait + f.c.cfg.RequestTimeout)); err != nil {
		return nil, err
	}
	batch := f.conn.ReadBatchWith(kafka.ReadBatchConfig{MinBytes: 1, MaxBytes: f.cfg.MaxBytes, MaxWait: f.cfg.MaxWait})
	var out []Message
	var err error
	for {
		var m kafka.Message
		if m, err = batch.ReadMessage(); err != nil {
			break
		}
		out = append(out, fromKafka(m))
	}
	next := batch.Offset()
	_ = batch.Close() // its error is err
	if len(out) > 0 || errors.Is(err, io.EOF) {
		f.next = next
		return out, nil
	}
	if errors.Is(err, kafka.RequestTimedOut) {
		return nil, nil // nothing new
	}
	return nil, err
}

// connect dials the leader and checks f.next against the bounds of the partition.
func (f *fetcher) connect(ctx context.Context) error {
	dialCtx, cancel := context.WithTimeout(ctx, f.c.cfg.DialTimeout)
	defer cancel()
	dialer := f.c.dialer(ctx)
	var errs []error
	for _, broker := range f.c.cfg.Brokers {
		conn, err := dialer.DialLeader(dialCtx, "tcp", broker, f.topic, f.partition)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		if err := f.adopt(conn); err != nil {
			_ = conn.Close()
			return err
		}
		return nil
	}
	return errors.Join(errs...)
}

// adopt takes conn and moves f.next into the partition. A record that is gone is never passed
// over silently: it is counted and logged. An offset beyond the end means that the topic was
// created anew or lost its tail; reading starts again at its first record, because skipping
// could lose what was written since.
func (f *fetcher) adopt(conn *kafka.Conn) error {
	if err := conn.SetDeadline(time.Now().Add(f.c.cfg.RequestTimeout)); err != nil {
		return err
	}
	first, end, err := conn.ReadOffsets()
	if err != nil {
		return fmt.Errorf("bounds: %w", err)
	}
	switch {
	case f.next == lastOffset:
		f.next = end
	case f.next == firstOffset:
		f.next = first
	case f.next < first:
		f.c.m.lost.WithLabelValues(f.topic).Add(float64(first - f.next))
		f.c.log.Error("retention deleted records before they were read",
			keyTopic, f.topic, keyPartition, f.partition, keyOffset, f.next, keyRecords, first-f.next)
		f.next = first
	case f.next > end:
		f.rewind(first)
	}
	f.conn = conn
	return conn.SetDeadline(time.Time{})
}

func (f *fetcher) rewind(first int64) {
	f.c.log.Error("offset lies beyond the end of the partition, reading it again from the start",
		keyTopic, f.topic, keyPartition, f.partition, keyOffset, f.next)
	f.next = first
}

func (f *fetcher) close() {
	if f.conn != nil {
		_ = f.conn.Close()
		f.conn = nil
	}
}
