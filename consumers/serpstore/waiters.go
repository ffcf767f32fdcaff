package serpstore

import (
	"sync"

	"github.com/parallel-fusion/pfr/schemas"
)

// waiters are those who wait for a page, by correlation id.
type waiters struct {
	mu sync.Mutex
	by map[string][]chan schemas.SERP // each has room for one page
}

func newWaiters() waiters { return waiters{by: map[string][]chan schemas.SERP{}} }

// wait returns a channel that gets the page when it comes. The caller calls stop.
func (w *waiters) wait(id string) (arrived <-chan schemas.SERP, stop func()) {
	ch := make(chan schemas.SERP, 1)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.by[id] = append(w.by[id], ch)
	return ch, func() { w.remove(id, ch) }
}

func (w *waiters) remove(id string, ch chan schemas.SERP) {
	w.mu.Lock()
	defer w.mu.Unlock()
	kept := w.by[id][:0]
	for _, c := range w.by[id] {
		if c != ch {
			kept = append(kept, c)
		}
	}
	if w.by[id] = kept; len(kept) == 0 {
		delete(w.by, id)
	}
}

func (w *waiters) wake(page schemas.SERP) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ch := range w.by[page.CorrelationID] {
		select {
		case ch <- page:
		default: // a replay of the page it has
		}
	}
}
