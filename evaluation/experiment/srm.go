package experiment

import (
	"errors"
	"fmt"

	"gonum.org/v1/gonum/stat/distuv"
)

// Levels of p below which unit counts and weights contradict each other. The first is of
// looks, which are few (Fabijan et al., Diagnosing Sample Ratio Mismatch in Online Controlled
// Experiments, 2019). Between looks the ratio is checked as often as anybody reads out: with
// 0.001, 16 of 400 sound experiments had a mismatch at some time.
const (
	srmAtLook  = 0.001
	srmBetween = 1e-6
)

// SRM is the check for a sample ratio mismatch: whether the arms have the numbers of units
// that their weights promise. If they have not, units are lost or counted in a way that
// differs by arm, and no comparison of the arms means anything.
type SRM struct {
	ChiSquared float64            `json:"chi_squared"` // Σ (units − expected)²/expected
	P          float64            `json:"p"`           // Pearson's χ², arms − 1 degrees of freedom
	Expected   map[string]float64 `json:"expected"`    // units, by arm
	Level      float64            `json:"level"`       // of p: 0.001 at a look, 0.000001 between looks
	Mismatch   bool               `json:"mismatch"`    // p < level: nothing may be read out
}

// between returns the check for a time that is no look.
func (s SRM) between() SRM {
	s.Level = srmBetween
	s.Mismatch = s.P < s.Level
	return s
}

// CheckRatio compares units by arm with the arms' weights, at the level of a look. Weights are positive and need not
// sum to 1. An arm without a weight that has units is an error, and so are fewer than two
// arms.
func CheckRatio(units map[string]int64, weights map[string]float64) (SRM, error) {
	var total, weight float64
	for name, n := range units {
		if _, ok := weights[name]; !ok || n < 0 {
			return SRM{}, fmt.Errorf("sample ratio: arm %s with %d units: unknown or negative", name, n)
		}
		total += float64(n)
	}
	for name, w := range weights {
		if !(w > 0) {
			return SRM{}, fmt.Errorf("sample ratio: arm %s: weight %v must be positive", name, w)
		}
		weight += w
	}
	if len(weights) < 2 {
		return SRM{}, errors.New("sample ratio: an experiment has at least two arms")
	}
	out := SRM{P: 1, Level: srmAtLook, Expected: make(map[string]float64, len(weights))}
	for name, w := range weights {
		e := total * w / weight
		out.Expected[name] = e
		if e > 0 {
			out.ChiSquared += sq(float64(units[name])-e) / e
		}
	}
	out.P = distuv.ChiSquared{K: float64(len(weights) - 1)}.Survival(out.ChiSquared)
	out.Mismatch = out.P < out.Level
	return out, nil
}
