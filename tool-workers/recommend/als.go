package recommend

import (
	"context"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"
)

// alsParams are the parameters of implicit alternating least squares (Hu, Koren and
// Volinsky 2008): minimise Σ_ui c_ui (p_ui − x_uᵀy_i)² + Reg (Σ|x_u|² + Σ|y_i|²), where
// p_ui is 1 for what was used and 0 elsewhere and c_ui = 1 + Alpha · preference.
type alsParams struct {
	Rank   int
	Alpha  float64
	Reg    float64
	Sweeps int // alternations of users and items
	Seed   uint64
}

// cgSteps is the number of steps of conjugate gradient for each row and sweep (Takács,
// Pilászy and Tikk 2011, who use 1 to 3), foldSteps for a user who is folded in from zero.
const (
	cgSteps   = 3
	foldSteps = 8
)

// factors is one side of the model: a row of rank numbers for each user or item.
type factors struct {
	rank int
	a    []float32
}

func (f *factors) rows() int           { return len(f.a) / f.rank }
func (f *factors) row(i int) []float32 { return f.a[i*f.rank : (i+1)*f.rank] }

// times writes the product of each row and v to out.
func (f *factors) times(v, out []float32) {
	kernels{}.Sgemv(blas.NoTrans, f.rows(), f.rank, 1, f.a, f.rank, v, 1, 0, out, 1)
}

func newFactors(rows, rank int, seed uint64) *factors {
	rng := rand.New(rand.NewPCG(seed, uint64(rows)))
	f := &factors{rank: rank, a: make([]float32, rows*rank)}
	scale := 0.1 / math.Sqrt(float64(rank))
	for i := range f.a {
		f.a[i] = float32(rng.NormFloat64() * scale)
	}
	return f
}

// gram returns FᵀF + reg I. Blocks of rows are summed apart and added in order, so that the
// sum does not depend on the number of goroutines.
func (f *factors) gram(ctx context.Context, reg float64) (*square, error) {
	const block = 1024
	parts := make([]*square, (f.rows()+block-1)/block)
	err := forEach(ctx, len(parts), none, func(b int, _ struct{}) {
		g := newSquare(f.rank)
		for i := b * block; i < min((b+1)*block, f.rows()); i++ {
			x := f.row(i)
			for k, v := range x {
				axpy(v, x, g.row(k))
			}
		}
		parts[b] = g
	})
	sum := newSquare(f.rank)
	for i := range f.rank {
		sum.row(i)[i] = float32(reg)
	}
	for _, p := range parts {
		if p != nil {
			axpy(1, p.a, sum.a)
		}
	}
	return sum, err
}

// sides are the factors of users and items.
type sides struct{ users, items *factors }

// start returns small random factors.
func (p alsParams) start(d both) sides {
	return sides{newFactors(d.users(), p.Rank, p.Seed), newFactors(d.items(), p.Rank, p.Seed+1)}
}

// improve fits the factors to the preferences d, in place.
func (p alsParams) improve(ctx context.Context, d both, f sides) error {
	for range p.Sweeps {
		if err := p.halfSweep(ctx, d.byUser, f.users, f.items); err != nil {
			return err
		}
		if err := p.halfSweep(ctx, d.byItem, f.items, f.users); err != nil {
			return err
		}
	}
	return nil
}

// halfSweep improves the rows of one side while the other is fixed.
func (p alsParams) halfSweep(ctx context.Context, x *sparse, side, fixed *factors) error {
	gram, err := fixed.gram(ctx, p.Reg)
	if err != nil {
		return err
	}
	fresh := func() *cg { return newCG(p.Rank) }
	return forEach(ctx, x.rows(), fresh, func(r int, s *cg) {
		cols, vals := x.row(r)
		s.solve(side.row(r), solveInput{gram: gram, fixed: fixed, cols: cols, vals: vals, alpha: float32(p.Alpha), steps: cgSteps})
	})
}

// cg is the working memory of a conjugate gradient.
type cg struct{ r, p, ap []float32 }

func newCG(rank int) *cg {
	return &cg{make([]float32, rank), make([]float32, rank), make([]float32, rank)}
}

// solveInput is one row's system: (gram + Σ αv y yᵀ) x = Σ (1 + αv) y over its cells.
type solveInput struct {
	gram  *square
	fixed *factors
	cols  []uint32
	vals  []float32
	alpha float32
	steps int
}

// times writes A v to out, leaving A unbuilt.
func (in *solveInput) times(v, out []float32) {
	for i := range out {
		out[i] = dot(in.gram.row(i), v)
	}
	for k, c := range in.cols {
		y := in.fixed.row(int(c))
		axpy(in.alpha*in.vals[k]*dot(y, v), y, out)
	}
}

// solve improves x by a few steps.
func (s *cg) solve(x []float32, in solveInput) {
	if len(in.cols) == 0 {
		clear(x)
		return
	}
	in.times(x, s.r)
	for i := range s.r {
		s.r[i] = -s.r[i]
	}
	for k, c := range in.cols {
		axpy(1+in.alpha*in.vals[k], in.fixed.row(int(c)), s.r)
	}
	copy(s.p, s.r)
	rr := dot(s.r, s.r)
	for range in.steps {
		if rr < 1e-20 {
			return
		}
		in.times(s.p, s.ap)
		a := rr / dot(s.p, s.ap)
		axpy(a, s.p, x)
		axpy(-a, s.ap, s.r)
		next := dot(s.r, s.r)
		b := next / rr
		for i := range s.p {
			s.p[i] = s.r[i] + b*s.p[i]
		}
		rr = next
	}
}
