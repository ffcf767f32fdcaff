package schemas

import "time"

// Control is what an operator has set for every router, on [TopicControl]. The topic is
// compacted: the latest record stands, also for routers that start later.
type Control struct {
	SchemaVersion string    `json:"schema_version"`
	Ladder        Ladder    `json:"ladder"`           // the best tier that anybody may use
	Reason        string    `json:"reason,omitempty"` // why, for a person
	By            string    `json:"by"`               // the name of the key that was used
	SetAt         time.Time `json:"set_at"`
}

// Ladder is the best tier that may decide. What is below it goes on.
type Ladder string

// Rungs of the ladder, from the top. Each one down costs quality and saves money and time.
const (
	LadderLLM     Ladder = "llm"     // everything may be used
	LadderStudent Ladder = "student" // no language model
	LadderSearch  Ladder = "search"  // no model: every query takes the fallback route
)

// controlKey is the only key of the topic.
const controlKey = "ladder"

// Key returns the partition key.
func (Control) Key() string { return controlKey }

// Validate reports every problem of the record.
func (c Control) Validate() error {
	var p problems
	p.version(c.SchemaVersion)
	oneOf(&p, "ladder", c.Ladder, LadderLLM, LadderStudent, LadderSearch)
	p.text("reason", c.Reason, MaxTitleBytes)
	p.name("by", c.By)
	p.time("set_at", c.SetAt)
	return p.err("control")
}
