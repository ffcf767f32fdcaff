// Package experiments counts what the clients of each arm of an experiment did, and reads
// the experiments out.
//
// The unit is the client: arms are drawn for clients, and the searches of one client are not
// independent. A client counts for an experiment with its exposed searches: those for which
// the arms differ. What it did before the start, when they did not differ yet, is the
// covariate that makes the readout sharper (CUPED). A client that was seen in several arms
// counts in none.
//
// [Experiments] is a subscriber of the join of pages and interactions, and a part of its
// snapshots: its sums are those of the outcomes as they stand, corrected whenever an outcome
// is. A [Readout] is computed from the sums; it remembers the looks that were taken, because
// a sequential test depends on them.
package experiments

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/consumers/outcome"
	"github.com/parallel-fusion/pfr/evaluation/experiment"
)

// Config bounds [Experiments]. See [DefaultConfig].
type Config struct {
	// Clients of one experiment that are held; beyond them a sample is, drawn by pseudonym.
	Clients int           `yaml:"clients"`
	Every   time.Duration `yaml:"every"`   // between readouts
	History int           `yaml:"history"` // points of an experiment that plots are made of
}

// DefaultConfig holds an experiment in at most 150 MB.
func DefaultConfig() Config {
	return Config{Clients: 500_000, Every: 10 * time.Second, History: 200}
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	if c.Clients < 1 || c.Every <= 0 || c.History < 2 {
		return errors.New("clients and every must be positive, history at least 2")
	}
	return nil
}

// Plan is an experiment as it was announced.
type Plan struct {
	experiment.Plan
	Starts   time.Time // searches before it are covariates; zero: none are
	RollBack bool      // an arm that breaks a guardrail is to be switched off
}

// maxArms bounds the arms of an experiment.
const maxArms = 8

// Experiments counts. It is safe for concurrent use.
type Experiments struct {
	cfg Config
	m   instruments

	mu     sync.Mutex
	byID   map[string]*trial
	duels  map[string]*duel
	latest time.Time // of the searches that were seen
}

// trial is what is known of one experiment.
type trial struct {
	plan    Plan
	arms    []string  // names, in the order of the plan
	since   time.Time // searches until then were not counted
	clients map[outcome.Subject]*client
	sampled uint // clients are held whose pseudonym ends in so many zero bits
	looks   []experiment.Look
	history []Point
}

// client is what a client did.
type client struct {
	Seen    [maxArms]int32 // exposed searches since the start, by arm
	During  sums
	Earlier sums
}

// sums are those of one client: its searches, and of each measure how much there was.
type sums struct {
	Searches int64
	Amounts  [measures]int64
}

// New returns Experiments that follow none yet.
func New(cfg Config, reg prometheus.Registerer) (*Experiments, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("experiments config: %w", err)
	}
	return &Experiments{cfg: cfg, m: newInstruments(reg), byID: map[string]*trial{}, duels: map[string]*duel{}}, nil
}

