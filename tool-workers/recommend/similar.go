package recommend

import "math"

// Neighbour is an item that is like another.
type Neighbour struct {
	Item   int
	Score  float32 // 0 to 1; 1 only for items with equal listeners
	Shared int     // how many users used both: the reason
}

// similarShrink discounts the cosine of pairs with few shared listeners.
const similarShrink = 10

// Similar returns the n items most like an item, best first, of those for which keep is
// true; nil keeps all. They are ranked by the mean of the cosine of their listeners,
// discounted where few are shared, and of the autoencoder's weight, which tells direct
// likeness from common popularity. An unknown item has none. It is shorter than n when
// fewer share listeners.
func (m *Model) Similar(item, n int, keep func(item int) bool) []Neighbour {
	if item < 0 || item >= m.Items() {
		return nil
	}
	cols, vals := m.predictors.row(item)
	shared := m.predictors.shared[m.predictors.ptr[item]:]
	largest := float32(0)
	for _, v := range vals {
		largest = max(largest, v)
	}
	best := top{n: n}
	for k, c := range cols {
		if vals[k] <= 0 || shared[k] == 0 || keep != nil && !keep(int(c)) {
			continue
		}
		s := float64(shared[k])
		cosine := s / math.Sqrt(float64(m.listeners[item])*float64(m.listeners[c])) * s / (s + similarShrink)
		best.offer(Scored{Item: k, Score: (float32(cosine) + vals[k]/largest*float32(cosine)) / 2})
	}
	var out []Neighbour
	for _, b := range best.sorted() {
		out = append(out, Neighbour{Item: int(cols[b.Item]), Score: b.Score, Shared: int(shared[b.Item])})
	}
	return out
}

// Because returns the item of a history that speaks most for an item, and how many users
// used both. ok is false when none does.
func (m *Model) Because(history []Entry, item int) (from Neighbour, ok bool) {
	if item < 0 || item >= m.Items() {
		return Neighbour{}, false
	}
	s, _ := m.scratch.Get().(*scores)
	defer m.scratch.Put(s)
	s.take(m, history)
	defer s.forget()
	weight := make(map[uint32]float32, len(s.items))
	for k, i := range s.items {
		weight[i] = s.weights[k]
	}
	cols, vals := m.predictors.row(item)
	shared := m.predictors.shared[m.predictors.ptr[item]:]
	for k, c := range cols {
		if v := weight[c] * vals[k]; v > from.Score {
			from, ok = Neighbour{Item: int(c), Score: v, Shared: int(shared[k])}, true
		}
	}
	return from, ok
}
