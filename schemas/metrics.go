package schemas

import "time"

// Windows of [OnlineMetrics].
const (
	WindowMinute = "1m"
	WindowHour   = "1h"
	WindowDay    = "1d"
	WindowAll    = "all"
)

// OnlineMetrics is what came of the searches of one window and one cut, on
// [TopicOnlineMetrics]. A later record of the same key replaces an earlier one.
type OnlineMetrics struct {
	SchemaVersion string       `json:"schema_version"`
	Window        string       `json:"window"` // WindowMinute, WindowHour, WindowDay or WindowAll
	Start         time.Time    `json:"start"`  // of the window; zero for WindowAll
	Cut           Cut          `json:"cut"`
	Revision      int          `json:"revision"` // grows with each correction
	Counts        SearchCounts `json:"counts"`
	AsOf          time.Time    `json:"as_of"`
}

// Cut names the part of the traffic that is measured.
type Cut struct {
	Route string `json:"route"`
}

// SearchCounts are additive, so that windows and cuts can be merged.
type SearchCounts struct {
	Searches    int     `json:"searches"`
	Clicks      int     `json:"clicks"`
	Streams     int     `json:"streams"`      // of at least MinStreamMS
	Successes   int     `json:"successes"`    // searches with a click or a stream
	SuccessRate float64 `json:"success_rate"` // Successes ÷ Searches; 0 without searches
}

// Key returns the partition key: window, start and cut.
func (m OnlineMetrics) Key() string {
	return m.Window + "|" + m.Start.UTC().Format(time.RFC3339) + "|" + m.Cut.Route
}

// Validate reports every problem of the record.
func (m OnlineMetrics) Validate() error {
	var p problems
	p.version(m.SchemaVersion)
	oneOf(&p, "window", m.Window, WindowMinute, WindowHour, WindowDay, WindowAll)
	p.check(m.Start.IsZero() == (m.Window == WindowAll), "start", "must be the start of the window, and zero for all")
	p.name("cut.route", m.Cut.Route)
	p.check(m.Revision >= 0, "revision", "must not be negative")
	c := m.Counts
	p.check(min(c.Searches, c.Clicks, c.Streams, c.Successes) >= 0, "counts", "must not be negative")
	p.check(c.Successes <= c.Searches, "counts.successes", "must not exceed searches")
	p.ratio("counts.success_rate", c.SuccessRate)
	p.time("as_of", m.AsOf)
	return p.err("online metrics")
}
