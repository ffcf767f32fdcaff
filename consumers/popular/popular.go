// Package popular counts which queries are asked most, in bounded memory and without
// telling what a few people asked.
//
// The vocabulary: a [Counter] tracks the texts that weigh most. The weight of a search
// halves with every half-life of its age (forward decay: Cormode, Shkapenyuk, Srivastava
// and Xu, ICDE 2009), so that last month's fashion makes room by itself. A text is popular
// when enough distinct clients have asked it; until then it is withheld.
//
// The count is a Space-Saving sketch (Metwally, Agrawal and El Abbadi, ICDT 2005): with
// room for m texts every text of more than 1/m of the total weight is tracked, and no
// weight is too high by more than that. An exact table would grow with the queries that
// are asked once, which are most of them; a table that forgets the least recent text would
// forget the popular ones in a flood of those.
package popular

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/parallel-fusion/pfr/schemas"
)

// Config configures a [Counter]. See [DefaultConfig].
type Config struct {
	Capacity   int           // texts tracked, at about half a kilobyte each
	MinClients int           // distinct clients that must have asked a text
	HalfLife   time.Duration // of the weight of a search; 0: searches do not age
	Searches   int           // recent searches remembered, against repeats and for their successes
}

// DefaultConfig returns bounds for some hundred megabytes at most.
func DefaultConfig() Config {
	return Config{Capacity: 100_000, MinClients: 3, HalfLife: 24 * time.Hour, Searches: 500_000}
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	var errs []error
	for _, n := range []struct {
		name  string
		value int
	}{{"capacity", c.Capacity}, {"min_clients", c.MinClients}, {"searches", c.Searches}} {
		if n.value < 1 {
			errs = append(errs, fmt.Errorf("%s %d: must be positive", n.name, n.value))
		}
	}
	if c.HalfLife < 0 {
		errs = append(errs, fmt.Errorf("half_life %v: must not be negative", c.HalfLife))
	}
	return errors.Join(errs...)
}

// Counter counts searches by text. It is safe for concurrent use.
type Counter struct {
	cfg       Config
	normalise func(string) string
	seed      maphash.Seed // of client ids: their hashes mean nothing elsewhere

	mu       sync.Mutex
	byText   map[string]*entry
	lightest entries
	recent   *lru.Cache[string, *search] // by correlation id
	landmark time.Time                   // a search of this time weighs 1
	searches int
	weight   float64
}

// search is a search that may still succeed.
type search struct {
	of        *entry
	succeeded bool
}

// New returns an empty Counter. Texts of equal results of normalise are one query.
func New(cfg Config, normalise func(string) string) (*Counter, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("popular config: %w", err)
	}
	recent, err := lru.New[string, *search](cfg.Searches)
	if err != nil {
		return nil, fmt.Errorf("remember %d searches: %w", cfg.Searches, err)
	}
	return &Counter{cfg: cfg, normalise: normalise, seed: maphash.MakeSeed(), byText: map[string]*entry{}, recent: recent}, nil
}

