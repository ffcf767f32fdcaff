package gateway

import (
	"encoding/json"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// extensions are our fields of an event where UBI 1.3 leaves room for them: clients that
// were made for it put everything beyond the standard under event_attributes.
type extensions struct {
	Attributes struct {
		EventID         string    `json:"event_id"`
		SentAt          time.Time `json:"sent_at"`
		Route           string    `json:"route"`
		Market          string    `json:"market"`
		SectionID       string    `json:"section_id"`
		SectionPosition int       `json:"section_position"`
		MSPlayed        int       `json:"ms_played"`
		VisibleMS       int       `json:"visible_ms"`
	} `json:"event_attributes"`
}

// decodeEvent reads one event. What it has of our fields at the top counts before what it
// has under event_attributes; when it was received is for the edge alone to say.
func decodeEvent(data json.RawMessage, now time.Time) (schemas.Interaction, error) {
	var ev schemas.Interaction
	if err := json.Unmarshal(data, &ev); err != nil {
		return ev, err
	}
	var more extensions
	if err := json.Unmarshal(data, &more); err != nil {
		return ev, err
	}
	a := more.Attributes
	fill(&ev.SchemaVersion, schemas.Version)
	fill(&ev.EventID, a.EventID)
	fill(&ev.SentAt, a.SentAt)
	fill(&ev.Route, a.Route)
	fill(&ev.Market, a.Market)
	fill(&ev.SectionID, a.SectionID)
	fill(&ev.SectionPosition, a.SectionPosition)
	fill(&ev.MSPlayed, a.MSPlayed)
	fill(&ev.VisibleMS, a.VisibleMS)
	ev.Timestamp, ev.ReceivedAt = ev.Timestamp.UTC(), now
	if !ev.SentAt.IsZero() {
		ev.SentAt = ev.SentAt.UTC()
	}
	return ev, ev.Validate()
}

// fill sets a field that is empty.
func fill[T comparable](field *T, v T) {
	var empty T
	if *field == empty {
		*field = v
	}
}
