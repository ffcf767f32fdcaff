package catalog

import (
	"cmp"
	"iter"
	"math"
	"slices"
	"strings"
)

// A column holds one attribute of all entries of a type. Columns are few and large, and
// hold no pointers but their own: a catalogue costs its bytes and no work of the garbage
// collector.
type column interface {
	ordered
	coded
}

type ordered interface {
	// rows returns how many entries the column has.
	rows() int
	// reorder puts the entries in an order: the i-th was the order[i]-th.
	reorder(order []uint32)
}

type coded interface {
	encode(e *encoder)
	decode(d *decoder)
	// sound reports whether every entry can be read.
	sound() bool
}

// numbers is a column of small numbers.
type numbers[T uint8 | uint16 | uint32] []T

func (n *numbers[T]) rows() int { return len(*n) }

func (n *numbers[T]) add(v T) { *n = append(*n, v) }

func (n *numbers[T]) reorder(order []uint32) {
	out := make(numbers[T], len(order))
	for i, from := range order {
		out[i] = (*n)[from]
	}
	*n = out
}

// clamp returns the T that is closest to v.
func clamp[T uint8 | uint16 | uint32](v int) T { return T(min(max(v, 0), int(^T(0)))) }

// texts is a column of strings, one after the other in one piece of memory. What at
// returns shares it.
type texts struct {
	ends []uint32
	all  strings.Builder
}

// maxText bounds all the strings of a column together.
const maxText = math.MaxUint32

func (t *texts) rows() int { return len(t.ends) }

func (t *texts) at(i int) string {
	from := uint32(0)
	if i > 0 {
		from = t.ends[i-1]
	}
	return t.all.String()[from:t.ends[i]]
}

// add appends s. Whether there is room for it is checked by the caller, see [texts.room].
func (t *texts) add(s string) {
	t.all.WriteString(s)
	t.ends = append(t.ends, uint32(t.all.Len()))
}

// room reports whether a string of n bytes still fits.
func (t *texts) room(n int) bool { return t.all.Len()+n <= maxText }

func (t *texts) reorder(order []uint32) {
	out := texts{ends: make([]uint32, 0, len(order))}
	out.all.Grow(t.all.Len())
	for _, from := range order {
		out.add(t.at(int(from)))
	}
	t.ends = out.ends
	t.all.Reset()
	t.all.WriteString(out.all.String())
}

// lists is a column of lists of numbers: entries of another type, or terms.
type lists struct {
	ends []uint32
	all  []uint32
}

func (l *lists) rows() int { return len(l.ends) }

// at returns the list of one entry. The caller must not change it.
func (l *lists) at(i int) []uint32 {
	from := uint32(0)
	if i > 0 {
		from = l.ends[i-1]
	}
	return l.all[from:l.ends[i]:l.ends[i]]
}

func (l *lists) add(list []uint32) {
	l.all = append(l.all, list...)
	l.ends = append(l.ends, uint32(len(l.all)))
}

func (l *lists) reorder(order []uint32) {
	out := lists{ends: make([]uint32, 0, len(order)), all: make([]uint32, 0, len(l.all))}
	for _, from := range order {
		out.add(l.at(int(from)))
	}
	*l = out
}

// group returns the lists of n owners from pairs of an owner and a member. Members of an
// owner keep their order. pairs is gone through twice.
func group(n int, pairs iter.Seq2[uint32, uint32]) lists {
	l := lists{ends: make([]uint32, n)}
	for owner := range pairs {
		l.ends[owner]++
	}
	total := uint32(0)
	next := make([]uint32, n)
	for i, size := range l.ends {
		next[i] = total
		total += size
		l.ends[i] = total
	}
	l.all = make([]uint32, total)
	for owner, member := range pairs {
		l.all[next[owner]] = member
		next[owner]++
	}
	return l
}

// textLists is a column of lists of strings.
type textLists struct {
	ends  []uint32
	items texts
}

func (l *textLists) rows() int { return len(l.ends) }

func (l *textLists) at(i int) []string {
	from := uint32(0)
	if i > 0 {
		from = l.ends[i-1]
	}
	if from == l.ends[i] {
		return nil
	}
	out := make([]string, 0, l.ends[i]-from)
	for n := from; n < l.ends[i]; n++ {
		out = append(out, l.items.at(int(n)))
	}
	return out
}

func (l *textLists) add(list []string) {
	for _, s := range list {
		l.items.add(s)
	}
	l.ends = append(l.ends, uint32(l.items.rows()))
}

func (l *textLists) reorder(order []uint32) {
	ends := make([]uint32, 0, len(order))
	items := make([]uint32, 0, l.items.rows())
	for _, i := range order {
		from := uint32(0)
		if i > 0 {
			from = l.ends[i-1]
		}
		for n := from; n < l.ends[i]; n++ {
			items = append(items, n)
		}
		ends = append(ends, uint32(len(items)))
	}
	l.ends = ends
	l.items.reorder(items)
}

// terms are words that many entries share: genres, moods, languages. A term is named by
// its place; 0 is "".
type terms struct {
	texts
	places map[string]uint32
}

func (t *terms) init() {
	t.places = map[string]uint32{}
	t.place("")
}

// place returns the place of a term, which is added if need be.
func (t *terms) place(s string) uint32 {
	i, ok := t.places[s]
	if !ok {
		i = uint32(t.rows())
		t.add(s)
		t.places[t.at(int(i))] = i
	}
	return i
}

func (t *terms) strings(places []uint32) []string {
	if len(places) == 0 {
		return nil
	}
	out := make([]string, len(places))
	for i, p := range places {
		out[i] = t.at(int(p))
	}
	return out
}

// reindex fills the places anew, after decoding.
func (t *terms) reindex() {
	t.places = make(map[string]uint32, t.rows())
	for i := range t.rows() {
		t.places[t.at(i)] = uint32(i)
	}
}

// identity returns the numbers below n in order.
func identity(n int) []uint32 {
	order := make([]uint32, n)
	for i := range order {
		order[i] = uint32(i)
	}
	return order
}

// sorted returns the order of n entries by a comparison, ties by place.
func sorted(n int, compare func(a, b uint32) int) []uint32 {
	order := identity(n)
	slices.SortFunc(order, func(a, b uint32) int { return cmp.Or(compare(a, b), cmp.Compare(a, b)) })
	return order
}

// inverse returns where each entry went in an order.
func inverse(order []uint32) []uint32 {
	out := make([]uint32, len(order))
	for to, from := range order {
		out[from] = uint32(to)
	}
	return out
}
