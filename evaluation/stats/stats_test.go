package stats_test

import (
	"math"
	"testing"

	"github.com/parallel-fusion/pfr/evaluation/stats"
)

func near(a, b float64) bool { return math.Abs(a-b) < 1e-4 }

// Reference values of R's prop.test(correct = FALSE).
func TestWilson(t *testing.T) {
	for _, c := range []struct {
		k, n      int
		low, high float64
	}{{8, 10, .4902, .9433}, {0, 20, 0, .1611}, {20, 20, .8389, 1}, {50, 100, .4038, .5962}} {
		if i := stats.Wilson(c.k, c.n); !near(i.Low, c.low) || !near(i.High, c.high) {
			t.Errorf("%d of %d: %v, want %v to %v", c.k, c.n, i, c.low, c.high)
		}
	}
	if i := stats.Wilson(0, 0); i.Low != 0 || i.High != 1 {
		t.Errorf("of nothing: %v", i)
	}
}

func TestECE(t *testing.T) {
	ps := []stats.Prediction{{.95, true}, {.95, true}, {.95, false}, {.95, true}, {.15, false}, {.15, false}, {.15, true}, {.15, false}}
	// Bins: .95 with accuracy .75, .15 with accuracy .25, half of the predictions each.
	ece, bins := stats.ECE(ps)
	if !near(ece, .5*.2+.5*.1) || len(bins) != 2 || bins[1].N != 4 || !near(bins[1].Accuracy, .75) {
		t.Errorf("%v %+v", ece, bins)
	}
	if ece, _ := stats.ECE([]stats.Prediction{{1, true}}); ece != 0 {
		t.Errorf("right and certain: %v", ece)
	}
}

func TestRiskCoverage(t *testing.T) {
	var ps []stats.Prediction
	for i := range 100 { // the less confident half is wrong
		ps = append(ps, stats.Prediction{Confidence: float64(i) / 100, Right: i >= 50})
	}
	curve := stats.RiskCoverage(ps)
	if len(curve) != 10 || curve[4].Risk != 0 || !near(curve[9].Risk, .5) || !near(curve[4].Threshold, .5) {
		t.Errorf("%+v", curve)
	}
}

func TestQuantile(t *testing.T) {
	for q, want := range map[float64]float64{0: 1, .5: 2, .75: 3, .99: 4, 1: 4} {
		if got := stats.Quantile([]float64{4, 1, 3, 2}, q); got != want {
			t.Errorf("%v: %v, want %v", q, got, want)
		}
	}
}
