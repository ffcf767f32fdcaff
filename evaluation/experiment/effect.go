package experiment

import (
	"errors"
	"fmt"
	"math"

	"github.com/parallel-fusion/pfr/evaluation/stats"
)

// ErrTooFew is of an arm from which no variance can be estimated: fewer than two units, or
// nothing in the denominator.
var ErrTooFew = errors.New("too few units")

// Estimate is a value and its standard error, both in the unit of the value.
type Estimate struct {
	Value float64
	SE    float64
}

// Interval returns value ± c standard errors.
func (e Estimate) Interval(c float64) stats.Interval {
	return stats.Interval{Low: e.Value - c*e.SE, High: e.Value + c*e.SE}
}

// Z returns the estimate in standard errors, between -maxZ and maxZ. Of a value without an
// error it is one of the two, and 0 of none.
func (e Estimate) Z() float64 {
	if e.Value == 0 {
		return 0
	}
	return max(-maxZ, min(e.Value/e.SE, maxZ))
}

// maxZ is beyond every boundary, and can be written as JSON where infinity can't.
const maxZ = 40

// arm is the moments of an arm as the delta method sees them. The metric R = Ȳ/X̄ is, but for
// terms of higher order, the mean of its units' l = (y − R x) / X̄, so that its variance is
// that of l over n (Deng, Knoblich and Lu, Applying the Delta Method in Metric Analytics,
// 2018).
type arm struct {
	n      float64
	value  float64       // R
	ll     float64       // var l
	lc     [2]float64    // cov of l with the covariates z and w
	cc     [2][2]float64 // cov of the covariates
	before [2]float64    // means of the covariates
}

func newArm(m Moments) (arm, error) {
	if m.N < 2 || m.X == 0 {
		return arm{}, fmt.Errorf("%d units with a denominator of %d: %w", m.N, m.X, ErrTooFew)
	}
	n := float64(m.N)
	a := arm{n: n, value: m.Value(), before: [2]float64{float64(m.Z) / n, float64(m.W) / n}}
	x, r := float64(m.X)/n, a.value
	xx, yy, xy := m.covariance(m.XX, m.X, m.X), m.covariance(m.YY, m.Y, m.Y), m.covariance(m.XY, m.X, m.Y)
	a.ll = max(yy-2*r*xy+r*r*xx, 0) / (x * x)
	a.lc[0] = (m.covariance(m.YZ, m.Y, m.Z) - r*m.covariance(m.XZ, m.X, m.Z)) / x
	a.lc[1] = (m.covariance(m.YW, m.Y, m.W) - r*m.covariance(m.XW, m.X, m.W)) / x
	zw := m.covariance(m.ZW, m.Z, m.W)
	a.cc = [2][2]float64{{m.covariance(m.ZZ, m.Z, m.Z), zw}, {zw, m.covariance(m.WW, m.W, m.W)}}
	return a, nil
}

// Effect is a treatment compared with its control in one ratio metric. See [Compare].
type Effect struct {
	control   arm
	treatment arm
	theta     [2]float64 // of CUPED; zero: not adjusted
}

// Compare compares two arms. Where the moments have covariates the effect is adjusted by
// CUPED (Deng, Xu, Kohavi and Walker, Improving the Sensitivity of Online Controlled
// Experiments, 2013): θ times the difference of the arms in
// the covariate, which is chance alone, is taken off. θ minimises the variance of the
// difference; with one covariate that correlates by ρ with the metric, 1−ρ² of the variance
// is left. With two, θ is that of the regression on both, so that a pre-period of a ratio
// metric explains as much as its own linear form can. An error wraps [ErrTooFew].
func Compare(control, treatment Moments) (Effect, error) {
	c, err := newArm(control)
	if err != nil {
		return Effect{}, fmt.Errorf("control: %w", err)
	}
	t, err := newArm(treatment)
	if err != nil {
		return Effect{}, fmt.Errorf("treatment: %w", err)
	}
	var cc [2][2]float64
	var lc [2]float64
	for i := range 2 {
		lc[i] = c.lc[i]/c.n + t.lc[i]/t.n
		for j := range 2 {
			cc[i][j] = c.cc[i][j]/c.n + t.cc[i][j]/t.n
		}
	}
	return Effect{control: c, treatment: t, theta: solve(cc, lc)}, nil
}

