package recommend

import (
	"context"
	"math"
	"slices"
)

// localRidge solves the autoencoder for each target alone, over the items that are nearest
// to it: b = (X_NᵀX_N + Λ_N)⁻¹ X_Nᵀ x_j. With N all other items this is EASE^R's column j;
// over neighbours it is SLIM with feature selection (Ning and Karypis 2011, section 3.4)
// with the l2 penalty alone. Targets are independent, so work grows with the items. The
// answers, one for each regularisation, have the cells of near.
func localRidge(ctx context.Context, d both, rs []ridge, near *lists) ([]*lists, error) {
	out := make([]*lists, len(rs))
	lambdas := make([][]float32, len(rs))
	for i, r := range rs {
		l := *near
		l.val = make([]float32, len(near.val))
		out[i], lambdas[i] = &l, r.lambdas(d.byItem)
	}
	fresh := func() *localScratch { return newLocalScratch(d.byItem, d.users()) }
	err := forEach(ctx, near.rows(), fresh, func(t int, s *localScratch) {
		ns, _ := near.row(t)
		s.gather(t, ns)
		for i := range rs {
			copy(out[i].val[near.ptr[t]:], s.solve(ns, lambdas[i]))
		}
	})
	return out, err
}

// localScratch is the working memory of one goroutine.
type localScratch struct {
	byItem  *sparse
	count   []int32 // per user: cells of X_N; zero between targets
	next    []int32 // per user: where its next cell goes
	touched []uint32
	cells   []localCell // of X_N, by user
	g, work square      // X_NᵀX_N, lower triangle; what is left of it after a solution
	b, x    []float32   // X_Nᵀ x_t; the solution
}

// localCell is a cell of X_N: the position of the item in N, and the preference.
type localCell struct {
	at  int32
	val float32
}

func newLocalScratch(byItem *sparse, users int) *localScratch {
	return &localScratch{byItem: byItem, count: make([]int32, users), next: make([]int32, users)}
}

// resize makes room for n neighbours, and clears it.
func (s *localScratch) resize(n int) {
	if cap(s.b) < n {
		s.g.a, s.work.a = make([]float32, n*n), make([]float32, n*n)
		s.b, s.x = make([]float32, n), make([]float32, n)
	}
	s.g, s.work = square{n, s.g.a[:n*n]}, square{n, s.work.a[:n*n]}
	s.b, s.x = s.b[:n], s.x[:n]
	clear(s.g.a)
	clear(s.b)
}

// solve returns the weights of the gathered items, valid until the next call; nil, which
// stands for zeros, where rounding left no solution.
func (s *localScratch) solve(ns []uint32, lambda []float32) []float32 {
	copy(s.work.a, s.g.a)
	copy(s.x, s.b)
	for p, i := range ns {
		s.work.row(p)[p] += lambda[i]
	}
	if !s.work.solve(s.x) {
		return nil
	}
	return s.x
}

// gather fills the lower triangle of g with X_NᵀX_N, and b with X_Nᵀ x_t, for the items ns,
// ascending, and target t. It turns X_N around first, so that the cells of a user are
// neighbours in memory.
func (s *localScratch) gather(t int, ns []uint32) {
	s.resize(len(ns))
	s.arrange(ns)
	for _, u := range s.touched {
		mine := s.of(u)
		for k, c := range mine {
			row := s.g.row(int(c.at))
			for _, e := range mine[:k+1] {
				row[e.at] += c.val * e.val
			}
		}
	}
	users, weights := s.byItem.row(t)
	for k, u := range users {
		for _, c := range s.of(u) {
			s.b[c.at] += weights[k] * c.val
		}
	}
	for _, u := range s.touched {
		s.count[u] = 0
	}
}

// arrange fills cells with X_N.
func (s *localScratch) arrange(ns []uint32) {
	s.touched = s.touched[:0]
	total := 0
	for _, i := range ns {
		users, _ := s.byItem.row(int(i))
		for _, u := range users {
			if s.count[u] == 0 {
				s.touched = append(s.touched, u)
			}
			s.count[u]++
		}
		total += len(users)
	}
	from := int32(0)
	for _, u := range s.touched {
		s.next[u] = from
		from += s.count[u]
	}
	s.cells = slices.Grow(s.cells[:0], total)[:total]
	for p, i := range ns {
		users, vals := s.byItem.row(int(i))
		for k, u := range users {
			s.cells[s.next[u]] = localCell{int32(p), vals[k]}
			s.next[u]++
		}
	}
}

// of returns the cells of a user, by position.
func (s *localScratch) of(u uint32) []localCell {
	return s.cells[s.next[u]-s.count[u] : s.next[u]]
}

// solve replaces b by m⁻¹ b, using the lower triangle of m and destroying it. It reports
// whether m was positive definite.
func (m *square) solve(b []float32) bool {
	for i := range m.n {
		if !m.eliminate(i, 0, i+1) {
			return false
		}
		b[i] = (b[i] - dot(m.row(i)[:i], b[:i])) / m.row(i)[i]
	}
	for i := m.n - 1; i >= 0; i-- {
		b[i] /= m.row(i)[i]
		axpy(-b[i], m.row(i)[:i], b[:i])
		if math.IsNaN(float64(b[i])) {
			return false
		}
	}
	return true
}
