// Package stats holds the statistics of the reports: intervals of shares, calibration, and
// quantiles. Each function names the source of its formula.
package stats

import (
	"cmp"
	"math"
	"slices"
)

// Interval is a confidence interval.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Z95 is the 97.5 % point of the normal distribution.
const Z95 = 1.959963984540054

// Wilson returns the 95 % score interval of a share (Wilson 1927), [0, 1] when n is 0.
func Wilson(successes, n int) Interval {
	if n == 0 {
		return Interval{0, 1}
	}
	p, m := float64(successes)/float64(n), float64(n)
	centre := (p + Z95*Z95/(2*m)) / (1 + Z95*Z95/m)
	half := Z95 / (1 + Z95*Z95/m) * math.Sqrt(p*(1-p)/m+Z95*Z95/(4*m*m))
	return Interval{max(centre-half, 0), min(centre+half, 1)}
}

// Prediction is a confidence and whether it was right.
type Prediction struct {
	Confidence float64
	Right      bool
}

// Bin is the predictions whose confidence lies in one interval.
type Bin struct {
	From       float64 `json:"from"`
	To         float64 `json:"to"`
	N          int     `json:"n"`
	Confidence float64 `json:"confidence"` // mean
	Accuracy   float64 `json:"accuracy"`
}

// bins is how many bins of equal width calibration is measured over.
const bins = 10

// ECE returns the expected calibration error over ten bins of equal width (Naeini et al.
// 2015), and the bins that hold something.
func ECE(ps []Prediction) (float64, []Bin) {
	var all [bins]Bin
	for _, p := range ps {
		b := &all[min(int(p.Confidence*bins), bins-1)]
		b.N++
		b.Confidence += p.Confidence
		if p.Right {
			b.Accuracy++
		}
	}
	ece := 0.0
	var out []Bin
	for i, b := range all {
		if b.N == 0 {
			continue
		}
		ece += math.Abs(b.Accuracy-b.Confidence) / float64(len(ps))
		b.From, b.To = float64(i)/bins, float64(i+1)/bins
		b.Accuracy /= float64(b.N)
		b.Confidence /= float64(b.N)
		out = append(out, b)
	}
	return ece, out
}

// CoveragePoint is how good the most confident part of the predictions is.
type CoveragePoint struct {
	Coverage  float64 `json:"coverage"`  // share that is answered
	Threshold float64 `json:"threshold"` // confidence of the least confident one of them
	Risk      float64 `json:"risk"`      // share of them that is wrong
}

// RiskCoverage returns the risk of answering only the most confident tenth, two tenths and
// so on (El-Yaniv and Wiener 2010).
func RiskCoverage(ps []Prediction) []CoveragePoint {
	sorted := slices.SortedStableFunc(slices.Values(ps), func(a, b Prediction) int { return cmp.Compare(b.Confidence, a.Confidence) })
	var out []CoveragePoint
	wrong, next := 0, 1
	for i, p := range sorted {
		if !p.Right {
			wrong++
		}
		for next <= bins && (i+1)*bins >= next*len(sorted) {
			out = append(out, CoveragePoint{float64(next) / bins, p.Confidence, float64(wrong) / float64(i+1)})
			next++
		}
	}
	return out
}

// Quantile returns the q-quantile of values by the nearest rank, 0 of none. It sorts
// values.
func Quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[min(max(int(math.Ceil(q*float64(len(values))))-1, 0), len(values)-1)]
}
