package recommend

import "context"

// ridge is the regularisation of the linear autoencoder: item j has
// λ_j = Lambda + Dropout · Σ_u x_uj². The first term is EASE^R's (Steck 2019), the second
// that of training with dropout (EDLAE, Steck 2020).
type ridge struct {
	Lambda  float64
	Dropout float64
}

// lambdas returns λ_j of each item.
func (r ridge) lambdas(byItem *sparse) []float32 {
	out := make([]float32, byItem.rows())
	for j := range out {
		_, vals := byItem.row(j)
		out[j] = float32(r.Lambda + r.Dropout*float64(dot(vals, vals)))
	}
	return out
}

// largest keeps the k cells of a row with the largest absolute values.
type largest struct {
	row  []float32 // by item, to be filled by the user
	best top
}

func newLargest(items, k int) *largest {
	return &largest{row: make([]float32, items), best: top{n: k}}
}

// take returns the kept cells of the row, without zeros and the cell skip.
func (l *largest) take(skip int) listRow {
	for i, v := range l.row {
		if i != skip && v != 0 {
			l.best.offer(Scored{Item: i, Score: abs(v)})
		}
	}
	cells := l.best.sorted()
	for i, c := range cells {
		cells[i].Score = l.row[c.Item]
	}
	return newListRow(cells)
}

func abs(x float32) float32 { return max(x, -x) }

// byItems solves the autoencoder in the space of items: P = (XᵀX + Λ)⁻¹ and
// B_ij = −P_ij / P_jj with a zero diagonal (Steck 2019, equation 8). Work grows with the
// cube of the items.
func byItems(ctx context.Context, d both, r ridge, k int) (*lists, error) {
	n := d.items()
	g := newSquare(n)
	err := forEach(ctx, n, none, func(i int, _ struct{}) {
		row := g.row(i)
		users, weights := d.byItem.row(i)
		for a, u := range users {
			items, vals := d.byUser.row(int(u))
			for b, j := range items {
				row[j] += weights[a] * vals[b]
			}
		}
	})
	if err != nil {
		return nil, err
	}
	for j, l := range r.lambdas(d.byItem) {
		g.row(j)[j] += l
	}
	if err := g.invert(ctx); err != nil {
		return nil, err
	}
	rows := make([]listRow, n)
	fresh := func() *largest { return newLargest(n, k) }
	err = forEach(ctx, n, fresh, func(j int, best *largest) {
		p := g.row(j)
		for i, v := range p {
			best.row[i] = -v / p[j]
		}
		rows[j] = best.take(j)
	})
	return joinRows(rows), err
}
