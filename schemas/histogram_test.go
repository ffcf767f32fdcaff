package schemas_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"github.com/parallel-fusion/pfr/schemas"
)

// A value that is read from its bin is off by the stated accuracy at most.
func TestHistogramIsAccurate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ms := math.Exp(rapid.Float64Range(math.Log(0.00101), math.Log(8.64e7)).Draw(t, "ln ms"))
		bin, ok := schemas.HistogramBin(ms)
		if !ok {
			t.Fatalf("%v ms has no bin", ms)
		}
		if err := math.Abs(schemas.HistogramValue(bin)-ms) / ms; err > schemas.HistogramAccuracy*(1+1e-9) {
			t.Fatalf("%v ms is read as %v: off by %v", ms, schemas.HistogramValue(bin), err)
		}
	})
	for _, ms := range []float64{0, -1, 0.001, math.NaN()} {
		if bin, ok := schemas.HistogramBin(ms); ok {
			t.Errorf("%v ms has bin %d", ms, bin)
		}
	}
}

// Ten durations: one too short for a bin, four of 10 ms, five of 100 ms.
func TestHistogramQuantiles(t *testing.T) {
	ten, _ := schemas.HistogramBin(10)
	hundred, _ := schemas.HistogramBin(100)
	h := schemas.Histogram{Zero: 1, Bins: map[int]int{hundred: 5, ten: 4}}
	if h.Count() != 10 {
		t.Errorf("counts %d", h.Count())
	}
	for _, c := range []struct {
		q     float64
		total int
		want  float64
		ok    bool
	}{
		{.1, 10, 0, true},
		{.5, 10, 10, true},
		{.51, 10, 100, true},
		{1, 10, 100, true},
		{.5, 20, 100, true},
		{.51, 20, 0, false}, // ten of twenty were never counted
		{.5, 0, 0, false},
	} {
		got, ok := h.Quantile(c.q, c.total)
		if ok != c.ok || math.Abs(got-c.want) > c.want*schemas.HistogramAccuracy {
			t.Errorf("quantile %v of %d: %v %v, want %v %v", c.q, c.total, got, ok, c.want, c.ok)
		}
	}
}
