package schemas_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
)

func canaryUser() *schemas.User {
	return &schemas.User{ID: canary, Features: map[string]string{canary: canary}}
}

// holders returns every message with a user block, by value and by pointer, and what
// people wrap around them.
func holders(t *testing.T) map[string]any {
	t.Helper()
	q := read[schemas.Query](t, "query.v1")
	d := read[schemas.RouteDecision](t, "route-decision.v1")
	r := read[schemas.ToolRequest](t, "tool-request.v1")
	q.User, d.User, r.User = canaryUser(), canaryUser(), canaryUser()
	return map[string]any{
		"User": *canaryUser(), "*User": canaryUser(),
		"Query": q, "*Query": &q, "RouteDecision": d, "*RouteDecision": &d, "ToolRequest": r, "*ToolRequest": &r,
	}
}

func TestUserDoesNotPrint(t *testing.T) {
	for name, v := range holders(t) {
		wrapped := []any{v, []any{v}, map[string]any{"v": v}, struct{ V any }{v}, &struct{ V any }{v}}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%t", "%10.3v"} {
			for _, w := range wrapped {
				if got := fmt.Sprintf(verb, w); strings.Contains(got, canary) || strings.Contains(got, fmt.Sprintf("%x", canary)) {
					t.Errorf("%s in a %T by %s: %s", name, w, verb, got)
				}
			}
		}
		if got := fmt.Sprint(v) + fmt.Errorf("handle: %v", v).Error(); strings.Contains(got, canary) {
			t.Errorf("%s: %s", name, got)
		}
	}
	if got := canaryUser().String(); got != "[user redacted]" {
		t.Errorf("String: %s", got)
	}
	if got := fmt.Sprint((*schemas.User)(nil)); strings.Contains(got, "PANIC") {
		t.Errorf("no user: %s", got)
	}
}

// The JSON handler marshals what it does not know, so the messages log themselves.
func TestUserDoesNotLog(t *testing.T) {
	var out bytes.Buffer
	for form, h := range map[string]slog.Handler{
		"json": slog.NewJSONHandler(&out, nil), "text": slog.NewTextHandler(&out, nil),
	} {
		log := slog.New(h)
		for name, v := range holders(t) {
			out.Reset()
			log.Info("m", "v", v)
			log.With("v", v).WithGroup("g").Info("m", slog.Any("v", v), slog.Group("inner", "v", v))
			if got := out.String(); strings.Contains(got, canary) {
				t.Errorf("%s by the %s handler: %s", name, form, got)
			}
		}
	}
}

// A log line says which query it is about and whether there is a user, not what was typed.
func TestLogValue(t *testing.T) {
	for name, want := range map[string]string{
		"Query":         "deadline=2026-10-05T09:30:00.575Z user=[user redacted]",
		"RouteDecision": "route=new_releases source=llm confidence=0.94 calls=3 user=[user redacted]",
		"ToolRequest":   "tool=new_releases section=latest_releases market=US deadline=2026-10-05T09:30:00.555Z user=[user redacted]",
	} {
		got := strings.NewReplacer(`"`, "", "v.", "").Replace(logged(holders(t)[name]))
		if !strings.Contains(got, want) || strings.Contains(got, "gaga") {
			t.Errorf("%s: %s", name, got)
		}
	}
	anonymous := read[schemas.Query](t, "query.v1")
	anonymous.User = nil
	if got := logged(anonymous); strings.Contains(got, "user") {
		t.Errorf("anonymous: %s", got)
	}
	if got := logged(anonymous.PublicQuery); strings.Contains(got, "gaga") || !strings.Contains(got, "v.market=US") {
		t.Errorf("public query: %s", got)
	}
}

func logged(v any) string {
	var out bytes.Buffer
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v)
	return out.String()
}
