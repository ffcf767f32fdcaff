package recommend

import (
	"fmt"
	"math"
	"slices"
)

// Saturation is how a count of plays becomes a preference. Counts have a heavy tail: the
// thousandth play says little more than the hundredth.
type Saturation string

// The saturations. Each gives 1 to the median item of a history, so that a history of equal
// weights becomes ones.
const (
	Binary Saturation = "binary" // used or not
	Log    Saturation = "log"    // log2(1 + w/median)
	BM25   Saturation = "bm25"   // (k+1) w / (w + k median), k = 1.2 (Robertson and Zaragoza 2009)
)

const bm25K = 1.2

// The range of a weight over the median of its history: beyond it, more or less says nothing,
// and preferences would outgrow a float32.
const (
	leastRatio = 1e-3
	mostRatio  = 1e6
)

func (s Saturation) validate() error {
	switch s {
	case Binary, Log, BM25:
		return nil
	default:
		return fmt.Errorf("saturation %q: want %s, %s or %s", s, Binary, Log, BM25)
	}
}

// apply writes the preferences for the weights of one history to out, of equal length.
func (s Saturation) apply(weights, out []float32) {
	if s == Binary || len(weights) == 0 {
		for i := range out {
			out[i] = 1
		}
		return
	}
	sorted := slices.Clone(weights)
	slices.Sort(sorted)
	median := sorted[len(sorted)/2]
	for i, w := range weights {
		ratio := min(max(float64(w)/float64(median), leastRatio), mostRatio)
		if s == Log {
			out[i] = float32(math.Log2(1 + ratio))
			continue
		}
		out[i] = float32((bm25K + 1) / (1 + bm25K/ratio))
	}
}

// preferences returns the users × items matrix of saturated weights. A user with more than
// most items is represented by the most preferred ones.
func preferences(cells *sparse, s Saturation, most int) *sparse {
	p := &sparse{cols: cells.cols, ptr: make([]int, 1, len(cells.ptr))}
	for u := range cells.rows() {
		items, weights := cells.row(u)
		if len(items) > most {
			items, weights = heaviest(items, weights, most)
		}
		from := len(p.col)
		p.col = append(p.col, items...)
		p.val = append(p.val, weights...)
		s.apply(weights, p.val[from:])
		p.ptr = append(p.ptr, len(p.col))
	}
	return p
}

// heaviest returns the n cells of a row with the largest weights, columns ascending.
func heaviest(items []uint32, weights []float32, n int) ([]uint32, []float32) {
	best := top{n: n}
	for i, w := range weights {
		best.offer(Scored{Item: i, Score: w})
	}
	kept := best.sorted()
	slices.SortFunc(kept, func(a, b Scored) int { return a.Item - b.Item })
	cs, vs := make([]uint32, 0, n), make([]float32, 0, n)
	for _, k := range kept {
		cs, vs = append(cs, items[k.Item]), append(vs, weights[k.Item])
	}
	return cs, vs
}
