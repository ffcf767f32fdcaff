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
	Coverage      float64      `json:"coverage"`          // answered calls ÷ calls, 0 to 1
	Sections      []Section    `json:"sections"`          // in layout order
	Omitted       []Section    `json:"omitted,omitempty"` // found nothing and are not shown; status and reason say why
	Refined       bool         `json:"refined,omitempty"` // a language model had a say in the order of items
	Timings       Timings      `json:"timings"`
	Cost          float64      `json:"cost_usd"`
	CreatedAt     time.Time    `json:"created_at"`
	Probe         bool         `json:"probe,omitempty"` // of the query
	// Asked says who asked, and how. Pages of older versions have none.
	Asked *Asked `json:"asked,omitempty"`
}

// Asked is what analytics may know of the query of a page. Who asked is named by salted
// pseudonyms alone.
type Asked struct {
	At       time.Time `json:"at"` // when the query was submitted
	Locale   string    `json:"locale"`
	Platform string    `json:"platform,omitempty"`
	Mode     Mode      `json:"mode,omitempty"`

	Client  string `json:"client,omitempty"` // pseudonym of whom arms are assigned to
	Session string `json:"session,omitempty"`
	User    string `json:"user,omitempty"`

	Experiments map[string]string `json:"experiments,omitempty"` // of the query
	// Features are those of the user that the operator has named one by one; by default none.
	Features map[string]string `json:"features,omitempty"`
}

// AskedAt returns when the query of the page was submitted.
func (s SERP) AskedAt() time.Time {
	if s.Asked != nil {
		return s.Asked.At
	}
	return s.CreatedAt.Add(-time.Duration(s.Timings.TotalMS * float64(time.Millisecond)))
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

	Arm          string        `json:"arm,omitempty"`          // of the roll-out, or experiment/arm; "" is the default
	Exposed      bool          `json:"exposed,omitempty"`      // the arms of the experiment differ for this query
	Alternatives []Alternative `json:"alternatives,omitempty"` // the next best routes, best first
	Tiers        []Tier        `json:"tiers,omitempty"`        // of the cascade that were asked, in order
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
	Display   Display       `json:"display,omitzero"`
	Mandatory bool          `json:"mandatory,omitempty"`
	Cached    bool          `json:"cached,omitempty"`   // the tool had answered an equal call
	Repeated  bool          `json:"repeated,omitempty"` // the call was repeated, and the repeat answered first
	// Rival is set on a section that mixes the answers of two tools. Team a of its items is
	// the section's tool, team b the rival.
	Rival *Rival `json:"rival,omitempty"`
}

// Timings is where the time of a page went, in milliseconds.
type Timings struct {
	QueuedMS float64 `json:"queued_ms"`           // submitted → decided, without deciding
	RouterMS float64 `json:"router_ms"`           // deciding
	ToolsMS  float64 `json:"tools_ms"`            // scatter → gather
	RefineMS float64 `json:"refine_ms,omitempty"` // putting items in order
	TotalMS  float64 `json:"total_ms"`            // submitted → page
}

// Key returns the partition key.
func (s SERP) Key() string { return s.CorrelationID }

// Validate reports every problem of the page.
func (s SERP) Validate() error {
	var p problems
	s.check(&p)
	return p.err("SERP")
}

func (s *SERP) check(p *problems) {
	p.version(s.SchemaVersion)
	p.id("correlation_id", s.CorrelationID)
	p.query("query", s.Query)
	p.market(s.Market)
	within(p, "route", &s.Route, (*RouteSummary).check)
	p.name("layout", s.Layout)
	p.text("notice", s.Notice, MaxTitleBytes)
	oneOf(p, "status", s.Status, SERPComplete, SERPPartial, SERPDegraded, SERPExpired)
	p.ratio("coverage", s.Coverage)
	p.check(len(s.Sections) <= MaxCalls, "sections", "must have at most %d entries", MaxCalls)
	each(p, "sections", s.Sections, (*Section).check)
	unique(p, "sections", s.Sections, func(c *Section) string { return c.ID })
	p.check(len(s.Omitted) <= MaxCalls, "omitted", "must have at most %d entries", MaxCalls)
	optional(p, "omitted", s.Omitted, (*Section).check)
	t := s.Timings
	p.amount("timings.queued_ms", t.QueuedMS)
	p.amount("timings.router_ms", t.RouterMS)
	p.amount("timings.tools_ms", t.ToolsMS)
	p.amount("timings.refine_ms", t.RefineMS)
	p.amount("timings.total_ms", t.TotalMS)
	p.amount("cost_usd", s.Cost)
	p.time("created_at", s.CreatedAt)
	if s.Asked != nil {
		within(p, "asked", s.Asked, (*Asked).check)
	}
}

func (a *Asked) check(p *problems) {
	p.time("at", a.At)
	p.name("locale", a.Locale)
	p.optional("platform", a.Platform)
	oneOf(p, "mode", a.Mode, "", PreFusion, PostFusion, PlainSearch)
	p.optional("client", a.Client)
	p.optional("session", a.Session)
	p.optional("user", a.User)
	checkExperiments(p, a.Experiments)
	p.check(len(a.Features) <= MaxFeatures, "features", "must have at most %d entries", MaxFeatures)
	for name, v := range a.Features {
		p.name("features", name)
		p.text("features", v, MaxTitleBytes)
	}
}

func (r *RouteSummary) check(p *problems) {
	p.name("name", r.Name)
	r.Params.check(p)
	r.Source.check(p)
	p.ratio("confidence", r.Confidence)
	p.name("manifest_version", r.ManifestVersion)
	p.optional("model_version", r.ModelVersion)
	checkPath(p, r.Arm, r.Alternatives, r.Tiers)
}

// Validate reports every problem of the section.
func (s Section) Validate() error {
	var p problems
	s.check(&p)
	return p.err("section")
}

func (s *Section) check(p *problems) {
	p.name("id", s.ID)
	p.text("title", s.Title, MaxTitleBytes)
	p.name("component", s.Component)
	p.tool(s.Tool)
	oneOf(p, "status", s.Status, SectionOK, SectionEmpty, SectionTimeout, SectionError,
		SectionInvalid, SectionShed, SectionNoResponder)
	p.text("reason", s.Reason, MaxTitleBytes)
	p.text("text", s.Text, MaxSectionText)
	p.amount("took_ms", s.TookMS)
	p.amount("service_ms", s.ServiceMS)
	checkItems(p, s.Items)
	within(p, "display", &s.Display, (*Display).check)
	if s.Rival != nil {
		within(p, "rival", s.Rival, (*Rival).check)
	}
}
