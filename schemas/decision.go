package schemas

import (
	"slices"
	"time"
)

// Source is the tier of the cascade that made a decision.
type Source string

// The tiers, cheapest first.
const (
	SourceCache       Source = "cache"
	SourcePrecomputed Source = "precomputed"
	SourceStudent     Source = "student"
	SourceLLM         Source = "llm"
	SourceFallback    Source = "fallback"
)

// LateResults says what becomes of an answer that arrives after its section was closed.
type LateResults string

// Policies for late results.
const (
	LateDrop  LateResults = "drop"  // count it and forget it
	LateCache LateResults = "cache" // keep it for the next equal call
)

// RouteDecision is a query with its decision, on [TopicRouteDecisions]. It holds all that
// an aggregator needs, so that one of another version can serve it.
type RouteDecision struct {
	SchemaVersion string      `json:"schema_version"`
	Query         PublicQuery `json:"query"`
	User          *User       `json:"user,omitempty"` // goes to tools only
	Decision      Decision    `json:"decision"`
	DecidedAt     time.Time   `json:"decided_at"`
}

// Decision is what a query text means. It depends on the public query alone, so it can be
// cached and shared between users.
type Decision struct {
	Route  string `json:"route"`
	Params Params `json:"params"`
	Calls  []Call `json:"calls"` // in layout order
	Layout string `json:"layout"`
	Notice string `json:"notice,omitempty"` // shown above the sections
	// Refine is the last step on the page, if there is one; nil: none.
	Refine     *Refinement `json:"refine,omitempty"`
	Lead       *Lead       `json:"lead,omitempty"`   // the section that comes first if the router is sure enough
	Quorum     *Quorum     `json:"quorum,omitempty"` // when the page goes out; nil: when all have answered
	Source     Source      `json:"source"`
	Degraded   bool        `json:"degraded,omitempty"` // a better tier was away
	Confidence float64     `json:"confidence"`         // calibrated P(route is right), 0 to 1

	Arm          string        `json:"arm,omitempty"`          // of the roll-out, or experiment/arm; "" is the default
	Exposed      bool          `json:"exposed,omitempty"`      // the arms of the experiment differ for this query
	Alternatives []Alternative `json:"alternatives,omitempty"` // the next best routes, best first
	Tiers        []Tier        `json:"tiers,omitempty"`        // what was asked, in order

	ManifestVersion string `json:"manifest_version"`
	ModelVersion    string `json:"model_version,omitempty"`
	PromptVersion   string `json:"prompt_version,omitempty"`

	Tokens Tokens  `json:"tokens"`
	Cost   float64 `json:"cost_usd"`
	TookMS float64 `json:"took_ms"` // time spent deciding
}

// Alternative is a route that was not taken.
type Alternative struct {
	Route      string  `json:"route"`
	Confidence float64 `json:"confidence"` // calibrated P(route is right), 0 to 1
}

// Tier is one tier of the cascade that a query went through.
type Tier struct {
	Source  Source  `json:"source"`
	Outcome Outcome `json:"outcome"`
	// Route and Confidence are what the tier would have answered, if it had an answer.
	Route      string  `json:"route,omitempty"`
	Confidence float64 `json:"confidence,omitempty"`
	TookMS     float64 `json:"took_ms"`
	Cost       float64 `json:"cost_usd,omitempty"`
}

// Outcome says what came of asking a tier.
type Outcome string

// Outcomes.
const (
	OutcomeAnswered Outcome = "answered" // its answer is the decision
	OutcomeMiss     Outcome = "miss"     // a cache that did not have it
	OutcomeUnsure   Outcome = "unsure"   // below the threshold
	OutcomeOff      Outcome = "off"      // switched off, by an operator or for this arm
	OutcomeLimited  Outcome = "limited"  // over a limit of requests, tokens or money
	OutcomeOpen     Outcome = "open"     // kept away by the circuit breaker or the concurrency limit
	OutcomeTimeout  Outcome = "timeout"
	OutcomeInvalid  Outcome = "invalid" // the answer was no valid decision
	OutcomeError    Outcome = "error"
)

// Tokens counts what a language model read and wrote.
type Tokens struct {
	Prompt     int `json:"prompt"`
	Cached     int `json:"cached"` // part of Prompt that was served from a prefix cache
	Completion int `json:"completion"`
}

// Chosen is one tool call that a language model composed.
type Chosen struct {
	Tool   string `json:"tool"`
	Params Params `json:"params"`
}