// Follow says which experiments there are. What was counted of one that stays is kept; one
// that is new counts from its next search on.
func (e *Experiments) Follow(plans []Plan) error {
	var errs []error
	for _, p := range plans {
		if err := check(p); err != nil {
			errs = append(errs, fmt.Errorf("experiment %s: %w", p.Name, err))
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	old := e.byID
	e.byID = make(map[string]*trial, len(plans))
	for _, p := range plans {
		t, ok := old[p.Name]
		if next := newTrial(p, e.latest); !ok || !t.same(next.arms, p.Starts) {
			t = next
		}
		t.plan = p
		e.byID[p.Name] = t
	}
	return nil
}

func newTrial(p Plan, since time.Time) *trial {
	t := &trial{plan: p, since: since, clients: map[outcome.Subject]*client{}}
	for _, a := range p.Arms {
		t.arms = append(t.arms, a.Name)
	}
	return t
}

// same reports whether what was counted goes on to count.
func (t *trial) same(arms []string, starts time.Time) bool {
	return slices.Equal(t.arms, arms) && t.plan.Starts.Equal(starts)
}

func check(p Plan) error {
	errs := []error{p.Validate()}
	if len(p.Arms) > maxArms {
		errs = append(errs, fmt.Errorf("%d arms: at most %d", len(p.Arms), maxArms))
	}
	for _, m := range p.Metrics {
		if _, ok := measureOf(m.Name); !ok {
			errs = append(errs, fmt.Errorf("metric %q: there are %s", m.Name, strings.Join(Names(), ", ")))
		}
	}
	return errors.Join(errs...)
}

// Changed implements [outcome.Subscriber].
func (e *Experiments) Changed(c outcome.Change) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c.After.At.After(e.latest) {
		e.latest = c.After.At
	}
	if c.Before != nil && c.Before.Client != 0 && c.After.Client == 0 {
		return // who was erased still counts, under no name
	}
	if c.Before != nil {
		e.count(c.Before, -1)
		e.credit(c.Before, -1)
	}
	e.count(c.After, 1)
	e.credit(c.After, 1)
}

// Settled implements [outcome.Subscriber].
func (e *Experiments) Settled(time.Time) {}

// count adds an outcome to its client, or takes it out again.
func (e *Experiments) count(o *outcome.Outcome, sign int64) {
	name, arm, _ := strings.Cut(o.Arm, "/")
	t := e.byID[name]
	if t == nil || o.Client == 0 || o.Typed || !o.Exposed || !t.holds(o.Client) || !o.At.After(t.since) {
		return
	}
	i := slices.Index(t.arms, arm)
	if i < 0 {
		return
	}
	c := t.clients[o.Client]
	if c == nil {
		c = &client{}
		t.clients[o.Client] = c
		t.makeRoom(e.cfg.Clients)
	}
	if o.At.Before(t.plan.Starts) {
		c.Earlier.add(o, sign)
	} else {
		c.Seen[i] += int32(sign)
		c.During.add(o, sign)
	}
	if c.During.Searches == 0 && c.Earlier.Searches == 0 {
		delete(t.clients, o.Client)
	}
}

// holds reports whether the client is in the sample, if there is one.
func (t *trial) holds(c outcome.Subject) bool { return uint64(c)&(1<<t.sampled-1) == 0 }

// makeRoom halves the sample until it fits. Pseudonyms are as good as random, and the arms
// are drawn by other means, so that every arm loses the same share.
func (t *trial) makeRoom(most int) {
	for len(t.clients) > most && t.sampled < 60 {
		t.sampled++
		for c := range t.clients {
			if !t.holds(c) {
				delete(t.clients, c)
			}
		}
	}
}

func (s *sums) add(o *outcome.Outcome, sign int64) {
	s.Searches += sign
	for i := range s.Amounts {
		s.Amounts[i] += sign * catalogue[i].of(o)
	}
}

// arm returns the only arm that the client was seen in.
func (c *client) arm() (index int, ok bool) {
	index = -1
	for i, n := range c.Seen {
		if n == 0 {
			continue
		}
		if index >= 0 {
			return 0, false
		}
		index = i
	}
	return index, index >= 0
}

// Erase forgets who the clients of some pseudonyms are; what they did still counts.
func (e *Experiments) Erase(pseudonyms ...string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, p := range pseudonyms {
		s := outcome.SubjectOf(p)
		for _, t := range e.byID {
			n += t.erase(s)
		}
		for _, d := range e.duels {
			if c, ok := d.credits[s]; ok {
				delete(d.credits, s)
				d.credits[nobody()] = c
				n++
			}
		}
	}
	return n
}

func (t *trial) erase(s outcome.Subject) int {
	c, ok := t.clients[s]
	if !ok {
		return 0
	}
	delete(t.clients, s)
	for other := nobody(); ; other = nobody() {
		if other &^= 1<<t.sampled - 1; t.clients[other] == nil {
			t.clients[other] = c
			return 1
		}
	}
}
