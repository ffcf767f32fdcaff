package schemas_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// rule is one way to break a message, and the start of the problem it must cause.
type rule[T any] struct {
	want  string
	spoil func(*T)
}

// breaks checks one rule at a time, and then that all problems come at once.
func breaks[T interface{ Validate() error }](t *testing.T, golden string, rules []rule[T]) {
	t.Helper()
	for _, r := range rules {
		v := read[T](t, golden)
		if err := v.Validate(); err != nil {
			t.Fatal(err)
		}
		r.spoil(&v)
		err := v.Validate()
		if !errors.Is(err, schemas.ErrInvalid) || !names(err, r.want) {
			t.Errorf("want a problem that starts with %q, got: %v", r.want, err)
		}
	}
}

// names reports whether a line of the error starts with a field (the first one follows
// the name of the message).
func names(err error, want string) bool {
	if err == nil {
		return false
	}
	for line := range strings.SplitSeq(err.Error(), "\n") {
		if strings.HasPrefix(line, want) || strings.Contains(line, ": "+want) {
			return true
		}
	}
	return false
}

var (
	long    = strings.Repeat("x", 5000)
	control = "a\x1b[2Jb"
	invalid = "a\xff"
)

func TestQueryRules(t *testing.T) {
	type q = schemas.Query
	breaks(t, "query.v1", []rule[q]{
		{"schema_version: must be", func(q *q) { q.SchemaVersion = "" }},
		{"schema_version: unknown major version", func(q *q) { q.SchemaVersion = "2.0" }},
		{"correlation_id: must be a UUIDv7", func(q *q) { q.CorrelationID = "x" }},
		{"text: must not be empty", func(q *q) { q.Text = " " }},
		{"market: must be two upper-case", func(q *q) { q.Market = "usa" }},
		{"locale: must not be empty", func(q *q) { q.Locale = "" }},
		{"platform: must have at most", func(q *q) { q.Platform = long }},
		{"client_id: must be valid UTF-8", func(q *q) { q.ClientID = control }},
		{"session_id: must be valid UTF-8", func(q *q) { q.SessionID = invalid }},
		{"mode: must be one of pre-fusion, post-fusion, search", func(q *q) { q.Mode = "fission" }},
		{"submitted_at: must be a time", func(q *q) { q.SubmittedAt = time.Time{} }},
		{"deadline: must be a time", func(q *q) { q.Deadline = time.Time{} }},
		{"deadline: must not be before", func(q *q) { q.Deadline = q.SubmittedAt.Add(-1) }},
		{"experiments: must have at most", func(q *q) { q.Experiments = many(schemas.MaxExperiments + 1) }},
		{"experiments: must not be empty", func(q *q) { q.Experiments = map[string]string{"arm": ""} }},
		{"experiments: must have at most 64", func(q *q) { q.Experiments = map[string]string{long: "b"} }},
		{"user.id: must have 1", func(q *q) { q.User.ID = "" }},
		{"user.id: must have 1", func(q *q) { q.User.ID = long }},
		{"user.id: must be valid UTF-8", func(q *q) { q.User.ID = invalid }},
		{"user.features: must have at most", func(q *q) { q.User.Features = many(schemas.MaxFeatures + 1) }},
		{"user.features: a name must have", func(q *q) { q.User.Features[long] = "x" }},
		{"user.features: a name must have", func(q *q) { q.User.Features["x"] = long }},
		{"user.features: must be valid UTF-8", func(q *q) { q.User.Features["x"] = invalid }},
	})
}

func many(n int) map[string]string {
	m := map[string]string{}
	for i := range n {
		m[strings.Repeat("k", i%60+1)+string(rune('a'+i/60))] = "v"
	}
	return m
}

func TestRouteDecisionRules(t *testing.T) {
	type d = schemas.RouteDecision
	call := func(f func(*schemas.Call)) func(*d) { return func(d *d) { f(&d.Decision.Calls[1]) } }
	breaks(t, "route-decision.v1", []rule[d]{
		{"schema_version:", func(d *d) { d.SchemaVersion = "x" }},
		{"query.market:", func(d *d) { d.Query.Market = "" }},
		{"query.schema_version: unknown major", func(d *d) { d.Query.SchemaVersion = "3.1" }},
		{"user.id:", func(d *d) { d.User.ID = "" }},
		{"decided_at:", func(d *d) { d.DecidedAt = time.Time{} }},
		{"decision.route:", func(d *d) { d.Decision.Route = "" }},
		{"decision.params: must be an object", func(d *d) { d.Decision.Params = nil }},
		{"decision.layout:", func(d *d) { d.Decision.Layout = "" }},
		{"decision.notice:", func(d *d) { d.Decision.Notice = control }},
		{"decision.source: must be one of cache, precomputed, student, llm, fallback", func(d *d) { d.Decision.Source = "" }},
		{"decision.confidence:", func(d *d) { d.Decision.Confidence = 1.01 }},
		{"decision.confidence:", func(d *d) { d.Decision.Confidence = math.NaN() }},
		{"decision.manifest_version:", func(d *d) { d.Decision.ManifestVersion = "" }},
		{"decision.model_version:", func(d *d) { d.Decision.ModelVersion = long }},
		{"decision.prompt_version:", func(d *d) { d.Decision.PromptVersion = long }},
		{"decision.tokens: must not", func(d *d) { d.Decision.Tokens.Completion = -1 }},
		{"decision.tokens.cached:", func(d *d) { d.Decision.Tokens.Cached = d.Decision.Tokens.Prompt + 1 }},
		{"decision.cost_usd:", func(d *d) { d.Decision.Cost = -0.1 }},
		{"decision.took_ms:", func(d *d) { d.Decision.TookMS = math.Inf(1) }},
		{"decision.calls: must have 1", func(d *d) { d.Decision.Calls = nil }},
		{"decision.calls: must have 1", func(d *d) { d.Decision.Calls = make([]schemas.Call, schemas.MaxCalls+1) }},
		{"decision.calls: each entry", func(d *d) { d.Decision.Calls[2].Section = d.Decision.Calls[0].Section }},
		{"decision.calls[1].tool: must not be empty", call(func(c *schemas.Call) { c.Tool = "" })},
		{"decision.calls[1].tool: must have letters", call(func(c *schemas.Call) { c.Tool = "a.b" })},
		{"decision.calls[1].section:", call(func(c *schemas.Call) { c.Section = "" })},
		{"decision.calls[1].title:", call(func(c *schemas.Call) { c.Title = long })},
		{"decision.calls[1].component:", call(func(c *schemas.Call) { c.Component = "" })},
		{"decision.calls[1].params:", call(func(c *schemas.Call) { c.Params = schemas.Params{"x": 1.5} })},
		{"decision.calls[1].limit:", call(func(c *schemas.Call) { c.Limit = 0 })},
		{"decision.calls[1].deadline_ms:", call(func(c *schemas.Call) { c.DeadlineMS = schemas.MaxDeadlineMS + 1 })},
		{"decision.calls[1].late: must be one of drop, cache", call(func(c *schemas.Call) { c.Late = "never" })},
	})
}

