package schemas_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

func TestSERPRules(t *testing.T) {
	type s = schemas.SERP
	section := func(f func(*schemas.Section)) func(*s) { return func(s *s) { f(&s.Sections[1]) } }
	breaks(t, "serp.v1", []rule[s]{
		{"schema_version:", func(s *s) { s.SchemaVersion = "" }},
		{"correlation_id:", func(s *s) { s.CorrelationID = "" }},
		{"query:", func(s *s) { s.Query = "" }},
		{"market:", func(s *s) { s.Market = "" }},
		{"route.name:", func(s *s) { s.Route.Name = "" }},
		{"route.params:", func(s *s) { s.Route.Params = nil }},
		{"route.source:", func(s *s) { s.Route.Source = "oracle" }},
		{"route.confidence:", func(s *s) { s.Route.Confidence = -1 }},
		{"route.manifest_version:", func(s *s) { s.Route.ManifestVersion = "" }},
		{"route.model_version:", func(s *s) { s.Route.ModelVersion = long }},
		{"layout:", func(s *s) { s.Layout = "" }},
		{"notice:", func(s *s) { s.Notice = long }},
		{"status: must be one of complete, partial, degraded, expired", func(s *s) { s.Status = "" }},
		{"coverage:", func(s *s) { s.Coverage = 2 }},
		{"sections: must be a list", func(s *s) { s.Sections = nil }},
		{"sections: must have at most", func(s *s) { s.Sections = make([]schemas.Section, schemas.MaxCalls+1) }},
		{"sections: each entry", func(s *s) { s.Sections[1].ID = s.Sections[0].ID }},
		{"timings.queued_ms:", func(s *s) { s.Timings.QueuedMS = -1 }},
		{"timings.router_ms:", func(s *s) { s.Timings.RouterMS = -1 }},
		{"timings.tools_ms:", func(s *s) { s.Timings.ToolsMS = -1 }},
		{"timings.total_ms:", func(s *s) { s.Timings.TotalMS = -1 }},
		{"cost_usd:", func(s *s) { s.Cost = -1 }},
		{"created_at:", func(s *s) { s.CreatedAt = time.Time{} }},
		{"sections[1].id:", section(func(s *schemas.Section) { s.ID = "" })},
		{"sections[1].title:", section(func(s *schemas.Section) { s.Title = long })},
		{"sections[1].component:", section(func(s *schemas.Section) { s.Component = "" })},
		{"sections[1].tool:", section(func(s *schemas.Section) { s.Tool = "" })},
		{"sections[1].status:", section(func(s *schemas.Section) { s.Status = "late" })},
		{"sections[1].reason:", section(func(s *schemas.Section) { s.Reason = control })},
		{"sections[1].text:", section(func(s *schemas.Section) { s.Text = long })},
		{"sections[1].took_ms:", section(func(s *schemas.Section) { s.TookMS = -1 })},
		{"sections[1].service_ms:", section(func(s *schemas.Section) { s.ServiceMS = -1 })},
		{"sections[1].items: must be a list", section(func(s *schemas.Section) { s.Items = nil })},
		{"sections[1].items[0].title:", section(func(s *schemas.Section) { s.Items = []schemas.Item{{}} })},
	})
}

func TestProgressRules(t *testing.T) {
	type g = schemas.Progress
	breaks(t, "progress-route.v1", []rule[g]{
		{"schema_version:", func(g *g) { g.SchemaVersion = "" }},
		{"correlation_id:", func(g *g) { g.CorrelationID = "" }},
		{"kind: must be one of route, section, serp", func(g *g) { g.Kind = "" }},
		{"route: must be set for kind route only", func(g *g) { g.Kind = schemas.ProgressSection }},
		{"route: must be set for kind route only", func(g *g) { g.Route = nil }},
		{"section: must be set", func(g *g) { g.Section = &schemas.Section{} }},
		{"route.route.name:", func(g *g) { g.Route.Route.Name = "" }},
		{"route.layout:", func(g *g) { g.Route.Layout = "" }},
		{"route.notice:", func(g *g) { g.Route.Notice = long }},
		{"route.slots: must be a list", func(g *g) { g.Route.Slots = nil }},
		{"route.slots: must have at most", func(g *g) { g.Route.Slots = make([]schemas.Slot, schemas.MaxCalls+1) }},
		{"route.slots: each entry", func(g *g) { g.Route.Slots[1] = g.Route.Slots[0] }},
		{"route.slots[2].id:", func(g *g) { g.Route.Slots[2].ID = "" }},
		{"route.slots[2].title:", func(g *g) { g.Route.Slots[2].Title = long }},
		{"route.slots[2].component:", func(g *g) { g.Route.Slots[2].Component = "" }},
		{"route.slots[2].tool:", func(g *g) { g.Route.Slots[2].Tool = "" }},
	})
	breaks(t, "progress-section.v1", []rule[g]{
		{"section: must be set", func(g *g) { g.Section = nil }},
		{"section.id:", func(g *g) { g.Section.ID = "" }},
	})
	breaks(t, "progress-serp.v1", []rule[g]{
		{"serp: must be set", func(g *g) { g.SERP = nil }},
		{"serp.layout:", func(g *g) { g.SERP.Layout = "" }},
		{"serp.correlation_id: must be that of the step", func(g *g) { g.CorrelationID = strings.Replace(g.CorrelationID, "0", "1", 1) }},
	})
}

