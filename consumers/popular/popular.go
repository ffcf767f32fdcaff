// Package popular counts which queries are asked most, by market and over sliding windows
// of time, in bounded memory and without telling what a few people asked.
//
// The vocabulary: a [Counter] cuts time into steps, and keeps one summary of the texts for
// each step and market. A window is some of the last steps; what is asked in it, in one
// market or in all, is the merge of its summaries. A text is popular when enough distinct
// clients have asked it in the window; until then it is withheld.
//
// A summary is a Space-Saving sketch (Metwally, Agrawal and El Abbadi, ICDT 2005): with room
// for m texts, every text that is asked more than N/m of N times is tracked, and no count is
// too high by more than that. Such summaries merge: the errors of the parts add up, and the
// sum is at most the m-th part of the sum of their N (Agarwal, Cormode, Huang, Phillips, Wei
// and Yi, Mergeable Summaries, TODS 2013). An exact table would grow with the queries that
// are asked once, which are most of them; a table that forgets the least recent text would
// forget the popular ones in a flood of those.
//
// The sketch is our own because the place of a text holds more than its count: its clients,
// without whom it may not be shown, and its successes. They go when the text goes. Libraries
// of such sketches, as Apache DataSketches, hold counts alone and do not tell which text they
// let go.
package popular

import (
	"cmp"
	"errors"
	"fmt"
	"hash/maphash"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/schemas"
)

// Config configures a [Counter]. See [DefaultConfig].
type Config struct {
	Capacity   int           `yaml:"capacity"`    // texts tracked, for each market and step
	Markets    int           `yaml:"markets"`     // with summaries of their own in a step; the others share one
	MinClients int           `yaml:"min_clients"` // distinct clients that must have asked a text
	Window     time.Duration `yaml:"-"`           // the longest one that can be asked for
	Step       time.Duration `yaml:"step"`        // by which windows slide
	Searches   int           `yaml:"searches"`    // recent searches remembered, against repeats and for their successes
}

// DefaultConfig returns the settings for a window of a day. Where 16 markets each ask 4,000
// texts and more in every hour of it, the counter takes some 400 MB, and less than that
// where they do not.
func DefaultConfig() Config {
	return Config{Capacity: 4000, Markets: 16, MinClients: 3, Window: 24 * time.Hour, Step: time.Hour, Searches: 200_000}
}

// maxSteps bounds the steps of a window.
const maxSteps = 1000

// Validate reports every problem at once.
func (c Config) Validate() error {
	var errs []error
	for _, n := range []struct {
		name  string
		value int
	}{{"capacity", c.Capacity}, {"markets", c.Markets}, {"min_clients", c.MinClients}, {"searches", c.Searches}} {
		if n.value < 1 {
			errs = append(errs, fmt.Errorf("%s %d: must be positive", n.name, n.value))
		}
	}
	if c.Step <= 0 || c.Window < c.Step || c.Window > maxSteps*c.Step {
		errs = append(errs, fmt.Errorf("window %v, step %v: must be positive, the window of 1 to %d steps", c.Window, c.Step, maxSteps))
	}
	return errors.Join(errs...)
}

// steps returns how many steps a window touches at most.
func (c Config) steps(window time.Duration) int64 {
	return int64((window+c.Step-1)/c.Step) + 1
}

// MaxTexts returns how many texts are tracked at most.
func (c Config) MaxTexts() int { return int(c.steps(c.Window)) * (c.Markets + 1) * c.Capacity }

// Counter counts searches by text. It is safe for concurrent use.
type Counter struct {
	cfg       Config
	normalise func(string) string
	seed      maphash.Seed // of client ids: their hashes mean nothing elsewhere
	m         *metrics

	mu     sync.Mutex
	steps  map[int64]*step // by number since the epoch
	newest int64           // of them
	recent *lru.Cache[string, *search]
}

// search is a search that may still succeed.
type search struct {
	of        *entry
	succeeded bool
}

// New returns an empty Counter. Texts of equal results of normalise are one query.
func New(cfg Config, normalise func(string) string, reg prometheus.Registerer) (*Counter, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("popular config: %w", err)
	}
	recent, err := lru.New[string, *search](cfg.Searches)
	if err != nil {
		return nil, fmt.Errorf("remember %d searches: %w", cfg.Searches, err)
	}
	return &Counter{
		cfg: cfg, normalise: normalise, seed: maphash.MakeSeed(), m: newMetrics(reg), steps: map[int64]*step{}, recent: recent,
	}, nil
}

// Reset forgets everything.
func (c *Counter) Reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.steps, c.newest = map[int64]*step{}, 0
	c.recent.Purge()
}

// Query counts a search made at a time. A time in the future is now: nobody may move the
// window. Health checks, compositions, which are never decided ahead, and repeats of a
// correlation id change nothing, and neither do searches before the window.
func (c *Counter) Query(q schemas.PublicQuery, at time.Time) {
	text := c.normalise(q.Text)
	if q.Probe || q.Mode == schemas.PostFusion || q.Mode == schemas.PlainSearch || text == "" {
		return
	}
	if now := time.Now(); at.After(now) {
		at = now
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.recent.Contains(q.CorrelationID) {
		return
	}
	s := c.at(at)
	if s == nil {
		c.m.searches.WithLabelValues(outcomeOld).Inc()
		return
	}
	in := s.of(q.Market, c.cfg)
	in.searches++
	e := in.add(text, 1)
	e.searches++
	// Searches that name neither client nor session count as those of one client.
	e.clients.meet(c.cfg.MinClients, maphash.String(c.seed, cmp.Or(q.ClientID, q.SessionID)))
	c.recent.Add(q.CorrelationID, &search{of: e})
	c.m.searches.WithLabelValues(outcomeCounted).Inc()
}

// Interaction counts the first success of a search. Its search must have come before; a
// search that is no longer remembered succeeds unseen.
func (c *Counter) Interaction(i schemas.Interaction) {
	if !i.Success() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if s, ok := c.recent.Peek(i.QueryID); ok && !s.succeeded {
		s.succeeded = true
		s.of.successes++
	}
}

// number returns the number of the step of a time.
func (c *Counter) number(at time.Time) int64 { return at.UnixNano() / int64(c.cfg.Step) }

// at returns the step of a time, nil if that is before the window.
func (c *Counter) at(at time.Time) *step {
	n := c.number(at)
	c.advance(n)
	if n <= c.newest-c.cfg.steps(c.cfg.Window) {
		return nil
	}
	s, ok := c.steps[n]
	if !ok {
		s = newStep(c.cfg.Capacity)
		c.steps[n] = s
	}
	return s
}

// advance forgets the steps before the window that ends with a step.
func (c *Counter) advance(n int64) {
	if n <= c.newest {
		return
	}
	c.newest = n
	for old := range c.steps {
		if old <= n-c.cfg.steps(c.cfg.Window) {
			delete(c.steps, old)
		}
	}
}
