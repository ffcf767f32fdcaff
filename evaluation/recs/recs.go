// Package recs measures recommenders offline: some of each user's items are hidden, the rest
// is shown as the history, and what is recommended is compared with what was hidden.
//
// The vocabulary: a Row is a use of an item by a user. A Split shows the kept rows and holds
// the hidden items. A Model answers a history with a ranking. A Report holds the measures
// of every model on the same split.
package recs

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
)

// Row says that a user used an item, and how much.
type Row struct {
	User, Item int
	Weight     float64
}

// Entry is an item of a history.
type Entry struct {
	Item   int
	Weight float64
}

// Split is a data set of which a part of each user's items is hidden.
type Split struct {
	Items   int
	History [][]Entry // per user: what models may see, ascending by item
	Held    [][]int   // per user: the hidden items, ascending; empty for users with fewer than two
}

// LeaveOut hides a share of each user's items, chosen at random: ⌊share · items⌋, at least
// one and never all. Users with fewer than two items hide nothing. Users and items are
// dense indices from 0. The split depends on the rows as a set, the share and the seed
// alone, so that models are compared on the same one. Rows of equal user and item are
// summed.
func LeaveOut(rows []Row, share float64, seed uint64) (Split, error) {
	if !(share > 0 && share < 1) {
		return Split{}, fmt.Errorf("share %v: must be between 0 and 1", share)
	}
	rows = slices.Clone(rows)
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(a.User, b.User), cmp.Compare(a.Item, b.Item), cmp.Compare(a.Weight, b.Weight))
	})
	var s Split
	for _, r := range rows {
		if r.User < 0 || r.Item < 0 {
			return Split{}, fmt.Errorf("user %d, item %d: must not be negative", r.User, r.Item)
		}
		s.add(r)
	}
	rng := rand.New(rand.NewPCG(seed, 0))
	for u, h := range s.History {
		s.History[u], s.Held[u] = hide(h, share, rng)
	}
	return s, nil
}

// add appends a row; rows come in order.
func (s *Split) add(r Row) {
	s.Items = max(s.Items, r.Item+1)
	for len(s.History) <= r.User {
		s.History, s.Held = append(s.History, nil), append(s.Held, nil)
	}
	h := s.History[r.User]
	if n := len(h); n > 0 && h[n-1].Item == r.Item {
		h[n-1].Weight += r.Weight
		return
	}
	s.History[r.User] = append(h, Entry{Item: r.Item, Weight: r.Weight})
}

// hide splits a history.
func hide(h []Entry, share float64, rng *rand.Rand) (kept []Entry, held []int) {
	if len(h) < 2 {
		return h, nil
	}
	n := min(max(1, int(share*float64(len(h)))), len(h)-1)
	out := make([]bool, len(h))
	for _, k := range rng.Perm(len(h))[:n] {
		out[k] = true
	}
	for k, e := range h {
		if out[k] {
			held = append(held, e.Item)
			continue
		}
		kept = append(kept, e)
	}
	return kept, held
}

// Model is a recommender under test.
type Model struct {
	Name string
	// Recommend returns the n best items for a history, best first, none of them in the
	// history. It is called from several goroutines.
	Recommend func(history []Entry, n int) []int
}
