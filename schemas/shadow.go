package schemas

import "time"

// ShadowDecision is what a candidate router would have decided for a query, beside the
// decision that was served, on [TopicShadowDecisions].
type ShadowDecision struct {
	SchemaVersion string    `json:"schema_version"`
	CorrelationID string    `json:"correlation_id"`
	Query         string    `json:"query"`
	Market        string    `json:"market"`
	Live          Decision  `json:"live"`
	Candidate     Decision  `json:"candidate"` // its arm is the name of the candidate
	Agreement     Agreement `json:"agreement"`
	DecidedAt     time.Time `json:"decided_at"`
}

// Agreement says how much of a decision two routers have in common.
type Agreement string

// Agreements.
const (
	AgreeParams Agreement = "params" // the same route with the same parameters
	AgreeRoute  Agreement = "route"  // the same route
	AgreeNone   Agreement = "none"
)

// Key returns the partition key.
func (d ShadowDecision) Key() string { return d.CorrelationID }

// Validate reports every problem of the record.
func (d ShadowDecision) Validate() error {
	var p problems
	p.version(d.SchemaVersion)
	p.id("correlation_id", d.CorrelationID)
	p.query("query", d.Query)
	p.market(d.Market)
	within(&p, "live", &d.Live, (*Decision).check)
	within(&p, "candidate", &d.Candidate, (*Decision).check)
	oneOf(&p, "agreement", d.Agreement, AgreeParams, AgreeRoute, AgreeNone)
	p.time("decided_at", d.DecidedAt)
	return p.err("shadow decision")
}
