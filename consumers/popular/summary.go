package popular

import (
	"container/heap"
	"slices"
	"strings"
)

// entry is a tracked text.
type entry struct {
	text      string
	count     int // may be too high: it was taken over from another text
	searches  int // since it is tracked: its own
	successes int
	clients   crowd
	index     int // in the heap
}

// crowd holds hashes of the first clients that asked a text, as many as are asked for.
type crowd []uint64

// meet notes who asked, up to most of them.
func (c *crowd) meet(most int, clients ...uint64) {
	for _, who := range clients {
		if len(*c) < most && !slices.Contains(*c, who) {
			*c = append(*c, who)
		}
	}
}

// summary is a Space-Saving sketch of some searches. The counts of its entries add up to the
// number of searches, less what was subtracted for slack.
type summary struct {
	capacity int
	byText   map[string]*entry
	lightest entries
	searches int // that were added, here and in what was folded in
	slack    int // how often a text may have been asked in summaries that were folded into this one
}

func newSummary(capacity int) *summary {
	return &summary{capacity: capacity, byText: map[string]*entry{}}
}

// least returns the most that a text which is not tracked may have been counted.
func (s *summary) least() int {
	if len(s.lightest) < s.capacity {
		return 0
	}
	return s.lightest[0].count
}

// bound returns the most that a text which is not tracked may have been asked.
func (s *summary) bound() int { return s.least() + s.slack }

// add counts a text and returns its entry.
func (s *summary) add(text string, count int) *entry {
	e := s.track(text)
	e.count += count
	heap.Fix(&s.lightest, e.index)
	return e
}

// track returns the entry of a text. A new text takes the place of the lightest one when
// there is no room, and its count with it: it may have been asked as often unseen.
func (s *summary) track(text string) *entry {
	if e, ok := s.byText[text]; ok {
		return e
	}
	e := &entry{text: strings.Clone(text)}
	s.byText[e.text] = e
	if len(s.lightest) < s.capacity {
		heap.Push(&s.lightest, e)
		return e
	}
	least := s.lightest[0]
	delete(s.byText, least.text)
	e.count = least.count
	s.lightest[0] = e
	return e
}

// fold adds what another summary has counted. The least count of the other is subtracted
// from each of its counts and noted as slack, as in the merge of Misra-Gries summaries, to
// which Space-Saving is equal in this form: so the bound stays below the m-th part of
// everything (Agarwal et al., TODS 2013, section 3).
func (s *summary) fold(other *summary, minClients int) {
	least := other.least()
	s.slack += least + other.slack
	s.searches += other.searches
	for _, e := range other.lightest {
		_, tracked := s.byText[e.text]
		if e.count == least && !tracked {
			continue // slack says all that is known of it
		}
		mine := s.add(e.text, e.count-least)
		mine.searches += e.searches
		mine.successes += e.successes
		mine.clients.meet(minClients, e.clients...)
	}
}

// entries is a heap with the lightest entry on top.
type entries []*entry

func (h entries) Len() int           { return len(h) }
func (h entries) Less(i, j int) bool { return h[i].count < h[j].count }
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