// Call is one tool call of a decision. It fills one section.
type Call struct {
	Tool      string `json:"tool"`
	Section   string `json:"section"` // unique in the decision
	Title     string `json:"title"`
	Component string `json:"component"`
	Params    Params `json:"params"`
	Limit     int    `json:"limit"` // items shown at most
	// Spare is how many more items are asked for, to stand in for those that other sections
	// show already.
	Spare int `json:"spare,omitempty"`
	// Whole marks a section that is one thing made of items, as a mix is: it keeps them all,
	// and what it has may stand in other sections too.
	Whole      bool        `json:"whole,omitempty"`
	DeadlineMS int         `json:"deadline_ms"` // from the scatter, for a query of StandardDeadline; the query's deadline may be nearer
	Mandatory  bool        `json:"mandatory,omitempty"`
	Late       LateResults `json:"late,omitempty"` // "" means LateDrop
	Display    Display     `json:"display,omitzero"`
	// PerArtist is how many items of one artist are shown before those of others; 0: any.
	PerArtist int         `json:"per_artist,omitempty"`
	Diversity float64     `json:"diversity,omitempty"` // 0 takes items by rank alone, 1 as different as can be
	Empty     EmptyPolicy `json:"empty,omitempty"`     // "" means EmptyExplain
	Rival     *Rival      `json:"rival,omitempty"`     // another tool for the same section, to compare with
	// LastResort calls are made once the others have ended and the page has nothing to show.
	// They come last in a decision; their sections are on the page if they have something.
	LastResort bool `json:"last_resort,omitempty"`
}

// SetAside returns the calls that are made at once, and the last resorts. Both are parts of
// Calls.
func (d *Decision) SetAside() (atOnce, lastResorts []Call) {
	n := len(d.Calls)
	for n > 0 && d.Calls[n-1].LastResort {
		n--
	}
	return d.Calls[:n:n], d.Calls[n:]
}

// Rival is a tool that is asked for the same as a call. The section shows a mix of both
// answers, in which each item says whose it is.
type Rival struct {
	Tool       string `json:"tool"`
	Comparison string `json:"comparison"` // its name
}

func (r *Rival) check(p *problems) {
	p.tool(r.Tool)
	p.name("comparison", r.Comparison)
}

// EmptyPolicy says what becomes of a section without items.
type EmptyPolicy string

// Policies for empty sections.
const (
	EmptyExplain EmptyPolicy = "explain" // it stays and says why
	EmptyOmit    EmptyPolicy = "omit"    // it is left out of the page
)

// Lead moves a section to the top of the page if the router is sure that it is what was
// asked for. It is known before any tool has answered, so that nothing moves later.
type Lead struct {
	Section    string  `json:"section"`
	Confidence float64 `json:"confidence"` // the least that the decision must have, 0 to 1
}

// Quorum lets a page go out before all calls have answered: once every mandatory call is
// answered and so many sections in all have something to show, the others have so long.
type Quorum struct {
	Sections   int `json:"sections"`
	PatienceMS int `json:"patience_ms"`
}

// Refinement says how a finished page may be put in another order. It never adds or
// changes items, and without a language model it does nothing.
type Refinement struct {
	BudgetMS int `json:"budget_ms"` // the query's deadline may be nearer
	// KeepTop keeps the first item of every mandatory section where it is: the page is for
	// a named thing.
	KeepTop bool `json:"keep_top,omitempty"`
}

// Key returns the partition key.
func (d RouteDecision) Key() string { return d.Query.CorrelationID }

// Validate reports every problem of the record.
func (d RouteDecision) Validate() error {
	var p problems
	p.version(d.SchemaVersion)
	within(&p, "query", &d.Query, (*PublicQuery).check)
	if d.User != nil {
		within(&p, "user", d.User, (*User).check)
	}
	within(&p, "decision", &d.Decision, (*Decision).check)
	p.time("decided_at", d.DecidedAt)
	return p.err("route decision")
}

// Validate reports every problem of the decision.
func (d Decision) Validate() error {
	var p problems
	d.check(&p)
	return p.err("decision")
}

func (d *Decision) check(p *problems) {
	p.name("route", d.Route)
	d.Params.check(p)
	p.name("layout", d.Layout)
	p.text("notice", d.Notice, MaxTitleBytes)
	if d.Refine != nil {
		within(p, "refine", d.Refine, (*Refinement).check)
	}
	if d.Lead != nil {
		within(p, "lead", d.Lead, (*Lead).check)
	}
	if d.Quorum != nil {
		within(p, "quorum", d.Quorum, (*Quorum).check)
	}
	d.Source.check(p)
	p.ratio("confidence", d.Confidence)
	p.name("manifest_version", d.ManifestVersion)
	p.optional("model_version", d.ModelVersion)
	p.optional("prompt_version", d.PromptVersion)
	checkPath(p, d.Arm, d.Alternatives, d.Tiers)
	p.check(min(d.Tokens.Prompt, d.Tokens.Cached, d.Tokens.Completion) >= 0, "tokens", "must not be negative")
	p.check(d.Tokens.Cached <= d.Tokens.Prompt, "tokens.cached", "must not exceed prompt")
	p.amount("cost_usd", d.Cost)
	p.amount("took_ms", d.TookMS)
	p.check(len(d.Calls) >= 1 && len(d.Calls) <= MaxCalls, "calls", "must have 1 to %d entries", MaxCalls)
	each(p, "calls", d.Calls, (*Call).check)
	unique(p, "calls", d.Calls, func(c *Call) string { return c.Section })
	first, _ := d.SetAside()
	p.check(len(first) > 0 && !slices.ContainsFunc(first, func(c Call) bool { return c.LastResort }), "calls", "must begin with one that is no last resort, and end with those that are")
}