// solve returns θ with cc·θ = lc. A covariate that does not vary, or that only repeats the
// other one, gets 0.
func solve(cc [2][2]float64, lc [2]float64) (theta [2]float64) {
	if det := cc[0][0]*cc[1][1] - cc[0][1]*cc[0][1]; det > 1e-9*cc[0][0]*cc[1][1] {
		theta[0] = (lc[0]*cc[1][1] - lc[1]*cc[0][1]) / det
		theta[1] = (lc[1]*cc[0][0] - lc[0]*cc[0][1]) / det
		return theta
	}
	for i := range 2 {
		if cc[i][i] > 0 {
			theta[i] = lc[i] / cc[i][i]
			break
		}
	}
	return theta
}

// Adjusted says whether a covariate was used.
func (e Effect) Adjusted() bool { return e.theta != [2]float64{} }

// Unadjusted returns the same effect without CUPED.
func (e Effect) Unadjusted() Effect {
	e.theta = [2]float64{}
	return e
}

// VarianceCut is the share of the variance of the difference that CUPED took away, 0 without
// covariates or variance.
func (e Effect) VarianceCut() float64 {
	raw := e.Unadjusted().Difference().SE
	if raw == 0 || !e.Adjusted() {
		return 0
	}
	cut := e.Difference().SE / raw
	return 1 - cut*cut
}

// Difference is the treatment's value less the control's, in the unit of the metric.
func (e Effect) Difference() Estimate { return e.Against(1) }

// Against is the treatment's value less k times the control's. It is above 0 where the
// relative lift is above k−1: a test against a relative margin needs no variance of a ratio.
func (e Effect) Against(k float64) Estimate {
	c, t := e.control, e.treatment
	// The covariates are centred at the mean of both arms. With k off 1 that mean does not
	// cancel, which leaves this weight for their difference.
	u := (c.n + k*t.n) / (c.n + t.n)
	value := t.value - k*c.value
	variance := t.ll/t.n + k*k*c.ll/c.n
	for i := range 2 {
		value -= u * e.theta[i] * (t.before[i] - c.before[i])
		variance -= 2 * u * e.theta[i] * (t.lc[i]/t.n + k*c.lc[i]/c.n)
		for j := range 2 {
			variance += u * u * e.theta[i] * e.theta[j] * (t.cc[i][j]/t.n + c.cc[i][j]/c.n)
		}
	}
	return Estimate{value, math.Sqrt(max(variance, 0))}
}

// Lift is the relative difference, treatment over control − 1, with its standard error by
// the delta method. ok is false where the control's value is not above 0.
func (e Effect) Lift() (lift Estimate, ok bool) {
	base := e.base()
	if base <= 0 {
		return Estimate{}, false
	}
	k := e.Against(0).Value / base
	return Estimate{k - 1, e.Against(k).SE / base}, true
}

// base is how fast Against falls with k: the control's value, adjusted.
func (e Effect) base() float64 { return e.Against(0).Value - e.Against(1).Value }

// LiftInterval is the relative lifts that the data do not refuse at c standard errors
// (Fieller 1954): k−1 of all k with |Against(k)| ≤ c·SE. It leaves out a margin exactly
// where the test against that margin does. ok is false where the control's value is not
// above 0 by c standard errors, so that nothing bounds the lift.
func (e Effect) LiftInterval(c float64) (i stats.Interval, ok bool) {
	zero, base := e.Against(0), e.base()
	// The variance of Against is a polynomial of the second degree in k.
	v0, v1, vm := sq(zero.SE), sq(e.Against(1).SE), sq(e.Against(-1).SE)
	b, a := (v1-vm)/2, (v1+vm)/2-v0
	// (zero − base k)² = c² (v0 + b k + a k²), as qa k² − 2 qb k + qc = 0.
	qa := base*base - c*c*a
	qb := base*zero.Value + c*c*b/2
	qc := sq(zero.Value) - c*c*v0
	root := qb*qb - qa*qc
	if base <= 0 || qa <= 0 || root < 0 {
		return stats.Interval{}, false
	}
	root = math.Sqrt(root)
	return stats.Interval{Low: (qb-root)/qa - 1, High: (qb+root)/qa - 1}, true
}

func sq(x float64) float64 { return x * x }
