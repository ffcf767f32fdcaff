package experiment

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

func even(looks int) []float64 {
	out := make([]float64, looks)
	for i := range out {
		out[i] = float64(i+1) / float64(looks)
	}
	return out
}

func TestBoundariesArePublished(t *testing.T) {
	for name, c := range map[string]struct {
		test      Test
		fractions []float64
		want      []float64
		by        float64
	}{
		// Reboussin, DeMets, Kim and Lan, Controlled Clinical Trials 21 (2000): five looks,
		// two-sided 0.05, to their grid's accuracy; gsDesign's sfLDOF and rpact's asOF print
		// 4.877 3.357 2.680 2.290 2.031, sfLDPocock and asP 2.438 2.427 2.410 2.397 2.386.
		"O'Brien-Fleming, 5": {Test{.05, 2, OBrienFleming}, even(5), []float64{4.8769, 3.3569, 2.6803, 2.2898, 2.0310}, 2e-4},
		"Pocock, 5":          {Test{.05, 2, Pocock}, even(5), []float64{2.438, 2.427, 2.410, 2.397, 2.386}, 5.1e-4},
		// What R's ldbounds prints for bounds(c(.1,.33,1), iuse=c(1,1), alpha=c(.025,.025)).
		"uneven": {Test{.05, 2, OBrienFleming}, []float64{.1, .33, 1}, []float64{6.9913, 3.7308, 1.9605}, 2e-4},
		// The example of Julia's SeqBounds, one-sided.
		"one-sided": {Test{.05, 1, OBrienFleming}, even(4), []float64{3.74955, 2.53993, 2.01604, 1.72014}, 1e-4},
		// By an integration of its own: dense Simpson grids of 4,001 points.
		"Pocock, uneven":    {Test{.05, 2, Pocock}, []float64{.1, .35, .9, 1}, []float64{2.65511, 2.38662, 2.19581, 2.36143}, 2e-5},
		"Pocock, one-sided": {Test{.05, 1, Pocock}, []float64{.1, .35, .9, 1}, []float64{2.41220, 2.11037, 1.88796, 2.04459}, 2e-5},
		"a single look":     {Test{.05, 2, Pocock}, []float64{1}, []float64{1.959964}, 1e-6},
	} {
		got, err := c.test.Boundaries(c.fractions)
		must(t, err)
		for i := range c.want {
			if !near(got[i], c.want[i], c.by) {
				t.Errorf("%s: look %d at %v, published %v", name, i+1, got[i], c.want[i])
			}
		}
	}
}

// Jennison and Turnbull, Group Sequential Methods, 2000: constants of the Pocock test (table
// 2.1) and the O'Brien-Fleming test (table 2.3), two-sided 0.05.
func TestCrossingOfPublishedConstants(t *testing.T) {
	for looks, c := range map[int][2]float64{2: {2.178, 1.977}, 3: {2.289, 2.004}, 4: {2.361, 2.024}, 5: {2.413, 2.040}, 10: {2.555, 2.087}} {
		pocock, obf := make([]float64, looks), make([]float64, looks)
		for i, f := range even(looks) {
			pocock[i], obf[i] = c[0], c[1]/math.Sqrt(f)
		}
		for name, b := range map[string][]float64{"Pocock": pocock, "O'Brien-Fleming": obf} {
			p, err := Crossing(b, even(looks), 0)
			must(t, err)
			// The constants have three decimals: 0.0005 of z is 0.00006 of p.
			if two := 2 * p[looks-1]; !near(two, .05, 1e-4) {
				t.Errorf("%s at %d looks: %v, want 0.05", name, looks, two)
			}
		}
	}
	// Tables 2.2 and 2.4: five looks need 1.207 and 1.026 times the sample of one look for
	// a power of 0.9.
	for want, constant := range map[float64]float64{1.207: 0, 1.026: 1} {
		b := make([]float64, 5)
		for i, f := range even(5) {
			b[i] = 2.413
			if constant == 1 {
				b[i] = 2.040 / math.Sqrt(f)
			}
		}
		drift := math.Sqrt(want) * (upperPoint(.025) + upperPoint(.1))
		if p, _ := Crossing(b, even(5), drift); !near(p[4], .9, 5e-4) {
			t.Errorf("%v times the sample: power %v, want 0.9", want, p[4])
		}
	}
}