func TestInteractionRules(t *testing.T) {
	type i = schemas.Interaction
	breaks(t, "interaction.v1", []rule[i]{
		{"schema_version:", func(i *i) { i.SchemaVersion = "" }},
		{"event_id:", func(i *i) { i.EventID = "" }},
		{"action_name:", func(i *i) { i.ActionName = "" }},
		{"query_id:", func(i *i) { i.QueryID = "q1" }},
		{"client_id:", func(i *i) { i.ClientID = "" }},
		{"session_id:", func(i *i) { i.SessionID = control }},
		{"timestamp:", func(i *i) { i.Timestamp = time.Time{} }},
		{"route:", func(i *i) { i.Route = long }},
		{"section_id:", func(i *i) { i.SectionID = long }},
		{"section_position:", func(i *i) { i.SectionPosition = -1 }},
		{"ms_played:", func(i *i) { i.MSPlayed = -1 }},
		{"event_attributes.position.ordinal:", func(i *i) { i.EventAttributes.Position.Ordinal = -1 }},
		{"event_attributes.object.object_id: must name", func(i *i) { i.EventAttributes.Object.ObjectID = "" }},
		{"event_attributes.object.object_id: must have at most", func(i *i) { i.EventAttributes.Object.ObjectID = long }},
		{"event_attributes.object.object_id_type:", func(i *i) { i.EventAttributes.Object.ObjectIDType = long }},
	})
	view := read[i](t, "interaction.v1")
	view.ActionName, view.EventAttributes = schemas.ActionView, schemas.EventAttributes{}
	if err := view.Validate(); err != nil {
		t.Errorf("a view needs no object: %v", err)
	}
}

func TestOnlineMetricsRules(t *testing.T) {
	type m = schemas.OnlineMetrics
	breaks(t, "online-metrics.v1", []rule[m]{
		{"schema_version:", func(m *m) { m.SchemaVersion = "" }},
		{"window: must be one of 1m, 1h, 1d, all", func(m *m) { m.Window = "2h" }},
		{"start:", func(m *m) { m.Start = time.Time{} }},
		{"start:", func(m *m) { m.Window = schemas.WindowAll }},
		{"cut.route:", func(m *m) { m.Cut.Route = long }},
		{"cut.arm:", func(m *m) { m.Cut.Arm = long }},
		{"revision:", func(m *m) { m.Revision = -1 }},
		{"counts.searches: and clicks", func(m *m) { m.Counts.Clicks = -1 }},
		{"counts.ranks:", func(m *m) { m.Counts.Ranks = map[int]int{0: 1} }},
		{"counts.time_to_success.zero:", func(m *m) { m.Counts.TimeToSuccess.Zero = -1 }},
		{"counts.latency.bins: must have positive", func(m *m) {
			m.Counts.Latency = map[string]schemas.Histogram{"total": {Bins: map[int]int{1: 0}}}
		}},
		{"counts.successes:", func(m *m) { m.Counts.Successes = m.Counts.Searches + 1 }},
		{"counts.success_rate:", func(m *m) { m.Counts.SuccessRate = 1.5 }},
		{"as_of:", func(m *m) { m.AsOf = time.Time{} }},
	})
}

func TestDeadLetterRules(t *testing.T) {
	type d = schemas.DeadLetter
	breaks(t, "dead-letter.v1", []rule[d]{
		{"topic:", func(d *d) { d.Topic = "" }},
		{"partition:", func(d *d) { d.Partition = -1 }},
		{"offset:", func(d *d) { d.Offset = -1 }},
		{"attempts:", func(d *d) { d.Attempts = -1 }},
		{"error_kind: must be one of decode, permanent, exhausted, panic", func(d *d) { d.ErrorKind = "" }},
		{"failed_at:", func(d *d) { d.FailedAt = time.Time{} }},
		{"payload:", func(d *d) { d.Payload = json.RawMessage("{") }},
	})
}

