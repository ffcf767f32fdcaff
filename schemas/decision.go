package schemas

import "time"

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
	Route      string  `json:"route"`
	Params     Params  `json:"params"`
	Calls      []Call  `json:"calls"` // in layout order
	Layout     string  `json:"layout"`
	Notice     string  `json:"notice,omitempty"` // shown above the sections
	Source     Source  `json:"source"`
	Degraded   bool    `json:"degraded,omitempty"` // a better tier was away
	Confidence float64 `json:"confidence"`         // calibrated P(route is right), 0 to 1

	ManifestVersion string `json:"manifest_version"`
	ModelVersion    string `json:"model_version,omitempty"`
	PromptVersion   string `json:"prompt_version,omitempty"`

	Tokens Tokens  `json:"tokens"`
	Cost   float64 `json:"cost_usd"`
	TookMS float64 `json:"took_ms"` // time spent deciding
}

// Tokens counts what a language model read and wrote.
type Tokens struct {
	Prompt     int `json:"prompt"`
	Cached     int `json:"cached"` // part of Prompt that was served from a prefix cache
	Completion int `json:"completion"`
}

// Call is one tool call of a decision. It fills one section.
type Call struct {
	Tool       string      `json:"tool"`
	Section    string      `json:"section"` // unique in the decision
	Title      string      `json:"title"`
	Component  string      `json:"component"`
	Params     Params      `json:"params"`
	Limit      int         `json:"limit"`       // items wanted
	DeadlineMS int         `json:"deadline_ms"` // from the scatter; the query's deadline may be nearer
	Mandatory  bool        `json:"mandatory,omitempty"`
	Late       LateResults `json:"late,omitempty"` // "" means LateDrop
}

// Key returns the partition key.
func (d RouteDecision) Key() string { return d.Query.CorrelationID }

// Validate reports every problem of the record.
func (d RouteDecision) Validate() error {
	var p problems
	p.version(d.SchemaVersion)
	d.Query.check(&p)
	if d.User != nil {
		p.join("user", d.User.Validate())
	}
	p.join("decision", d.Decision.Validate())
	p.time("decided_at", d.DecidedAt)
	return p.err("route decision")
}

// Validate reports every problem of the decision.
func (d Decision) Validate() error {
	var p problems
	p.name("route", d.Route)
	p.name("layout", d.Layout)
	p.join("params", d.Params.Validate())
	p.text("notice", d.Notice, MaxTitleBytes)
	oneOf(&p, "source", d.Source, []Source{SourceCache, SourcePrecomputed, SourceStudent, SourceLLM, SourceFallback})
	p.check(d.Confidence >= 0 && d.Confidence <= 1, "confidence", "must lie between 0 and 1")
	p.name("manifest_version", d.ManifestVersion)
	p.check(d.Cost >= 0, "cost_usd", "must not be negative")
	p.check(d.TookMS >= 0, "took_ms", "must not be negative")
	p.check(len(d.Calls) >= 1 && len(d.Calls) <= MaxCalls, "calls", "must have 1 to %d entries", MaxCalls)
	seen := make(map[string]bool, len(d.Calls))
	for _, c := range d.Calls {
		c.check(&p)
		p.check(!seen[c.Section], "calls", "each section must be filled by one call")
		seen[c.Section] = true
	}
	return p.err("decision")
}

func (c Call) check(p *problems) {
	p.name("tool", c.Tool)
	p.check(isToken(c.Tool), "tool", "must have letters, digits, _ and - only")
	p.name("section", c.Section)
	p.text("title", c.Title, MaxTitleBytes)
	p.name("component", c.Component)
	p.join("params", c.Params.Validate())
	p.check(c.Limit >= 1 && c.Limit <= MaxItems, "limit", "must lie between 1 and %d", MaxItems)
	p.check(c.DeadlineMS > 0, "deadline_ms", "must be positive")
	oneOf(p, "late", c.Late, []LateResults{"", LateDrop, LateCache})
}

// isToken keeps tool names usable as the last token of a NATS subject.
func isToken(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && c != '-' && !(c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z') {
			return false
		}
	}
	return true
}

// PrecomputedRoute is a decision made ahead of time for a popular query, on the compacted
// [TopicPrecomputedRoutes]. A record without a value withdraws the key.
type PrecomputedRoute struct {
	SchemaVersion string    `json:"schema_version"`
	RouteKey      string    `json:"route_key"` // of router.Key: normalised query and versions
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
	p.join("query", CheckText(r.Query))
	p.join("decision", r.Decision.Validate())
	p.time("computed_at", r.ComputedAt)
	p.check(r.ExpiresAt.After(r.ComputedAt), "expires_at", "must be after computed_at")
	return p.err("precomputed route")
}
