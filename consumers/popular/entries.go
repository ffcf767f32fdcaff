package popular

// entry is a tracked text.
type entry struct {
	text      string
	weight    float64
	over      float64 // part of weight that may be another text's
	searches  int     // since it is tracked
	successes int
	clients   []uint64 // hashes of the first clients, as many as are asked for
	index     int      // in the heap
}

// entries is a heap with the lightest entry on top.
type entries []*entry

func (h entries) Len() int           { return len(h) }
func (h entries) Less(i, j int) bool { return h[i].weight < h[j].weight }
func (h entries) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}

// Push implements [container/heap.Interface].
func (h *entries) Push(x any) {
	if e, ok := x.(*entry); ok {
		e.index = len(*h)
		*h = append(*h, e)
	}
}

// Pop implements [container/heap.Interface]. Nothing is ever taken out.
func (h *entries) Pop() any { return nil }
