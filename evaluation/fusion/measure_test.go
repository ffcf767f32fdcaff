package pages_test

import (
	"math"
	"math/rand/v2"
	"testing"

	pages "github.com/parallel-fusion/pfr/evaluation/fusion"
)

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

// The gains of a and b, worked out by hand with α = 0.5: 2, 0.5, 1.
func TestAlphaNDCG(t *testing.T) {
	pool := pages.List{{"x", "y"}, {"x"}, {"z"}, nil}
	third, fourth := 1/math.Log2(3), 1/math.Log2(4)
	ideal := 2 + third + 0.5*fourth
	for name, c := range map[string]struct {
		list pages.List
		want float64
	}{
		"ideal":          {pages.List{{"x", "y"}, {"z"}, {"x"}}, 1},
		"repeats itself": {pages.List{{"x", "y"}, {"x"}, {"z"}}, (2 + 0.5*third + fourth) / ideal},
		"nothing first":  {pages.List{nil, {"x", "y"}}, 2 * third / ideal},
		"nothing":        {nil, 0},
		"too deep":       {pages.List{nil, nil, nil, {"z"}}, 0},
	} {
		if got := pages.AlphaNDCG(c.list, pool, 0.5, 3); !near(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
	if got := pages.AlphaNDCG(pool, pages.List{nil}, 0.5, 3); got != 0 {
		t.Errorf("nothing to cover: %v", got)
	}
}

func TestCoveredAndDistinct(t *testing.T) {
	pool := pages.List{{"x", "y"}, {"z"}, {"w"}}
	if got := pages.Covered(pages.List{{"x"}, {"x", "z"}}, pool); !near(got, 0.5) {
		t.Error(got)
	}
	if got := pages.Distinct([]string{"a", "a", "", "b", "a"}); !near(got, 0.5) {
		t.Error(got)
	}
	if pages.Covered(pool, nil) != 0 || pages.Distinct(nil) != 0 {
		t.Error("of nothing")
	}
}

// The interval covers the true difference about as often as it says.
func TestPairedCovers(t *testing.T) {
	rng, covered := rand.New(rand.NewPCG(3, 4)), 0
	const trials, truth = 200, 0.1
	for trial := range trials {
		a, b := make([]float64, 60), make([]float64, 60)
		for i := range a {
			b[i] = rng.Float64()
			a[i] = b[i] + truth + rng.NormFloat64()*0.3
		}
		d := pages.Paired(a, b, uint64(trial))
		if d.N != 60 || d.Low > d.Mean || d.High < d.Mean {
			t.Fatalf("%+v", d)
		}
		if d.Low <= truth && truth <= d.High {
			covered++
		}
	}
	if covered < trials*88/100 || covered > trials*99/100 {
		t.Errorf("%d of %d intervals cover the truth", covered, trials)
	}
}
