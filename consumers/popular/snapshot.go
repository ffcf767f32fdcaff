package popular

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// View is what a [Snapshot] is wanted of.
type View struct {
	Market string        // "": all of them
	Rest   bool          // of the markets that share a summary, instead
	Window time.Duration // 0: the longest there is; longer ones are cut to it
	Top    int           // queries, at most; 0: all
}

// Query is a popular text.
type Query struct {
	Text string `json:"query"` // normalised
	// Market asks the text most; "" if it has no summary of its own.
	Market    string `json:"market"`
	Searches  int    `json:"searches"`  // at least
	AtMost    int    `json:"at_most"`   // searches
	Successes int    `json:"successes"` // at least
}

// Snapshot is what a [Counter] knows at a time. The bound is the sum of those of the
// summaries that the view is merged from: at most Searches/m for all markets, where m is the
// capacity. For one market it also has those of its searches that share a summary with other
// markets.
type Snapshot struct {
	AsOf     time.Time `json:"as_of"`
	From     time.Time `json:"from"` // the window begins at a step, so it may be longer than wanted
	Market   string    `json:"market,omitempty"`
	Searches int       `json:"searches"` // of all texts
	Bound    int       `json:"bound"`    // no AtMost is more above the truth, and no text that is missing was asked more
	Withheld int       `json:"withheld"` // tracked texts that too few clients asked
	Queries  []Query   `json:"queries"`  // most asked first
}

// merge is a view that is being put together.
type merge struct {
	minClients int
	byText     map[string]*merged
	bound      int
	searches   int
}

// merged is a text of several summaries.
type merged struct {
	Query
	clients crowd
	most    int    // searches in the market that asks it most
	market  string // that is being added
	here    int    // searches in it
}

// add takes in one summary of a market. A text was asked no more often than the bound and
// what its counts are above the least of their summaries.
func (g *merge) add(market string, s *summary) {
	g.bound += s.bound()
	g.searches += s.searches
	least := s.least()
	for _, e := range s.lightest {
		m, ok := g.byText[e.text]
		if !ok {
			m = &merged{Query: Query{Text: e.text}}
			g.byText[e.text] = m
		}
		m.AtMost += e.count - least
		m.Searches += e.searches
		m.Successes += e.successes
		m.clients.meet(g.minClients, e.clients...)
		if m.market != market {
			m.market, m.here = market, 0
		}
		if m.here += e.searches; m.here > m.most {
			m.most, m.Market = m.here, market
		}
	}
}

// Snapshot returns what is popular in the window that ends now.
func (c *Counter) Snapshot(now time.Time, v View) Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	if v.Window <= 0 || v.Window > c.cfg.Window {
		v.Window = c.cfg.Window
	}
	last := c.number(now)
	first := last - c.cfg.steps(v.Window) + 1
	g := &merge{minClients: c.cfg.MinClients, byText: map[string]*merged{}}
	switch {
	case v.Rest:
		c.shared(g, first, last)
	case v.Market == "":
		c.everywhere(g, first, last)
	default:
		c.within(g, v.Market, first, last)
	}
	s := Snapshot{
		AsOf: now.UTC(), From: time.Unix(0, first*int64(c.cfg.Step)).UTC(), Market: v.Market,
		Searches: g.searches, Bound: g.bound, Queries: []Query{},
	}
	for _, m := range g.byText {
		if len(m.clients) < c.cfg.MinClients {
			s.Withheld++
			continue
		}
		m.AtMost += g.bound
		s.Queries = append(s.Queries, m.Query)
	}
	slices.SortFunc(s.Queries, func(a, b Query) int {
		return cmp.Or(cmp.Compare(b.AtMost, a.AtMost), cmp.Compare(b.Searches, a.Searches), strings.Compare(a.Text, b.Text))
	})
	if v.Top > 0 && len(s.Queries) > v.Top {
		s.Queries = s.Queries[:v.Top]
	}
	return s
}

// within adds what one market asked in some steps. Those of its searches that are in the
// rest may be of any text.
func (c *Counter) within(g *merge, name string, first, last int64) {
	for n := first; n <= last; n++ {
		s, ok := c.steps[n]
		if !ok {
			continue
		}
		m, ok := s.markets[name]
		if !ok {
			g.bound += s.unnamed
			continue
		}
		g.bound += m.missed
		g.searches += m.missed
		if m.own != nil {
			g.add(name, m.own)
		}
	}
}

// everywhere adds what all markets asked in some steps, one market after the other.
func (c *Counter) everywhere(g *merge, first, last int64) {
	for _, name := range c.markets(first, last) {
		for n := first; n <= last; n++ {
			if s, ok := c.steps[n]; ok && s.markets[name] != nil && s.markets[name].own != nil {
				g.add(name, s.markets[name].own)
			}
		}
	}
	c.shared(g, first, last)
}

// shared adds what the markets without summaries of their own asked in some steps.
func (c *Counter) shared(g *merge, first, last int64) {
	for n := first; n <= last; n++ {
		if s, ok := c.steps[n]; ok {
			g.add("", s.rest)
		}
	}
}

// Apart reports whether a market has a summary of its own in the longest window that ends
// now.
func (c *Counter) Apart(now time.Time, market string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := c.number(now)
	for n := last - c.cfg.steps(c.cfg.Window) + 1; n <= last; n++ {
		if s, ok := c.steps[n]; ok && s.markets[market] != nil && s.markets[market].own != nil {
			return true
		}
	}
	return false
}

// Markets returns the markets that have summaries of their own in the window that ends now.
func (c *Counter) Markets(now time.Time, window time.Duration) []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	last := c.number(now)
	return c.markets(last-c.cfg.steps(min(window, c.cfg.Window))+1, last)
}

func (c *Counter) markets(first, last int64) []string {
	names := map[string]bool{}
	for n := first; n <= last; n++ {
		if s, ok := c.steps[n]; ok {
			for name, m := range s.markets {
				names[name] = names[name] || m.own != nil
			}
		}
	}
	maps.DeleteFunc(names, func(_ string, placed bool) bool { return !placed })
	return slices.Sorted(maps.Keys(names))
}
