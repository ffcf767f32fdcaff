package schemas

import (
	"slices"
	"time"
)

// Actions of an [Interaction] that this system understands. Others are kept and counted.
const (
	ActionClick      = "click"
	ActionStream     = "stream"     // playback; MSPlayed says how much
	ActionImpression = "impression" // the section came into view
	ActionView       = "view"
)

// MinStreamMS is how much of a track must have been played to count as a stream
// (30 s, as the music services count).
const MinStreamMS = 30_000

// Interaction is what a listener did with a page: an event of UBI 1.3 with extensions.
// It carries no user id.
type Interaction struct {
	SchemaVersion string    `json:"schema_version"`
	EventID       string    `json:"event_id"` // unique; events are de-duplicated by it
	ActionName    string    `json:"action_name"`
	QueryID       string    `json:"query_id"` // the correlation id
	ClientID      string    `json:"client_id"`
	SessionID     string    `json:"session_id,omitempty"`
	Timestamp     time.Time `json:"timestamp"`        // when it happened, by the client's clock
	SentAt        time.Time `json:"sent_at,omitzero"` // when it was sent, by the client's clock
	// ReceivedAt is when the edge took it, by the edge's clock. A client does not set it.
	ReceivedAt      time.Time       `json:"received_at,omitzero"`
	Market          string          `json:"market,omitempty"` // of the page
	Route           string          `json:"route,omitempty"`  // of the page
	SectionID       string          `json:"section_id,omitempty"`
	SectionPosition int             `json:"section_position,omitempty"` // of the section on the page, from 1
	MSPlayed        int             `json:"ms_played,omitempty"`
	VisibleMS       int             `json:"visible_ms,omitempty"` // how long a section was in view
	EventAttributes EventAttributes `json:"event_attributes"`
}

// EventAttributes is UBI's description of the object acted on.
type EventAttributes struct {
	Object   Object   `json:"object"`
	Position Position `json:"position"`
}

// Object is the item acted on, by its catalogue id.
type Object struct {
	ObjectID     string `json:"object_id,omitempty"`
	ObjectIDType string `json:"object_id_type,omitempty"`
}

// Position is where the item stood in its section.
type Position struct {
	Ordinal int `json:"ordinal,omitempty"` // from 1
}

// Key returns the partition key.
func (i Interaction) Key() string { return i.QueryID }

// Success reports whether the event alone makes its search a success: a click, or a
// stream of at least MinStreamMS.
func (i Interaction) Success() bool {
	return i.ActionName == ActionClick || i.Streamed()
}

// Streamed reports whether the event is a stream of at least MinStreamMS.
func (i Interaction) Streamed() bool {
	return i.ActionName == ActionStream && i.MSPlayed >= MinStreamMS
}

// At returns when the event happened, as far as the edge's clock can tell: the client's
// clock may be wrong, but the time between the event and its sending is not. Without
// ReceivedAt it is fallback that stands for it, the time of the record.
func (i Interaction) At(fallback time.Time) time.Time {
	received := i.ReceivedAt
	if received.IsZero() {
		received = fallback
	}
	if at := received.Add(i.Timestamp.Sub(i.SentAt)); !i.SentAt.IsZero() && at.Before(received) {
		return at
	}
	if i.SentAt.IsZero() && i.Timestamp.Before(received) {
		return i.Timestamp
	}
	return received
}

// Validate reports every problem of the event.
func (i Interaction) Validate() error {
	var p problems
	p.version(i.SchemaVersion)
	p.name("event_id", i.EventID)
	p.name("action_name", i.ActionName)
	p.id("query_id", i.QueryID)
	p.name("client_id", i.ClientID)
	p.optional("session_id", i.SessionID)
	p.time("timestamp", i.Timestamp)
	p.optional("route", i.Route)
	p.optional("section_id", i.SectionID)
	p.check(i.SectionPosition >= 0, "section_position", "must be 1 or more")
	p.check(i.Market == "" || IsMarket(i.Market), "market", "must be two upper-case letters, as GB")
	p.check(i.MSPlayed >= 0, "ms_played", "must not be negative")
	p.check(i.VisibleMS >= 0, "visible_ms", "must not be negative")
	p.check(i.EventAttributes.Position.Ordinal >= 0, "event_attributes.position.ordinal", "must be 1 or more")
	p.token("event_attributes.object.object_id", i.EventAttributes.Object.ObjectID, MaxItemRefsBytes)
	p.optional("event_attributes.object.object_id_type", i.EventAttributes.Object.ObjectIDType)
	needsObject := slices.Contains([]string{ActionClick, ActionStream}, i.ActionName)
	p.check(!needsObject || i.EventAttributes.Object.ObjectID != "",
		"event_attributes.object.object_id", "must name the item that was clicked or played")
	return p.err("interaction")
}
