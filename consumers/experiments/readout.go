package experiments

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/parallel-fusion/pfr/evaluation/experiment"
)

// Readout is what is known of an experiment at a time.
type Readout struct {
	Name     string    `json:"name"`
	AsOf     time.Time `json:"as_of"`
	Starts   time.Time `json:"starts,omitzero"`
	Sampled  float64   `json:"sampled"`             // share of the clients that are counted, 1 for all
	Moved    int64     `json:"moved"`               // clients that were seen in several arms and count in none
	RollBack []string  `json:"roll_back,omitempty"` // arms that are to be switched off
	// Stopped are arms that were switched off, in the order of the plan. They do not count any
	// more, also if they are on again.
	Stopped []string `json:"stopped,omitempty"`
	// StoppedAt is when too few arms were left to compare: the report is that of then. Zero:
	// the experiment goes on.
	StoppedAt time.Time `json:"stopped_at,omitzero"`
	// PlanChangedAt is the time of the latest search when the plan was changed after there were
	// numbers, or the experiment was put back after it had been taken out of it. Decisions are not what was promised then. Zero: it was not.
	PlanChangedAt time.Time `json:"plan_changed_at,omitzero"`
	// Draw is a fingerprint of how clients are drawn and treated: looks at another one count
	// for nothing.
	Draw    string            `json:"draw"`
	Terms   string            `json:"terms"` // fingerprint of the plan
	Report  experiment.Report `json:"report"`
	History []Point           `json:"history"` // oldest first
}

// Point is what a readout said of one metric of one arm.
type Point struct {
	AsOf        time.Time `json:"as_of"`
	Information float64   `json:"information"` // share of the planned clients
	Arm         string    `json:"arm"`
	Metric      string    `json:"metric"`
	Lift        float64   `json:"lift"`
	Low         float64   `json:"low"` // of the interval at the boundary of the time
	High        float64   `json:"high"`
}

// Readouts reads every experiment out, by name. An experiment that cannot be read out is
// left out, and the error says why.
func (e *Experiments) Readouts(now time.Time) ([]Readout, error) {
	e.reading.Lock()
	defer e.reading.Unlock()
	var out []Readout
	var errs []error
	for _, name := range e.names() {
		r, ok, err := e.read(name, now)
		if err != nil {
			errs = append(errs, fmt.Errorf("experiment %s: %w", name, err))
		} else if ok {
			out = append(out, r)
		}
	}
	return out, errors.Join(errs...)
}

func (e *Experiments) names() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Sorted(maps.Keys(e.byID))
}

// read reads one experiment out; ok is false if it is gone. Only the sums are taken while
// the count stands still, and the report is computed after.
func (e *Experiments) read(name string, now time.Time) (r Readout, ok bool, err error) {
	t, s, err := e.sums(name)
	if t == nil || err != nil {
		return Readout{}, false, err
	}
	report := s.kept
	if report == nil {
		made, err := experiment.Readout(s.plan, s.data)
		if err != nil {
			return Readout{}, false, err
		}
		report = &made
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.byID[name] != t {
		return Readout{}, false, nil
	}
	if s.kept == nil {
		t.take(now, report, e.cfg.History)
	}
	r = t.readout(now, s.moved)
	e.m.observe(r)
	return r, true, nil
}

// summed is what an experiment is read out from.
type summed struct {
	plan  experiment.Plan
	data  experiment.Data
	moved int64
	kept  *experiment.Report // of an experiment that has ended
}

func (e *Experiments) sums(name string) (*trial, summed, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.byID[name]
	if t == nil {
		return nil, summed{}, nil
	}
	ended := !t.ended().IsZero()
	data, moved, err := t.data()
	s := summed{plan: t.plan.Plan, data: data, moved: moved}
	if ended {
		s.kept = t.last
	}
	s.plan.PlannedUnits = max(1, s.plan.PlannedUnits>>t.sampled) // of the sample
	s.plan.Arms = slices.Clone(s.plan.Arms)
	for i, a := range s.plan.Arms {
		_, off := t.stopped[a.Name]
		s.plan.Arms[i].Stopped = off && !ended // one that has ended is read out as it was
	}
	return t, s, err
}

// take keeps a report. What it said of an arm that was stopped since stands.
func (t *trial) take(now time.Time, r *experiment.Report, history int) {
	for i, a := range r.Arms {
		if t.last == nil || i >= len(t.last.Arms) || !a.Stopped || t.last.Arms[i].Name != a.Name {
			continue
		}
		r.Arms[i] = t.last.Arms[i]
		r.Arms[i].Stopped = true
	}
	t.last, t.looks = r, r.Looks
	t.note(now, *r, history)
}

// readout returns the last report with what else is known.
func (t *trial) readout(now time.Time, moved int64) Readout {
	r := Readout{
		Name: t.plan.Name, AsOf: now.UTC(), Starts: t.plan.Starts, Sampled: 1 / float64(int64(1)<<t.sampled), Moved: moved,
		StoppedAt: t.ended(), PlanChangedAt: t.changed, Draw: t.plan.draw(), Terms: t.plan.terms(),
		Report: *t.last, History: slices.Clone(t.history),
	}
	for _, a := range r.Report.Arms {
		if _, off := t.stopped[a.Name]; off {
			r.Stopped = append(r.Stopped, a.Name)
		} else if t.plan.RollBack && r.StoppedAt.IsZero() && a.Decision == experiment.Rollback {
			r.RollBack = append(r.RollBack, a.Name)
		}
	}
	return r
}

// Remember takes from an earlier readout what counts cannot tell: which looks were taken,
// which arms were stopped and what was said of them. It is called before the first readout.
// A readout of one that goes by the same name and was drawn otherwise changes nothing; one of
// an experiment that is not followed is kept for when it is.
func (e *Experiments) Remember(r Readout) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t := e.known(r.Name)
	switch {
	case t == nil:
		e.said[r.Name] = r
	case t.plan.draw() == r.Draw:
		t.remember(r)
	}
}