// Whatever the looks, all of alpha is spent at the end and never more before.
func TestBoundariesSpendAlpha(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		test := Test{rapid.Float64Range(.001, .2).Draw(t, "alpha"), 2, rapid.SampledFrom([]Spending{OBrienFleming, Pocock}).Draw(t, "spending")}
		var fractions []float64
		for f := rapid.Float64Range(.01, .5).Draw(t, "first"); f < 1 && len(fractions) < 4; f += rapid.Float64Range(minGap, .5).Draw(t, "gap") {
			fractions = append(fractions, f)
		}
		last := 1.0
		if n := len(fractions); fractions[n-1] > 1-minGap {
			fractions = fractions[:n-1]
		}
		if rapid.Bool().Draw(t, "overrun") {
			last = rapid.Float64Range(1, 2).Draw(t, "last")
		}
		fractions = append(fractions, last)
		b, err := test.Boundaries(fractions)
		must(t, err)
		p, err := Crossing(b, fractions, 0)
		must(t, err)
		for i, f := range fractions {
			if want := test.Spending.spent(f, test.Alpha/2); !near(p[i], want, 1e-6+1e-4*want) {
				t.Fatalf("look %d of %v: %v spent of one side, want %v", i+1, fractions, p[i], want)
			}
		}
		if all := 2 * p[len(p)-1]; !near(all, test.Alpha, 1e-6+1e-4*test.Alpha) {
			t.Fatalf("%v of %v spent at %v", all, test.Alpha, fractions)
		}
	})
}