// Every problem comes at once, and a flood of them is cut short.
func TestProblemsComeTogether(t *testing.T) {
	err := schemas.Query{}.Validate()
	for _, field := range []string{"schema_version", "correlation_id", "text", "market", "locale", "submitted_at", "deadline"} {
		if !names(err, field+":") {
			t.Errorf("%s is not named in: %v", field, err)
		}
	}
	flood := read[schemas.ToolResponse](t, "tool-response.v1")
	flood.Items = make([]schemas.Item, schemas.MaxItems)
	if err := flood.Validate(); strings.Count(err.Error(), "\n") > 16 || !strings.Contains(err.Error(), "not listed") {
		t.Errorf("a flood: %v", err)
	}
}

// An error names fields and bounds. It goes into logs and dead letters, so it must not
// quote what it is about.
func TestErrorsQuoteNothing(t *testing.T) {
	bad := canary + "\x00" + strings.Repeat("y", 2000)
	user := &schemas.User{ID: bad, Features: map[string]string{bad: bad, canary: invalid}}
	params := schemas.Params{bad: bad, canary: []string{bad}, "x": map[string]any{canary: canary}}
	for name, err := range map[string]error{
		"user": user.Validate(),
		"query": schemas.Query{User: user, PublicQuery: schemas.PublicQuery{
			SchemaVersion: canary, CorrelationID: bad, Text: bad, Market: bad, Locale: bad, ClientID: bad,
			Mode: canary, Experiments: map[string]string{bad: bad},
		}}.Validate(),
		"decision": schemas.RouteDecision{User: user, Decision: schemas.Decision{
			Route: bad, Params: params, Source: canary, Calls: []schemas.Call{{Tool: bad, Params: params, Late: canary}},
		}}.Validate(),
		"request":     schemas.ToolRequest{User: user, Tool: bad, Params: params}.Validate(),
		"response":    schemas.ToolResponse{Items: []schemas.Item{{ID: bad, Type: canary, Title: bad, ReleaseDate: canary}}}.Validate(),
		"interaction": schemas.Interaction{EventID: bad, ActionName: bad, QueryID: canary}.Validate(),
		"metrics":     schemas.OnlineMetrics{Window: canary, Cut: schemas.Cut{Route: bad}}.Validate(),
		"dead letter": schemas.DeadLetter{Topic: bad, ErrorKind: canary, Payload: json.RawMessage(bad)}.Validate(),
		"params":      json.Unmarshal([]byte(`{"canary-7f3a":{"canary-7f3a":1}}`), &schemas.Params{}),
	} {
		if err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCheckText(t *testing.T) {
	for text, want := range map[string]string{
		"lady gaga": "", "!!!": "", "AC/DC": "", "宇多田ヒカル": "", "a\u200db": "", "two\nlines\tof text": "", "❤️": "",
		strings.Repeat("é", schemas.MaxQueryRunes):   "",
		strings.Repeat("é", schemas.MaxQueryRunes+1): "must have at most 256 characters",
		"": "must not be empty", " \t\n": "must not be empty", "\u200b\u2060": "must not be empty", "\u00a0": "must not be empty",
		"a\x00b": "must not contain control characters", "a\x1b[31m": "must not contain control characters",
		"a\u009bb": "must not contain control characters", "a\xff": "must be valid UTF-8",
	} {
		err := schemas.CheckText(text)
		if got := errorText(err); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
		if err != nil && !errors.Is(err, schemas.ErrInvalid) {
			t.Errorf("%q: %v is no ErrInvalid", text, err)
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// The longest query fits where a call's parameter is the text as typed.
func TestLongestQueryFitsAParameter(t *testing.T) {
	p := schemas.Params{"text": strings.Repeat("𝄞", schemas.MaxQueryRunes)}
	if err := schemas.CheckText(p.Text("text")); err != nil {
		t.Fatal(err)
	}
	if err := p.Validate(); err != nil {
		t.Error(err)
	}
}

func TestIsCorrelationID(t *testing.T) {
	for id, want := range map[string]bool{
		"01890a5d-ac96-774b-bcce-b302099a8057":   true,
		"ffffffff-ffff-7fff-bfff-ffffffffffff":   true,
		"01890a5d-ac96-474b-bcce-b302099a8057":   false, // version 4
		"01890a5d-ac96-774b-ccce-b302099a8057":   false, // variant
		"01890A5D-AC96-774B-BCCE-B302099A8057":   false,
		"01890a5dac96774bbcceb302099a8057":       false,
		"01890a5d-ac96-774b-bcce-b302099a805":    false,
		"01890a5d-ac96-774b-bcce-b302099a805g":   false,
		"01890a5d0ac96-774b-bcce-b302099a8057":   false,
		"01890a5d-ac96-774b-bcce-b302099a-057":   false,
		"{01890a5d-ac96-774b-bcce-b302099a8057}": false,
		"01890a5d-ac96-774b-bcce-b302099a8é":     false,
		"":                                       false,
	} {
		if got := schemas.IsCorrelationID(id); got != want {
			t.Errorf("%q: %v", id, got)
		}
	}
}
