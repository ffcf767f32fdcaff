package app

import (
	"testing"

	"github.com/parallel-fusion/pfr/internal/stream"
	"github.com/parallel-fusion/pfr/schemas"
)

// A transport does not import schemas, so the names of dead-letter headers stand in both.
func TestDeadLetterNamesAgree(t *testing.T) {
	for of, name := range map[string]string{
		stream.HeaderOriginTopic: schemas.HeaderOriginTopic, stream.HeaderOriginPartition: schemas.HeaderOriginPartition,
		stream.HeaderOriginOffset: schemas.HeaderOriginOffset, stream.HeaderOriginTime: schemas.HeaderOriginTime,
		stream.HeaderGroup: schemas.HeaderGroup, stream.HeaderAttempts: schemas.HeaderAttempts,
		stream.HeaderErrorKind: schemas.HeaderErrorKind, stream.HeaderError: schemas.HeaderError, stream.HeaderFailedAt: schemas.HeaderFailedAt,
		stream.KindDecode: schemas.ErrorKindDecode, stream.KindPermanent: schemas.ErrorKindPermanent,
		stream.KindExhausted: schemas.ErrorKindExhausted, stream.KindPanic: schemas.ErrorKindPanic,
	} {
		if of != name {
			t.Errorf("stream has %q, schemas %q", of, name)
		}
	}
}
