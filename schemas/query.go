package schemas

import (
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Mode says who composes the calls of a query.
type Mode string

// Modes.
const (
	PreFusion  Mode = "pre-fusion"  // routes are predefined bundles; the default
	PostFusion Mode = "post-fusion" // the language model composes calls
	// PlainSearch asks no router: the page is that of the fallback route, as a search box
	// without one shows it. It is what pages are compared with.
	PlainSearch Mode = "search"
)

// Modes lists all modes.
func Modes() []Mode { return []Mode{PreFusion, PostFusion, PlainSearch} }

// ExperimentArm is the experiment by which a query names the arm of the roll-out that
// decides it. Who may do so is up to the gateway. An unknown arm is the default one.
const ExperimentArm = "arm"

// StandardDeadline is the time for a page that deadlines of calls are given for.
const StandardDeadline = 450 * time.Millisecond

// Query is one search as a frontend publishes it to [TopicQueries].
type Query struct {
	PublicQuery
	// User goes to tools only. It is nil for an anonymous search.
	User *User `json:"user,omitempty"`
}

// PublicQuery is the part of a query that the router may read.
type PublicQuery struct {
	SchemaVersion string            `json:"schema_version"`
	CorrelationID string            `json:"correlation_id"` // UUIDv7, made by the client
	Text          string            `json:"text"`           // at most MaxQueryRunes
	Market        string            `json:"market"`         // ISO 3166-1 alpha-2
	Locale        string            `json:"locale"`         // BCP 47
	Platform      string            `json:"platform,omitempty"`
	ClientID      string            `json:"client_id,omitempty"`
	SessionID     string            `json:"session_id,omitempty"`
	Mode          Mode              `json:"mode,omitempty"` // "" means PreFusion
	SubmittedAt   time.Time         `json:"submitted_at"`
	Deadline      time.Time         `json:"deadline"` // when the page must be out
	Experiments   map[string]string `json:"experiments,omitempty"`
	Probe         bool              `json:"probe,omitempty"` // a health check: counted in no metric of listeners
}

// Key returns the partition key.
func (q PublicQuery) Key() string { return q.CorrelationID }

// Validate reports every problem of the query.
func (q Query) Validate() error {
	var p problems
	q.check(&p)
	if q.User != nil {
		within(&p, "user", q.User, (*User).check)
	}
	return p.err("query")
}

func (q *PublicQuery) check(p *problems) {
	p.version(q.SchemaVersion)
	p.id("correlation_id", q.CorrelationID)
	p.query("text", q.Text)
	p.market(q.Market)
	p.name("locale", q.Locale)
	p.optional("platform", q.Platform)
	p.optional("client_id", q.ClientID)
	p.optional("session_id", q.SessionID)
	oneOf(p, "mode", q.Mode, "", PreFusion, PostFusion, PlainSearch)
	p.time("submitted_at", q.SubmittedAt)
	p.time("deadline", q.Deadline)
	p.check(!q.Deadline.Before(q.SubmittedAt), "deadline", "must not be before submitted_at")
	checkExperiments(p, q.Experiments)
}

func checkExperiments(p *problems, arms map[string]string) {
	p.check(len(arms) <= MaxExperiments, "experiments", "must have at most %d entries", MaxExperiments)
	for name, arm := range arms {
		p.name("experiments", name)
		p.name("experiments", arm)
	}
}

// CheckText says whether a query text can be searched for: valid UTF-8 with something to
// see in it, of at most MaxQueryRunes runes, without control characters other than white
// space. Its errors wrap ErrInvalid.
func CheckText(text string) error {
	switch n := utf8.RuneCountInString(text); {
	case !utf8.ValidString(text):
		return invalid("must be valid UTF-8")
	case !strings.ContainsFunc(text, isVisible):
		return invalid("must not be empty")
	case n > MaxQueryRunes:
		return invalid("must have at most " + strconv.Itoa(MaxQueryRunes) + " characters")
	case strings.ContainsFunc(text, isControl):
		return invalid("must not contain control characters")
	}
	return nil
}

// isVisible is false for white space and for characters of no width, such as U+200B.
func isVisible(r rune) bool { return unicode.IsGraphic(r) && !unicode.IsSpace(r) }

// isControl allows the white space that people paste.
func isControl(r rune) bool { return unicode.IsControl(r) && !unicode.IsSpace(r) }

// IsMarket reports whether s is the code of a market: two upper-case letters.
func IsMarket(s string) bool {
	return len(s) == 2 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' && s[1] <= 'Z'
}
