package recommend

import (
	"context"
	"errors"
	"math"

	"gonum.org/v1/gonum/blas/gonum"
)

// kernels are gonum's vector loops, in assembly where the platform has it.
type kernels = gonum.Implementation

func dot(x, y []float32) float32 { return kernels{}.Sdot(len(x), x, 1, y, 1) }

func axpy(a float32, x, y []float32) { kernels{}.Saxpy(len(x), a, x, 1, y, 1) }

// errSingular is returned for a matrix that is not positive definite.
var errSingular = errors.New("matrix is not positive definite")

// square is a symmetric matrix of n rows, stored whole.
type square struct {
	n int
	a []float32
}

func newSquare(n int) *square { return &square{n: n, a: make([]float32, n*n)} }

func (m *square) row(i int) []float32 { return m.a[i*m.n : (i+1)*m.n] }

// panel is how many columns of a factor are computed before the rows below are updated: a
// panel of 64 rows of 5,000 float32 fits the second-level cache.
const panel = 64

// cholesky replaces the lower triangle of m by its factor L, m = L Lᵀ, row by row in dot
// form: L[i][j] = (m[i][j] − L[i,:j]·L[j,:j]) / L[j][j]. Rows below a panel are independent
// of each other and spread over the processors.
func (m *square) cholesky(ctx context.Context) error {
	for from := 0; from < m.n; from += panel {
		to := min(from+panel, m.n)
		for i := from; i < to; i++ {
			if !m.eliminate(i, from, i+1) {
				return errSingular
			}
		}
		err := forEach(ctx, m.n-to, none, func(i int, _ struct{}) { m.eliminate(to+i, from, to) })
		if err != nil {
			return err
		}
	}
	return nil
}

// eliminate computes L[i][from:to]. It reports whether a diagonal entry stayed positive.
func (m *square) eliminate(i, from, to int) bool {
	ri := m.row(i)
	for j := from; j < to; j++ {
		rj := m.row(j)
		s := ri[j] - dot(ri[:j], rj[:j])
		if i != j {
			ri[j] = s / rj[j]
			continue
		}
		if !(s > 0) {
			return false
		}
		ri[j] = float32(math.Sqrt(float64(s)))
	}
	return true
}

// invert replaces a positive definite matrix by its inverse, whole: m⁻¹ = L⁻ᵀ L⁻¹. The
// columns of L⁻¹ are kept as rows of a second matrix, so that every loop runs over
// neighbouring memory.
func (m *square) invert(ctx context.Context) error {
	if err := m.cholesky(ctx); err != nil {
		return err
	}
	// Row c of w is column c of L⁻¹: zero before c.
	w := newSquare(m.n)
	err := forEach(ctx, m.n, none, func(c int, _ struct{}) {
		x := w.row(c)
		x[c] = 1 / m.row(c)[c]
		for r := c + 1; r < m.n; r++ {
			lr := m.row(r)
			x[r] = -dot(lr[c:r], x[c:r]) / lr[r]
		}
	})
	if err != nil {
		return err
	}
	err = forEach(ctx, m.n, none, func(i int, _ struct{}) {
		for j := range i + 1 {
			m.row(i)[j] = dot(w.row(i)[i:], w.row(j)[i:])
		}
	})
	if err != nil {
		return err
	}
	for i := range m.n {
		for j := range i {
			m.a[j*m.n+i] = m.a[i*m.n+j]
		}
	}
	return nil
}
