package recommend

import (
	"cmp"
	"slices"
)

// Scored is an item with its score. Scores of one answer are comparable with each other
// alone.
type Scored struct {
	Item  int
	Score float32
}

// better orders by falling score; equal scores by item, so that the order is one.
func better(a, b Scored) int {
	if a.Score != b.Score {
		return cmp.Compare(b.Score, a.Score)
	}
	return cmp.Compare(a.Item, b.Item)
}

// top keeps the n best of what is offered, in a heap with the worst first. A keep that is
// not nil is asked about what would enter.
type top struct {
	n    int
	keep func(item int) bool
	heap []Scored
}

// wants reports whether an item with this score would enter.
func (t *top) wants(s Scored) bool {
	return len(t.heap) < t.n || t.n > 0 && better(s, t.heap[0]) < 0
}

// floor returns the score below which nothing enters, 0 while there is room.
func (t *top) floor() float32 {
	if len(t.heap) < t.n || t.n == 0 {
		return 0
	}
	return t.heap[0].Score
}

// offer adds s if it is among the n best so far.
func (t *top) offer(s Scored) {
	if !t.wants(s) || t.keep != nil && !t.keep(s.Item) {
		return
	}
	if len(t.heap) < t.n {
		t.heap = append(t.heap, s)
		t.up(len(t.heap) - 1)
		return
	}
	t.heap[0] = s
	t.down(0)
}

func (t *top) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if better(t.heap[parent], t.heap[i]) >= 0 {
			return
		}
		t.heap[parent], t.heap[i] = t.heap[i], t.heap[parent]
		i = parent
	}
}

func (t *top) down(i int) {
	for {
		worst := i
		for c := 2*i + 1; c <= 2*i+2 && c < len(t.heap); c++ {
			if better(t.heap[c], t.heap[worst]) > 0 {
				worst = c
			}
		}
		if worst == i {
			return
		}
		t.heap[i], t.heap[worst] = t.heap[worst], t.heap[i]
		i = worst
	}
}

// sorted returns what was kept, best first, and empties the heap, whose memory the caller
// now owns.
func (t *top) sorted() []Scored {
	out := t.heap
	slices.SortFunc(out, better)
	t.heap = nil
	return out
}
