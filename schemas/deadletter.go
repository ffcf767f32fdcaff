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
	HeaderGroup           = "pfr-group"
	HeaderAttempts        = "pfr-attempts"
	HeaderErrorKind       = "pfr-error-kind" // decode, permanent, exhausted or panic
	HeaderError           = "pfr-error"
	HeaderFailedAt        = "pfr-failed-at"
)

// DeadLetter is a record of [TopicDeadLetters] as operators see it.
type DeadLetter struct {
	Topic     string          `json:"topic"`
	Partition int             `json:"partition"`
	Offset    int64           `json:"offset"`
	Key       string          `json:"key"`
	Group     string          `json:"group"`
	Attempts  int             `json:"attempts"`
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
	p.name("error_kind", d.ErrorKind)
	p.time("failed_at", d.FailedAt)
	return p.err("dead letter")
}

// Redact returns a copy of a message that keeps only the top-level fields known to be
// public, and nil for bytes that are not a JSON object.
func Redact(message []byte) []byte {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(message, &fields); err != nil {
		return nil
	}
	for name := range fields {
		if !publicFields[name] {
			delete(fields, name)
		}
	}
	out, err := json.Marshal(fields)
	if err != nil {
		return nil
	}
	return out
}

// publicFields are the top-level fields that a dead letter may show. It is a list of what
// is allowed, because a broken message may hold the user block under any other name.
var publicFields = map[string]bool{
	"schema_version": true, "correlation_id": true, "text": true, "market": true, "locale": true,
	"platform": true, "client_id": true, "session_id": true, "mode": true, "submitted_at": true, "deadline": true,
	"experiments": true, "query": true, "decision": true, "decided_at": true,
	"event_id": true, "action_name": true, "query_id": true, "timestamp": true, "sent_at": true,
	"route": true, "section_id": true, "section_position": true, "ms_played": true, "event_attributes": true,
	"route_key": true, "computed_at": true, "expires_at": true,
	"layout": true, "notice": true, "status": true, "coverage": true, "sections": true, "timings": true, "cost_usd": true, "created_at": true,
	"window": true, "start": true, "cut": true, "revision": true, "counts": true, "as_of": true,
}
