package schemas

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
	ID        string  `json:"id"`
	Title     string  `json:"title"`
	Component string  `json:"component"`
	Tool      string  `json:"tool"`
	Display   Display `json:"display,omitzero"`
}

// Validate reports every problem of the step.
func (g Progress) Validate() error {
	var p problems
	p.version(g.SchemaVersion)
	p.id("correlation_id", g.CorrelationID)
	oneOf(&p, "kind", g.Kind, ProgressRoute, ProgressSection, ProgressSERP)
	p.check((g.Route != nil) == (g.Kind == ProgressRoute), "route", "must be set for kind route only")
	p.check((g.Section != nil) == (g.Kind == ProgressSection), "section", "must be set for kind section only")
	p.check((g.SERP != nil) == (g.Kind == ProgressSERP), "serp", "must be set for kind serp only")
	if g.Route != nil {
		within(&p, "route", g.Route, (*Slots).check)
	}
	if g.Section != nil {
		within(&p, "section", g.Section, (*Section).check)
	}
	if g.SERP != nil {
		within(&p, "serp", g.SERP, (*SERP).check)
		p.check(g.SERP.CorrelationID == g.CorrelationID, "serp.correlation_id", "must be that of the step")
	}
	return p.err("progress")
}

func (s *Slots) check(p *problems) {
	within(p, "route", &s.Route, (*RouteSummary).check)
	p.name("layout", s.Layout)
	p.text("notice", s.Notice, MaxTitleBytes)
	p.check(len(s.Slots) <= MaxCalls, "slots", "must have at most %d entries", MaxCalls)
	each(p, "slots", s.Slots, (*Slot).check)
	unique(p, "slots", s.Slots, func(c *Slot) string { return c.ID })
}

func (s *Slot) check(p *problems) {
	p.name("id", s.ID)
	p.text("title", s.Title, MaxTitleBytes)
	p.name("component", s.Component)
	p.tool(s.Tool)
	within(p, "display", &s.Display, (*Display).check)
}