func TestPrecomputedRouteRules(t *testing.T) {
	type r = schemas.PrecomputedRoute
	breaks(t, "precomputed-route.v1", []rule[r]{
		{"schema_version:", func(r *r) { r.SchemaVersion = "" }},
		{"route_key: must not be empty", func(r *r) { r.RouteKey = "" }},
		{"route_key: must have at most", func(r *r) { r.RouteKey = long }},
		{"query:", func(r *r) { r.Query = "" }},
		{"decision.route:", func(r *r) { r.Decision.Route = "" }},
		{"computed_at:", func(r *r) { r.ComputedAt = time.Time{} }},
		{"expires_at:", func(r *r) { r.ExpiresAt = r.ComputedAt }},
	})
}

func TestToolRules(t *testing.T) {
	type q = schemas.ToolRequest
	breaks(t, "tool-request.v1", []rule[q]{
		{"schema_version:", func(r *q) { r.SchemaVersion = "" }},
		{"correlation_id:", func(r *q) { r.CorrelationID = "" }},
		{"tool:", func(r *q) { r.Tool = "*" }},
		{"section:", func(r *q) { r.Section = "" }},
		{"query:", func(r *q) { r.Query = long }},
		{"params:", func(r *q) { r.Params = nil }},
		{"limit:", func(r *q) { r.Limit = schemas.MaxItems + 1 }},
		{"market:", func(r *q) { r.Market = "us" }},
		{"locale:", func(r *q) { r.Locale = control }},
		{"user.id:", func(r *q) { r.User.ID = "" }},
		{"deadline:", func(r *q) { r.Deadline = time.Time{} }},
	})
	type a = schemas.ToolResponse
	item := func(f func(*schemas.Item)) func(*a) { return func(r *a) { f(&r.Items[0]) } }
	breaks(t, "tool-response.v1", []rule[a]{
		{"schema_version:", func(r *a) { r.SchemaVersion = "" }},
		{"correlation_id:", func(r *a) { r.CorrelationID = "" }},
		{"section:", func(r *a) { r.Section = "" }},
		{"text: must have at most", func(r *a) { r.Text = long }},
		{"text: must be valid UTF-8", func(r *a) { r.Text = control }},
		{"took_ms:", func(r *a) { r.TookMS = -1 }},
		{"version:", func(r *a) { r.Version = long }},
		{"items: must be a list", func(r *a) { r.Items = nil }},
		{"items: must have at most", func(r *a) { r.Items = make([]schemas.Item, schemas.MaxItems+1) }},
		{"items[0].type:", item(func(it *schemas.Item) { it.Type = "" })},
		{"items[0].id: must be the type", item(func(it *schemas.Item) { it.ID = "artist:x" })},
		{"items[0].id: must be the type", item(func(it *schemas.Item) { it.ID = "album:" })},
		{"items[0].id: must have at most", item(func(it *schemas.Item) { it.ID = "album:" + long })},
		{"items[0].title: must not be empty", item(func(it *schemas.Item) { it.Title = "" })},
		{"items[0].subtitle:", item(func(it *schemas.Item) { it.Subtitle = invalid })},
		{"items[0].artists: must have at most 64", item(func(it *schemas.Item) { it.Artists = make([]string, 65) })},
		{"items[0].genres:", item(func(it *schemas.Item) { it.Genres = []string{control} })},
		{"items[0].release_date:", item(func(it *schemas.Item) { it.ReleaseDate = "2025/03" })},
		{"items[0].score:", item(func(it *schemas.Item) { it.Score = math.NaN() })},
		{"items[0].score:", item(func(it *schemas.Item) { it.Score = math.Inf(-1) })},
		{"items[0].why:", item(func(it *schemas.Item) { it.Why = long })},
	})
}
