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

// DefaultConfig holds an experiment in at most 150 MB, and as much again while it is saved.
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

// maxArms bounds the arms of an experiment.
const maxArms = 8

// Experiments counts. It is safe for concurrent use.
type Experiments struct {
	cfg Config
	m   instruments

	reading sync.Mutex // one readout at a time: each needs the looks of the last one

	mu     sync.Mutex
	byID   map[string]*trial
	left   map[string]*trial  // those that were taken out of the plan; see left.go
	said   map[string]Readout // last readouts of those that nothing else is known of
	duels  map[string]*duel
	latest time.Time            // of the searches that were seen
	off    map[string]time.Time // arms that are off now, as experiment/arm, and since when
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
	stopped map[string]time.Time // arms that went off, and when; see Experiments.Stop
	changed time.Time            // of the latest search, when the plan changed after there were numbers
	last    *experiment.Report   // of the last readout; nil: none
	leftAt  time.Time            // of the latest search, when it was taken out of the plan; zero: it is in it
	hollow  bool                 // it was out for so long that its clients are forgotten
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
	return &Experiments{
		cfg: cfg, m: newInstruments(reg), byID: map[string]*trial{}, left: map[string]*trial{}, said: map[string]Readout{},
		duels: map[string]*duel{}, off: map[string]time.Time{},
	}, nil
}

// Follow says which experiments there are. What was counted of one that stays is kept, and
// so is that of one that was taken out and is put back within a day: its readout says that
// the plan was changed. One that is new, or of which clients are drawn or treated otherwise,
// counts from its next search on. Plans that are not valid are left out, or stay as they were, and the error names them;
// all others are followed.
func (e *Experiments) Follow(plans []Plan) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	var errs []error
	old := e.byID
	e.byID = make(map[string]*trial, len(plans))
	for _, p := range plans {
		t := old[p.Name]
		if err := check(p); err != nil {
			errs = append(errs, fmt.Errorf("experiment %s: %w", p.Name, err))
			if t != nil {
				e.byID[p.Name] = t
			}
			continue
		}
		if t == nil {
			t = e.back(p)
		}
		if t == nil || t.plan.draw() != p.draw() {
			t = newTrial(p, e.latest)
			e.recall(t)
			e.switchOff(t)
		}
		t.replan(p, e.latest)
		e.byID[p.Name] = t
	}
	for name, t := range old {
		if e.byID[name] != t {
			e.leave(t)
		}
	}
	return errors.Join(errs...)
}

func newTrial(p Plan, since time.Time) *trial {
	t := &trial{plan: p, since: since, clients: map[outcome.Subject]*client{}, stopped: map[string]time.Time{}}
	for _, a := range p.Arms {
		t.arms = append(t.arms, a.Name)
	}
	return t
}

// Changed implements [outcome.Subscriber]. Who was erased still counts, under no name.
func (e *Experiments) Changed(c outcome.Change) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if c.After.At.After(e.latest) {
		e.latest = c.After.At
	}
	if !c.Erased {
		e.count(c)
		e.credit(c)
	}
}

// Settled implements [outcome.Subscriber].
func (e *Experiments) Settled(before time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, t := range e.left {
		if t.leftAt.Before(before) && !t.hollow {
			t.clients, t.hollow = map[outcome.Subject]*client{}, true
		}
	}
}

// count puts what an outcome was at its client right. A client that is not known although
// the outcome was counted has been erased: that stands.
func (e *Experiments) count(change outcome.Change) {
	if t, arm := e.counted(change.Before); t != nil {
		c := t.clients[change.Before.Client]
		if c == nil {
			return
		}
		t.add(c, arm, change.Before, -1)
		if c.During.Searches == 0 && c.Earlier.Searches == 0 {
			delete(t.clients, change.Before.Client)
		}
	}
	if t, arm := e.counted(change.After); t != nil {
		c := t.clients[change.After.Client]
		if c == nil {
			c = &client{}
			t.clients[change.After.Client] = c
			t.makeRoom(e.cfg.Clients)
		}
		t.add(c, arm, change.After, 1)
	}
}

// counted returns the experiment that an outcome counts for and the index of its arm; nil
// for none.
func (e *Experiments) counted(o *outcome.Outcome) (*trial, int) {
	if o == nil || o.Client == 0 || o.Typed || !o.Exposed {
		return nil, 0
	}
	name, arm, _ := strings.Cut(o.Arm, "/")
	t := e.known(name)
	if t == nil || !t.holds(o.Client) || !o.At.After(t.since) || t.over(arm, o.At) {
		return nil, 0
	}
	i := slices.Index(t.arms, arm)
	if i < 0 {
		return nil, 0
	}
	return t, i
}

func (t *trial) add(c *client, arm int, o *outcome.Outcome, sign int64) {
	if o.At.Before(t.plan.Starts) {
		c.Earlier.add(o, sign)
		return
	}
	c.Seen[arm] += int32(sign)
	c.During.add(o, sign)
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
		for _, t := range e.all() {
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
