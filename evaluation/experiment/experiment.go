// Package experiment is the statistics of online experiments: what may be read from the sums
// of a few arms, and what is to be done about it. It computes; it reads no clock and stores
// nothing.
//
// A unit is what an arm is drawn for: a client. A metric is a ratio over units, such as
// successes per search; searches of one client are not independent, so that every variance
// is one over units. [Moments] are the sums of an arm in a metric. [Compare] makes an
// [Effect] of two of them. The information fraction is the share of the planned units that
// is there. A look is a readout that may decide; a [Test] gives the boundaries at looks such
// that all of them together are wrong at most as often as planned. Between looks only the
// always-valid alarm acts. A lift is a relative difference: 0.03 is 3 % more than the control.
//
// A success metric is to get better. A guardrail must not get worse than its margin. [Plan]
// names both before the start, and [Readout] applies the rule to what came in.
//
// The quantile of a latency is no ratio. As a guardrail it is handed in as the share of
// searches that took longer than a fixed time: x is searches, y is slow ones.
package experiment

import (
	"errors"
	"fmt"
	"slices"
)

// Kind is what a metric is for.
type Kind string

// The kinds of metrics.
const (
	Success   Kind = "success"   // is to get better
	Guardrail Kind = "guardrail" // must not get worse than its margin
)

// Direction says which values of a metric are good.
type Direction string

// The directions of metrics.
const (
	Higher Direction = "higher"
	Lower  Direction = "lower"
)

// Metric is a ratio that an experiment is judged by.
type Metric struct {
	Name      string    `json:"name"`
	Kind      Kind      `json:"kind"`
	Direction Direction `json:"direction"`        // which values are better
	Margin    float64   `json:"margin,omitempty"` // of a guardrail: the relative loss that is accepted, in (0, 1)
}

// Arm is a variant and the share of units that it gets.
type Arm struct {
	Name   string  `json:"name"`
	Weight float64 `json:"weight"` // > 0, relative to the others
	// Stopped says that the arm gets no units any more. It is not compared, and neither the
	// sample ratio nor the information count it. The control cannot be stopped. The levels of
	// the tests stay those of all arms.
	Stopped bool `json:"stopped,omitempty"`
}

// Plan is what is said about an experiment before it starts. The zero value is not valid;
// see [DefaultPlan].
type Plan struct {
	Name         string    `json:"name"`
	Control      string    `json:"control"` // name of an arm
	Arms         []Arm     `json:"arms"`
	Alpha        float64   `json:"alpha"` // two-sided false-positive rate, in (0, 0.5)
	Spending     Spending  `json:"spending"`
	Looks        []float64 `json:"looks"`         // information fractions, ascending, the last one 1
	PlannedUnits int64     `json:"planned_units"` // over all arms; see Plan.UnitsFor
	MinUnits     int64     `json:"min_units"`     // of each arm; nothing is decided below
	Metrics      []Metric  `json:"metrics"`
}

// DefaultPlan is of five looks at equal distances, with O'Brien-Fleming-type spending of
// 5 %, and 500 units in each arm before anything is said: with fewer, ratios of skewed counts
// are not normal enough (an A/A test at |z| > 1.96 is wrong in 6.1 % at 60 units, 5.3 % at
// 200, 5.1 % at 500). Name, arms, metrics and planned units are left to fill in.
func DefaultPlan() Plan {
	return Plan{Alpha: 0.05, Spending: OBrienFleming, Looks: []float64{0.2, 0.4, 0.6, 0.8, 1}, MinUnits: 500}
}

// Validate reports every problem at once.
func (p Plan) Validate() error {
	errs := []error{p.test(1).Validate(), p.checkArms(), p.checkMetrics()}
	if p.Name == "" {
		errs = append(errs, errors.New("name: must not be empty"))
	}
	if p.PlannedUnits <= 0 || p.PlannedUnits > MaxUnits {
		errs = append(errs, fmt.Errorf("planned_units %d: must be in [1, 2^40]", p.PlannedUnits))
	}
	if p.MinUnits < 2 {
		errs = append(errs, fmt.Errorf("min_units %d: must be at least 2", p.MinUnits))
	}
	if err := checkFractions(p.Looks); err != nil {
		errs = append(errs, fmt.Errorf("looks: %w", err))
	} else if p.Looks[len(p.Looks)-1] != 1 {
		errs = append(errs, fmt.Errorf("looks: the last must be 1, not %v", p.Looks[len(p.Looks)-1]))
	}
	return errors.Join(errs...)
}

