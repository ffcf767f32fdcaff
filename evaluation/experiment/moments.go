package experiment

import (
	"errors"
	"fmt"
	"math/big"
)

// Unit is what one randomisation unit (a client) did in one metric, as integers: counts, or
// money in nano-dollars. The covariates are from before the unit's first exposure, so that no
// arm can have changed them; a unit that was not there before has zeros.
type Unit struct {
	X int64 // denominator, such as searches
	Y int64 // numerator, such as successful searches
	Z int64 // numerator of the pre-period, such as successful searches of the four weeks before
	W int64 // denominator of the pre-period; 0 of all units where Z alone is the covariate
}

// MaxValue bounds every value of a unit, and MaxUnits the number of units: 2^40 is $1,099 in
// nano-dollars, or a trillion of anything counted. Products stay below 2^80, so that 2^46 of
// them fit into a [Wide]; sums of first order are checked.
const (
	MaxValue = 1 << 40
	MaxUnits = 1 << 40
)

// ErrRange is of a value beyond [MaxValue], of more than [MaxUnits], and of a sum that
// leaves 64 bits.
var ErrRange = errors.New("out of range")

// Moments are the sums over the units of one arm in one metric: all that the statistics of
// this package need. They are integers, so that a total does not depend on the order of what
// it was made of, and that what was added can be taken out again exactly, in either order.
// The zero value is of no units.
//
// A unit is added once, with its totals. When a unit's totals change, the old ones are
// subtracted and the new ones added.
type Moments struct {
	N  int64 `json:"n"`           // units
	X  int64 `json:"x"`           // Σ denominator
	Y  int64 `json:"y"`           // Σ numerator
	Z  int64 `json:"z,omitempty"` // Σ numerator of the pre-period
	W  int64 `json:"w,omitempty"` // Σ denominator of the pre-period
	XX Wide  `json:"xx"`          // Σ x²
	YY Wide  `json:"yy"`          // Σ y²
	XY Wide  `json:"xy"`          // Σ xy
	ZZ Wide  `json:"zz"`          // Σ z²
	XZ Wide  `json:"xz"`          // Σ xz
	YZ Wide  `json:"yz"`          // Σ yz
	WW Wide  `json:"ww"`          // Σ w²
	XW Wide  `json:"xw"`          // Σ xw
	YW Wide  `json:"yw"`          // Σ yw
	ZW Wide  `json:"zw"`          // Σ zw
}

// Add adds a unit. An error wraps [ErrRange], and leaves m as it was.
func (m *Moments) Add(u Unit) error {
	one, err := momentsOf(u)
	if err != nil {
		return fmt.Errorf("add unit: %w", err)
	}
	return m.Merge(one)
}

// Sub takes out a unit that was, or will be, added with the same values. An error wraps
// [ErrRange], and leaves m as it was.
func (m *Moments) Sub(u Unit) error {
	one, err := momentsOf(u)
	if err != nil {
		return fmt.Errorf("subtract unit: %w", err)
	}
	return m.Merge(one.negative())
}

// Merge adds the sums of other units. An error wraps [ErrRange], and leaves m as it was.
func (m *Moments) Merge(o Moments) error {
	sum := Moments{
		XX: m.XX.plus(o.XX), YY: m.YY.plus(o.YY), XY: m.XY.plus(o.XY),
		ZZ: m.ZZ.plus(o.ZZ), XZ: m.XZ.plus(o.XZ), YZ: m.YZ.plus(o.YZ),
		WW: m.WW.plus(o.WW), XW: m.XW.plus(o.XW), YW: m.YW.plus(o.YW), ZW: m.ZW.plus(o.ZW),
	}
	for _, s := range []struct{ to, a, b *int64 }{
		{&sum.N, &m.N, &o.N},
		{&sum.X, &m.X, &o.X},
		{&sum.Y, &m.Y, &o.Y},
		{&sum.Z, &m.Z, &o.Z},
		{&sum.W, &m.W, &o.W},
	} {
		*s.to = *s.a + *s.b
		if (*s.a < 0) == (*s.b < 0) && (*s.to < 0) != (*s.a < 0) {
			return fmt.Errorf("merge %d and %d: %w", *s.a, *s.b, ErrRange)
		}
	}
	if magnitude(sum.N) > MaxUnits {
		return fmt.Errorf("merge to %d units: %w", sum.N, ErrRange)
	}
	*m = sum
	return nil
}

// Value is the metric: Y/X, 0 where X is.
func (m Moments) Value() float64 {
	if m.X == 0 {
		return 0
	}
	return float64(m.Y) / float64(m.X)
}

func momentsOf(u Unit) (Moments, error) {
	for _, v := range []int64{u.X, u.Y, u.Z, u.W} {
		if magnitude(v) > MaxValue {
			return Moments{}, fmt.Errorf("%d: %w", v, ErrRange)
		}
	}
	return Moments{
		N: 1, X: u.X, Y: u.Y, Z: u.Z, W: u.W,
		XX: product(u.X, u.X), YY: product(u.Y, u.Y), XY: product(u.X, u.Y),
		ZZ: product(u.Z, u.Z), XZ: product(u.X, u.Z), YZ: product(u.Y, u.Z),
		WW: product(u.W, u.W), XW: product(u.X, u.W), YW: product(u.Y, u.W), ZW: product(u.Z, u.W),
	}, nil
}

func (m Moments) negative() Moments {
	return Moments{
		N: -m.N, X: -m.X, Y: -m.Y, Z: -m.Z, W: -m.W,
		XX: m.XX.negative(), YY: m.YY.negative(), XY: m.XY.negative(),
		ZZ: m.ZZ.negative(), XZ: m.XZ.negative(), YZ: m.YZ.negative(),
		WW: m.WW.negative(), XW: m.XW.negative(), YW: m.YW.negative(), ZW: m.ZW.negative(),
	}
}

// covariance returns the sample covariance, (n Σab − Σa Σb) / (n (n−1)). The difference is
// taken between integers: nothing cancels.
func (m Moments) covariance(products Wide, a, b int64) float64 {
	d := new(big.Int).Mul(products.Big(), big.NewInt(m.N))
	d.Sub(d, new(big.Int).Mul(big.NewInt(a), big.NewInt(b)))
	f, _ := new(big.Float).SetInt(d).Float64()
	return f / (float64(m.N) * float64(m.N-1))
}
