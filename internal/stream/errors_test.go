package stream

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

func TestRetryable(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want bool
	}{
		{io.EOF, true},
		{io.ErrUnexpectedEOF, true},
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, true},
		{fmt.Errorf("attempt: %w", context.DeadlineExceeded), true},
		{errors.New("no leader in the cached metadata"), true},
		{fmt.Errorf("produce: %w", kafka.NotLeaderForPartition), true},
		{kafka.UnknownTopicOrPartition, true},
		{kafka.RequestTimedOut, true},
		{kafka.NotEnoughReplicasAfterAppend, true},
		{kafka.GroupLoadInProgress, true},
		{context.Canceled, false},
		{kafka.MessageSizeTooLarge, false},
		{kafka.InvalidRecord, false},
		{kafka.TopicAuthorizationFailed, false},
		{kafka.SASLAuthenticationFailed, false},
		{fmt.Errorf("produce: %w", kafka.InvalidTopic), false},
	} {
		if got := retryable(tt.err); got != tt.want {
			t.Errorf("retryable(%v) = %v", tt.err, got)
		}
	}
}

func TestPermanent(t *testing.T) {
	cause := errors.New("no such route")
	err := fmt.Errorf("decide: %w", Permanent(cause))
	if !errors.Is(err, ErrPermanent) || !errors.Is(err, cause) || err.Error() != "decide: no such route" {
		t.Errorf("got %v", err)
	}
	if Permanent(nil) != nil {
		t.Error("nil became an error")
	}
}

func TestBackoff(t *testing.T) {
	b := Backoff{Min: 20 * time.Millisecond, Max: 250 * time.Millisecond}
	for attempt, want := range map[int]time.Duration{
		1: 20 * time.Millisecond, 2: 40 * time.Millisecond, 4: 160 * time.Millisecond,
		5: 250 * time.Millisecond, 1000: 250 * time.Millisecond,
	} {
		if got := b.after(attempt); got != want {
			t.Errorf("after %d: %v, want %v", attempt, got, want)
		}
	}
}

// TestValidateReportsEverything breaks every field and counts the problems.
func TestValidateReportsEverything(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		want int
	}{
		"cluster":  {Config{Brokers: []string{"no port"}}.Validate(), 4},
		"producer": {ProducerConfig{Compression: "rar"}.Validate(), 7},
		"consumer": {ConsumerConfig{}.Validate(), 17},
	} {
		if got := len(strings.Split(tt.err.Error(), "\n")); got != tt.want {
			t.Errorf("%s: %d problems, want %d:\n%v", name, got, tt.want, tt.err)
		}
	}
	for name, err := range map[string]error{
		"cluster": DefaultConfig().Validate(), "producer": DefaultProducerConfig().Validate(),
	} {
		if err != nil {
			t.Errorf("default %s config: %v", name, err)
		}
	}
	cfg := DefaultConsumerConfig()
	cfg.Group, cfg.DeadLetterTopic, cfg.Producer = "g", "d", &Producer{}
	if err := cfg.Validate(); err != nil {
		t.Errorf("default consumer config: %v", err)
	}
	cfg.DrainTimeout = cfg.RebalanceTimeout
	if cfg.Validate() == nil {
		t.Error("a drain as long as the rebalance passes")
	}
}