func TestTestRefuses(t *testing.T) {
	good := Test{.05, 2, Pocock}
	for name, c := range map[string]struct {
		test      Test
		fractions []float64
	}{
		"alpha":     {Test{0, 2, Pocock}, even(2)},
		"NaN":       {Test{math.NaN(), 2, Pocock}, even(2)},
		"sides":     {Test{.05, 3, Pocock}, even(2)},
		"spending":  {Test{.05, 2, "linear"}, even(2)},
		"no looks":  {good, nil},
		"shrinking": {good, []float64{.5, .4}},
		"too close": {good, []float64{.5, .505}},
		"after all": {good, []float64{.5, 1, 1.2}},
		"zero":      {good, []float64{0, 1}},
		"not a one": {good, []float64{math.NaN()}},
		"too many":  {good, make([]float64, 101)},
	} {
		if _, err := c.test.Boundaries(c.fractions); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := Crossing([]float64{2}, even(2), 0); err == nil {
		t.Error("a look without a boundary")
	}
}

// The repeated p-value says what the boundary says.
func TestRepeatedP(t *testing.T) {
	for _, s := range []Spending{OBrienFleming, Pocock} {
		for k := 1; k <= 4; k += 3 {
			fractions := even(5)[:k]
			test := Test{.05, 2, s}
			b, err := test.Boundaries(fractions)
			must(t, err)
			edge := b[k-1]
			if p := test.repeatedP(fractions, edge); !near(p, .05, 2e-4) {
				t.Errorf("%s, look %d: p %v at the boundary", s, k, p)
			}
			over, under := test.repeatedP(fractions, -edge-.02), test.repeatedP(fractions, edge-.02)
			if over >= .05 || under <= .05 {
				t.Errorf("%s, look %d: p %v over the boundary, %v under it", s, k, over, under)
			}
			if p := test.repeatedP(fractions, 2); p < 2*upperTail(2)-1e-9 {
				t.Errorf("%s, look %d: p %v is under that of a single look", s, k, p)
			}
		}
		if p := (Test{.05, 2, s}).repeatedP(even(5), 0); p != 1 {
			t.Errorf("%s: p %v of nothing", s, p)
		}
	}
}

// The interval of the mixture, from its definition: z is at its edge where the likelihood
// ratio integrated over effects is 1/alpha.
func TestAlwaysValidIsTheMixture(t *testing.T) {
	for _, f := range []float64{.01, .25, 1, 1.4} {
		const alpha = .05
		z := alwaysValid(f, alpha)
		// An effect of δ standard errors has likelihood ratio exp(zδ − δ²/2); δ is normal
		// with variance ρ·f.
		sd, ratio := math.Sqrt(mixture(alpha)*f), 0.0
		const step = .0005
		for d := -12.0; d < 12; d += step {
			delta := d * sd
			ratio += step * density(d) * math.Exp(z*delta-delta*delta/2)
		}
		if !near(ratio*alpha, 1, 1e-3) {
			t.Errorf("fraction %v: likelihood ratio %v, want %v", f, ratio, 1/alpha)
		}
		if p := alwaysValidP(f, alpha, z); !near(p, alpha, 1e-9) {
			t.Errorf("fraction %v: p %v at the edge", f, p)
		}
	}
	// The half-width in units of the effect is smallest, over mixtures, where it should be.
	at := func(rho float64) float64 {
		m := rho * alarmAt
		return math.Sqrt((1 + m) / m * (math.Log1p(m) - 2*math.Log(.05)))
	}
	if best := at(mixture(.05)); best > at(2*mixture(.05)) || best > at(mixture(.05)/2) {
		t.Errorf("width %v is not the smallest", best)
	}
}

// By hand. 540 and 460 of 500 and 500: χ² = 40²/500 + 40²/500 = 6.4, and with one degree of
// freedom p = 2(1−Φ(√6.4)) = 0.0114. 300, 450 and 250 at weights 1:2:1, expected 250, 500 and
// 250: χ² = 10 + 5 + 0 = 15, and with two degrees p = exp(−15/2) = 0.000553.
func TestSampleRatioByHand(t *testing.T) {
	even, err := CheckRatio(map[string]int64{"a": 540, "b": 460}, map[string]float64{"a": .5, "b": .5})
	must(t, err)
	if !near(even.ChiSquared, 6.4, 1e-12) || !near(even.P, .011412, 1e-6) || even.Mismatch {
		t.Errorf("%+v", even)
	}
	three, err := CheckRatio(map[string]int64{"a": 300, "b": 450, "c": 250}, map[string]float64{"a": 1, "b": 2, "c": 1})
	must(t, err)
	if !near(three.ChiSquared, 15, 1e-12) || !near(three.P, math.Exp(-7.5), 1e-9) || !three.Mismatch || three.Expected["b"] != 500 {
		t.Errorf("%+v", three)
	}
	if none, err := CheckRatio(nil, map[string]float64{"a": 1, "b": 1}); err != nil || none.P != 1 || none.Mismatch {
		t.Errorf("of nothing: %+v, %v", none, err)
	}
	if gone, err := CheckRatio(map[string]int64{"a": 30}, map[string]float64{"a": 1, "b": 1}); err != nil || !gone.Mismatch {
		t.Errorf("an arm that never came: %+v, %v", gone, err)
	}
	for name, c := range map[string]struct {
		units   map[string]int64
		weights map[string]float64
	}{
		"unknown arm": {map[string]int64{"x": 1}, map[string]float64{"a": 1, "b": 1}},
		"negative":    {map[string]int64{"a": -1}, map[string]float64{"a": 1, "b": 1}},
		"weight":      {nil, map[string]float64{"a": 0, "b": 1}},
		"one arm":     {nil, map[string]float64{"a": 1}},
	} {
		if _, err := CheckRatio(c.units, c.weights); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
