package experiments

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/parallel-fusion/pfr/evaluation/experiment"
)

// Readout is what is known of an experiment at a time.
type Readout struct {
	Name     string            `json:"name"`
	AsOf     time.Time         `json:"as_of"`
	Starts   time.Time         `json:"starts,omitzero"`
	Sampled  float64           `json:"sampled"`             // share of the clients that are counted, 1 for all
	Moved    int64             `json:"moved"`               // clients that were seen in several arms and count in none
	RollBack []string          `json:"roll_back,omitempty"` // arms that are to be switched off
	Report   experiment.Report `json:"report"`
	History  []Point           `json:"history"` // oldest first
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
	e.mu.Lock()
	defer e.mu.Unlock()
	var out []Readout
	var first error
	for _, t := range e.byID {
		r, err := t.read(now, e.cfg.History)
		if err != nil {
			first = cmp.Or(first, fmt.Errorf("experiment %s: %w", t.plan.Name, err))
			continue
		}
		out = append(out, r)
		e.m.observe(r)
	}
	slices.SortFunc(out, func(a, b Readout) int { return cmp.Compare(a.Name, b.Name) })
	return out, first
}

func (t *trial) read(now time.Time, history int) (Readout, error) {
	data, moved, err := t.data()
	if err != nil {
		return Readout{}, err
	}
	plan := t.plan.Plan
	plan.PlannedUnits = max(1, plan.PlannedUnits>>t.sampled) // of the sample
	report, err := experiment.Readout(plan, data)
	if err != nil {
		return Readout{}, err
	}
	t.looks = report.Looks
	t.note(now, report, history)
	r := Readout{
		Name: plan.Name, AsOf: now.UTC(), Starts: t.plan.Starts, Sampled: 1 / float64(int64(1)<<t.sampled), Moved: moved,
		Report: report, History: slices.Clone(t.history),
	}
	for _, a := range report.Arms {
		if t.plan.RollBack && a.Decision == experiment.Rollback {
			r.RollBack = append(r.RollBack, a.Name)
		}
	}
	return r, nil
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
	data := experiment.Data{Arms: map[string]experiment.Counts{}, Looks: t.looks}
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

// note adds a point of each metric, when more clients have come. When there are too many
// points every other one goes.
func (t *trial) note(now time.Time, r experiment.Report, most int) {
	if n := len(t.history); n > 0 && (r.Information <= t.history[n-1].Information || now.Sub(t.history[n-1].AsOf) < time.Minute) {
		return
	}
	per := 0
	for _, a := range r.Arms {
		for _, m := range a.Metrics {
			if m.Effect == nil || m.Effect.Lift == nil || m.Effect.Lift.Interval == nil {
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
	if len(t.history) > most*max(per, 1) {
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
