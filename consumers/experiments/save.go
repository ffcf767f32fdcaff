package experiments

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/parallel-fusion/pfr/consumers/outcome"
	"github.com/parallel-fusion/pfr/evaluation/experiment"
	"github.com/parallel-fusion/pfr/evaluation/interleave"
)

// saved is an experiment in a snapshot.
type saved struct {
	Name    string
	Arms    []string
	Starts  time.Time
	Since   time.Time
	Sampled uint
	Looks   []experiment.Look
	History []Point
	Clients map[outcome.Subject]*client
}

// savedDuel is a comparison in a snapshot.
type savedDuel struct {
	Comparison Comparison
	Since      time.Time
	Credits    map[outcome.Subject]interleave.Credit
}

// state is all of them.
type state struct {
	Latest time.Time
	Trials []saved
	Duels  []savedDuel
}

// Name implements [outcome.Part].
func (e *Experiments) Name() string { return "experiments/1" }

// Save implements [outcome.Part].
func (e *Experiments) Save(w io.Writer) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	s := state{Latest: e.latest}
	for _, t := range e.byID {
		s.Trials = append(s.Trials, saved{
			Name: t.plan.Name, Arms: t.arms, Starts: t.plan.Starts, Since: t.since, Sampled: t.sampled,
			Looks: t.looks, History: t.history, Clients: t.clients,
		})
	}
	for _, d := range e.duels {
		s.Duels = append(s.Duels, savedDuel{d.Comparison, d.since, d.credits})
	}
	if err := gob.NewEncoder(w).Encode(s); err != nil {
		return fmt.Errorf("save experiments: %w", err)
	}
	return nil
}

// Load implements [outcome.Part]. Of what was saved only the experiments that are followed
// and have not changed are kept.
func (e *Experiments) Load(r io.Reader) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.latest = time.Time{}
	for _, t := range e.byID {
		*t = *newTrial(t.plan, time.Time{})
	}
	for _, d := range e.duels {
		d.since, d.credits = time.Time{}, map[outcome.Subject]interleave.Credit{}
	}
	var s state
	switch err := gob.NewDecoder(r).Decode(&s); {
	case errors.Is(err, io.EOF): // nothing was saved
		return nil
	case err != nil:
		return fmt.Errorf("load experiments: %w", err)
	}
	e.latest = s.Latest
	e.loadDuels(s)
	for _, t := range e.byID {
		t.since = s.Latest // unless it was counted before
	}
	for _, old := range s.Trials {
		t, ok := e.byID[old.Name]
		if !ok || !t.same(old.Arms, old.Starts) {
			continue
		}
		t.since, t.sampled, t.looks, t.history = old.Since, old.Sampled, old.Looks, old.History
		if old.Clients != nil {
			t.clients = old.Clients
		}
	}
	return nil
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