func (p Plan) checkArms() error {
	var errs []error
	if len(p.Arms) < 2 {
		errs = append(errs, fmt.Errorf("arms: %d, need at least 2", len(p.Arms)))
	}
	seen := map[string]bool{}
	for _, a := range p.Arms {
		if a.Name == "" || seen[a.Name] {
			errs = append(errs, fmt.Errorf("arm %q: names must differ and not be empty", a.Name))
		}
		if !(a.Weight > 0) {
			errs = append(errs, fmt.Errorf("arm %s: weight %v must be positive", a.Name, a.Weight))
		}
		if a.Stopped && a.Name == p.Control {
			errs = append(errs, fmt.Errorf("control %s: must not be stopped", a.Name))
		}
		seen[a.Name] = true
	}
	if len(p.Arms) >= 2 && len(p.running()) < 2 {
		errs = append(errs, errors.New("arms: all but one are stopped"))
	}
	if !seen[p.Control] {
		errs = append(errs, fmt.Errorf("control %q: is not an arm", p.Control))
	}
	return errors.Join(errs...)
}

// running returns the arms that are not stopped.
func (p Plan) running() []Arm {
	return slices.DeleteFunc(slices.Clone(p.Arms), func(a Arm) bool { return a.Stopped })
}

// planned returns how many units the arms that are not stopped will have.
func (p Plan) planned() float64 {
	if len(p.running()) == len(p.Arms) {
		return float64(p.PlannedUnits)
	}
	sum, all := 0.0, 0.0
	for _, a := range p.Arms {
		all += a.Weight
		if !a.Stopped {
			sum += a.Weight
		}
	}
	return float64(p.PlannedUnits) * sum / all
}

func (p Plan) checkMetrics() error {
	var errs []error
	seen := map[string]bool{}
	for _, m := range p.Metrics {
		if m.Name == "" || seen[m.Name] {
			errs = append(errs, fmt.Errorf("metric %q: names must differ and not be empty", m.Name))
		}
		seen[m.Name] = true
		if m.Direction != Higher && m.Direction != Lower {
			errs = append(errs, fmt.Errorf("metric %s: direction %q: must be %s or %s", m.Name, m.Direction, Higher, Lower))
		}
		switch {
		case m.Kind != Success && m.Kind != Guardrail:
			errs = append(errs, fmt.Errorf("metric %s: kind %q: must be %s or %s", m.Name, m.Kind, Success, Guardrail))
		case m.Kind == Guardrail && !(m.Margin > 0 && m.Margin < 1):
			errs = append(errs, fmt.Errorf("metric %s: margin %v: must be in (0, 1)", m.Name, m.Margin))
		case m.Kind == Success && m.Margin != 0:
			errs = append(errs, fmt.Errorf("metric %s: margin %v: only a guardrail has one", m.Name, m.Margin))
		}
	}
	if p.count(Success) == 0 {
		errs = append(errs, errors.New("metrics: at least one must be of success"))
	}
	return errors.Join(errs...)
}

func (p Plan) count(k Kind) int {
	n := 0
	for _, m := range p.Metrics {
		if m.Kind == k {
			n++
		}
	}
	return n
}

// test is the sequential test of a metric at a false-positive rate of alpha over some number
// of metrics.
func (p Plan) test(among int) Test {
	return Test{Alpha: p.Alpha / float64(among), Sides: 2, Spending: p.Spending}
}

// testOf returns the test of a metric. Any success metric of any arm can ship that arm, so
// that they share alpha (Bonferroni). A guardrail can only hold back: all of them must hold,
// and each has all of alpha (Schultzberg, Ankargren and Frånberg, Risk-aware product
// decisions in A/B tests with multiple metrics, 2024).
func (p Plan) testOf(m Metric) Test {
	if m.Kind == Guardrail {
		return p.test(1)
	}
	return p.test(p.count(Success) * (len(p.Arms) - 1))
}

func (p Plan) metric(name string) (Metric, bool) {
	i := slices.IndexFunc(p.Metrics, func(m Metric) bool { return m.Name == name })
	if i < 0 {
		return Metric{}, false
	}
	return p.Metrics[i], true
}
