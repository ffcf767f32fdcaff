package schemas

import (
	"encoding/json"
	"time"
)

// Headers of a record on [TopicDeadLetters]. The record's key is that of the origin; its
// value is the origin's value with the user block removed ([Redact]), or empty. The whole
// message is still at its origin, where a replay reads it.
const (
	HeaderOriginTopic     = "pfr-origin-topic"
	HeaderOriginPartition = "pfr-origin-partition"
	HeaderOriginOffset    = "pfr-origin-offset"
	HeaderOriginTime      = "pfr-origin-time" // RFC 3339
	HeaderGroup           = "pfr-group"
	HeaderAttempts        = "pfr-attempts"
	HeaderErrorKind       = "pfr-error-kind" // one of the error kinds
	HeaderError           = "pfr-error"
	HeaderFailedAt        = "pfr-failed-at" // RFC 3339
)

// Error kinds of a [DeadLetter].
const (
	ErrorKindDecode    = "decode"    // the message could not be decoded
	ErrorKindPermanent = "permanent" // the handler said that no retry helps
	ErrorKindExhausted = "exhausted" // every attempt ended in an error
	ErrorKindPanic     = "panic"     // the last attempt panicked
)

// DeadLetter is a record of [TopicDeadLetters] as operators see it.
type DeadLetter struct {
	Topic     string          `json:"topic"`
	Partition int             `json:"partition"`
	Offset    int64           `json:"offset"`
	Key       string          `json:"key"`
	Group     string          `json:"group"`
	Attempts  int             `json:"attempts"` // 0 when the message could not be decoded
	ErrorKind string          `json:"error_kind"`
	Error     string          `json:"error"`
	FailedAt  time.Time       `json:"failed_at"`
	Payload   json.RawMessage `json:"payload,omitempty"` // redacted; absent if it was not JSON
}

// Validate reports every problem of the dead letter.
func (d DeadLetter) Validate() error {
	var p problems
	p.name("topic", d.Topic)
	p.check(d.Partition >= 0, "partition", "must not be negative")
	p.check(d.Offset >= 0, "offset", "must not be negative")
	p.check(d.Attempts >= 0, "attempts", "must not be negative")
	oneOf(&p, "error_kind", d.ErrorKind, ErrorKindDecode, ErrorKindPermanent, ErrorKindExhausted, ErrorKindPanic)
	p.time("failed_at", d.FailedAt)
	p.check(len(d.Payload) == 0 || json.Valid(d.Payload), "payload", "must be JSON")
	return p.err("dead letter")
}
