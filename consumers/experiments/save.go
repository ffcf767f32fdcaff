package experiments

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/parallel-fusion/pfr/consumers/outcome"
	"github.com/parallel-fusion/pfr/evaluation/experiment"
	"github.com/parallel-fusion/pfr/evaluation/interleave"
	"github.com/parallel-fusion/pfr/internal/codec"
)

// saved is an experiment in a snapshot, without its clients.
type saved struct {
	Name    string
	Draw    string // fingerprint of the experiment
	Terms   string // fingerprint of what it is read out by
	Since   time.Time
	Changed time.Time
	Sampled uint
	Looks   []experiment.Look
	History []Point
	Stopped map[string]time.Time
	Last    []byte // report, as JSON
	Arms    int
	Clients int

	Plan   Plan      // as it was last; without a name in snapshots of older versions
	LeftAt time.Time // zero: it was in the plan
	Hollow bool
}

// savedDuel is a comparison in a snapshot.
type savedDuel struct {
	Comparison Comparison
	Since      time.Time
	Credits    map[outcome.Subject]interleave.Credit
}

// state begins a snapshot. Then the clients of each experiment come, in rows of at most
// rowsAtOnce.
type state struct {
	Latest   time.Time
	Measures []string // in the order of the rows
	Trials   []saved
	Duels    []savedDuel
}

// rows are clients: for each the searches in each arm, then those since the start and of
// each measure how much, then the same before it.
type rows struct {
	Clients []outcome.Subject
	Numbers []int64
}

const rowsAtOnce = 4096

// Name implements [outcome.Part].
func (e *Experiments) Name() string { return "experiments/2" }

// Save implements [outcome.Part].
func (e *Experiments) Save(w io.Writer) error { return e.Freeze()(w) }

// held is a copy of the clients of an experiment.
type held struct {
	subjects []outcome.Subject
	clients  []client
}

// Freeze implements [outcome.Freezer]: it copies, and what it returns encodes.
func (e *Experiments) Freeze() func(io.Writer) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := state{Latest: e.latest, Measures: Names()}
	var all []held
	for _, t := range e.all() {
		h := held{make([]outcome.Subject, 0, len(t.clients)), make([]client, 0, len(t.clients))}
		for who, c := range t.clients {
			h.subjects, h.clients = append(h.subjects, who), append(h.clients, *c)
		}
		all = append(all, h)
		s.Trials = append(s.Trials, t.saved())
	}
	for _, d := range e.duels {
		s.Duels = append(s.Duels, savedDuel{d.Comparison, d.since, maps.Clone(d.credits)})
	}
	return func(w io.Writer) error {
		if err := s.encode(gob.NewEncoder(w), all); err != nil {
			return fmt.Errorf("save experiments: %w", err)
		}
		return nil
	}
}

func (t *trial) saved() saved {
	s := saved{
		Name: t.plan.Name, Draw: t.plan.draw(), Terms: t.plan.terms(), Since: t.since, Changed: t.changed, Sampled: t.sampled,
		Looks: slices.Clone(t.looks), History: slices.Clone(t.history), Stopped: maps.Clone(t.stopped),
		Arms: len(t.arms), Clients: len(t.clients), Plan: t.plan, LeftAt: t.leftAt, Hollow: t.hollow,
	}
	if t.last != nil {
		s.Last, _ = codec.Marshal(t.last) // its numbers are finite; without it the next readout makes one
	}
	return s
}

