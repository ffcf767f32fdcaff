package stream

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"
)

// Headers of a dead letter. The record itself holds the key of the original and its redacted
// value; [Cluster.ReadAt] fetches the original by the first three.
const (
	HeaderOriginTopic     = "pfr-origin-topic"
	HeaderOriginPartition = "pfr-origin-partition"
	HeaderOriginOffset    = "pfr-origin-offset"
	HeaderOriginTime      = "pfr-origin-time" // RFC 3339, of the original record
	HeaderGroup           = "pfr-group"
	HeaderAttempts        = "pfr-attempts"
	HeaderErrorKind       = "pfr-error-kind"
	HeaderError           = "pfr-error" // at most 512 bytes
	HeaderFailedAt        = "pfr-failed-at"
)

// The values of HeaderErrorKind.
const (
	KindDecode    = "decode"    // the payload could not be decoded
	KindPermanent = "permanent" // the handler said that no retry helps
	KindExhausted = "exhausted" // every attempt ended in an error
	KindPanic     = "panic"     // the last attempt panicked
)

// maxErrorText bounds the error text in a dead letter.
const maxErrorText = 512

// failure says why a record is dead.
type failure struct {
	kind     string
	attempts int
	err      error
}

// deadLetter writes the dead letter of msg. It blocks the lane, and in time the partition, until
// the dead-letter topic takes it: dropping would lose the record. It returns false when the
// member has to let go of the partition first; the next owner meets the record again.
func (p *partition) deadLetter(s scope, msg Message, f failure) bool {
	letter := p.letter(msg, f)
	if p.putLetter(s, letter) != nil {
		if p.blocked.Add(1) == 1 {
			p.m.m.blocked.Inc()
		}
		p.m.c.log.Error("dead-letter topic is not writable, the partition waits", keyTopic, msg.Topic,
			keyGroup, p.m.cfg.Group, keyPartition, msg.Partition, keyOffset, msg.Offset, keyKind, f.kind)
		ok := p.insistLetter(s, letter)
		if p.blocked.Add(-1) == 0 {
			p.m.m.blocked.Dec()
		}
		if !ok {
			return false
		}
	}
	p.m.m.deadLetters.WithLabelValues(f.kind).Inc()
	p.m.c.log.Warn("record went to the dead-letter topic", keyTopic, msg.Topic, keyGroup, p.m.cfg.Group,
		keyPartition, msg.Partition, keyOffset, msg.Offset, keyKind, f.kind, keyAttempt, f.attempts,
		keyError, boundedText(f.err), keyStack, stackOf(f.err))
	return true
}

// insistLetter repeats the write until it succeeds or the member stops fetching.
func (p *partition) insistLetter(s scope, letter Message) bool {
	for n := 1; pause(s.fetching, p.m.cfg.Backoff.after(n)); n++ {
		if p.putLetter(s, letter) == nil {
			return true
		}
	}
	return false
}

// letterTimeout bounds one write to the dead-letter topic, so that a blocked partition shows in
// the metrics soon.
const letterTimeout = 2 * time.Second

func (p *partition) putLetter(s scope, letter Message) error {
	ctx, cancel := context.WithTimeout(s.handling, letterTimeout)
	defer cancel()
	_, _, err := p.m.cfg.Producer.Produce(ctx, letter)
	return err
}

func (p *partition) letter(msg Message, f failure) Message {
	out := Message{Topic: p.m.cfg.DeadLetterTopic, Key: msg.Key, Value: p.redact(msg.Value)}
	add := func(key, value string) {
		out.Headers = append(out.Headers, Header{Key: key, Value: []byte(value)})
	}
	add(HeaderOriginTopic, msg.Topic)
	add(HeaderOriginPartition, strconv.Itoa(msg.Partition))
	add(HeaderOriginOffset, strconv.FormatInt(msg.Offset, 10))
	add(HeaderOriginTime, msg.Time.UTC().Format(time.RFC3339Nano))
	add(HeaderGroup, p.m.cfg.Group)
	add(HeaderAttempts, strconv.Itoa(f.attempts))
	add(HeaderErrorKind, f.kind)
	add(HeaderError, boundedText(f.err))
	add(HeaderFailedAt, time.Now().UTC().Format(time.RFC3339Nano))
	return out
}

// redact never fails: a redactor that panics leaves nothing of the value.
func (p *partition) redact(value []byte) (out []byte) {
	if p.m.cfg.Redact == nil {
		return nil
	}
	defer func() {
		if recover() != nil {
			out = nil
		}
	}()
	return p.m.cfg.Redact(value)
}

func boundedText(err error) string {
	text := err.Error()
	if len(text) > maxErrorText {
		text = text[:maxErrorText]
	}
	return strings.ToValidUTF8(text, "")
}

func stackOf(err error) string {
	if panicked, ok := errors.AsType[*panicError](err); ok {
		return string(panicked.stack)
	}
	return ""
}
