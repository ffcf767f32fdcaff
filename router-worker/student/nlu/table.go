package nlu

import (
	"math"
	"slices"
)

// unit is the value of one step of a stored weight, which has 8 bits.
const unit = 1.0 / 32

// table holds the weights of features, one row of width weights each. It is immutable.
type table struct {
	width int
	keys  []uint64 // of rows, ascending
	rows  []int8
	index []place
	shift uint
}

// place is where the row of a feature is. Its position is the top of the feature's hash,
// or follows it.
type place struct {
	check uint32 // the bottom of the hash
	row   uint32 // plus one; zero is a free place
}

// newTable indexes rows by keys, which must be ascending and as many as there are rows.
func newTable(width int, keys []uint64, rows []int8) *table {
	t := &table{width: width, keys: keys, rows: rows, shift: 62}
	for 1<<(64-t.shift) < 2*len(keys) {
		t.shift--
	}
	t.index = make([]place, 1<<(64-t.shift))
	for row, key := range keys {
		at := key >> t.shift
		for t.index[at].row != 0 {
			at = (at + 1) & uint64(len(t.index)-1)
		}
		t.index[at] = place{uint32(key), uint32(row) + 1}
	}
	return t
}

// add adds the weights of a feature to sums, if it has any.
func (t *table) add(sums []int32, key uint64) {
	at := key >> t.shift
	for {
		p := t.index[at&uint64(len(t.index)-1)]
		if p.row == 0 {
			return
		}
		if p.check == uint32(key) {
			row := t.rows[int(p.row-1)*t.width : int(p.row)*t.width]
			sums = sums[:len(row)]
			for i, w := range row {
				sums[i] += int32(w)
			}
			return
		}
		at++
	}
}

func quantise(w float32) int8 {
	return int8(max(-math.MaxInt8, min(math.MaxInt8, math.RoundToEven(float64(w)/unit))))
}

// learner learns the weights of features by AdaGrad. Products are rounded one by one, so
// that machines which fuse them learn the same.
type learner struct {
	width   int
	rate    float32
	decay   float32
	rows    map[uint64]uint32
	weights []float32
	squares []float32
	sums    []float32 // of weights, over the passes that count
	passes  int
}

// newLearner learns the features that occur in data at least minCount times.
func newLearner(cfg Config, width int, data [][]uint64) *learner {
	counts := map[uint64]int{}
	for _, features := range data {
		for _, f := range features {
			counts[f]++
		}
	}
	l := &learner{width: width, rate: float32(cfg.Rate), decay: float32(cfg.Decay), rows: map[uint64]uint32{}}
	for _, features := range data {
		for _, f := range features {
			if _, ok := l.rows[f]; !ok && counts[f] >= cfg.MinCount {
				l.rows[f] = uint32(len(l.rows))
			}
		}
	}
	l.reserve(len(l.rows) * width)
	return l
}

// reserve makes room for n weights, all zero.
func (l *learner) reserve(n int) {
	l.weights, l.squares, l.sums = make([]float32, n), make([]float32, n), make([]float32, n)
}

// known appends the rows of features to out.
func (l *learner) known(out []uint32, features []uint64) []uint32 {
	for _, f := range features {
		if row, ok := l.rows[f]; ok {
			out = append(out, row)
		}
	}
	return out
}

// score adds the weights of rows to sums.
func (l *learner) score(sums []float32, rows []uint32) {
	for _, r := range rows {
		w := l.weights[int(r)*l.width : int(r+1)*l.width]
		for i := range w {
			sums[i] += w[i]
		}
	}
}

// tiny is the gradient below which a weight stays as it is.
const tiny = 1e-3

// update moves the weights of rows against the gradient of the loss in the scores.
func (l *learner) update(rows []uint32, gradient []float32) {
	for i, g := range gradient {
		if -tiny < g && g < tiny {
			continue
		}
		for _, r := range rows {
			l.nudge(int(r)*l.width+i, g)
		}
	}
}

// nudge moves one weight against a gradient, and a little towards zero.
func (l *learner) nudge(at int, g float32) {
	w := l.weights[at]
	g += float32(l.decay * w)
	l.squares[at] += float32(g * g)
	l.weights[at] = w - float32(l.rate*g)/(float32(math.Sqrt(float64(l.squares[at])))+1e-6)
}

// collect adds the weights as they are to the mean.
func (l *learner) collect() {
	for i, w := range l.weights {
		l.sums[i] += w
	}
	l.passes++
}

// table returns the mean weights, without rows that say nothing.
func (l *learner) table() *table {
	keys := make([]uint64, 0, len(l.rows))
	for key, row := range l.rows {
		for _, w := range l.sums[int(row)*l.width : int(row+1)*l.width] {
			if quantise(w/float32(l.passes)) != 0 {
				keys = append(keys, key)
				break
			}
		}
	}
	slices.Sort(keys)
	rows := make([]int8, 0, len(keys)*l.width)
	for _, key := range keys {
		at := int(l.rows[key]) * l.width
		for _, w := range l.sums[at : at+l.width] {
			rows = append(rows, quantise(w/float32(l.passes)))
		}
	}
	return newTable(l.width, keys, rows)
}
