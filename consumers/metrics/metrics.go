// Package metrics joins interactions to the pages they came from and counts what came of
// the searches of each route.
//
// A [Joiner] reads two topics that may come in any order: an interaction may be there
// before its page. Its state is bounded and is rebuilt by reading both topics from their
// start, so it needs no store of its own; the counts span what the topics retain.
package metrics

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/telemetry"
	"github.com/parallel-fusion/pfr/schemas"
)

// Config bounds a [Joiner]. See [DefaultConfig].
type Config struct {
	Searches int `yaml:"searches"` // pages remembered for the join
	Pending  int `yaml:"pending"`  // interactions that wait for their page
	Events   int `yaml:"events"`   // event ids remembered against duplicates
}

// DefaultConfig returns bounds for some hundred megabytes at most.
func DefaultConfig() Config {
	return Config{Searches: 500_000, Pending: 50_000, Events: 1_000_000}
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	if min(c.Searches, c.Pending, c.Events) <= 0 {
		return errors.New("searches, pending and events must be positive")
	}
	return nil
}

// Joiner counts clicks, streams and successes by route. It is safe for concurrent use.
type Joiner struct {
	mu       sync.Mutex
	searches *lru.Cache[string, *search]               // by correlation id
	pending  *lru.Cache[string, []schemas.Interaction] // by correlation id; each list is short
	events   *lru.Cache[string, struct{}]
	routes   map[string]*schemas.SearchCounts
	revision int
	m        instruments
}

// search is the part of a page that the join needs.
type search struct {
	route   string
	success bool
}

// maxPending is how many interactions of one unknown page are kept.
const maxPending = 20

type instruments struct {
	events *prometheus.CounterVec
}

// New returns an empty Joiner.
func New(cfg Config, reg prometheus.Registerer) (*Joiner, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("metrics config: %w", err)
	}
	j := &Joiner{routes: map[string]*schemas.SearchCounts{}}
	f := telemetry.Metrics(reg, "online")
	j.m.events = f.CounterVec("interactions_total", "Interactions read, by what became of them.", "outcome")
	var errs [3]error
	j.searches, errs[0] = lru.New[string, *search](cfg.Searches)
	j.pending, errs[1] = lru.NewWithEvict(cfg.Pending, j.dropPending)
	j.events, errs[2] = lru.New[string, struct{}](cfg.Events)
	return j, errors.Join(errs[:]...)
}

// dropPending counts interactions whose page never came.
func (j *Joiner) dropPending(_ string, list []schemas.Interaction) {
	j.m.events.WithLabelValues("orphaned").Add(float64(len(list)))
}

// Page takes a finished page. A page that was taken before, or a health check's, changes
// nothing.
func (j *Joiner) Page(_ context.Context, page schemas.SERP) error {
	if page.Probe {
		return nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.searches.Contains(page.CorrelationID) {
		return nil
	}
	s := &search{route: page.Route.Name}
	j.searches.Add(page.CorrelationID, s)
	j.counts(s.route).Searches++
	j.revision++
	waiting, _ := j.pending.Peek(page.CorrelationID)
	for _, i := range waiting {
		j.attribute(s, i)
	}
	if waiting != nil {
		j.pending.Add(page.CorrelationID, nil) // so that the eviction counts none of them
		j.pending.Remove(page.CorrelationID)
	}
	return nil
}

// Interaction takes an event, before or after its page. An event id that was taken before
// changes nothing.
func (j *Joiner) Interaction(_ context.Context, i schemas.Interaction) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if seen, _ := j.events.ContainsOrAdd(i.EventID, struct{}{}); seen {
		j.m.events.WithLabelValues("duplicate").Inc()
		return nil
	}
	if s, ok := j.searches.Get(i.QueryID); ok {
		j.attribute(s, i)
		return nil
	}
	waiting, _ := j.pending.Peek(i.QueryID)
	if len(waiting) >= maxPending {
		j.m.events.WithLabelValues("orphaned").Inc()
		return nil
	}
	j.pending.Add(i.QueryID, append(waiting, i))
	return nil
}

// attribute counts an event for its search.
func (j *Joiner) attribute(s *search, i schemas.Interaction) {
	c := j.counts(s.route)
	switch {
	case i.ActionName == schemas.ActionClick:
		c.Clicks++
	case i.Streamed():
		c.Streams++
	}
	if i.Success() && !s.success {
		s.success = true
		c.Successes++
	}
	j.revision++
	j.m.events.WithLabelValues("joined").Inc()
}

func (j *Joiner) counts(route string) *schemas.SearchCounts {
	c, ok := j.routes[route]
	if !ok {
		c = &schemas.SearchCounts{}
		j.routes[route] = c
	}
	return c
}

// Snapshot returns the counts of every route as of now, sorted by route, and a revision
// that grows whenever they change.
func (j *Joiner) Snapshot(now time.Time) ([]schemas.OnlineMetrics, int) {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := make([]schemas.OnlineMetrics, 0, len(j.routes))
	for route, c := range j.routes {
		counts := *c
		if counts.Searches > 0 {
			counts.SuccessRate = float64(counts.Successes) / float64(counts.Searches)
		}
		out = append(out, schemas.OnlineMetrics{
			SchemaVersion: schemas.Version, Window: "all", Cut: schemas.Cut{Route: route},
			Revision: j.revision, Counts: counts, AsOf: now.UTC(),
		})
	}
	slices.SortFunc(out, func(a, b schemas.OnlineMetrics) int { return strings.Compare(a.Cut.Route, b.Cut.Route) })
	return out, j.revision
}
