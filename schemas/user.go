package schemas

import (
	"fmt"
	"io"
	"log/slog"
	"unicode/utf8"
)

// User is what tools may know of the listener. It must not reach a prompt, a cache key, a
// log, a metric, a trace, a SERP or a dead letter: it prints and logs as redacted, and the
// messages that hold one log a summary without it. JSON is its only readable form, so a
// slice or struct of messages must not be handed to a JSON log handler as one value.
type User struct {
	ID       string            `json:"id"` // pseudonymous
	Features map[string]string `json:"features,omitempty"`
}

const redacted = "[user redacted]"

// String implements [fmt.Stringer] without saying anything about the user.
func (User) String() string { return redacted }

// Format implements [fmt.Formatter]: every verb, %#v and %d included, says nothing about
// the user.
func (User) Format(s fmt.State, _ rune) {
	_, _ = io.WriteString(s, redacted) // fmt has no use for the error
}

// LogValue implements [slog.LogValuer] without saying anything about the user.
func (User) LogValue() slog.Value { return slog.StringValue(redacted) }

// Validate reports every problem of the user block, without quoting it.
func (u User) Validate() error {
	var p problems
	u.check(&p)
	return p.err("user")
}

func (u *User) check(p *problems) {
	p.check(u.ID != "" && len(u.ID) <= MaxUserBytes, "id", "must have 1 to %d bytes", MaxUserBytes)
	p.check(utf8.ValidString(u.ID), "id", "must be valid UTF-8")
	p.check(len(u.Features) <= MaxFeatures, "features", "must have at most %d entries", MaxFeatures)
	for name, v := range u.Features {
		p.check(len(name) <= MaxUserBytes && len(v) <= MaxTitleBytes, "features",
			"a name must have at most %d bytes and a value %d", MaxUserBytes, MaxTitleBytes)
		p.check(utf8.ValidString(name) && utf8.ValidString(v), "features", "must be valid UTF-8")
	}
}

// LogValue implements [slog.LogValuer]: what identifies the query, without its text.
func (q PublicQuery) LogValue() slog.Value { return slog.GroupValue(q.attrs()...) }

// LogValue implements [slog.LogValuer]: what identifies the query, without its text and
// its user.
func (q Query) LogValue() slog.Value {
	return slog.GroupValue(append(q.attrs(), userAttr(q.User))...)
}

// LogValue implements [slog.LogValuer]: what was decided for which query, without the
// query's text and user.
func (d RouteDecision) LogValue() slog.Value {
	return slog.GroupValue(append(d.Query.attrs(),
		slog.String("route", d.Decision.Route),
		slog.String("source", string(d.Decision.Source)),
		slog.Float64("confidence", d.Decision.Confidence),
		slog.Int("calls", len(d.Decision.Calls)),
		userAttr(d.User))...)
}

// LogValue implements [slog.LogValuer]: which tool is asked for which section, without
// the query's text and user.
func (r ToolRequest) LogValue() slog.Value {
	return slog.GroupValue(
		slog.String("correlation_id", r.CorrelationID),
		slog.String("tool", r.Tool),
		slog.String("section", r.Section),
		slog.String("market", r.Market),
		slog.Time("deadline", r.Deadline),
		userAttr(r.User))
}

func (q *PublicQuery) attrs() []slog.Attr {
	return []slog.Attr{
		slog.String("correlation_id", q.CorrelationID),
		slog.String("market", q.Market),
		slog.String("locale", q.Locale),
		slog.String("platform", q.Platform),
		slog.Time("deadline", q.Deadline),
	}
}

// userAttr tells an anonymous search from one of a user, and no more.
func userAttr(u *User) slog.Attr {
	if u == nil {
		return slog.Attr{} // left out by every handler
	}
	return slog.String("user", redacted)
}
