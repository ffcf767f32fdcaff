package deadletters_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/consumers/deadletters"
	"github.com/parallel-fusion/pfr/schemas"
)

var headers = map[string]string{
	schemas.HeaderOriginTopic: schemas.TopicQueries, schemas.HeaderOriginPartition: "3", schemas.HeaderOriginOffset: "42",
	schemas.HeaderGroup: "pfr-router", schemas.HeaderAttempts: "5", schemas.HeaderErrorKind: "exhausted",
	schemas.HeaderError: "broker is away", schemas.HeaderFailedAt: "2025-06-28T10:00:00.5Z",
}

func read(h map[string]string, value string) (schemas.DeadLetter, error) {
	return deadletters.Read(deadletters.Record{Key: []byte("k"), Value: []byte(value), Header: func(k string) string { return h[k] }})
}

func TestRead(t *testing.T) {
	d, err := read(headers, `{"text":"lady gaga"}`)
	if err != nil {
		t.Fatal(err)
	}
	if d.Topic != schemas.TopicQueries || d.Partition != 3 || d.Offset != 42 || d.Attempts != 5 || d.Key != "k" ||
		d.FailedAt.Nanosecond() != 500_000_000 || string(d.Payload) != `{"text":"lady gaga"}` {
		t.Errorf("%+v", d)
	}
	if d, err := read(headers, "\x00not JSON"); err != nil || d.Payload != nil {
		t.Errorf("payload %q, err %v", d.Payload, err)
	}
}

func TestReadNamesWhatIsWrong(t *testing.T) {
	broken := maps.Clone(headers)
	broken[schemas.HeaderOriginPartition], broken[schemas.HeaderOriginTopic] = "three", ""
	_, err := read(broken, "{}")
	if err == nil || !strings.Contains(err.Error(), "three") || !strings.Contains(err.Error(), "topic") {
		t.Errorf("err = %v", err)
	}
}
