package experiment

import (
	"errors"
	"fmt"
	"math"
)

// Goal is what an experiment shall be able to show in one of its metrics.
type Goal struct {
	Metric   string  // of the plan
	Baseline Moments // units of as long a time as the experiment will run, with covariates if it will have them
	Lift     float64 // relative, of a success metric; of a guardrail its margin counts
	Power    float64 // probability that the arm ships if all is as hoped, in (0, 1)
}

// UnitsFor returns how many units, over all arms, the plan needs to reach a goal in the
// comparison of the control with the arm of the smallest weight:
//
//	n = σ² (h²/w + k²/v) d² / (δR)²
//
// with σ² the variance of the metric's linear form over units of the baseline less what its
// covariates explain, w and v the shares of arm and control, and R the baseline's value. For
// a success metric δ is the lift, h = 1 + δ as the arm's values scatter more the larger they
// are, and k = 1. For a guardrail δ is the margin, h = 1 as nothing is to change, and
// k = 1 ∓ δ. d is the drift at which the plan's looks cross their boundary with the power:
// z(α/2) + z(power) of a single look, a little more of several. All guardrails must hold besides, so that the miss 1−power is divided by their
// number + 1 (Schultzberg et al. 2024). PlannedUnits need not be set.
func (p Plan) UnitsFor(g Goal) (int64, error) {
	p.PlannedUnits = 1
	m, known := p.metric(g.Metric)
	delta, scatter := g.Lift, 1+g.Lift
	if m.Kind == Guardrail {
		delta, scatter = m.Margin, 1
	}
	err := p.Validate()
	if !known {
		err = errors.Join(err, fmt.Errorf("metric %q: is not in the plan", g.Metric))
	}
	if !(g.Power > 0 && g.Power < 1) {
		err = errors.Join(err, fmt.Errorf("power %v: must be in (0, 1)", g.Power))
	}
	if delta == 0 {
		err = errors.Join(err, errors.New("lift: must not be 0"))
	}
	a, armErr := newArm(g.Baseline)
	if err = errors.Join(err, armErr); err != nil {
		return 0, fmt.Errorf("units of %s for %s: %w", p.Name, g.Metric, err)
	}
	if a.value == 0 {
		return 0, fmt.Errorf("units of %s for %s: baseline at 0: %w", p.Name, g.Metric, ErrTooFew)
	}
	drift, err := p.testOf(m).drift(p.Looks, 1-(1-g.Power)/float64(p.count(Guardrail)+1))
	if err != nil {
		return 0, fmt.Errorf("units of %s for %s: %w", p.Name, g.Metric, err)
	}
	least, control := p.shares()
	per := a.unexplained() * (sq(scatter)/least + sq(m.tolerated())/control)
	n := math.Ceil(per * sq(drift) / sq(delta*a.value))
	if n > MaxUnits {
		return 0, fmt.Errorf("units of %s for %s: %.3g: %w", p.Name, g.Metric, n, ErrRange)
	}
	return int64(n), nil
}

// unexplained is the variance of the linear form less what the covariates explain.
func (a arm) unexplained() float64 {
	theta := solve(a.cc, a.lc)
	return max(a.ll-theta[0]*a.lc[0]-theta[1]*a.lc[1], 0)
}

// shares returns the smallest share of units of a treatment, and that of the control.
func (p Plan) shares() (least, control float64) {
	total := 0.0
	least = math.Inf(1)
	for _, a := range p.Arms {
		total += a.Weight
		if a.Name == p.Control {
			control = a.Weight
		} else {
			least = min(least, a.Weight)
		}
	}
	return least / total, control / total
}

// drift returns the mean of z at fraction 1 with which a two-sided test is significant on
// that side at one of the looks with a probability.
func (t Test) drift(looks []float64, power float64) (float64, error) {
	b, err := t.Boundaries(looks)
	if err != nil {
		return 0, err
	}
	low, high := 0.0, 3*maxBoundary
	for range 30 {
		mid := (low + high) / 2
		reach, err := Crossing(b, looks, mid)
		if err != nil {
			return 0, err
		}
		if reach[len(reach)-1] < power {
			low = mid
		} else {
			high = mid
		}
	}
	return high, nil
}
