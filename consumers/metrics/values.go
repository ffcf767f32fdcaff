package metrics

import (
	"slices"

	"github.com/parallel-fusion/pfr/consumers/outcome"
	"github.com/parallel-fusion/pfr/schemas"
)

// Other is the value of a dimension that stands for those that are not told apart.
const Other = "other"

// values numbers the values of a dimension. A value has the same number for ever, so that
// what was added for it can be subtracted.
type values struct {
	numbers map[string]uint16
	names   []string // by number; the first one is Other
	limit   int
	closed  bool // no more are taken
}

func newValues(limit int, only []string) values {
	v := values{numbers: map[string]uint16{}, names: []string{Other}, limit: limit}
	for _, name := range slices.Sorted(slices.Values(only)) {
		v.number(name)
	}
	v.closed = only != nil
	return v
}

// number returns the number of a value that is not "".
func (v *values) number(name string) uint16 {
	n, ok := v.numbers[name]
	switch {
	case ok:
		return n
	case name == Other || v.closed || len(v.names) > v.limit:
		return 0
	}
	n = uint16(len(v.names))
	v.numbers[name] = n
	v.names = append(v.names, name)
	return n
}

// of returns the value of a dimension for a shape, and for one of its slots if the
// dimension is of sections. A market that is none is counted as Other.
func (d dim) of(s *outcome.Shape, slot int) string {
	switch d {
	case dimRoute:
		return s.Route
	case dimTier:
		return string(s.Tier)
	case dimMarket:
		if s.Market != "" && !schemas.IsMarket(s.Market) {
			return Other
		}
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