func (t *trial) remember(r Readout) {
	if len(r.Report.Looks) > len(t.looks) {
		t.looks = r.Report.Looks
	}
	if len(r.History) > len(t.history) {
		t.history = r.History
	}
	for _, arm := range r.Stopped {
		at := r.StoppedAt
		if at.IsZero() {
			at = r.AsOf
		}
		if _, known := t.stopped[arm]; !known {
			t.stopped[arm] = at
		}
	}
	if t.last == nil {
		t.last = &r.Report
	}
	if r.PlanChangedAt.After(t.changed) {
		t.changed = r.PlanChangedAt
	}
	if r.Terms != t.plan.terms() {
		t.changed = r.AsOf
	}
}

// data sums the clients up.
func (t *trial) data() (experiment.Data, int64, error) {
	counts := make([]experiment.Counts, len(t.arms))
	moments := make([][]experiment.Moments, len(t.arms))
	index := make([]int, len(t.plan.Metrics))
	for m, metric := range t.plan.Metrics {
		index[m], _ = measureOf(metric.Name) // Follow has checked it
	}
	for i := range moments {
		moments[i] = make([]experiment.Moments, len(index))
	}
	moved := int64(0)
	for _, c := range t.clients {
		i, ok := c.arm()
		if !ok {
			moved += one(c.During.Searches > 0)
			continue
		}
		counts[i].Units++
		for m, measure := range index {
			if err := moments[i][m].Add(c.unit(measure)); err != nil {
				return experiment.Data{}, 0, err
			}
		}
	}
	data := experiment.Data{Arms: map[string]experiment.Counts{}, Looks: slices.Clone(t.looks)}
	for i, arm := range t.arms {
		counts[i].Metrics = map[string]experiment.Moments{}
		for m, metric := range t.plan.Metrics {
			counts[i].Metrics[metric.Name] = moments[i][m]
		}
		data.Arms[arm] = counts[i]
	}
	return data, moved, nil
}

func (c *client) unit(measure int) experiment.Unit {
	return experiment.Unit{
		X: c.During.Searches, Y: c.During.Amounts[measure], Z: c.Earlier.Amounts[measure], W: c.Earlier.Searches,
	}
}

// maxPoints bounds the points of a readout, which has to fit into a record: a point has at
// most 300 bytes.
const maxPoints = 2000

// note adds a point of each metric, when more clients have come. When there are too many
// points those of every other time go.
func (t *trial) note(now time.Time, r experiment.Report, most int) {
	if n := len(t.history); n > 0 && (r.Information <= t.history[n-1].Information || now.Sub(t.history[n-1].AsOf) < time.Minute) {
		return
	}
	per := 0
	for _, a := range r.Arms {
		for _, m := range a.Metrics {
			if a.Stopped || m.Effect == nil || m.Effect.Lift == nil || m.Effect.Lift.Interval == nil {
				continue
			}
			per++
			lift := m.Effect.Lift
			t.history = append(t.history, Point{
				AsOf: now.UTC(), Information: r.Information, Arm: a.Name, Metric: m.Name,
				Lift: lift.Value, Low: lift.Interval.Low, High: lift.Interval.High,
			})
		}
	}
	for len(t.history) > min(most*max(per, 1), maxPoints) && !t.history[0].AsOf.Equal(t.history[len(t.history)-1].AsOf) {
		t.thin()
	}
}

// thin drops the points of every other time.
func (t *trial) thin() {
	times := 0
	var last time.Time
	t.history = slices.DeleteFunc(t.history, func(p Point) bool {
		if !p.AsOf.Equal(last) {
			last = p.AsOf
			times++
		}
		return times%2 == 0
	})
}
