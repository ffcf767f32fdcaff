package recommend

import (
	"math"
	"slices"
)

// scores is the working memory of one request.
type scores struct {
	linear, latent []float32 // per item
	seen           []bool    // per item: in the history, or offered
	marked         []uint32  // the items that are seen
	items          []uint32  // the history
	weights        []float32
	user           []float32 // factors
	cg             *cg
}

func newScores(items, rank int) *scores {
	return &scores{
		linear: make([]float32, items), latent: make([]float32, items), seen: make([]bool, items),
		user: make([]float32, rank), cg: newCG(rank),
	}
}

// take takes a history in: known items, saturated weights.
func (s *scores) take(m *Model, history []Entry) {
	s.items, s.weights, s.marked = s.items[:0], s.weights[:0], s.marked[:0]
	for _, e := range history {
		if e.Item < 0 || e.Item >= m.Items() || !(e.Weight > 0 && e.Weight <= math.MaxFloat32) {
			continue
		}
		s.items = append(s.items, uint32(e.Item))
		s.weights = append(s.weights, e.Weight)
		s.seen[e.Item] = true
		s.marked = append(s.marked, uint32(e.Item))
	}
	m.saturation.apply(slices.Clone(s.weights), s.weights)
}

// forget makes the scratch ready for the next request.
func (s *scores) forget() {
	for _, i := range s.marked {
		s.seen[i] = false
	}
}

// leaders is how many items of the linear part set the scale of the factors.
const leaders = 200

// answer returns the best items. Where there is a linear part, the scale of the factors is
// their largest score among its leaders, and other items are scored by the factors only if
// the bound of Cauchy and Schwarz lets them enter: the answer is that of scoring all.
func (s *scores) answer(m *Model, mix Mix, out *top) []Scored {
	clear(s.linear)
	if mix.Linear > 0 {
		mix.Linear = s.history(m, mix.Linear)
	}
	if mix.Linear == 0 {
		mix.Factors = s.all(m, mix.Factors)
		for i := range s.seen {
			s.offer(m, mix, out, i)
		}
		return out.sorted()
	}
	length := float32(0)
	if mix.Factors > 0 {
		length = 1.0001 * float32(math.Sqrt(float64(dot(s.user, s.user)))) // room for rounding
	}
	mix.Factors = s.lead(m, mix, out)
	bound, floor := mix.Factors*length, out.floor()
	for i, v := range s.linear {
		most := mix.Linear*v + mix.Popularity*m.popular[i]
		if bound > 0 {
			most += bound * m.norms[i]
		}
		if !(most > 0) || most < floor || s.seen[i] {
			continue
		}
		s.latent[i] = 0
		if bound > 0 {
			s.latent[i] = dot(s.user, m.factors.row(i))
		}
		s.offer(m, mix, out, i)
		floor = out.floor()
	}
	return out.sorted()
}

// lead offers the leaders of the linear part, marks them as seen, and returns the share of
// the factors divided by their largest score for one.
func (s *scores) lead(m *Model, mix Mix, out *top) float32 {
	first := top{n: leaders}
	for i, v := range s.linear {
		if v > 0 && v >= first.floor() && !s.seen[i] {
			first.offer(Scored{Item: i, Score: v})
		}
	}
	most := float32(0)
	for _, l := range first.heap {
		s.latent[l.Item] = 0
		if mix.Factors > 0 {
			s.latent[l.Item] = dot(s.user, m.factors.row(l.Item))
		}
		most = max(most, s.latent[l.Item])
	}
	mix.Factors = over(mix.Factors, most)
	for _, l := range first.heap {
		s.offer(m, mix, out, l.Item)
		s.seen[l.Item] = true
		s.marked = append(s.marked, uint32(l.Item))
	}
	return mix.Factors
}

// offer offers an unseen item with its mixed score, if that is above 0.
func (s *scores) offer(m *Model, mix Mix, out *top, i int) {
	v := mix.Linear*s.linear[i] + mix.Factors*s.latent[i] + mix.Popularity*m.popular[i]
	if v > 0 && !s.seen[i] {
		out.offer(Scored{Item: i, Score: v})
	}
}

// history writes the product of the history and the item-item weights to linear, and
// returns share divided by the largest for an unseen item; 0 when none is above 0.
func (s *scores) history(m *Model, share float32) float32 {
	for k, i := range s.items {
		cols, vals := m.targets.row(int(i))
		w := s.weights[k]
		for a, c := range cols {
			s.linear[c] += w * vals[a]
		}
	}
	most := float32(0)
	for i, v := range s.linear {
		if v > most && !s.seen[i] {
			most = v
		}
	}
	return over(share, most)
}

// all writes the scores of the factors for all items to latent, and returns share divided
// by the largest for an unseen item.
func (s *scores) all(m *Model, share float32) float32 {
	if share == 0 {
		clear(s.latent)
		return 0
	}
	m.factors.times(s.user, s.latent)
	most := float32(0)
	for i, v := range s.latent {
		if v > most && !s.seen[i] {
			most = v
		}
	}
	return over(share, most)
}

// over returns share / most, 0 where most is.
func over(share, most float32) float32 {
	if most > 0 {
		return share / most
	}
	return 0
}

// foldIn computes the factors of the user from the history in the scratch.
func (m *Model) foldIn(s *scores) {
	clear(s.user)
	s.cg.solve(s.user, solveInput{
		gram: m.gram, fixed: m.factors, cols: s.items, vals: s.weights, alpha: float32(m.alpha), steps: foldSteps,
	})
}
