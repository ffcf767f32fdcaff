package metrics

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// Dirty returns the cells that have changed since they were last returned, at most
// Config.Batch of them: call it until it returns none. Each has a higher revision than
// before. The next call, and only it, takes the returned ones for published; a snapshot
// that is saved earlier publishes them again.
func (w *Windows) Dirty(now time.Time) []schemas.OnlineMetrics {
	cells := w.takeDirty()
	out := make([]schemas.OnlineMetrics, len(cells))
	for i := range cells {
		out[i] = cells[i].online(now)
	}
	return out
}

func (w *Windows) takeDirty() []copied {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.sent {
		if c.state == sent {
			c.state, c.window.saved = clean, nil
		}
	}
	w.sent = w.sent[:0]
	w.retire()
	var out []copied
	for len(out) == 0 && len(w.dirty) > 0 {
		out = w.takeSome()
	}
	return out
}

// takeSome takes a batch of what has changed, but for what must not be published.
func (w *Windows) takeSome() []copied {
	n := min(len(w.dirty), w.cfg.Batch)
	out := make([]copied, 0, n)
	for _, c := range w.dirty[:n] {
		c.window.saved = nil
		if w.stands(c) {
			c.state = clean
			continue
		}
		c.state = sent
		out = append(out, w.revise(c))
		w.sent = append(w.sent, c)
	}
	w.dirty = append(w.dirty[:0:0], w.dirty[n:]...)
	return out
}

// stands reports whether what was published of a cell by an earlier state is to stand: the
// window began before what this state knows of, and its counts would be too low. The sums of
// all time begin anew.
func (w *Windows) stands(c *cell) bool {
	if c.revision > 0 || c.window.key.kind == schemas.WindowAll || !c.window.key.time().Before(w.begins) {
		return false
	}
	_, published := w.seeds[w.name(c)]
	return published
}

// name returns the key of the record of a cell.
func (w *Windows) name(c *cell) string {
	return schemas.OnlineMetrics{Window: c.window.key.kind, Start: c.window.key.time(), Cut: w.cut(c.key)}.Key()
}

// Begins implements [outcome.Beginner]: what was published of windows that began before
// stands as it is.
func (w *Windows) Begins(at time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if at.After(w.begins) {
		w.begins = at
	}
}

// Begun returns the time from which on all searches are known; zero if none are missing.
func (w *Windows) Begun() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.begins
}

// revise gives a cell its next revision and returns it as it is.
func (w *Windows) revise(c *cell) copied {
	cut := w.cut(c.key)
	if len(w.seeds) > 0 {
		key := w.name(c)
		if seed, ok := w.seeds[key]; ok {
			c.revision = max(c.revision, seed)
			delete(w.seeds, key)
		}
	}
	c.revision++
	return c.copy(cut)
}

// Seed says which revision of a key (of [schemas.OnlineMetrics]) was published before this
// process began; later ones are higher. Call it for what is on the topic before the first
// call of Dirty.
func (w *Windows) Seed(key string, revision int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seeds[key] = max(w.seeds[key], revision)
}

// Seeded forgets what Seed said of keys that have not changed since.
func (w *Windows) Seeded() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.seeds = map[string]int{}
}

// List returns the cells of a window as they are now, sorted by cut. The start of
// schemas.WindowAll is zero.
func (w *Windows) List(kind string, start, now time.Time) []schemas.OnlineMetrics {
	key := windowKey{kind: kind}
	if !start.IsZero() {
		key.start = start.Unix()
	}
	cells := w.copyWindow(key, func(*cutSpec) bool { return true })
	out := make([]schemas.OnlineMetrics, len(cells))
	for i := range cells {
		out[i] = cells[i].online(now)
	}
	slices.SortFunc(out, func(a, b schemas.OnlineMetrics) int { return strings.Compare(a.Cut.String(), b.Cut.String()) })
	return out
}

// copyWindow returns the cells of a window whose cut is wanted.
func (w *Windows) copyWindow(key windowKey, wanted func(*cutSpec) bool) []copied {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, ok := w.windows[key]
	if !ok {
		return nil
	}
	out := make([]copied, 0, len(n.cells))
	for k, c := range n.cells {
		if wanted(&w.cuts[k.cut]) {
			out = append(out, c.copy(w.cut(k)))
		}
	}
	return out
}

// Starts returns the starts of the windows of a kind that are held, in order.
func (w *Windows) Starts(kind string) []time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []time.Time
	for key := range w.windows {
		if key.kind == kind {
			out = append(out, key.time())
		}
	}
	slices.SortFunc(out, func(a, b time.Time) int { return cmp.Compare(a.UnixNano(), b.UnixNano()) })
	return out
}

// Cells returns how many cells are held.
func (w *Windows) Cells() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.cells
}

func (k windowKey) time() time.Time {
	if k.kind == schemas.WindowAll {
		return time.Time{}
	}
	return time.Unix(k.start, 0).UTC()
}

// online returns the message.
func (c *copied) online(now time.Time) schemas.OnlineMetrics {
	m := schemas.OnlineMetrics{
		SchemaVersion: schemas.Version, Window: c.window.kind, Start: c.window.time(), Cut: c.cut,
		Revision: c.revision, Counts: c.searchCounts(), AsOf: now.UTC(),
	}
	m.Rates = Rates(m.Counts, m.Cut)
	if c.shared {
		if share, ok := FirstSuccessShare(m.Counts, schemas.SearchCounts{Successes: int(c.parent)}); ok {
			m.Rates["first_success_share"] = share
		}
	}
	return m
}
