package agreement

import (
	"errors"
	"fmt"
	"math"

	"github.com/parallel-fusion/pfr/evaluation/stats"
)

// Share is so many of N.
type Share struct {
	Of int `json:"of"`
	N  int `json:"n"`
}

// value is the share, 0 of none.
func (s Share) value() float64 { return float64(s.Of) / float64(max(s.N, 1)) }

// Estimate is a value with its 95 % interval.
type Estimate struct {
	Value float64 `json:"value"`
	stats.Interval
}

// ErrBlind says that a judge's pass rate cannot be corrected: it passes pages that people
// pass no more often than others, so its verdicts say nothing.
var ErrBlind = errors.New("the judge does not tell good pages from bad ones")

// Corrected is the share of pages that people would pass, out of the share that a judge
// passes. specificity is how many of the pages that people fail the judge fails too,
// sensitivity how many of those that people pass it passes too:
//
//	θ = (p + q0 − 1) / (q0 + q1 − 1)
//
// (Rogan and Gladen 1978, for judges: Lee et al., How to Correctly Report LLM-as-a-Judge
// Evaluations, 2025). The interval allows for chance in all three shares (Lang and
// Reiczigel, Confidence limits for prevalence of disease adjusted for estimated sensitivity
// and specificity, 2014). Both are cut to [0, 1]. The error is [ErrBlind] if q0 + q1 ≤ 1.
func Corrected(passed, specificity, sensitivity Share) (Estimate, error) {
	for _, s := range []Share{passed, specificity, sensitivity} {
		if s.N < 1 || s.Of < 0 || s.Of > s.N {
			return Estimate{}, fmt.Errorf("correct pass rate: %d of %d is no share", s.Of, s.N)
		}
	}
	p, q0, q1 := passed.value(), specificity.value(), sensitivity.value()
	if q0+q1 <= 1 {
		return Estimate{}, fmt.Errorf("correct pass rate: %w: specificity %.2f and sensitivity %.2f", ErrBlind, q0, q1)
	}
	const z2 = stats.Z95 * stats.Z95
	n, m0, m1 := float64(passed.N)+z2, float64(specificity.N)+2, float64(sensitivity.N)+2
	pa, q0a, q1a := (float64(passed.Of)+z2/2)/n, (float64(specificity.Of)+1)/m0, (float64(sensitivity.Of)+1)/m1
	skill := q0a + q1a - 1
	if skill <= 0 {
		return Estimate{}, fmt.Errorf("correct pass rate: %w: there are too few labels", ErrBlind)
	}
	theta := (pa + q0a - 1) / skill
	v0, v1 := q0a*(1-q0a)/m0, q1a*(1-q1a)/m1
	middle := theta + 2*z2*(theta*v1-(1-theta)*v0)
	half := stats.Z95 * math.Sqrt(pa*(1-pa)/n+(1-theta)*(1-theta)*v0+theta*theta*v1) / skill
	return Estimate{unit((p + q0 - 1) / (q0 + q1 - 1)), stats.Interval{Low: unit(middle - half), High: unit(middle + half)}}, nil
}

func unit(x float64) float64 { return min(max(x, 0), 1) }
