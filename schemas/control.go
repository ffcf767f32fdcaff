package schemas

import "time"

// Control is what is set for every router, by an operator or by an experiment that harms,
// on [TopicControl]: either the ladder, or that an arm of an experiment serves nobody. The
// topic is compacted: the latest record of a key stands, also for routers that start later.
type Control struct {
	SchemaVersion string    `json:"schema_version"`
	Ladder        Ladder    `json:"ladder,omitempty"` // the best tier that anybody may use
	Arm           string    `json:"arm,omitempty"`    // experiment/arm
	Off           bool      `json:"off,omitempty"`    // of Arm: its queries get the control's decisions
	Reason        string    `json:"reason,omitempty"` // why, for a person
	By            string    `json:"by"`               // the name of the key that was used, or of the part that did it
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

// Keys of the topic.
const (
	controlLadder = "ladder"
	controlArm    = "arm/"
)

// Key returns the partition key: what is set.
func (c Control) Key() string {
	if c.Arm != "" {
		return controlArm + c.Arm
	}
	return controlLadder
}

// Validate reports every problem of the record.
func (c Control) Validate() error {
	var p problems
	p.version(c.SchemaVersion)
	if c.Arm == "" {
		oneOf(&p, "ladder", c.Ladder, LadderLLM, LadderStudent, LadderSearch)
	} else {
		p.check(c.Ladder == "", "ladder", "must not be set with an arm")
	}
	p.optional("arm", c.Arm)
	p.check(!c.Off || c.Arm != "", "off", "is for an arm")
	p.text("reason", c.Reason, MaxTitleBytes)
	p.name("by", c.By)
	p.time("set_at", c.SetAt)
	return p.err("control")
}
