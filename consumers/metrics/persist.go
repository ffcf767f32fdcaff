package metrics

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/parallel-fusion/pfr/consumers/outcome"
)

// Name implements [outcome.Part].
func (w *Windows) Name() string { return "windows" }

// form is the version of the saved form: numbers of variable length, as most are small.
const form = "2|"

// Save implements [outcome.Part].
func (w *Windows) Save(out io.Writer) error { return w.Freeze()(out) }

// Freeze implements [outcome.Freezer]. Only windows that have changed since the last time
// are encoded in it.
func (w *Windows) Freeze() (save func(io.Writer) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := appendNumbers(appendText(nil, form+w.fingerprint()), w.settled.Unix())
	for d := range dims {
		b = appendNumbers(b, int64(len(w.values[d].names)-1))
		for _, name := range w.values[d].names[1:] {
			b = appendText(b, name)
		}
	}
	b = w.appendDays(b)
	b = appendNumbers(b, int64(len(w.windows)))
	pieces := [][]byte{b}
	for key, n := range w.windows {
		pieces = append(pieces, appendNumbers(appendText(nil, key.kind), key.start), n.save())
	}
	if !w.begins.IsZero() {
		pieces = append(pieces, appendNumbers(nil, w.begins.UnixMilli()))
	}
	return func(out io.Writer) error {
		for _, piece := range pieces {
			if _, err := out.Write(piece); err != nil {
				return fmt.Errorf("save windows: %w", err)
			}
		}
		return nil
	}
}

func (w *Windows) appendDays(b []byte) []byte {
	b = appendNumbers(b, int64(len(w.days)))
	for start, t := range w.days {
		b = appendNumbers(b, start)
		for d := range dims {
			b = appendNumbers(b, int64(len(t.told[d])))
			for n := range t.told[d] {
				b = appendNumbers(b, int64(n))
			}
		}
	}
	return b
}

// save returns the cells as they are saved. Most windows are over, and are the same as they
// were the last time.
func (n *window) save() []byte {
	if n.saved == nil {
		b := appendNumbers(nil, int64(len(n.cells)))
		for _, c := range n.cells {
			b = c.append(b)
		}
		n.saved = slices.Clip(b)
	}
	return n.saved
}

func (c *cell) append(b []byte) []byte {
	b = appendNumbers(b, int64(c.key.cut), int64(c.revision), int64(min(c.state, dirty))) // one that was sent may not be published
	for _, v := range c.key.values {
		b = appendNumbers(b, int64(v))
	}
	b = appendNumbers(b, c.counts[:]...)
	b = c.success.append(c.ranks.append(b))
	b = appendNumbers(b, int64(len(c.latency)))
	for i := range c.latency {
		b = c.latency[i].append(b)
	}
	return b
}

func (h *hist) append(b []byte) []byte {
	b = appendNumbers(b, int64(h.zero), int64(len(h.bins)))
	for _, one := range h.bins {
		b = appendNumbers(b, int64(one.i), int64(one.n))
	}
	return b
}

func appendNumbers(b []byte, numbers ...int64) []byte {
	for _, n := range numbers {
		b = binary.AppendVarint(b, n)
	}
	return b
}

func appendText(b []byte, s string) []byte { return append(appendNumbers(b, int64(len(s))), s...) }

// Load implements [outcome.Part]. A state that was saved with other cuts cannot be used.
func (w *Windows) Load(in io.Reader) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.empty()
	b, err := io.ReadAll(in)
	if err != nil {
		return fmt.Errorf("load windows: %w", err)
	}
	if len(b) == 0 {
		return nil
	}
	r := &source{rest: b}
	if print := r.text(); print != form+w.fingerprint() {
		return errors.New("load windows: they were saved in another form or with other cuts")
	}
	w.restore(r)
	if r.bad || len(r.rest) > 0 {
		w.empty()
		return errors.New("load windows: not as it was saved")
	}
	return nil
}

func (w *Windows) restore(r *source) {
	w.settled, w.moved = time.Unix(r.number(), 0).UTC(), true
	for d := range dims {
		w.values[d].restore(r)
	}
	for days := r.number(); days > 0 && !r.bad; days-- {
		w.restoreDay(r)
	}
	for windows := r.number(); windows > 0 && !r.bad; windows-- {
		kind := r.text()
		n := w.window(windowKey{kind, r.number()})
		rest := r.rest
		for cells := r.number(); cells > 0 && !r.bad; cells-- {
			w.restoreCell(n, r)
		}
		n.saved = slices.Clone(rest[:len(rest)-len(r.rest)]) // nothing has changed yet
	}
	if len(r.rest) > 0 && !r.bad {
		w.begins = time.UnixMilli(r.number()).UTC()
	}
}

// restore replaces the values, but for whether they are fixed.
func (v *values) restore(r *source) {
	fixed := v.fixed
	*v = newValues(nil)
	v.fixed = fixed
	for n := r.number(); n > 0 && !r.bad; n-- {
		name := r.text()
		if name == "" {
			v.free = append(v.free, uint32(len(v.names)))
		} else {
			v.numbers[name] = uint32(len(v.names))
		}
		v.names, v.uses = append(v.names, name), append(v.uses, 0)
	}
}

func (w *Windows) restoreDay(r *source) {
	t := w.addDay(r.number())
	for d := range dims {
		for n := r.number(); n > 0 && !r.bad; n-- {
			v := r.number()
			if r.bad = r.bad || !w.values[d].knows(v); !r.bad {
				w.tell(t, d, uint32(v))
			}
		}
	}
}

func (w *Windows) restoreCell(n *window, r *source) {
	key, revision, saved := cellKey{cut: uint8(r.number())}, r.number(), state(r.number())
	for i := range key.values {
		key.values[i] = uint32(r.number())
	}
	r.bad = r.bad || int(key.cut) >= len(w.cuts)
	for i, d := range w.dimsOf(key) {
		r.bad = r.bad || !w.values[d].knows(int64(key.values[i]))
	}
	if r.bad {
		return
	}
	c := w.cell(n, key)
	c.revision = int(revision)
	for i := range c.counts {
		c.counts[i] = r.number()
	}
	c.ranks.restore(r)
	c.success.restore(r)
	if r.bad = r.bad || int(r.number()) != len(c.latency); r.bad {
		return
	}
	for i := range c.latency {
		c.latency[i].restore(r)
	}
	if saved != clean {
		w.mark(c)
	}
}

func (w *Windows) dimsOf(key cellKey) []dim {
	if int(key.cut) >= len(w.cuts) {
		return nil
	}
	return w.cuts[key.cut].dims
}

func (h *hist) restore(r *source) {
	h.zero = int32(r.number())
	for n := r.number(); n > 0 && !r.bad; n-- {
		h.bins = append(h.bins, bin{int16(r.number()), int32(r.number())})
	}
}

// source reads what was saved. Once it is bad it returns zeros.
type source struct {
	rest []byte
	bad  bool
}

func (r *source) number() int64 {
	n, size := binary.Varint(r.rest)
	if size <= 0 || r.bad {
		r.bad = true
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *source) text() string {
	n := r.number()
	if n < 0 || n > int64(len(r.rest)) {
		r.bad = true
		return ""
	}
	s := string(r.rest[:n])
	r.rest = r.rest[n:]
	return s
}

var (
	_ outcome.Beginner = (*Windows)(nil)
	_ outcome.Freezer  = (*Windows)(nil)
	_ outcome.Part     = (*Windows)(nil)
)
