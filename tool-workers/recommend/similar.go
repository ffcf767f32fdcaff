package recommend

import "math"

// Neighbour is an item that is like another.
type Neighbour struct {
	Item   int
	Score  float32 // above 0 and below 1; see [Model.Similar]
	Shared int     // how many users used both: the reason
}

// similarShrink discounts the cosine of pairs with few shared listeners.
const similarShrink = 10

// Similar returns the n items most like an item, best first, of those for which keep is
// true; nil keeps all. Their score is c · (1 + w) / 2. c is the cosine of their listeners
// times s / (s + 10), where s of them are shared, so that even items with equal listeners
// stay below 1. w is the autoencoder's weight over the item's largest, 0 to 1: it tells
// direct likeness from common popularity. An unknown item has none. It is shorter than n
// when fewer share listeners.
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
		best.offer(Scored{Item: k, Score: float32(cosine) * (1 + vals[k]/largest) / 2})
	}
	var out []Neighbour
	for _, b := range best.sorted() {
		out = append(out, Neighbour{Item: int(cols[b.Item]), Score: b.Score, Shared: int(shared[b.Item])})
	}
	return out
}
