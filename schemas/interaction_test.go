package schemas_test

import (
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// The clock of a client may be wrong by hours; how long it kept an event is right.
func TestInteractionAt(t *testing.T) {
	noon := time.Date(2026, 10, 5, 12, 0, 0, 0, time.UTC)
	for name, c := range map[string]struct{ happened, sent, received, want time.Time }{
		"clocks agree":            {noon, noon.Add(2 * time.Second), noon.Add(2 * time.Second), noon},
		"an hour ahead":           {noon.Add(time.Hour), noon.Add(time.Hour + 2*time.Second), noon.Add(2 * time.Second), noon},
		"an hour behind":          {noon.Add(-time.Hour), noon.Add(-time.Hour + 2*time.Second), noon.Add(2 * time.Second), noon},
		"kept while offline":      {noon, noon.Add(20 * time.Hour), noon.Add(20 * time.Hour), noon},
		"set back before sending": {noon, noon.Add(-5 * time.Minute), noon.Add(time.Second), noon.Add(time.Second)},
		"never sent, past":        {noon, time.Time{}, noon.Add(time.Minute), noon},
		"never sent, future":      {noon.Add(time.Hour), time.Time{}, noon, noon},
	} {
		i := schemas.Interaction{Timestamp: c.happened, SentAt: c.sent, ReceivedAt: c.received}
		if got := i.At(time.Time{}); !got.Equal(c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
		i.ReceivedAt = time.Time{}
		if got := i.At(c.received); !got.Equal(c.want) {
			t.Errorf("%s, by the time of the record: %v, want %v", name, got, c.want)
		}
	}
}
