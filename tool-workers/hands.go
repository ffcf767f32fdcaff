package tools

import (
	"sync"

	"github.com/parallel-fusion/pfr/schemas"
)

// hands are the calls that a worker has in hand. Workers of a tool get calls by chance, so
// that the repeat of a slow call may come to the worker that is slow with it.
type hands struct {
	mu    sync.Mutex
	calls map[callID]int
}

// callID is what a call and its repeat have in common.
type callID struct{ correlationID, section string }

func newHands() hands { return hands{calls: map[callID]int{}} }

// take notes that a call is in hand until put is called. It refuses the repeat of one that
// is.
func (h *hands) take(req schemas.ToolRequest) (put func(), ok bool) {
	id := callID{req.CorrelationID, req.Section}
	h.mu.Lock()
	defer h.mu.Unlock()
	if req.Repeat && h.calls[id] > 0 {
		return nil, false
	}
	h.calls[id]++
	return func() { h.put(id) }, true
}

func (h *hands) put(id callID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.calls[id]--; h.calls[id] == 0 {
		delete(h.calls, id)
	}
}
