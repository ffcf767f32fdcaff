package recommend

import (
	"context"
	"math/rand/v2"
	"slices"
)

// trial is a part of the training data that is set aside to choose parameters on.
type trial struct {
	kept    *Interactions
	users   []int      // who is measured
	held    [][]uint32 // beside users: the hidden items among the targets, ascending
	targets []bool     // the items that are scored; nil for all
	depth   int        // length of the rankings
}

// validationShare is the share of a measured user's items that is hidden.
const validationShare = 0.2

// newTrial hides a part of the items of at most most users. With a share below 1 only that
// share of the items, drawn at random, is scored: rankings are shortened in proportion, so
// that they are as hard.
func newTrial(x *Interactions, most int, share float64, seed uint64) *trial {
	rng := rand.New(rand.NewPCG(seed, 0x7261))
	t := &trial{depth: 20}
	if share < 1 {
		t.depth = max(3, int(20*share+0.5))
		t.targets = make([]bool, x.Items())
		for i := range t.targets {
			t.targets[i] = rng.Float64() < share
		}
	}
	out := make([][]int, x.Users())
	for _, u := range rng.Perm(x.Users()) {
		items, _ := x.cells.row(u)
		if len(items) < 2 || len(t.users) == most {
			continue
		}
		var held []uint32
		for _, k := range rng.Perm(len(items))[:max(1, int(validationShare*float64(len(items))))] {
			out[u] = append(out[u], int(items[k]))
			if t.targets == nil || t.targets[items[k]] {
				held = append(held, items[k])
			}
		}
		slices.Sort(out[u])
		if slices.Sort(held); len(held) > 0 {
			t.users, t.held = append(t.users, u), append(t.held, held)
		}
	}
	t.kept = x.Without(out)
	return t
}

// recall returns the mean share of the held items among the best of each user's scores.
// score fills a row of zeros, one score for each item.
func (t *trial) recall(ctx context.Context, score func(user int, out []float32)) (float64, error) {
	got := make([]float64, len(t.users))
	fresh := func() []float32 { return make([]float32, t.kept.Items()) }
	err := forEach(ctx, len(t.users), fresh, func(i int, row []float32) {
		clear(row)
		score(t.users[i], row)
		got[i] = t.share(i, t.best(i, row, t.depth))
	})
	return meanOf(got), err
}

// best returns the n best targets of a user that are not in the kept history.
func (t *trial) best(i int, row []float32, n int) []Scored {
	seen, _ := t.kept.cells.row(t.users[i])
	for _, item := range seen {
		row[item] = 0
	}
	b := top{n: n}
	for item, v := range row {
		if v > 0 && (t.targets == nil || t.targets[item]) {
			b.offer(Scored{Item: item, Score: v})
		}
	}
	return b.sorted()
}

// share returns the share of a user's held items that a ranking has.
func (t *trial) share(i int, ranking []Scored) float64 {
	hits := 0
	for _, s := range ranking {
		if _, ok := slices.BinarySearch(t.held[i], uint32(s.Item)); ok {
			hits++
		}
	}
	return float64(hits) / float64(len(t.held[i]))
}

func meanOf(xs []float64) float64 {
	sum := 0.0
	for _, x := range xs {
		sum += x
	}
	return sum / float64(max(1, len(xs)))
}

// linearScore scores by an item-item matrix, given by source, for the rows of x.
func linearScore(bySource, x *sparse) func(user int, out []float32) {
	return func(user int, out []float32) {
		items, vals := x.row(user)
		for k, i := range items {
			cols, weights := bySource.row(int(i))
			for a, c := range cols {
				out[c] += vals[k] * weights[a]
			}
		}
	}
}

// latentScore scores by the products of factors.
func latentScore(f sides) func(user int, out []float32) {
	return func(user int, out []float32) {
		f.items.times(f.users.row(user), out)
	}
}

// candidate is an item that one of the parts ranks high, with its score by each.
type candidate struct {
	item                       int
	linear, latent, popularity float32
}

// candidates returns, for each measured user, the best items of both parts, the parts scaled
// as they are when served.
func (t *trial) candidates(ctx context.Context, linear, latent func(int, []float32), popular []float32) ([][]candidate, error) {
	const each = 100
	out := make([][]candidate, len(t.users))
	fresh := func() [2][]float32 {
		return [2][]float32{make([]float32, t.kept.Items()), make([]float32, t.kept.Items())}
	}
	err := forEach(ctx, len(t.users), fresh, func(i int, rows [2][]float32) {
		var picked []int
		var most [2]float32
		for p, score := range []func(int, []float32){linear, latent} {
			clear(rows[p])
			score(t.users[i], rows[p])
			best := t.best(i, rows[p], each)
			most[p] = 1
			if len(best) > 0 {
				most[p] = best[0].Score
			}
			for _, b := range best {
				picked = append(picked, b.Item)
			}
		}
		slices.Sort(picked)
		for _, item := range slices.Compact(picked) {
			out[i] = append(out[i], candidate{item, rows[0][item] / most[0], rows[1][item] / most[1], popular[item]})
		}
	})
	return out, err
}

// chooseMix returns the mix with the best recall over a grid. Earlier mixes win ties.
func (t *trial) chooseMix(ctx context.Context, cs [][]candidate) (Mix, error) {
	var best Mix
	most := -1.0
	for _, f := range []float32{0.5, 0.3, 0.7, 0.1, 0.9, 0.2, 0.4, 0.6, 0.8} {
		for _, p := range []float32{0, 0.02, 0.05, 0.1, 0.2} {
			mix := Mix{Linear: 1 - f, Factors: f, Popularity: p}
			got := make([]float64, len(cs))
			err := forEach(ctx, len(cs), none, func(i int, _ struct{}) {
				b := top{n: t.depth}
				for _, c := range cs[i] {
					b.offer(Scored{Item: c.item, Score: mix.Linear*c.linear + mix.Factors*c.latent + mix.Popularity*c.popularity})
				}
				got[i] = t.share(i, b.heap)
			})
			if err != nil {
				return best, err
			}
			if r := meanOf(got); r > most {
				best, most = mix, r
			}
		}
	}
	return best, nil
}