// checkPath checks how a decision came about.
func checkPath(p *problems, arm string, alternatives []Alternative, tiers []Tier) {
	p.optional("arm", arm)
	p.check(len(alternatives) <= MaxCalls, "alternatives", "must have at most %d entries", MaxCalls)
	optional(p, "alternatives", alternatives, (*Alternative).check)
	p.check(len(tiers) <= MaxCalls, "tiers", "must have at most %d entries", MaxCalls)
	optional(p, "tiers", tiers, (*Tier).check)
}

func (a *Alternative) check(p *problems) {
	p.name("route", a.Route)
	p.ratio("confidence", a.Confidence)
}

func (t *Tier) check(p *problems) {
	t.Source.check(p)
	oneOf(p, "outcome", t.Outcome, OutcomeAnswered, OutcomeMiss, OutcomeUnsure, OutcomeOff, OutcomeLimited, OutcomeOpen, OutcomeTimeout, OutcomeInvalid, OutcomeError)
	p.optional("route", t.Route)
	p.ratio("confidence", t.Confidence)
	p.amount("took_ms", t.TookMS)
	p.amount("cost_usd", t.Cost)
}

func (s Source) check(p *problems) {
	oneOf(p, "source", s, SourceCache, SourcePrecomputed, SourceStudent, SourceLLM, SourceFallback)
}

func (r *Refinement) check(p *problems) { p.between("budget_ms", r.BudgetMS, 1, MaxDeadlineMS) }

func (c *Call) check(p *problems) {
	p.tool(c.Tool)
	p.name("section", c.Section)
	p.text("title", c.Title, MaxTitleBytes)
	p.name("component", c.Component)
	c.Params.check(p)
	p.between("limit", c.Limit, 1, MaxItems)
	p.between("spare", c.Spare, 0, MaxItems-c.Limit)
	p.between("deadline_ms", c.DeadlineMS, 1, MaxDeadlineMS)
	oneOf(p, "late", c.Late, "", LateDrop, LateCache)
	within(p, "display", &c.Display, (*Display).check)
	p.between("per_artist", c.PerArtist, 0, MaxItems)
	p.ratio("diversity", c.Diversity)
	oneOf(p, "empty", c.Empty, "", EmptyExplain, EmptyOmit)
	if c.Rival != nil {
		within(p, "rival", c.Rival, (*Rival).check)
	}
	p.check(!c.LastResort || !c.Mandatory, "last_resort", "must not be mandatory")
}

func (l *Lead) check(p *problems) {
	p.name("section", l.Section)
	p.ratio("confidence", l.Confidence)
}

func (q *Quorum) check(p *problems) {
	p.between("sections", q.Sections, 1, MaxCalls)
	p.between("patience_ms", q.PatienceMS, 0, MaxDeadlineMS)
}

// unique wants every entry of a list to fill a section of its own.
func unique[T any](p *problems, field string, list []T, section func(*T) string) {
	seen := make(map[string]bool, len(list))
	for i := range list {
		id := section(&list[i])
		p.check(!seen[id], field, "each entry must have a section of its own")
		seen[id] = true
	}
}

// tool wants the name of a tool, which is the last token of a NATS subject.
func (p *problems) tool(v string) {
	p.name("tool", v)
	p.check(isToken(v), "tool", "must have letters, digits, _ and - only")
}

// isToken keeps tool names usable as the last token of a NATS subject.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && c != '-' && ((c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z')) {
			return false
		}
	}
	return true
}

// PrecomputedRoute is a decision made ahead of time for a popular query, on the compacted
// [TopicPrecomputedRoutes]. A record without a value withdraws the key.
type PrecomputedRoute struct {
	SchemaVersion string    `json:"schema_version"`
	RouteKey      string    `json:"route_key"` // of router.RouteKey: normalised query and manifest version
	Query         string    `json:"query"`     // normalised
	Decision      Decision  `json:"decision"`
	ComputedAt    time.Time `json:"computed_at"`
	ExpiresAt     time.Time `json:"expires_at"`
}

// Key returns the partition key.
func (r PrecomputedRoute) Key() string { return r.RouteKey }

// Validate reports every problem of the record.
func (r PrecomputedRoute) Validate() error {
	var p problems
	p.version(r.SchemaVersion)
	p.check(r.RouteKey != "", "route_key", "must not be empty")
	p.token("route_key", r.RouteKey, MaxItemRefsBytes)
	p.query("query", r.Query)
	within(&p, "decision", &r.Decision, (*Decision).check)
	p.time("computed_at", r.ComputedAt)
	p.check(r.ExpiresAt.After(r.ComputedAt), "expires_at", "must be after computed_at")
	return p.err("precomputed route")
}
