package schemas

import "time"

// SERPStatus says how much of a page came out.
type SERPStatus string

// Statuses of a page.
const (
	SERPComplete SERPStatus = "complete" // every call was answered
	SERPPartial  SERPStatus = "partial"  // at least one call was not
	SERPDegraded SERPStatus = "degraded" // the router fell back, or nothing mandatory was answered
	SERPExpired  SERPStatus = "expired"  // the deadline passed while the query was queued; no tool was called
)

// SectionStatus says what became of one call.
type SectionStatus string

// Statuses of a section.
const (
	SectionOK          SectionStatus = "ok"
	SectionEmpty       SectionStatus = "empty"        // answered, without items or text
	SectionTimeout     SectionStatus = "timeout"      // no answer by the deadline
	SectionError       SectionStatus = "error"        // the tool reported a failure
	SectionInvalid     SectionStatus = "invalid"      // the answer broke the schema
	SectionShed        SectionStatus = "shed"         // the tool was overloaded
	SectionNoResponder SectionStatus = "no_responder" // no worker of the tool is there
)

// Answered reports whether the tool answered, with items or without.
func (s SectionStatus) Answered() bool { return s == SectionOK || s == SectionEmpty }

// SERP is a finished search results page. There is one per correlation id, and it never
// changes once it is out.
type SERP struct {
	SchemaVersion string       `json:"schema_version"`
	CorrelationID string       `json:"correlation_id"`
	Query         string       `json:"query"`
	Market        string       `json:"market"`
	Route         RouteSummary `json:"route"`
	Layout        string       `json:"layout"`
	Notice        string       `json:"notice,omitempty"`
	Status        SERPStatus   `json:"status"`
	Coverage      float64      `json:"coverage"` // answered calls ÷ calls, 0 to 1
	Sections      []Section    `json:"sections"` // in layout order
	Timings       Timings      `json:"timings"`
	Cost          float64      `json:"cost_usd"`
	CreatedAt     time.Time    `json:"created_at"`
	Probe         bool         `json:"probe,omitempty"` // of the query
}

// RouteSummary is the part of a decision that a page shows.
type RouteSummary struct {
	Name            string  `json:"name"`
	Params          Params  `json:"params"`
	Source          Source  `json:"source"`
	Degraded        bool    `json:"degraded,omitempty"`
	Confidence      float64 `json:"confidence"`
	ManifestVersion string  `json:"manifest_version"`
	ModelVersion    string  `json:"model_version,omitempty"`
}

// Section is the answer of one call.
type Section struct {
	ID        string        `json:"id"`
	Title     string        `json:"title"`
	Component string        `json:"component"` // hero, carousel, list, answer, mix, ...
	Tool      string        `json:"tool"`
	Status    SectionStatus `json:"status"`
	Reason    string        `json:"reason,omitempty"` // why it is not ok, for a person
	Text      string        `json:"text,omitempty"`
	TookMS    float64       `json:"took_ms"` // from scatter to gather
	ServiceMS float64       `json:"service_ms,omitempty"`
	Items     []Item        `json:"items"`
}

// Timings is where the time of a page went, in milliseconds.
type Timings struct {
	QueuedMS float64 `json:"queued_ms"` // submitted → decided, without deciding
	RouterMS float64 `json:"router_ms"` // deciding
	ToolsMS  float64 `json:"tools_ms"`  // scatter → gather
	TotalMS  float64 `json:"total_ms"`  // submitted → page
}

// Key returns the partition key.
func (s SERP) Key() string { return s.CorrelationID }

// Validate reports every problem of the page.
func (s SERP) Validate() error {
	var p problems
	p.version(s.SchemaVersion)
	p.id("correlation_id", s.CorrelationID)
	p.join("query", CheckText(s.Query))
	p.name("route.name", s.Route.Name)
	p.join("route.params", s.Route.Params.Validate())
	p.name("layout", s.Layout)
	oneOf(&p, "status", s.Status, []SERPStatus{SERPComplete, SERPPartial, SERPDegraded, SERPExpired})
	p.check(s.Coverage >= 0 && s.Coverage <= 1, "coverage", "must lie between 0 and 1")
	p.check(len(s.Sections) <= MaxCalls, "sections", "must have at most %d entries", MaxCalls)
	for _, sec := range s.Sections {
		p.join("sections", sec.Validate())
	}
	p.time("created_at", s.CreatedAt)
	return p.err("SERP")
}

// Validate reports every problem of the section.
func (s Section) Validate() error {
	var p problems
	p.name("id", s.ID)
	p.name("component", s.Component)
	p.name("tool", s.Tool)
	p.text("title", s.Title, MaxTitleBytes)
	p.text("reason", s.Reason, MaxTitleBytes)
	p.text("text", s.Text, MaxSectionText)
	oneOf(&p, "status", s.Status, []SectionStatus{
		SectionOK, SectionEmpty, SectionTimeout, SectionError, SectionInvalid, SectionShed, SectionNoResponder,
	})
	checkItems(&p, s.Items)
	return p.err("section")
}

// ProgressKind says what a [Progress] carries.
type ProgressKind string

// Kinds of progress, in the order they come.
const (
	ProgressRoute   ProgressKind = "route"   // decided: the slots of the page
	ProgressSection ProgressKind = "section" // one section landed
	ProgressSERP    ProgressKind = "serp"    // the page is final
)

// Progress is one step of a page on [SERPSubject]. It is a copy that makes things faster:
// it may be lost, and the page is then read from [TopicSERPs]. Exactly one of Route,
// Section and SERP is set, by Kind.
type Progress struct {
	SchemaVersion string       `json:"schema_version"`
	CorrelationID string       `json:"correlation_id"`
	Kind          ProgressKind `json:"kind"`
	Route         *Slots       `json:"route,omitempty"`
	Section       *Section     `json:"section,omitempty"`
	SERP          *SERP        `json:"serp,omitempty"`
}

// Slots announces the page that a decision leads to, so that a frontend can reserve room.
type Slots struct {
	Route  RouteSummary `json:"route"`
	Layout string       `json:"layout"`
	Notice string       `json:"notice,omitempty"`
	Slots  []Slot       `json:"slots"` // in layout order
}

// Slot is the room for one section.
type Slot struct {
	ID        string `json:"id"`
	Title     string `json:"title"`
	Component string `json:"component"`
	Tool      string `json:"tool"`
}

// Validate reports every problem of the step.
func (g Progress) Validate() error {
	var p problems
	p.version(g.SchemaVersion)
	p.id("correlation_id", g.CorrelationID)
	oneOf(&p, "kind", g.Kind, []ProgressKind{ProgressRoute, ProgressSection, ProgressSERP})
	p.check((g.Route != nil) == (g.Kind == ProgressRoute), "route", "must be set for kind route only")
	p.check((g.Section != nil) == (g.Kind == ProgressSection), "section", "must be set for kind section only")
	p.check((g.SERP != nil) == (g.Kind == ProgressSERP), "serp", "must be set for kind serp only")
	if g.Section != nil {
		p.join("section", g.Section.Validate())
	}
	if g.SERP != nil {
		p.join("serp", g.SERP.Validate())
	}
	return p.err("progress")
}
