// Package deadletters reads what could not be handled.
package deadletters

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// Record is a record of the dead-letter topic as it lies there.
type Record struct {
	Key    []byte
	Value  []byte
	Header func(key string) string // "" for an absent header
}

// Read returns the dead letter of a record. Its error names every header that is missing
// or wrong.
func Read(r Record) (schemas.DeadLetter, error) {
	partition, partitionErr := strconv.Atoi(r.Header(schemas.HeaderOriginPartition))
	offset, offsetErr := strconv.ParseInt(r.Header(schemas.HeaderOriginOffset), 10, 64)
	attempts, attemptsErr := strconv.Atoi(r.Header(schemas.HeaderAttempts))
	failedAt, timeErr := time.Parse(time.RFC3339Nano, r.Header(schemas.HeaderFailedAt))
	d := schemas.DeadLetter{
		Topic: r.Header(schemas.HeaderOriginTopic), Partition: partition, Offset: offset, Key: string(r.Key),
		Group: r.Header(schemas.HeaderGroup), Attempts: attempts,
		ErrorKind: r.Header(schemas.HeaderErrorKind), Error: r.Header(schemas.HeaderError), FailedAt: failedAt,
	}
	if json.Valid(r.Value) {
		d.Payload = r.Value
	}
	if err := errors.Join(partitionErr, offsetErr, attemptsErr, timeErr, d.Validate()); err != nil {
		return d, fmt.Errorf("dead letter of %q: %w", d.Topic, err)
	}
	return d, nil
}