func (s state) encode(out *gob.Encoder, all []held) error {
	if err := out.Encode(s); err != nil {
		return err
	}
	for i, h := range all {
		for first := 0; first < len(h.subjects); first += rowsAtOnce {
			last := min(first+rowsAtOnce, len(h.subjects))
			r := rows{Clients: h.subjects[first:last]}
			for _, c := range h.clients[first:last] {
				r.Numbers = c.appendTo(r.Numbers, s.Trials[i].Arms)
			}
			if err := out.Encode(r); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *client) appendTo(row []int64, arms int) []int64 {
	for _, n := range c.Seen[:arms] {
		row = append(row, int64(n))
	}
	for _, s := range []*sums{&c.During, &c.Earlier} {
		row = append(append(row, s.Searches), s.Amounts[:]...)
	}
	return row
}

// clientOf is the reverse of appendTo. The row has the measures that index names, each by its
// place in the catalogue; below 0 for one that there is no more.
func clientOf(row []int64, arms int, index []int) *client {
	c := &client{}
	for i, n := range row[:arms] {
		c.Seen[i] = int32(n)
	}
	row = row[arms:]
	for _, s := range []*sums{&c.During, &c.Earlier} {
		s.Searches = row[0]
		for i, measure := range index {
			if measure >= 0 {
				s.Amounts[measure] = row[1+i]
			}
		}
		row = row[1+len(index):]
	}
	return c
}

// Load implements [outcome.Part]. What was saved of experiments that are followed and are
// the same counts, and that of others is kept for a while in case that they are put back.
func (e *Experiments) Load(r io.Reader) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.latest, e.left = time.Time{}, map[string]*trial{}
	for name, t := range e.byID {
		e.byID[name] = newTrial(t.plan, time.Time{})
		e.switchOff(e.byID[name])
	}
	for _, d := range e.duels {
		d.since, d.credits = time.Time{}, map[outcome.Subject]interleave.Credit{}
	}
	s, clients, err := decode(gob.NewDecoder(r))
	switch {
	case errors.Is(err, io.EOF) && s.Measures == nil: // nothing was saved
		return nil
	case err != nil:
		return fmt.Errorf("load experiments: %w", err)
	}
	e.latest = s.Latest
	e.loadDuels(s)
	for _, t := range e.byID {
		t.since = s.Latest // unless it was counted before
	}
	for i, old := range s.Trials {
		t := e.byID[old.Name]
		if t == nil && check(old.Plan) == nil {
			t = newTrial(old.Plan, s.Latest)
			t.leftAt = s.Latest // or before: see below
		}
		if t == nil || t.plan.draw() != old.Draw || !t.isIn(s.Measures) {
			continue
		}
		t.load(old, clients[i], s.Latest)
		e.switchOff(t)
		switch followed := t.leftAt.IsZero(); {
		case !followed && old.LeftAt.IsZero(): // it was taken out meanwhile
			e.left[old.Name] = t
		case !followed:
			t.leftAt, e.left[old.Name] = old.LeftAt, t
		case !old.LeftAt.IsZero():
			t.returned(s.Latest)
		}
	}
	return nil
}

// isIn reports whether all metrics of the plan were counted when a snapshot was made.
func (t *trial) isIn(names []string) bool {
	return !slices.ContainsFunc(t.plan.Metrics, func(m experiment.Metric) bool { return !slices.Contains(names, m.Name) })
}

func (t *trial) load(old saved, clients map[outcome.Subject]*client, latest time.Time) {
	t.since, t.sampled, t.looks, t.history, t.clients, t.changed = old.Since, old.Sampled, old.Looks, old.History, clients, old.Changed
	for i := range t.looks {
		if t.looks[i].Ship == nil { // gob does not tell it from an empty one, JSON does
			t.looks[i].Ship = []string{}
		}
	}
	t.hollow = old.Hollow
	maps.Copy(t.stopped, old.Stopped)
	if len(old.Last) > 0 {
		var last experiment.Report
		if err := codec.Unmarshal(old.Last, &last); err == nil {
			t.last = &last
		}
	}
	if old.Terms != t.plan.terms() && t.begun() {
		t.changed = latest
	}
}

// decode reads all of a snapshot. A state without measures was not there.
func decode(in *gob.Decoder) (state, []map[outcome.Subject]*client, error) {
	var s state
	if err := in.Decode(&s); err != nil {
		return state{}, nil, err
	}
	index := make([]int, len(s.Measures))
	for i, name := range s.Measures {
		index[i] = -1
		if m, ok := measureOf(name); ok {
			index[i] = m
		}
	}
	var all []map[outcome.Subject]*client
	for _, t := range s.Trials {
		clients := map[outcome.Subject]*client{}
		width := t.Arms + 2*(1+len(index))
		for len(clients) < t.Clients {
			var r rows
			if err := in.Decode(&r); err != nil {
				return s, nil, err
			}
			if len(r.Clients) == 0 || len(r.Numbers) != width*len(r.Clients) || t.Arms > maxArms {
				return s, nil, fmt.Errorf("experiment %s: %d numbers of %d clients", t.Name, len(r.Numbers), len(r.Clients))
			}
			for i, who := range r.Clients {
				clients[who] = clientOf(r.Numbers[i*width:(i+1)*width], t.Arms, index)
			}
		}
		all = append(all, clients)
	}
	return s, all, nil
}

func (e *Experiments) loadDuels(s state) {
	for _, d := range e.duels {
		d.since = s.Latest // unless it was counted before
	}
	for _, old := range s.Duels {
		d, ok := e.duels[old.Comparison.Name]
		if !ok || d.Comparison != old.Comparison {
			continue
		}
		d.since = old.Since
		if old.Credits != nil {
			d.credits = old.Credits
		}
	}
}
