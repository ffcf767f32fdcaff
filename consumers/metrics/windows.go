package metrics

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/consumers/outcome"
	"github.com/parallel-fusion/pfr/schemas"
)

// Windows counts the outcomes of searches. It is an [outcome.Subscriber] and an
// [outcome.Part]. It is safe for concurrent use.
type Windows struct {
	cfg  Config
	cuts []cutSpec

	mu      sync.Mutex
	values  [dims]values
	days    map[int64]*day // by start, in Unix seconds
	windows map[windowKey]*window
	cells   int
	rows    int // in all windows
	dirty   []*cell
	sent    []*cell
	seeds   map[string]int // last known revisions, by key
	settled time.Time
	moved   bool      // settled has moved since windows were last retired
	begins  time.Time // searches before it are missing; zero: none are

	room room
}

// cutSpec is a cut of the configuration.
type cutSpec struct {
	name    string
	dims    []dim
	slots   bool // it is by section or tool
	parent  int  // the same cut without section and tool; -1 if there is none
	minutes bool
	stages  bool
}

// windowKey names a window.
type windowKey struct {
	kind  string // schemas.WindowMinute, ...
	start int64  // Unix seconds; 0 for schemas.WindowAll
}

// window is one window of time.
type window struct {
	key   windowKey
	cells map[cellKey]*cell
	floor int            // revisions of cells that left
	rows  map[place]*row // a cache: the cells that searches are counted in
	saved []byte         // a cache: how the cells are saved, never written to; nil once one has changed
}

// row is where searches of one shape are counted.
type row struct {
	page   []*cell
	groups []group
}

// group is the sections of a page that are counted in the same cells.
type group struct {
	cells []*cell
	slots []int
}

// maxRows bounds the cache of rows.
const maxRows = 1 << 15

// New returns empty Windows, which are shown by reg.
func New(cfg Config, reg prometheus.Registerer) (*Windows, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("metrics config: %w", err)
	}
	w := &Windows{cfg: cfg}
	for _, name := range cfg.Cuts {
		list, err := parseCut(name)
		if err != nil {
			return nil, fmt.Errorf("metrics config: %w", err)
		}
		w.cuts = append(w.cuts, cutSpec{
			name: name, dims: list, slots: slices.ContainsFunc(list, ofSlots), parent: -1,
			minutes: slices.Contains(cfg.Minutes, name), stages: slices.Contains(cfg.Stages, name),
		})
	}
	for i := range w.cuts {
		if rest := slices.DeleteFunc(slices.Clone(w.cuts[i].dims), ofSlots); w.cuts[i].slots {
			w.cuts[i].parent = slices.IndexFunc(w.cuts, func(c cutSpec) bool { return slices.Equal(c.dims, rest) })
		}
	}
	w.empty()
	if reg != nil {
		reg.MustRegister(newCollector(w, time.Now))
	}
	return w, nil
}

// ofSlots reports whether a dimension is of sections.
func ofSlots(d dim) bool { return d == dimSection || d == dimTool }

func (w *Windows) empty() {
	for d := range dims {
		w.values[d] = newValues(w.cfg.Only[d.String()])
	}
	w.days, w.windows, w.seeds = map[int64]*day{}, map[windowKey]*window{}, map[string]int{}
	w.cells, w.rows, w.dirty, w.sent, w.settled, w.moved, w.begins = 0, 0, nil, nil, time.Time{}, false, time.Time{}
}