// Query counts a search made at a time, which must not lie in the future: it would weigh
// more than any other. Health checks, compositions, which are never decided ahead, and
// repeats of a correlation id change nothing.
func (c *Counter) Query(_ context.Context, q schemas.PublicQuery, at time.Time) error {
	text := c.normalise(q.Text)
	if q.Probe || q.Mode == schemas.PostFusion || text == "" {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.recent.Contains(q.CorrelationID) {
		return nil
	}
	w := c.weigh(at)
	e := c.track(text)
	e.weight += w
	e.searches++
	heap.Fix(&c.lightest, e.index)
	c.meet(e, q)
	c.searches++
	c.weight += w
	c.recent.Add(q.CorrelationID, &search{of: e})
	return nil
}

// Interaction counts the first success of a search. Its search must have come before; a
// search that is no longer remembered succeeds unseen.
func (c *Counter) Interaction(_ context.Context, i schemas.Interaction) error {
	if !i.Success() {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s, ok := c.recent.Peek(i.QueryID); ok && !s.succeeded {
		s.succeeded = true
		s.of.successes++
	}
	return nil
}

// maxExponent is how many half-lives may lie behind the landmark before it moves.
const maxExponent = 64

// weigh returns the weight of a search in relation to the others.
func (c *Counter) weigh(at time.Time) float64 {
	if c.landmark.IsZero() {
		c.landmark = at
	}
	exponent := c.halfLives(at)
	if exponent <= maxExponent {
		return math.Exp2(exponent)
	}
	c.landmark = at
	scale := math.Exp2(-exponent)
	c.weight *= scale
	for _, e := range c.lightest { // one factor for all: their order stays
		e.weight *= scale
		e.over *= scale
	}
	return 1
}

// halfLives returns how many half-lives lie between the landmark and a time.
func (c *Counter) halfLives(at time.Time) float64 {
	if c.cfg.HalfLife == 0 {
		return 0
	}
	return at.Sub(c.landmark).Seconds() / c.cfg.HalfLife.Seconds()
}

// track returns the entry of a text. A new text takes the place of the lightest one when
// there is no room, and its weight with it: it may have weighed as much unseen.
func (c *Counter) track(text string) *entry {
	if e, ok := c.byText[text]; ok {
		return e
	}
	e := &entry{text: strings.Clone(text)}
	c.byText[e.text] = e
	if len(c.lightest) < c.cfg.Capacity {
		heap.Push(&c.lightest, e)
		return e
	}
	least := c.lightest[0]
	delete(c.byText, least.text)
	e.weight, e.over = least.weight, least.weight
	c.lightest[0] = e
	return e
}

// meet notes who asked. Searches that name neither client nor session count as those of
// one client.
func (c *Counter) meet(e *entry, q schemas.PublicQuery) {
	if len(e.clients) >= c.cfg.MinClients {
		return
	}
	who := maphash.String(c.seed, cmp.Or(q.ClientID, q.SessionID))
	if !slices.Contains(e.clients, who) {
		e.clients = append(e.clients, who)
	}
}

// Query is a popular text.
type Query struct {
	Text      string `json:"query"` // normalised
	Searches  int    `json:"searches"`
	Successes int    `json:"successes"`
	// Weight is that of its searches. It may be too high, by Over at most; Searches and
	// Successes may be too low.
	Weight float64 `json:"weight"`
	Over   float64 `json:"over"`
}

// Snapshot is what a [Counter] knows at a time.
type Snapshot struct {
	AsOf     time.Time `json:"as_of"`
	Searches int       `json:"searches"` // of all texts
	Weight   float64   `json:"weight"`   // of all texts
	Bound    float64   `json:"bound"`    // no Weight is too high by more
	Withheld int       `json:"withheld"` // tracked texts that too few clients asked
	Queries  []Query   `json:"queries"`  // heaviest first
}

// Snapshot returns the popular queries, n at most; 0 means all.
func (c *Counter) Snapshot(now time.Time, n int) Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	age := math.Exp2(-c.halfLives(now))
	s := Snapshot{AsOf: now.UTC(), Searches: c.searches, Weight: c.weight * age, Queries: []Query{}}
	if len(c.lightest) == c.cfg.Capacity {
		s.Bound = c.lightest[0].weight * age
	}
	for _, e := range c.lightest {
		if len(e.clients) < c.cfg.MinClients {
			s.Withheld++
			continue
		}
		s.Queries = append(s.Queries, Query{
			Text: e.text, Searches: e.searches, Successes: e.successes, Weight: e.weight * age, Over: e.over * age,
		})
	}
	slices.SortFunc(s.Queries, func(a, b Query) int {
		return cmp.Or(cmp.Compare(b.Weight, a.Weight), strings.Compare(a.Text, b.Text))
	})
	if n > 0 && len(s.Queries) > n {
		s.Queries = s.Queries[:n]
	}
	return s
}
