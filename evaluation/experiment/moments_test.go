package experiment

import (
	"encoding/json"
	"errors"
	"math/big"
	"math/rand/v2"
	"testing"

	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func drawUnit(t *rapid.T) Unit {
	v := rapid.OneOf(rapid.Int64Range(-9, 9), rapid.Int64Range(-MaxValue, MaxValue))
	return Unit{X: v.Draw(t, "x"), Y: v.Draw(t, "y"), Z: v.Draw(t, "z"), W: v.Draw(t, "w")}
}

// Sums do not depend on order, on how they were split, or on what came and went again.
func TestMomentsAreAGroup(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kept := rapid.SliceOf(rapid.Custom(drawUnit)).Draw(t, "kept")
		gone := rapid.SliceOfN(rapid.Custom(drawUnit), 0, 5).Draw(t, "gone")
		var want Moments
		for _, u := range kept {
			must(t, want.Add(u))
		}
		type step struct {
			do   func(*Moments, Unit) error
			unit Unit
		}
		var steps []step
		for _, u := range kept {
			steps = append(steps, step{(*Moments).Add, u})
		}
		for _, u := range gone { // in any order: retracted before it was added, too
			steps = append(steps, step{(*Moments).Add, u}, step{(*Moments).Sub, u})
		}
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		rng.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
		var parts [3]Moments
		for _, s := range steps {
			must(t, s.do(&parts[rng.IntN(3)], s.unit))
		}
		must(t, parts[0].Merge(parts[1]))
		must(t, parts[0].Merge(parts[2]))
		if parts[0] != want {
			t.Fatalf("%+v, want %+v", parts[0], want)
		}
	})
}

func must(t interface{ Fatal(...any) }, err error) {
	if err != nil {
		t.Fatal(err)
	}
}

func TestWide(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64()
		a, b, c, d := n.Draw(t, "a"), n.Draw(t, "b"), n.Draw(t, "c"), n.Draw(t, "d")
		got := product(a, b).plus(product(c, d).negative())
		want := new(big.Int).Mul(big.NewInt(a), big.NewInt(b))
		want.Sub(want, new(big.Int).Mul(big.NewInt(c), big.NewInt(d)))
		if want.BitLen() > 127 {
			t.Skip("more than a wide integer holds")
		}
		if got.Big().Cmp(want) != 0 {
			t.Fatalf("%d·%d − %d·%d = %v, want %v", a, b, c, d, got, want)
		}
		text, _ := got.MarshalText()
		var back Wide
		if err := back.UnmarshalText(text); err != nil || back != got {
			t.Fatalf("%s read as %v: %v", text, back, err)
		}
	})
	for _, bad := range []string{"", "1.5", "x", "170141183460469231731687303715884105728"} {
		if err := new(Wide).UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func TestMomentsKeepOutWhatDoesNotFit(t *testing.T) {
	full := Moments{N: 1, X: 1<<63 - 5}
	many := Moments{N: MaxUnits}
	for name, err := range map[string]error{
		"a value":       new(Moments).Add(Unit{Y: MaxValue + 1}),
		"one taken out": new(Moments).Sub(Unit{Z: -MaxValue - 1}),
		"a sum":         full.Add(Unit{X: 5}),
		"too many":      many.Add(Unit{}),
	} {
		if !errors.Is(err, ErrRange) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if full.X != 1<<63-5 || full.N != 1 {
		t.Errorf("an error left %+v", full)
	}
}

// Money in nano-dollars: $40 a unit squares to 1.6e21, beyond 64 bits at the first unit.
func TestMoneyFits(t *testing.T) {
	var m Moments
	for i := range int64(1000) {
		must(t, m.Add(Unit{X: 10, Y: 40_000_000_000 + i%2}))
	}
	// Values alternate between a and a+1: the sample variance is 1000/999 · 1/4.
	if v := m.covariance(m.YY, m.Y, m.Y); !near(v, 1000./999/4, 1e-12) {
		t.Errorf("variance %v: digits were lost", v)
	}
	data, err := json.Marshal(m)
	must(t, err)
	var back Moments
	if err := json.Unmarshal(data, &back); err != nil || back != m {
		t.Errorf("%s read as %+v: %v", data, back, err)
	}
}

func near(a, b, by float64) bool { return a-b <= by && b-a <= by }
