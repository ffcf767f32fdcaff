package schemas

import (
	"strings"
	"time"
)

// Windows of [OnlineMetrics].
const (
	WindowMinute = "1m"
	WindowHour   = "1h"
	WindowDay    = "1d"
	WindowAll    = "all"
)

// OnlineMetrics is what came of the searches of one window and one cut, on
// [TopicOnlineMetrics]. A later revision of the same key replaces an earlier one.
type OnlineMetrics struct {
	SchemaVersion string       `json:"schema_version"`
	Window        string       `json:"window"` // WindowMinute, WindowHour, WindowDay or WindowAll
	Start         time.Time    `json:"start"`  // of the window; zero for WindowAll
	Cut           Cut          `json:"cut,omitzero"`
	Revision      int          `json:"revision"` // grows with each correction
	Counts        SearchCounts `json:"counts"`
	// Rates are what follows from the counts, by name; see docs/metrics.md. One that cannot
	// be told, as a rate of nothing, is missing.
	Rates map[string]float64 `json:"rates,omitempty"`
	AsOf  time.Time          `json:"as_of"`
}

// Cut names the part of the traffic that is measured. What is empty is not cut by: the zero
// value is all of it. With a section or a tool the counts are of that section.
type Cut struct {
	Route    string `json:"route,omitempty"`
	Section  string `json:"section,omitempty"`
	Tool     string `json:"tool,omitempty"`
	Tier     string `json:"tier,omitempty"` // that decided: a [Source]
	Market   string `json:"market,omitempty"`
	Platform string `json:"platform,omitempty"`
	Arm      string `json:"arm,omitempty"`
}

// SearchCounts are additive, so that windows and cuts can be merged. All but SuccessRate
// are whole numbers, whose sums do not depend on their order.
type SearchCounts struct {
	Searches    int     `json:"searches"`
	Clicks      int     `json:"clicks"`
	Streams     int     `json:"streams"`      // of at least MinStreamMS
	Successes   int     `json:"successes"`    // searches with a click or a stream
	SuccessRate float64 `json:"success_rate"` // Successes ÷ Searches; 0 without searches

	Typed        int `json:"typed,omitempty"`         // texts on the way to another one: in no other count
	Flooded      int `json:"flooded,omitempty"`       // searches whose events were too many to be a listener's
	Viewed       int `json:"viewed,omitempty"`        // searches of which something came into view
	Clicked      int `json:"clicked,omitempty"`       // searches with a click
	Streamed     int `json:"streamed,omitempty"`      // searches with a stream
	Rescues      int `json:"rescues,omitempty"`       // successes that began outside the first section
	First        int `json:"first,omitempty"`         // successes that began in this section; of cuts by section or tool
	Abandoned    int `json:"abandoned,omitempty"`     // searches without a click, a stream or another wording
	BadAbandoned int `json:"bad_abandoned,omitempty"` // those whose page had no answer on it
	Reformulated int `json:"reformulated,omitempty"`  // searches that were worded otherwise soon after

	Known       int   `json:"known,omitempty"`         // decided from the cache or ahead of time
	Fallbacks   int   `json:"fallbacks,omitempty"`     // decided by the fallback
	Degraded    int   `json:"degraded,omitempty"`      // pages of that status
	Partial     int   `json:"partial,omitempty"`       // pages of that status
	Expired     int   `json:"expired,omitempty"`       // pages of that status
	ZeroResults int   `json:"zero_results,omitempty"`  // pages with nothing on them
	Asked       int   `json:"asked,omitempty"`         // searches for which a language model was asked
	Invalid     int   `json:"invalid,omitempty"`       // of Asked: what it said was no valid decision
	CostNanoUSD int64 `json:"cost_nano_usd,omitempty"` // of language models

	Sections int `json:"sections,omitempty"` // that were asked for
	Empty    int `json:"empty,omitempty"`    // sections that found nothing
	Failed   int `json:"failed,omitempty"`   // sections that were not answered

	// Ranks counts first successes by their position in the section, from 1; those further
	// down than MaxRank count there.
	Ranks map[int]int `json:"ranks,omitempty"`
	// TimeToSuccess is of successes, from the search on.
	TimeToSuccess Histogram `json:"time_to_success,omitzero"`
	// Latency is the time of pages by stage: total, queued, router, tools, refine.
	Latency map[string]Histogram `json:"latency,omitempty"`
}

// MaxRank is the last position that is counted by itself.
const MaxRank = 100

// Key returns the partition key: window, start and cut.
func (m OnlineMetrics) Key() string {
	return m.Window + "|" + m.Start.UTC().Format(time.RFC3339) + "|" + m.Cut.String()
}

// String returns what is cut by, as "route=search,tier=cache"; "" for everything.
func (c Cut) String() string {
	var b strings.Builder
	for _, part := range c.parts() {
		if part[1] == "" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte(',')
		}
		b.WriteString(part[0] + "=" + part[1])
	}
	return b.String()
}

// parts returns the names of the dimensions and what is cut by.
func (c Cut) parts() [7][2]string {
	return [...][2]string{
		{"route", c.Route},
		{"section", c.Section},
		{"tool", c.Tool},
		{"tier", c.Tier},
		{"market", c.Market},
		{"platform", c.Platform},
		{"arm", c.Arm},
	}
}

// Validate reports every problem of the record.
func (m OnlineMetrics) Validate() error {
	var p problems
	p.version(m.SchemaVersion)
	oneOf(&p, "window", m.Window, WindowMinute, WindowHour, WindowDay, WindowAll)
	p.check(m.Start.IsZero() == (m.Window == WindowAll), "start", "must be the start of the window, and zero for all")
	for _, part := range m.Cut.parts() {
		p.optional("cut."+part[0], part[1])
	}
	p.check(m.Revision >= 0, "revision", "must not be negative")
	within(&p, "counts", &m.Counts, (*SearchCounts).check)
	for name := range m.Rates {
		p.name("rates", name)
	}
	p.time("as_of", m.AsOf)
	return p.err("online metrics")
}

func (c *SearchCounts) check(p *problems) {
	p.check(min(c.Searches, c.Clicks, c.Streams) >= 0, "searches", "and clicks and streams must not be negative")
	p.check(c.Successes >= 0, "successes", "must not be negative")
	p.check(c.Successes <= c.Searches, "successes", "must not exceed searches")
	p.ratio("success_rate", c.SuccessRate)
	for rank := range c.Ranks {
		p.between("ranks", rank, 1, MaxRank)
	}
	within(p, "time_to_success", &c.TimeToSuccess, (*Histogram).check)
	for stage, h := range c.Latency {
		p.name("latency", stage)
		within(p, "latency", &h, (*Histogram).check)
	}
}
