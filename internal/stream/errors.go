package stream

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
)

// Sentinels for branching with errors.Is.
var (
	// ErrPermanent marks an error that no retry can mend: the record goes to the dead-letter
	// topic at once. See [Permanent].
	ErrPermanent = errors.New("permanent")
	// ErrClosed is returned by a producer that has been closed.
	ErrClosed = errors.New("stream closed")
	// ErrUnknownOutcome is wrapped when a write was given up after it may have reached the
	// broker: the record may or may not be on the topic.
	ErrUnknownOutcome = errors.New("write outcome unknown")
	// ErrTooLarge is wrapped when a record exceeds the producer's or the topic's limit.
	ErrTooLarge = errors.New("message too large")
	// ErrTopicMismatch is wrapped when a topic exists but not as specified.
	ErrTopicMismatch = errors.New("topic differs from its specification")
	// ErrNotFound is wrapped when no record has the requested offset.
	ErrNotFound = errors.New("record not found")
	// ErrStuck is wrapped by [Consumer.Run] when a handler ignored its context; the member
	// has left the group so that another one can take its partitions.
	ErrStuck = errors.New("handler stuck")
)

// Permanent wraps err so that errors.Is(err, ErrPermanent) holds. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &permanentError{err}
}

type permanentError struct{ err error }

func (e *permanentError) Error() string        { return e.err.Error() }
func (e *permanentError) Unwrap() error        { return e.err }
func (e *permanentError) Is(target error) bool { return target == ErrPermanent }

// panicError is a recovered panic. Its text names the type of the value only, unless the
// runtime raised it: a value may hold payload.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string {
	if err, ok := e.value.(interface{ RuntimeError() }); ok {
		return fmt.Sprintf("panic: %v", err)
	}
	return fmt.Sprintf("panic: value of type %T", e.value)
}

// tooLarge reports whether the broker found the batch too big.
func tooLarge(err error) bool {
	return errors.Is(err, kafka.MessageSizeTooLarge) || errors.Is(err, kafka.RecordListTooLarge)
}

// retryable reports whether asking the broker again may succeed. Errors that carry no Kafka
// code come from the connection or from stale metadata and are always worth a retry: kafka-go
// itself gives up on EOF, on refused connections and on partitions without a leader.
func retryable(err error) bool {
	var code kafka.Error
	if !errors.As(err, &code) {
		return !errors.Is(err, context.Canceled)
	}
	switch code {
	case kafka.InvalidMessage, kafka.UnknownTopicOrPartition, kafka.LeaderNotAvailable,
		kafka.NotLeaderForPartition, kafka.RequestTimedOut, kafka.BrokerNotAvailable,
		kafka.ReplicaNotAvailable, kafka.NetworkException, kafka.GroupLoadInProgress,
		kafka.GroupCoordinatorNotAvailable, kafka.NotCoordinatorForGroup,
		kafka.NotEnoughReplicas, kafka.NotEnoughReplicasAfterAppend, kafka.NotController,
		kafka.KafkaStorageError, kafka.FencedLeaderEpoch, kafka.UnknownLeaderEpoch,
		kafka.OffsetNotAvailable, kafka.UnstableOffsetCommit, kafka.ThrottlingQuotaExceeded:
		return true
	default:
		return false
	}
}

// pause waits for d. It returns false when ctx ends first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// Backoff doubles from Min to Max.
type Backoff struct {
	Min time.Duration `yaml:"min"` // before the second attempt, > 0
	Max time.Duration `yaml:"max"` // >= Min
}

// after returns the pause after the given attempt, counted from 1.
func (b Backoff) after(attempt int) time.Duration {
	d := b.Min
	for i := 1; i < attempt && d < b.Max; i++ {
		d *= 2
	}
	return min(d, b.Max)
}

func (b Backoff) validate(name string) error {
	if b.Min <= 0 || b.Max < b.Min {
		return fmt.Errorf("%s %v..%v: min must be positive and not above max", name, b.Min, b.Max)
	}
	return nil
}
