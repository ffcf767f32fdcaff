package metrics

import (
	"cmp"
	"slices"

	"github.com/parallel-fusion/pfr/consumers/outcome"
	"github.com/parallel-fusion/pfr/schemas"
)

// day says by which values the searches of one day of UTC are told apart. It holds for every
// window of the day and for what the day adds to schemas.WindowAll, as long as one of its
// windows is kept: what was added for a value can be subtracted.
type day struct {
	told [dims]map[uint32]bool // numbers of values
}

// place is what decides in which cells of a window a search is counted.
type place struct {
	shape *outcome.Shape
	day   *day
}

const secondsPerDay = 24 * 60 * 60

// dayOf returns the start of the day of a time, in Unix seconds.
func dayOf(s int64) int64 { return s - ((s%secondsPerDay)+secondsPerDay)%secondsPerDay }

// busyShare is the part of the values of a day, in percent, that is kept for the values with
// the most searches of the day before, so that junk that comes first does not take it all.
const busyShare = 75

// day returns the values of the day that starts at a time.
func (w *Windows) day(start int64) *day {
	if t, ok := w.days[start]; ok {
		return t
	}
	t := w.addDay(start)
	before := w.windows[windowKey{schemas.WindowDay, start - secondsPerDay}]
	for d := range dims {
		if before == nil || w.values[d].fixed {
			continue
		}
		busy := w.busiest(before, d)
		for _, n := range busy[:min(len(busy), w.cfg.Values*busyShare/100)] {
			w.tell(t, d, n)
		}
	}
	return t
}

func (w *Windows) addDay(start int64) *day {
	t := &day{}
	for d := range dims {
		t.told[d] = map[uint32]bool{}
	}
	w.days[start] = t
	return t
}

func (w *Windows) tell(t *day, d dim, n uint32) {
	if !t.told[d][n] {
		t.told[d][n] = true
		w.values[d].uses[n]++
	}
}

// busiest returns the values of a dimension that have searches in a window, most first.
func (w *Windows) busiest(n *window, d dim) []uint32 {
	searches := map[uint32]int64{}
	cut := slices.IndexFunc(w.cuts, func(s cutSpec) bool { return slices.Contains(s.dims, d) })
	for key, c := range n.cells {
		if int(key.cut) != cut {
			continue
		}
		if v := key.values[slices.Index(w.cuts[cut].dims, d)]; v != 0 && c.counts[cSearches] > 0 {
			searches[v] += c.counts[cSearches]
		}
	}
	list := make([]uint32, 0, len(searches))
	for v := range searches {
		list = append(list, v)
	}
	names := w.values[d].names
	slices.SortFunc(list, func(a, b uint32) int {
		return cmp.Or(cmp.Compare(searches[b], searches[a]), cmp.Compare(names[a], names[b]))
	})
	return list
}

// number returns the number of a value that is not "" on a day.
func (w *Windows) number(t *day, d dim, name string) uint32 {
	v := &w.values[d]
	n := v.numbers[name] // 0 if it has none, as Other
	switch {
	case v.fixed || name == Other || t.told[d][n]:
		return n
	case len(t.told[d]) >= w.cfg.Values:
		return 0
	}
	n = v.number(name)
	w.tell(t, d, n)
	return n
}

// leaveDays forgets the days of which no window is kept, and frees the values that no day
// tells apart any more.
func (w *Windows) leaveDays() {
	kept := map[int64]bool{}
	for key := range w.windows {
		kept[dayOf(key.start)] = kept[dayOf(key.start)] || key.kind != schemas.WindowAll
	}
	for start, t := range w.days {
		if kept[start] {
			continue
		}
		delete(w.days, start)
		for d := range dims {
			for n := range t.told[d] {
				w.values[d].uses[n]--
			}
		}
	}
	if all, ok := w.windows[windowKey{kind: schemas.WindowAll}]; ok {
		w.release(all)
	}
}

// release moves what schemas.WindowAll holds of values that are gone to Other. Their cells
// leave when that has been published, and then the values are free.
func (w *Windows) release(all *window) {
	var gone []*cell
	for key, c := range all.cells {
		if w.folded(key) != key {
			gone = append(gone, c)
		}
	}
	for _, c := range gone {
		if c.counts != (tally{}) {
			w.fold(c)
		}
	}
	slices.SortFunc(gone, func(a, b *cell) int { return len(a.children) - len(b.children) }) // children leave first
	gone = slices.DeleteFunc(gone, func(c *cell) bool {
		leaves := c.state == clean && len(c.children) == 0
		if leaves {
			w.drop(c)
		}
		return leaves
	})
	w.moved = w.moved || len(gone) > 0 // look again
	var held [dims]map[uint32]bool
	for d := range dims {
		held[d] = map[uint32]bool{}
	}
	for _, c := range gone {
		for i, d := range w.cuts[c.key.cut].dims {
			held[d][c.key.values[i]] = true
		}
	}
	for d := range dims {
		w.values[d].release(held[d])
	}
}

// folded returns the key with Other for values that are gone.
func (w *Windows) folded(key cellKey) cellKey {
	for i, d := range w.cuts[key.cut].dims {
		if w.values[d].gone(key.values[i]) {
			key.values[i] = 0
		}
	}
	return key
}

// fold moves all that a cell has counted to the cell of its folded key.
func (w *Windows) fold(c *cell) {
	to := w.cell(c.window, w.folded(c.key))
	for i := range c.counts {
		to.counts[i] += c.counts[i]
	}
	to.ranks.merge(&c.ranks)
	to.success.merge(&c.success)
	for i := range c.latency {
		to.latency[i].merge(&c.latency[i])
		c.latency[i] = hist{}
	}
	c.counts, c.ranks, c.success = tally{}, hist{}, hist{}
	w.mark(c)
	w.mark(to)
	for _, child := range to.children {
		w.mark(child) // its share has changed
	}
}

// drop removes a cell without children. One that comes in its place has higher revisions.
func (w *Windows) drop(c *cell) {
	n := c.window
	delete(n.cells, c.key)
	n.floor, n.saved = max(n.floor, c.revision), nil
	w.cells--
	w.rows -= len(n.rows) // those of days that are gone would keep the cell
	clear(n.rows)
	if c.parent != nil {
		c.parent.children = slices.DeleteFunc(c.parent.children, func(o *cell) bool { return o == c })
	}
}
