package schemas

import (
	"maps"
	"math"
	"slices"
)

// HistogramAccuracy is the relative error of a value that is read from a [Histogram].
const HistogramAccuracy = 0.01

// Histogram counts durations in logarithmic bins, as DDSketch does (Masson, Rim and Lee,
// VLDB 2019). Histograms are merged by adding the counts of their bins, which loses
// nothing; quantiles are never averaged.
//
// With γ = (1+a) ÷ (1−a), where a is HistogramAccuracy, bin i counts the durations in
// (γ^(i−1), γ^i] milliseconds and stands for 2γ^i ÷ (γ+1).
type Histogram struct {
	Zero int         `json:"zero,omitempty"` // durations of a microsecond or less
	Bins map[int]int `json:"bins,omitempty"` // count by bin; none is 0
}

// minDuration is the shortest duration, in milliseconds, that has a bin.
const minDuration = 0.001

// maxBins bounds a histogram: those from a microsecond to a day need 1,260.
const maxBins = 2000

// logGamma is ln γ.
const logGamma = 0.020000666706669524

// HistogramBin returns the bin of a duration in milliseconds; ok is false for one that
// counts as zero.
func HistogramBin(ms float64) (bin int, ok bool) {
	if !(ms > minDuration) {
		return 0, false
	}
	return int(math.Ceil(math.Log(ms) / logGamma)), true
}

// HistogramValue returns the duration that stands for a bin, in milliseconds.
func HistogramValue(bin int) float64 {
	return 2 * math.Exp(float64(bin)*logGamma) / (math.Exp(logGamma) + 1)
}

// Count returns how many durations were counted.
func (h Histogram) Count() int {
	n := h.Zero
	for _, count := range h.Bins {
		n += count
	}
	return n
}

// Quantile returns the duration, in milliseconds, that the share q of total durations does
// not exceed. Those of total that were not counted are longer than any; ok is false if the
// quantile lies among them, or if there are none at all.
func (h Histogram) Quantile(q float64, total int) (ms float64, ok bool) {
	rank := int(math.Ceil(q * float64(total)))
	if total <= 0 || rank <= h.Zero {
		return 0, total > 0
	}
	seen := h.Zero
	for _, bin := range slices.Sorted(maps.Keys(h.Bins)) {
		if seen += h.Bins[bin]; seen >= rank {
			return HistogramValue(bin), true
		}
	}
	return 0, false
}

func (h *Histogram) check(p *problems) {
	p.check(h.Zero >= 0, "zero", "must not be negative")
	p.check(len(h.Bins) <= maxBins, "bins", "must have at most %d entries", maxBins)
	for _, count := range h.Bins {
		p.check(count > 0, "bins", "must have positive counts")
	}
}
