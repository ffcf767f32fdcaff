package recommend

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// With all other items as neighbours, the local form is the closed form of EASE^R: column by
// column the same weights.
func TestLocalRidgeIsEASE(t *testing.T) {
	x, _, err := Synthetic{Users: 150, Items: 60, PerUser: 12, Genres: 5, Zipf: 0.7, Sharpness: 0.2, Noise: 0.1, Seed: 5}.Generate()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []Saturation{Binary, Log} {
		d := twoWay(preferences(&x.cells, s, 1000))
		n := d.items()
		r := ridge{Lambda: 7, Dropout: 0.5}
		exact, err := byItems(t.Context(), d, r, n)
		if err != nil {
			t.Fatal(err)
		}
		rows := make([]listRow, n)
		for i := range rows {
			var all []Scored
			for j := range n {
				if j != i {
					all = append(all, Scored{Item: j})
				}
			}
			rows[i] = newListRow(all)
		}
		local, err := localRidge(t.Context(), d, []ridge{r}, joinRows(rows))
		if err != nil {
			t.Fatal(err)
		}
		for target := range n {
			want := make([]float32, n)
			cols, vals := exact.row(target)
			for k, c := range cols {
				want[c] = vals[k]
			}
			cols, vals = local[0].row(target)
			for k, c := range cols {
				if math.Abs(float64(vals[k]-want[c])) > 1e-4 {
					t.Fatalf("%s: weight of %d for %d is %v, want %v", s, c, target, vals[k], want[c])
				}
			}
		}
	}
}

// Two of three users share items 0 and 1, one of them has 2 as well.
func TestKNNByHand(t *testing.T) {
	x := &sparse{cols: 3, ptr: []int{0, 2, 5, 6}, col: []uint32{0, 1, 0, 1, 2, 2}, val: []float32{1, 1, 1, 1, 1, 1}}
	l, err := knn(t.Context(), twoWay(x), nearest{k: 5, shrink: 2})
	if err != nil {
		t.Fatal(err)
	}
	cols, vals := l.row(0)
	// Cosine 1 with item 1 over 2 shared listeners, 1/2 with item 2 over 1; shrink 2.
	if len(cols) != 2 || cols[0] != 1 || math.Abs(float64(vals[0]-0.5)) > 1e-6 || math.Abs(float64(vals[1])-0.5/3) > 1e-6 {
		t.Errorf("neighbours of item 0: %v %v, want 1 with 0.5 and 2 with 0.1667", cols, vals)
	}
	if l.shared[0] != 2 || l.shared[1] != 1 {
		t.Errorf("shared %v, want 2 and 1", l.shared[:2])
	}
}

// A user who has every item says nothing under BM25: the items that nobody else has are of
// length 0, and have no neighbours.
func TestKNNOfItemsWithoutWeight(t *testing.T) {
	x, err := ReadCSV(strings.NewReader("all,a,1\nall,b,1\nall,c,1\nall,d,1\nsome,c,1\nsome,d,1\n"))
	if err != nil {
		t.Fatal(err)
	}
	k, err := NewItemKNN(t.Context(), x, BM25Users, 1, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := k.Recommend([]Entry{{Item: 2, Weight: 1}}, 5, nil); len(got) != 1 || got[0].Item != 3 || !(got[0].Score > 0) {
		t.Errorf("for a listener of c: %v, want d alone", got)
	}
	near := k.model.predictors
	if slices.ContainsFunc(near.val, func(v float32) bool { return !(v > 0) }) || len(near.val) != 2 {
		t.Errorf("similarities %v, want those of c and d alone", near.val)
	}
}

// Each sweep of ALS lowers what it minimises.
func TestALSDescends(t *testing.T) {
	x, _, err := Synthetic{Users: 80, Items: 60, PerUser: 10, Genres: 4, Zipf: 0.7, Sharpness: 0.2, Noise: 0.1, Seed: 6}.Generate()
	if err != nil {
		t.Fatal(err)
	}
	d := twoWay(preferences(&x.cells, Log, 1000))
	params := alsParams{Rank: 6, Alpha: 4, Reg: 2, Sweeps: 1}
	fit := params.start(d)
	first := objective(d.byUser, fit, params)
	last := math.Inf(1)
	for sweep := range 8 {
		if err := params.improve(t.Context(), d, fit); err != nil {
			t.Fatal(err)
		}
		loss := objective(d.byUser, fit, params)
		if loss > last*1.0001 {
			t.Fatalf("sweep %d raised the objective from %v to %v", sweep, last, loss)
		}
		last = loss
	}
	if last > 0.5*first {
		t.Errorf("objective %v after 8 sweeps, %v at the start", last, first)
	}
}

// objective is the sum that ALS minimises, computed in the plainest way.
func objective(x *sparse, fit sides, p alsParams) float64 {
	sum := 0.0
	for u := range x.rows() {
		c := make([]float64, x.cols)
		cols, vals := x.row(u)
		for k, i := range cols {
			c[i] = p.Alpha * float64(vals[k])
		}
		for i := range c {
			want := 0.0
			if c[i] > 0 {
				want = 1
			}
			d := want - float64(dot(fit.users.row(u), fit.items.row(i)))
			sum += (1 + c[i]) * d * d
		}
	}
	for _, f := range []*factors{fit.users, fit.items} {
		sum += p.Reg * float64(dot(f.a, f.a))
	}
	return sum
}
