package schemas

import (
	"fmt"
	"time"
)

// Erasure says that somebody is to be forgotten, on [TopicErasures]. Whoever was asked to
// forget is named by salted pseudonyms alone, as pages name who asked. Every process that
// keeps something of pages or interactions reads the topic from its start, so that one that
// was away does it when it comes back.
type Erasure struct {
	SchemaVersion string `json:"schema_version"`
	// ID names the request: the same request again has the same one.
	ID          string    `json:"id"`
	Clients     []string  `json:"clients,omitempty"`
	Users       []string  `json:"users,omitempty"`
	RequestedAt time.Time `json:"requested_at"`
}

// MaxSubjects bounds the clients, and the users, of one erasure.
const MaxSubjects = 1000

// Key returns the partition key.
func (e Erasure) Key() string { return e.ID }

// Validate reports every problem of the record.
func (e Erasure) Validate() error {
	var p problems
	p.version(e.SchemaVersion)
	p.name("id", e.ID)
	p.check(len(e.Clients)+len(e.Users) > 0, "users", "must name somebody, or clients must")
	for _, list := range []struct {
		field string
		names []string
	}{{"clients", e.Clients}, {"users", e.Users}} {
		p.check(len(list.names) <= MaxSubjects, list.field, "must have at most %d entries", MaxSubjects)
		for i, name := range list.names {
			p.name(fmt.Sprintf("%s[%d]", list.field, i), name)
		}
	}
	p.time("requested_at", e.RequestedAt)
	return p.err("erasure")
}
