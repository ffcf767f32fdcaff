package experiment

import (
	"errors"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func sum(t testing.TB, units ...Unit) (m Moments) {
	t.Helper()
	for _, u := range units {
		must(t, m.Add(u))
	}
	return m
}

// The arms that the fixtures below are worked from by hand: searches, successes, and for
// CUPED a value of the pre-period.
func handArms() (control, treatment []Unit) {
	return []Unit{{X: 1, Y: 0, Z: 0}, {X: 2, Y: 1, Z: 1}, {X: 3, Y: 2, Z: 2}, {X: 2, Y: 1, Z: 1}},
		[]Unit{{X: 2, Y: 2, Z: 2}, {X: 2, Y: 1, Z: 1}, {X: 1, Y: 0, Z: 0}, {X: 3, Y: 3, Z: 3}}
}

// By hand, of two arms of four units.
//
// Control: X̄ = 8/4 = 2, R = 4/8 = 1/2. l = (y − R x)/X̄ = −1/4, 0, 1/4, 0 with mean 0 and
// variance (1/16 + 1/16)/3 = 1/24. Var R = 1/24/4 = 1/96.
//
// Treatment: X̄ = 2, R = 6/8 = 3/4. l = 1/4, −1/4, −3/8, 3/8 with variance
// (1/16 + 1/16 + 9/64 + 9/64)/3 = 13/96. Var R = 13/384.
//
// Difference: 3/4 − 1/2 = 1/4, variance 1/96 + 13/384 = 17/384.
// Lift: (3/4)/(1/2) − 1 = 1/2, variance (13/384 + (3/2)²/96)/(1/2)² = (22/384)·4 = 11/48.
func TestDeltaMethodByHand(t *testing.T) {
	c, tr := handArms()
	e, err := Compare(sum(t, c...), sum(t, tr...))
	must(t, err)
	e = e.Unadjusted()
	if d := e.Difference(); !near(d.Value, .25, 1e-12) || !near(d.SE, math.Sqrt(17./384), 1e-12) {
		t.Errorf("difference %+v", d)
	}
	if l, ok := e.Lift(); !ok || !near(l.Value, .5, 1e-12) || !near(l.SE, math.Sqrt(11./48), 1e-12) {
		t.Errorf("lift %+v", l)
	}
	// Against a margin of 10 %: 3/4 − 0.9/2 = 0.3, variance 13/384 + 0.81/96.
	if a := e.Against(.9); !near(a.Value, .3, 1e-12) || !near(a.SE, math.Sqrt(13./384+.81/96), 1e-12) {
		t.Errorf("against the margin %+v", a)
	}
}

// By hand, of the same arms with z.
//
// Control: z̄ = 1, var z = (1+0+1+0)/3 = 2/3, cov(l, z) = (1/4 + 1/4)/3 = 1/6.
// Treatment: z̄ = 3/2, var z = (1/4 + 1/4 + 9/4 + 9/4)/3 = 5/3,
// cov(l, z) = (1/8 + 1/8 + 9/16 + 9/16)/3 = 11/24.
//
// θ = (1/6 + 11/24)/(2/3 + 5/3) = (15/24)/(7/3) = 15/56, the arms being of one size.
// Difference: 1/4 − 15/56·(3/2 − 1) = 13/112.
// Variance: 17/384 − 2·15/56·(15/24)/4 + (15/56)²·(7/3)/4 = 17/384 − 75/1792 = 13/5376.
// Cut: (75/1792)/(17/384) = 225/238.
func TestCUPEDByHand(t *testing.T) {
	c, tr := handArms()
	e, err := Compare(sum(t, c...), sum(t, tr...))
	must(t, err)
	if d := e.Difference(); !near(d.Value, 13./112, 1e-12) || !near(d.SE, math.Sqrt(13./5376), 1e-12) {
		t.Errorf("difference %+v, want %v ± %v", d, 13./112, math.Sqrt(13./5376))
	}
	if cut := e.VarianceCut(); !near(cut, 225./238, 1e-12) || !e.Adjusted() {
		t.Errorf("cut %v of %v", cut, e.Adjusted())
	}
}

func TestCompareRefuses(t *testing.T) {
	good := sum(t, Unit{X: 1, Y: 1}, Unit{X: 1})
	for name, bad := range map[string]Moments{"none": {}, "one": sum(t, Unit{X: 1}), "nothing to divide by": sum(t, Unit{}, Unit{Y: 1})} {
		if _, err := Compare(good, bad); !errors.Is(err, ErrTooFew) {
			t.Errorf("%s in the treatment: %v", name, err)
		}
		if _, err := Compare(bad, good); !errors.Is(err, ErrTooFew) {
			t.Errorf("%s in the control: %v", name, err)
		}
	}
	zero := sum(t, Unit{X: 1}, Unit{X: 1})
	e, err := Compare(zero, good)
	must(t, err)
	if _, ok := e.Lift(); ok {
		t.Error("a lift over nothing")
	}
	if _, ok := e.LiftInterval(2); ok {
		t.Error("an interval of a lift over nothing")
	}
}

// people draws units whose searches and rates of success differ from person to person, and
// last over the pre-period.
type people struct {
	rng  *rand.Rand
	lift float64 // relative, of the rate
}

func (p people) unit() Unit {
	rate := .2 + .6*p.rng.Float64()
	u := Unit{X: 1 + int64(p.rng.ExpFloat64()*4), W: int64(p.rng.ExpFloat64() * 5)}
	u.Y, u.Z = p.successes(u.X, rate*(1+p.lift)), p.successes(u.W, rate)
	return u
}

func (p people) successes(n int64, rate float64) (k int64) {
	for range n {
		if p.rng.Float64() < rate {
			k++
		}
	}
	return k
}

func (p people) units(n int) []Unit {
	out := make([]Unit, n)
	for i := range out {
		out[i] = p.unit()
	}
	return out
}

func newPeople(seed uint64, lift float64) people {
	return people{rand.New(rand.NewPCG(seed, 7)), lift}
}

func TestDeltaMethodAndBootstrapAgree(t *testing.T) {
	c, tr := newPeople(1, 0).units(1500), newPeople(2, .05).units(1000)
	e, err := Compare(sum(t, c...), sum(t, tr...))
	must(t, err)
	d, e2 := e.Unadjusted().Difference(), e.Unadjusted()
	l, _ := e2.Lift()
	fieller, _ := e2.LiftInterval(1.96)
	how := DefaultResampling()
	how.Resamples = 600
	b, err := Bootstrap(c, tr, how)
	must(t, err)
	// The standard deviation over 600 resamples is right to 1/√1200 = 3 % of itself.
	if !near(b.Difference.SE/d.SE, 1, .1) || !near(b.Lift.SE/l.SE, 1, .1) {
		t.Errorf("bootstrap ±%v and ±%v, delta method ±%v and ±%v", b.Difference.SE, b.Lift.SE, d.SE, l.SE)
	}
	if !near(b.Difference.Value, d.Value, 1e-12) || !near(b.Lift.Value, l.Value, 1e-12) {
		t.Errorf("values %v %v, want %v %v", b.Difference.Value, b.Lift.Value, d.Value, l.Value)
	}
	for _, edge := range [][2]float64{
		{b.DifferenceInterval.Low, d.Interval(1.96).Low},
		{b.DifferenceInterval.High, d.Interval(1.96).High},
		{b.LiftInterval.Low * .5, fieller.Low * .5},
		{b.LiftInterval.High * .5, fieller.High * .5},
	} {
		if !near(edge[0], edge[1], .25*d.SE) {
			t.Errorf("edge %v by the bootstrap, %v by formula (SE %v)", edge[0], edge[1], d.SE)
		}
	}
	again, _ := Bootstrap(c, tr, how)
	if again != b {
		t.Error("the same seed drew something else")
	}
	if _, err := Bootstrap(c[:1], tr, how); !errors.Is(err, ErrTooFew) {
		t.Error(err)
	}
	// A variance over searches, as if they were independent, is what must not come out.
	ms := sum(t, tr...)
	naive := math.Sqrt(ms.Value() * (1 - ms.Value()) / float64(ms.X))
	if per := math.Sqrt(e.treatment.ll / e.treatment.n); per < 1.1*naive {
		t.Errorf("±%v over units, ±%v over searches: these people do not differ", per, naive)
	}
}

// One covariate with correlation ρ to the linear form leaves 1−ρ² of the variance (Deng et
// al. 2013), and takes nothing off the effect.
func TestCUPEDCutsByRhoSquared(t *testing.T) {
	for _, rho := range []float64{0, .3, .6, .9} {
		rng := rand.New(rand.NewPCG(3, uint64(rho*10)))
		var arms [2]Moments
		for i := range 40_000 {
			// x is 10 for all: then l is y/10, and ρ that of y and z.
			z := rng.NormFloat64()
			y := rho*z + math.Sqrt(1-rho*rho)*rng.NormFloat64() + .1*float64(i%2)
			must(t, arms[i%2].Add(Unit{X: 10, Y: int64(1e6 * y), Z: int64(1e6 * z)}))
		}
		e, err := Compare(arms[0], arms[1])
		must(t, err)
		if cut := e.VarianceCut(); !near(cut, rho*rho, .015) {
			t.Errorf("ρ %v: cut %.4f, want %.4f", rho, cut, rho*rho)
		}
		if d := e.Difference(); !near(d.Value, 1e4, 4*d.SE) {
			t.Errorf("ρ %v: effect %v ± %v, want 10000", rho, d.Value, d.SE)
		}
	}
}

// The pre-period of a ratio metric is a ratio too: numerator and denominator together explain
// what the numerator alone can't.
func TestCUPEDOfARatioUsesBothSums(t *testing.T) {
	alone, both := [2]Moments{}, [2]Moments{}
	for i, u := range newPeople(4, 0).units(20_000) {
		must(t, both[i%2].Add(u))
		u.W = 0
		must(t, alone[i%2].Add(u))
	}
	one, _ := Compare(alone[0], alone[1])
	two, _ := Compare(both[0], both[1])
	t.Logf("numerator alone %.1f %%, with denominator %.1f %%", 100*one.VarianceCut(), 100*two.VarianceCut())
	if two.VarianceCut() < .05 || two.VarianceCut() < 1.5*one.VarianceCut() {
		t.Errorf("cut %v alone, %v with both", one.VarianceCut(), two.VarianceCut())
	}
	if theta := solve([2][2]float64{{1, 1}, {1, 1 + 1e-12}}, [2]float64{.5, .5 + 1e-6}); theta != [2]float64{.5, 0} {
		t.Errorf("θ %v of covariates that differ by rounding", theta)
	}
	// A second covariate that repeats the first changes nothing, and breaks nothing.
	var twice [2]Moments
	for i, u := range newPeople(4, 0).units(20_000) {
		u.W = 7 * u.Z
		must(t, twice[i%2].Add(u))
	}
	if e, _ := Compare(twice[0], twice[1]); !near(e.VarianceCut(), one.VarianceCut(), 1e-9) {
		t.Errorf("repeated: cut %v, want %v", e.VarianceCut(), one.VarianceCut())
	}
}

// The standard error of a contrast is how much it scatters, for any k: the centre of the
// covariates, which does not cancel unless k is 1, is accounted for.
func TestContrastsScatterAsTheySay(t *testing.T) {
	for _, k := range []float64{.2, 1, 1.6} {
		const runs = 1500
		var values []float64
		se := 0.0
		for seed := range uint64(runs) {
			rng := rand.New(rand.NewPCG(seed, 9))
			var arms [2]Moments
			for i := range 150 {
				z := 5 + rng.NormFloat64()
				y := 20 + 4*z + rng.NormFloat64()
				must(t, arms[min(i%3, 1)].Add(Unit{X: 10, Y: int64(1e4 * y), Z: int64(1e4 * z)}))
			}
			e, err := Compare(arms[0], arms[1])
			must(t, err)
			c := e.Against(k)
			values, se = append(values, c.Value), se+c.SE/runs
		}
		// The deviation of 1,500 values is right to 1.8 % of itself.
		if ratio := deviation(values) / se; !near(ratio, 1, .07) {
			t.Errorf("k %v: scatters by %v, says %v", k, deviation(values), se)
		}
	}
}

// A lift is in the interval exactly where the contrast against it is within the boundary, so
// that intervals and tests never contradict each other; adjusted or not.
func TestFiellerIsTheTest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64Range(1, 1000).Draw(t, "seed")
		var c, tr Moments
		for _, u := range newPeople(seed, 0).units(60) {
			must(t, c.Add(u))
		}
		for _, u := range newPeople(seed+1000, .2).units(40) {
			must(t, tr.Add(u))
		}
		e, err := Compare(c, tr)
		must(t, err)
		if rapid.Bool().Draw(t, "raw") {
			e = e.Unadjusted()
		}
		crit := rapid.Float64Range(.1, 4).Draw(t, "c")
		i, ok := e.LiftInterval(crit)
		if !ok {
			t.Skip("unbounded")
		}
		for _, lift := range []float64{i.Low, i.High} {
			if z := math.Abs(e.Against(1 + lift).Z()); !near(z, crit, 1e-6) {
				t.Fatalf("|z| %v at the edge %v, want %v", z, lift, crit)
			}
		}
		// Seen from the other arm all of it is the inverse.
		back, err := Compare(tr, c)
		must(t, err)
		if !e.Adjusted() {
			back = back.Unadjusted()
		}
		if j, ok := back.LiftInterval(crit); ok && (!near((1+i.Low)*(1+j.High), 1, 1e-6) || !near((1+i.High)*(1+j.Low), 1, 1e-6)) {
			t.Fatalf("%v one way, %v the other", i, j)
		}
		l, _ := e.Lift()
		if !(i.Low < l.Value && l.Value < i.High) || math.Abs(e.Against(1+l.Value).Z()) > 1e-6 {
			t.Fatalf("lift %v not in %v", l, i)
		}
	})
}
