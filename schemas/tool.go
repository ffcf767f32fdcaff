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
}

// Validate reports every problem of the request.
func (r ToolRequest) Validate() error {
	var p problems
	p.version(r.SchemaVersion)
	p.id("correlation_id", r.CorrelationID)
	p.name("tool", r.Tool)
	p.name("section", r.Section)
	p.join("query", CheckText(r.Query))
	p.join("params", r.Params.Validate())
	p.check(r.Limit >= 1 && r.Limit <= MaxItems, "limit", "must lie between 1 and %d", MaxItems)
	p.check(isMarket(r.Market), "market", "must be two upper-case letters")
	p.optional("locale", r.Locale)
	p.time("deadline", r.Deadline)
	if r.User != nil {
		p.join("user", r.User.Validate())
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
	p.check(r.TookMS >= 0, "took_ms", "must not be negative")
	return p.err("tool response")
}

// Answers says whether the response belongs to the request.
func (r ToolResponse) Answers(req ToolRequest) bool {
	return r.CorrelationID == req.CorrelationID && r.Section == req.Section && len(r.Items) <= req.Limit
}

func checkItems(p *problems, items []Item) {
	p.check(len(items) <= MaxItems, "items", "must have at most %d entries", MaxItems)
	for _, it := range items {
		it.check(p)
		if len(p.errs) > 8 { // a long hostile list need not fill a log
			return
		}
	}
}
