package stats_test

import (
	"math"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/parallel-fusion/pfr/evaluation/stats"
)

func numbered(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = strconv.Itoa(i)
	}
	return out
}

func TestCompare(t *testing.T) {
	// Worked by hand: 6 of 8 against 4 of 8.
	a, b := []float64{1, 1, 1, 1, 1, 1, 0, 0}, []float64{1, 1, 1, 0, 0, 0, 1, 0}
	p := stats.Compare(a, b, numbered(8), 1)
	if p.N != 8 || p.Groups != 8 || p.A != .75 || p.B != .5 || p.Difference != .25 || *p.Relative != .5 {
		t.Errorf("%+v", p)
	}
	// 4 of 8 pairs differ, 3 for a: of 16 sign patterns those with |sum| >= 2 are 10.
	if math.Abs(p.P-10./16) > .03 {
		t.Errorf("p %v, want about %v", p.P, 10./16)
	}
	if again := stats.Compare(a, b, numbered(8), 1); *again.Relative != *p.Relative || again.DifferenceInterval != p.DifferenceInterval || again.P != p.P {
		t.Errorf("%+v, then %+v", p, again)
	}
	if p.Better() || p.Worse() {
		t.Errorf("8 cases say too much: %+v", p.DifferenceInterval)
	}
	if none := stats.Compare(a, make([]float64, 8), numbered(8), 1); none.Relative != nil || none.RelativeInterval != nil || !none.Better() {
		t.Errorf("against nothing: %+v", none)
	}
	if zero := stats.Compare(nil, nil, nil, 1); zero.N != 0 || zero.Better() || zero.Worse() {
		t.Errorf("of nothing: %+v", zero)
	}
}

// Several users with one query are one observation as far as the query goes.
func TestGroupsAreDrawnTogether(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 3))
	var a, b []float64
	var group []string
	for q := range 40 {
		x, y := float64(rng.IntN(2)), float64(rng.IntN(2))
		for range 10 {
			a, b, group = append(a, x), append(b, y), append(group, strconv.Itoa(q))
		}
	}
	wide := stats.Compare(a, b, group, 1).DifferenceInterval
	narrow := stats.Compare(a, b, numbered(400), 1).DifferenceInterval
	if ratio := (wide.High - wide.Low) / (narrow.High - narrow.Low); ratio < 2.5 || ratio > 4 {
		t.Errorf("the interval is %.2f times as wide, want about the root of 10", ratio)
	}
}

// The intervals hold the truth about as often as they say.
func TestCoverage(t *testing.T) {
	const runs, n = 200, 100
	rng := rand.New(rand.NewPCG(7, 7))
	difference, relative, wilson := 0, 0, 0
	for run := range runs {
		a, b := make([]float64, n), make([]float64, n)
		passed := 0
		for i := range n {
			hard := rng.Float64() // cases are hard or easy for both
			if hard < .5+.15*rng.NormFloat64()+.2 {
				a[i] = 1
				passed++
			}
			if hard < .5+.15*rng.NormFloat64() {
				b[i] = 1
			}
		}
		p := stats.Compare(a, b, numbered(n), uint64(run))
		const trueA, trueB = .6987, .5 // the chances above, by two million draws
		if p.DifferenceInterval.Low <= trueA-trueB && trueA-trueB <= p.DifferenceInterval.High {
			difference++
		}
		if i := p.RelativeInterval; i.Low <= trueA/trueB-1 && trueA/trueB-1 <= i.High {
			relative++
		}
		if i := stats.Wilson(passed, n); i.Low <= trueA && trueA <= i.High {
			wilson++
		}
	}
	for name, held := range map[string]int{"difference": difference, "relative": relative, "wilson": wilson} {
		share := float64(held) / runs
		t.Logf("%s: %.3f of %d", name, share, runs)
		if share < .91 || share > .985 {
			t.Errorf("the interval of the %s holds the truth in %.3f", name, share)
		}
	}
}

// Where all of a few groups agree, the interval has no width and says nothing.
func TestBetterWantsGroups(t *testing.T) {
	for groups, better := range map[int]bool{1: false, 5: false, 6: true} {
		var a, b []float64
		var group []string
		for i := range 120 {
			a, b, group = append(a, 1), append(b, 0), append(group, strconv.Itoa(i%groups))
		}
		p := stats.Compare(a, b, group, 1)
		if p.Better() != better || (p.P < .05) != better {
			t.Errorf("120 cases in %d groups: better %v, p %.3f", groups, p.Better(), p.P)
		}
		if worse := stats.Compare(b, a, group, 1); !worse.Worse() || worse.Better() {
			t.Errorf("120 cases in %d groups are no warning", groups)
		}
	}
}
