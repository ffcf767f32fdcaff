package schemas

import "time"

// ToolRequest asks one tool to fill one section. It travels on [ToolSubject].
type ToolRequest struct {
	SchemaVersion string    `json:"schema_version"`
	CorrelationID string    `json:"correlation_id"`
	Tool          string    `json:"tool"`
	Section       string    `json:"section"`
	Query         string    `json:"query"` // the text as typed
	Params        Params    `json:"params"`
	Limit         int       `json:"limit"`
	Market        string    `json:"market"`
	Locale        string    `json:"locale"`
	User          *User     `json:"user,omitempty"`
	Deadline      time.Time `json:"deadline"`
	// Late is what becomes of an answer that is not ready by the deadline; "" means LateDrop.
	Late LateResults `json:"late,omitempty"`
	// Repeat marks a call that was sent before, to a worker that has not answered. One that
	// has it in hand refuses it, so that it finds another.
	Repeat bool `json:"repeat,omitempty"`
}

// ToolResponse answers a [ToolRequest]. No items is a good answer: the section is empty.
type ToolResponse struct {
	SchemaVersion string  `json:"schema_version"`
	CorrelationID string  `json:"correlation_id"` // of the request
	Section       string  `json:"section"`        // of the request
	Text          string  `json:"text,omitempty"` // an answer or an introduction, shown above the items
	Items         []Item  `json:"items"`          // best first, at most the limit asked for
	TookMS        float64 `json:"took_ms"`        // service time, without queueing
	Version       string  `json:"version,omitempty"`
	Cached        bool    `json:"cached,omitempty"` // the answer to an equal call, kept or shared
}

// Validate reports every problem of the request.
func (r ToolRequest) Validate() error {
	var p problems
	p.version(r.SchemaVersion)
	p.id("correlation_id", r.CorrelationID)
	p.tool(r.Tool)
	p.name("section", r.Section)
	p.query("query", r.Query)
	r.Params.check(&p)
	p.between("limit", r.Limit, 1, MaxItems)
	p.market(r.Market)
	p.optional("locale", r.Locale)
	p.time("deadline", r.Deadline)
	oneOf(&p, "late", r.Late, "", LateDrop, LateCache)
	if r.User != nil {
		within(&p, "user", r.User, (*User).check)
	}
	return p.err("tool request")
}

// Validate reports every problem of the response.
func (r ToolResponse) Validate() error {
	var p problems
	p.version(r.SchemaVersion)
	p.id("correlation_id", r.CorrelationID)
	p.name("section", r.Section)
	p.text("text", r.Text, MaxSectionText)
	checkItems(&p, r.Items)
	p.amount("took_ms", r.TookMS)
	p.optional("version", r.Version)
	return p.err("tool response")
}

// Answers says whether the response belongs to the request.
func (r ToolResponse) Answers(req ToolRequest) bool {
	return r.CorrelationID == req.CorrelationID && r.Section == req.Section && len(r.Items) <= req.Limit
}
