package experiment

import (
	"fmt"
	"math/big"
	"math/bits"
)

// Wide is a signed integer of 128 bits, for sums of products: the square of a few dollars in
// nano-dollars leaves 64 bits after a handful of units. The zero value is 0. It is written
// as decimal text.
type Wide struct {
	hi uint64 // two's complement
	lo uint64
}

// product returns a·b.
func product(a, b int64) Wide {
	hi, lo := bits.Mul64(magnitude(a), magnitude(b))
	if (a < 0) != (b < 0) {
		return Wide{hi, lo}.negative()
	}
	return Wide{hi, lo}
}

func magnitude(a int64) uint64 {
	if a < 0 {
		return -uint64(a)
	}
	return uint64(a)
}

func (w Wide) negative() Wide {
	lo, borrow := bits.Sub64(0, w.lo, 0)
	hi, _ := bits.Sub64(0, w.hi, borrow)
	return Wide{hi, lo}
}

// plus returns the sum. It wraps around beyond ±2^127; see [MaxValue] for why no sum of
// units gets there.
func (w Wide) plus(o Wide) Wide {
	lo, carry := bits.Add64(w.lo, o.lo, 0)
	hi, _ := bits.Add64(w.hi, o.hi, carry)
	return Wide{hi, lo}
}

// Big returns the number as a new big integer.
func (w Wide) Big() *big.Int {
	n := new(big.Int).Lsh(big.NewInt(int64(w.hi)), 64)
	return n.Add(n, new(big.Int).SetUint64(w.lo))
}

// String returns the number in decimal.
func (w Wide) String() string { return w.Big().String() }

// MarshalText returns the number in decimal. It never fails.
func (w Wide) MarshalText() ([]byte, error) { return []byte(w.String()), nil }

// UnmarshalText reads what MarshalText writes. A number beyond 128 bits is an error, and
// leaves w as it was.
func (w *Wide) UnmarshalText(text []byte) error {
	n, ok := new(big.Int).SetString(string(text), 10)
	if !ok {
		return fmt.Errorf("wide integer %q: not a decimal number", text)
	}
	if n.BitLen() > 127 {
		return fmt.Errorf("wide integer %q: more than 128 bits", text)
	}
	var raw [16]byte
	new(big.Int).Abs(n).FillBytes(raw[:])
	v := Wide{}
	for _, b := range raw[:8] {
		v.hi = v.hi<<8 | uint64(b)
	}
	for _, b := range raw[8:] {
		v.lo = v.lo<<8 | uint64(b)
	}
	if n.Sign() < 0 {
		v = v.negative()
	}
	*w = v
	return nil
}
