package recommend

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

func TestInvertGivesIdentity(t *testing.T) {
	const n = 150
	rng := rand.New(rand.NewPCG(1, 2))
	x := newSquare(n)
	for i := range x.a {
		x.a[i] = float32(rng.NormFloat64())
	}
	m, inv := newSquare(n), newSquare(n)
	for i := range n {
		for j := range n {
			m.row(i)[j] = dot(x.row(i), x.row(j))
		}
		m.row(i)[i] += 20
	}
	copy(inv.a, m.a)
	if err := inv.invert(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		for j := range n {
			want := 0.0
			if i == j {
				want = 1
			}
			if got := float64(dot(m.row(i), inv.row(j))); math.Abs(got-want) > 1e-3 {
				t.Fatalf("product at %d,%d = %v, want %v", i, j, got, want)
			}
		}
	}
}

func TestInvertRefusesIndefinite(t *testing.T) {
	m := &square{n: 2, a: []float32{1, 2, 2, 1}}
	if err := m.invert(t.Context()); err == nil {
		t.Error("an indefinite matrix was inverted")
	}
}

func BenchmarkInvert(b *testing.B) {
	for _, n := range []int{1000, 2000, 4000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				m := newSquare(n)
				for i := range n {
					m.row(i)[i] = 3
					for j := range i {
						m.a[i*n+j] = float32((i*j)%7) / float32(n)
					}
				}
				if err := m.invert(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