// Changed implements [outcome.Subscriber].
func (w *Windows) Changed(c outcome.Change) {
	if c.Erased {
		return // nothing here depends on who asked
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	m := &w.room
	m.ofPage(c)
	p := place{c.After.Shape, w.day(dayOf(c.After.At.Unix()))}
	for _, key := range windowsOf(c.After.At) {
		r := w.window(key).row(w, p)
		w.count(r.page, &m.page, &c.After.Timings)
		for _, g := range r.groups {
			if m.ofSections(c, g.slots) {
				w.count(g.cells, &m.section, &c.After.Timings)
			}
		}
	}
}

// windowsOf returns the windows of a time.
func windowsOf(at time.Time) [4]windowKey {
	s := at.Unix()
	start := func(kind string, length int64) windowKey { return windowKey{kind, s - ((s%length)+length)%length} }
	return [...]windowKey{
		start(schemas.WindowMinute, 60), start(schemas.WindowHour, 3600), start(schemas.WindowDay, 86400), {kind: schemas.WindowAll},
	}
}

// count counts a difference in cells.
func (w *Windows) count(cells []*cell, d *difference, timings *[outcome.Stages]outcome.Bin) {
	if d.unmoved {
		return
	}
	for _, cell := range cells {
		cell.apply(d, timings)
		w.mark(cell)
		for i := 0; d.successes && i < len(cell.children); i++ {
			w.mark(cell.children[i]) // their share has changed
		}
	}
}

func (w *Windows) mark(c *cell) {
	c.window.saved = nil
	if c.state != dirty {
		c.state = dirty
		w.dirty = append(w.dirty, c)
	}
}

func (w *Windows) window(key windowKey) *window {
	n, ok := w.windows[key]
	if !ok {
		n = &window{key: key, cells: map[cellKey]*cell{}, rows: map[place]*row{}}
		w.windows[key] = n
	}
	return n
}

// row returns where searches are counted.
func (n *window) row(w *Windows, p place) *row {
	r, ok := n.rows[p]
	if ok {
		return r
	}
	if w.rows++; w.rows > maxRows {
		for _, other := range w.windows {
			clear(other.rows)
		}
		w.rows = 1
	}
	r = &row{}
	for i := range w.cuts {
		switch spec := &w.cuts[i]; {
		case n.key.kind == schemas.WindowMinute && !spec.minutes:
		case spec.slots:
			r.addSlots(w, n, i, p)
		default:
			if key, ok := w.key(i, p, 0); ok {
				r.page = append(r.page, w.cell(n, key))
			}
		}
	}
	n.rows[p] = r
	return r
}

// addSlots adds the cells of the sections of a shape, grouped by cell: a tool may have
// several sections of a page.
func (r *row) addSlots(w *Windows, n *window, cut int, p place) {
	from := len(r.groups)
	for slot := range p.shape.Slots {
		key, ok := w.key(cut, p, slot)
		if !ok {
			continue
		}
		c := w.cell(n, key)
		i := slices.IndexFunc(r.groups[from:], func(g group) bool { return g.cells[0] == c })
		if i < 0 {
			r.groups = append(r.groups, group{cells: []*cell{c}})
			i = len(r.groups) - 1 - from
		}
		g := &r.groups[from+i]
		g.slots = append(g.slots, slot)
	}
}

// key returns the cell of a shape in a cut; ok is false if it has no value of a dimension.
func (w *Windows) key(cut int, p place, slot int) (key cellKey, ok bool) {
	key.cut = uint8(cut)
	for i, d := range w.cuts[cut].dims {
		v := d.of(p.shape, slot)
		if v == "" {
			return key, false
		}
		key.values[i] = w.number(p.day, d, v)
	}
	return key, true
}

// cell returns the cell of a key.
func (w *Windows) cell(n *window, key cellKey) *cell {
	if c, ok := n.cells[key]; ok {
		return c
	}
	spec := &w.cuts[key.cut]
	c := &cell{key: key, window: n, revision: n.floor}
	switch {
	case spec.slots:
	case spec.stages && n.key.kind != schemas.WindowMinute:
		c.latency = make([]hist, outcome.Stages)
	default:
		c.latency = make([]hist, 1) // of the whole page
	}
	n.cells[key], n.saved = c, nil
	w.cells++
	if spec.parent >= 0 {
		up := cellKey{cut: uint8(spec.parent)}
		copy(up.values[:], key.values[:len(w.cuts[spec.parent].dims)]) // section and tool come last
		c.parent = w.cell(n, up)
		c.parent.children = append(c.parent.children, c)
	}
	return c
}

// cut returns the names of a cell's values.
func (w *Windows) cut(key cellKey) (c schemas.Cut) {
	for i, d := range w.cuts[key.cut].dims {
		d.set(&c, w.values[d].names[key.values[i]])
	}
	return c
}

// Settled implements [outcome.Subscriber].
func (w *Windows) Settled(before time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if before.After(w.settled) {
		w.settled, w.moved = before, true
	}
}

// retire drops windows that do not change any more, once they have been published and kept
// long enough.
func (w *Windows) retire() {
	if !w.moved {
		return
	}
	w.moved = false
	for key, n := range w.windows {
		if w.keeps(key) {
			continue
		}
		unpublished := false
		for _, c := range n.cells {
			unpublished = unpublished || c.state != clean
		}
		if unpublished {
			w.moved = true // look again
			continue
		}
		w.cells -= len(n.cells)
		w.rows -= len(n.rows)
		delete(w.windows, key)
	}
	w.leaveDays()
}

// keeps reports whether a window may still change, or is kept all the same.
func (w *Windows) keeps(key windowKey) bool {
	var length, kept time.Duration
	switch key.kind {
	case schemas.WindowMinute:
		length = time.Minute
	case schemas.WindowHour:
		length, kept = time.Hour, w.cfg.Hours
	case schemas.WindowDay:
		length, kept = 24*time.Hour, w.cfg.Days
	default:
		return true
	}
	return time.Unix(key.start, 0).Add(length + kept).After(w.settled)
}

// fingerprint is what a saved state depends on.
func (w *Windows) fingerprint() string {
	c := &w.cfg
	return fmt.Sprint(strings.Join(c.Cuts, ","), "|", strings.Join(c.Minutes, ","), "|", strings.Join(c.Stages, ","), "|", c.Values, "|", c.Only)
}
