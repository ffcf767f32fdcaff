package recommend

import (
	"context"
	"fmt"
	"math"
	"slices"
)

// Weighting is how the listeners of an item are weighted before their cosine is taken.
type Weighting string

// The weightings of ItemKNN.
const (
	Cosine    Weighting = "cosine" // each listener counts 1
	BM25Users Weighting = "bm25"   // BM25 with users as its words: one with many items counts less; k = 1.2, b = 0.2
)

// lists holds, for each target item, the items that predict it: a sparse item × item matrix
// whose row t holds the weights by which a history is multiplied to score t.
type lists struct {
	sparse
	shared []uint32 // beside the cells: how many users used both
}

// neighbours collects the co-listening of one item after the other.
type neighbours struct {
	both
	sum    []float32 // per item
	shared []uint32
	seen   []uint32
}

func newNeighbours(d both) *neighbours {
	return &neighbours{both: d, sum: make([]float32, d.items()), shared: make([]uint32, d.items())}
}

// collect adds up the co-listening of item t: for each item in seen, the sum over the shared
// listeners of the products of their weights, and their number. reset must follow.
func (n *neighbours) collect(t int) {
	users, weights := n.byItem.row(t)
	for k, u := range users {
		items, vals := n.byUser.row(int(u))
		for j, i := range items {
			if n.shared[i] == 0 {
				n.seen = append(n.seen, i)
			}
			n.shared[i]++
			n.sum[i] += weights[k] * vals[j]
		}
	}
}

func (n *neighbours) reset() {
	for _, i := range n.seen {
		n.sum[i], n.shared[i] = 0, 0
	}
	n.seen = n.seen[:0]
}

// nearest says which neighbours are looked for.
type nearest struct {
	k       int
	shrink  float32
	targets []bool // the items whose neighbours are wanted; nil for all
}

// knn returns for each target its k nearest neighbours by the cosine of their columns, the
// cosine multiplied by shared/(shared+shrink): pairs with few shared listeners are likely
// to be chance (Bell and Koren 2007). The rows of items that are no targets are empty, and so
// are those of items whose listeners all weigh nothing.
func knn(ctx context.Context, d both, q nearest) (*lists, error) {
	norms := make([]float32, d.items())
	for i := range norms {
		_, vals := d.byItem.row(i)
		norms[i] = float32(math.Sqrt(float64(dot(vals, vals))))
	}
	rows := make([]listRow, d.items())
	fresh := func() *neighbours { return newNeighbours(d) }
	err := forEach(ctx, d.items(), fresh, func(t int, n *neighbours) {
		if q.targets != nil && !q.targets[t] || norms[t] == 0 {
			return
		}
		n.collect(t)
		best := top{n: q.k}
		for _, i := range n.seen {
			if c := float32(n.shared[i]); int(i) != t && norms[i] > 0 {
				best.offer(Scored{Item: int(i), Score: n.sum[i] / (norms[t] * norms[i]) * c / (c + q.shrink)})
			}
		}
		rows[t] = newListRow(best.sorted())
		rows[t].count(n.shared)
		n.reset()
	})
	return joinRows(rows), err
}

// countShared fills in how many users used both items of each cell.
func (l *lists) countShared(ctx context.Context, d both) error {
	l.shared = make([]uint32, len(l.col))
	fresh := func() *neighbours { return newNeighbours(d) }
	return forEach(ctx, l.rows(), fresh, func(t int, n *neighbours) {
		n.collect(t)
		for k := l.ptr[t]; k < l.ptr[t+1]; k++ {
			l.shared[k] = n.shared[l.col[k]]
		}
		n.reset()
	})
}

// listRow is one row of lists before they are joined.
type listRow struct {
	col    []uint32
	val    []float32
	shared []uint32
}

func (r *listRow) count(shared []uint32) {
	r.shared = make([]uint32, len(r.col))
	for k, c := range r.col {
		r.shared[k] = shared[c]
	}
}

// newListRow orders the cells by column.
func newListRow(cells []Scored) listRow {
	slices.SortFunc(cells, func(a, b Scored) int { return a.Item - b.Item })
	r := listRow{col: make([]uint32, len(cells)), val: make([]float32, len(cells))}
	for i, c := range cells {
		r.col[i], r.val[i] = uint32(c.Item), c.Score
	}
	return r
}

func joinRows(rows []listRow) *lists {
	l := &lists{sparse: sparse{cols: len(rows), ptr: make([]int, 1, len(rows)+1)}}
	for _, r := range rows {
		l.col = append(l.col, r.col...)
		l.val = append(l.val, r.val...)
		l.shared = append(l.shared, r.shared...)
		l.ptr = append(l.ptr, len(l.col))
	}
	return l
}

// weigh returns the preferences x with each listener weighted.
func (w Weighting) weigh(x *sparse) (*sparse, error) {
	out := *x
	out.val = slices.Clone(x.val)
	counts := x.counts()
	mean := float64(len(x.col)) / float64(max(1, x.cols))
	for u := range x.rows() {
		items, _ := x.row(u)
		idf := math.Log(float64(x.cols+1) / float64(len(items)+1))
		for k := x.ptr[u]; k < x.ptr[u+1]; k++ {
			switch w {
			case Cosine:
			case BM25Users:
				length := 1 - 0.2 + 0.2*float64(counts[x.col[k]])/mean
				tf := float64(x.val[k])
				out.val[k] = float32(idf * tf * (bm25K + 1) / (tf + bm25K*length))
			default:
				return nil, fmt.Errorf("weighting %q: want %s or %s", w, Cosine, BM25Users)
			}
		}
	}
	return &out, nil
}

// ItemKNN is nearest neighbours among items: an item is scored by the sum of its
// similarities to the items of the history (Sarwar et al. 2001).
type ItemKNN struct{ model *Model }

// NewItemKNN finds the k nearest neighbours of each item. Weights count only as used or
// not. With Cosine and no shrink it is the plain baseline.
func NewItemKNN(ctx context.Context, x *Interactions, w Weighting, k int, shrink float32) (*ItemKNN, error) {
	weighed, err := w.weigh(preferences(&x.cells, Binary, defaultMaxHistory))
	if err != nil {
		return nil, err
	}
	near, err := knn(ctx, twoWay(weighed), nearest{k: k, shrink: shrink})
	if err != nil {
		return nil, err
	}
	m := &Model{items: x.items, saturation: Binary, mix: Mix{Linear: 1}, listeners: x.Listeners(), predictors: near}
	return &ItemKNN{m}, m.prepare()
}

// Recommend implements Recommender.
func (k *ItemKNN) Recommend(history []Entry, n int, keep func(item int) bool) []Scored {
	return k.model.Recommend(history, n, keep)
}

// Popularity recommends what most users used.
type Popularity struct{ model *Model }

// NewPopularity counts the listeners of each item.
func NewPopularity(x *Interactions) (*Popularity, error) {
	m := &Model{items: x.items, saturation: Binary, mix: Mix{Popularity: 1}, listeners: x.Listeners()}
	return &Popularity{m}, m.prepare()
}

// Recommend implements Recommender.
func (p *Popularity) Recommend(history []Entry, n int, keep func(item int) bool) []Scored {
	return p.model.Recommend(history, n, keep)
}
