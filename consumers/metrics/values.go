package metrics

import (
	"slices"

	"github.com/parallel-fusion/pfr/consumers/outcome"
	"github.com/parallel-fusion/pfr/schemas"
)

// Other is the value of a dimension that stands for those that are not told apart.
const Other = outcome.Other

// values numbers the values of a dimension. One has its number as long as a day tells it
// apart or a cell holds it.
type values struct {
	numbers map[string]uint32
	names   []string // by number; the first one is Other, "" is free
	uses    []int    // days that tell it apart, by number
	free    []uint32 // numbers
	fixed   bool     // these values and no others, on every day
}

func newValues(only []string) values {
	v := values{numbers: map[string]uint32{}, names: []string{Other}, uses: []int{0}}
	for _, name := range slices.Sorted(slices.Values(only)) {
		v.number(name)
	}
	v.fixed = only != nil
	return v
}

// number returns the number of a value, a new one if it has none.
func (v *values) number(name string) uint32 {
	n, ok := v.numbers[name]
	switch last := len(v.free) - 1; {
	case ok:
		return n
	case last >= 0:
		n, v.free = v.free[last], v.free[:last]
		v.names[n] = name
	default:
		n = uint32(len(v.names))
		v.names, v.uses = append(v.names, name), append(v.uses, 0)
	}
	v.numbers[name] = n
	return n
}

// knows reports whether a number is of a value.
func (v *values) knows(n int64) bool { return n >= 0 && n < int64(len(v.names)) && v.names[n] != "" }

// gone reports whether no day tells a value apart.
func (v *values) gone(n uint32) bool { return n != 0 && !v.fixed && v.uses[n] == 0 }

// release frees the values that are gone, but for those that are held.
func (v *values) release(held map[uint32]bool) {
	for i, name := range v.names {
		if n := uint32(i); name != "" && v.gone(n) && !held[n] {
			delete(v.numbers, name)
			v.names[n], v.free = "", append(v.free, n)
		}
	}
}

// of returns the value of a dimension for a shape, and for one of its slots if the
// dimension is of sections.
func (d dim) of(s *outcome.Shape, slot int) string {
	switch d {
	case dimRoute:
		return s.Route
	case dimTier:
		return string(s.Tier)
	case dimMarket:
		return s.Market
	case dimPlatform:
		return s.Platform
	case dimArm:
		return s.Arm
	case dimSection:
		return s.Slots[slot].ID
	default:
		return s.Slots[slot].Tool
	}
}

// set sets a dimension of a cut.
func (d dim) set(c *schemas.Cut, value string) {
	switch d {
	case dimRoute:
		c.Route = value
	case dimTier:
		c.Tier = value
	case dimMarket:
		c.Market = value
	case dimPlatform:
		c.Platform = value
	case dimArm:
		c.Arm = value
	case dimSection:
		c.Section = value
	default:
		c.Tool = value
	}
}
