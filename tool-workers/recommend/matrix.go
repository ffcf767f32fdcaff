package recommend

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// sparse is a matrix in compressed rows: row r holds the cells from ptr[r] to ptr[r+1], its
// columns ascending. It is read-only once built.
type sparse struct {
	cols int
	ptr  []int
	col  []uint32
	val  []float32
}

func (m *sparse) rows() int { return len(m.ptr) - 1 }

// row returns the columns and values of row r, sharing memory with the matrix.
func (m *sparse) row(r int) ([]uint32, []float32) {
	a, b := m.ptr[r], m.ptr[r+1]
	return m.col[a:b], m.val[a:b]
}

// counts returns how many cells each column has.
func (m *sparse) counts() []uint32 {
	n := make([]uint32, m.cols)
	for _, c := range m.col {
		n[c]++
	}
	return n
}

// transpose returns the matrix with rows and columns swapped.
func (m *sparse) transpose() *sparse {
	t := &sparse{cols: m.rows(), ptr: make([]int, m.cols+1), col: make([]uint32, len(m.col)), val: make([]float32, len(m.val))}
	for _, c := range m.col {
		t.ptr[c+1]++
	}
	for i := range m.cols {
		t.ptr[i+1] += t.ptr[i]
	}
	next := make([]int, m.cols)
	copy(next, t.ptr)
	for r := range m.rows() {
		cs, vs := m.row(r)
		for k, c := range cs {
			t.col[next[c]], t.val[next[c]] = uint32(r), vs[k]
			next[c]++
		}
	}
	return t
}

// both is a users × items matrix by either side.
type both struct{ byUser, byItem *sparse }

func twoWay(byUser *sparse) both { return both{byUser, byUser.transpose()} }

func (d both) users() int { return d.byUser.rows() }
func (d both) items() int { return d.byUser.cols }

// grain is how many rows a worker takes at a time.
const grain = 16

// forEach calls do for 0..n-1 on GOMAXPROCS goroutines and waits for them. Each goroutine
// has a scratch of its own, made by fresh. What do computes may depend on i alone, so the
// outcome does not depend on the number of goroutines. It stops early when ctx ends and
// returns its error.
func forEach[S any](ctx context.Context, n int, fresh func() S, do func(i int, scratch S)) error {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range max(1, min(runtime.GOMAXPROCS(0), (n+grain-1)/grain)) {
		wg.Go(func() {
			scratch := fresh()
			for ctx.Err() == nil {
				from := int(next.Add(grain)) - grain
				if from >= n {
					return
				}
				for i := from; i < min(from+grain, n); i++ {
					do(i, scratch)
				}
			}
		})
	}
	wg.Wait()
	return ctx.Err()
}

// none is the scratch of work that needs none.
func none() struct{} { return struct{}{} }
