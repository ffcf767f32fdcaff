package schemas

import "time"

// OnlineMetrics is what came of the searches of one window and one cut, on
// [TopicOnlineMetrics]. A later record of the same key replaces an earlier one.
type OnlineMetrics struct {
	SchemaVersion string       `json:"schema_version"`
	Window        string       `json:"window"` // "1m", "1h", "1d" or "all"
	Start         time.Time    `json:"start"`  // of the window; zero for "all"
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
	oneOf(&p, "window", m.Window, []string{"1m", "1h", "1d", "all"})
	p.name("cut.route", m.Cut.Route)
	p.check(m.Revision >= 0, "revision", "must not be negative")
	c := m.Counts
	p.check(min(c.Searches, c.Clicks, c.Streams, c.Successes) >= 0, "counts", "must not be negative")
	p.check(c.Successes <= c.Searches, "counts.successes", "must not exceed searches")
	p.check(c.SuccessRate >= 0 && c.SuccessRate <= 1, "counts.success_rate", "must lie between 0 and 1")
	p.time("as_of", m.AsOf)
	return p.err("online metrics")
}
