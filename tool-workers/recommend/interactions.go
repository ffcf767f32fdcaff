package recommend

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// ErrWeight is returned for a weight that is not a positive, finite number.
var ErrWeight = errors.New("weight must be a positive, finite number")

// Entry is an item of a history, and how much it was used: plays, or 1 where only the
// fact is known.
type Entry struct {
	Item   int
	Weight float32
}

// Interactions is who used what how much. Users and items are known by dense indices, in
// the order in which they were first added, and by their keys. It is read-only and safe
// for concurrent use.
type Interactions struct {
	users, items table
	cells        sparse  // users × items
	times        []int64 // beside cells: the latest use in Unix seconds; nil when no row had one
}

// table is a list of distinct keys and their positions.
type table struct {
	keys []string
	at   map[string]int
}

func newTable(keys []string) table {
	t := table{keys: keys, at: make(map[string]int, len(keys))}
	for i, k := range keys {
		t.at[k] = i
	}
	return t
}

// Users returns the number of users.
func (x *Interactions) Users() int { return len(x.users.keys) }

// Items returns the number of items.
func (x *Interactions) Items() int { return len(x.items.keys) }

// Len returns the number of distinct pairs of a user and an item.
func (x *Interactions) Len() int { return len(x.cells.col) }

// User returns the key of a user.
func (x *Interactions) User(user int) string { return x.users.keys[user] }

// Item returns the key of an item.
func (x *Interactions) Item(item int) string { return x.items.keys[item] }

// UserIndex returns the index of the user with a key.
func (x *Interactions) UserIndex(key string) (int, bool) { i, ok := x.users.at[key]; return i, ok }

// ItemIndex returns the index of the item with a key.
func (x *Interactions) ItemIndex(key string) (int, bool) { i, ok := x.items.at[key]; return i, ok }

// History returns a copy of what a user used, by ascending item.
func (x *Interactions) History(user int) []Entry { return entries(x.cells.row(user)) }

func entries(items []uint32, weights []float32) []Entry {
	out := make([]Entry, len(items))
	for i, item := range items {
		out[i] = Entry{Item: int(item), Weight: weights[i]}
	}
	return out
}

// Last returns when a user last used the item at a position of History, in Unix seconds,
// and 0 when that is not known.
func (x *Interactions) Last(user, position int) int64 {
	if x.times == nil {
		return 0
	}
	return x.times[x.cells.ptr[user]+position]
}

// Listeners returns how many users each item has.
func (x *Interactions) Listeners() []uint32 { return x.cells.counts() }

// Filter returns the interactions for which keep is true. The tables of users and items
// stay whole, so that indices mean the same in both.
func (x *Interactions) Filter(keep func(user, item int) bool) *Interactions {
	out := &Interactions{users: x.users, items: x.items}
	out.cells = sparse{cols: x.cells.cols, ptr: make([]int, 1, len(x.cells.ptr))}
	for u := range x.Users() {
		for k := x.cells.ptr[u]; k < x.cells.ptr[u+1]; k++ {
			if !keep(u, int(x.cells.col[k])) {
				continue
			}
			out.cells.col = append(out.cells.col, x.cells.col[k])
			out.cells.val = append(out.cells.val, x.cells.val[k])
			if x.times != nil {
				out.times = append(out.times, x.times[k])
			}
		}
		out.cells.ptr = append(out.cells.ptr, len(out.cells.col))
	}
	return out
}

// Without returns the interactions less the held items of each user; held[u] is ascending.
// Indices mean the same in both.
func (x *Interactions) Without(held [][]int) *Interactions {
	return x.Filter(func(user, item int) bool {
		if user >= len(held) {
			return true
		}
		_, out := slices.BinarySearch(held[user], item)
		return !out
	})
}

// Builder collects interactions. It is not safe for concurrent use.
type Builder struct {
	users, items table
	cells        []cell
	timed        bool
}

type cell struct {
	user, item uint32
	weight     float32
	time       int64
}

// NewBuilder returns an empty Builder.
func NewBuilder() *Builder {
	return &Builder{users: newTable(nil), items: newTable(nil)}
}

// Add adds a use of an item. Weights of equal pairs are summed. at is in Unix seconds, 0
// when it is not known; the latest of equal pairs counts. It fails with ErrWeight, and for
// an empty key.
func (b *Builder) Add(user, item string, weight float64, at int64) error {
	if user == "" || item == "" {
		return fmt.Errorf("user %q, item %q: a key is empty", user, item)
	}
	w := float32(weight)
	if !(w > 0) || math.IsInf(float64(w), 0) {
		return fmt.Errorf("weight %v: %w", weight, ErrWeight)
	}
	b.put(user, item, cell{weight: w, time: at})
	return nil
}

func (b *Builder) put(user, item string, c cell) {
	c.user, c.item = b.users.index(user), b.items.index(item)
	b.cells = append(b.cells, c)
	b.timed = b.timed || c.time != 0
}

// index returns the position of a key, which is added when it is new. The key is copied:
// it may be a part of a longer line.
func (t *table) index(key string) uint32 {
	i, ok := t.at[key]
	if !ok {
		key = strings.Clone(key)
		i = len(t.keys)
		t.keys = append(t.keys, key)
		t.at[key] = i
	}
	return uint32(i)
}

// Build returns what was added. The Builder must not be used after it.
func (b *Builder) Build() *Interactions {
	slices.SortStableFunc(b.cells, func(p, q cell) int {
		return cmp.Or(cmp.Compare(p.user, q.user), cmp.Compare(p.item, q.item))
	})
	x := &Interactions{users: b.users, items: b.items}
	x.cells = sparse{cols: len(b.items.keys), ptr: make([]int, len(b.users.keys)+1)}
	for i, c := range b.cells {
		last := len(x.cells.col) - 1
		if i > 0 && b.cells[i-1].user == c.user && b.cells[i-1].item == c.item {
			x.cells.val[last] = min(x.cells.val[last]+c.weight, math.MaxFloat32)
			x.touch(last, c.time)
			continue
		}
		x.cells.col = append(x.cells.col, c.item)
		x.cells.val = append(x.cells.val, c.weight)
		if b.timed {
			x.times = append(x.times, c.time)
		}
		x.cells.ptr[c.user+1] = len(x.cells.col)
	}
	for u := range len(x.cells.ptr) - 1 {
		x.cells.ptr[u+1] = max(x.cells.ptr[u+1], x.cells.ptr[u])
	}
	b.cells = nil
	return x
}

// touch keeps the latest time of a cell.
func (x *Interactions) touch(k int, at int64) {
	if x.times != nil {
		x.times[k] = max(x.times[k], at)
	}
}
