package stream

import "sync"

// tracker keeps the watermark of a partition: the offset after the contiguous run of finished
// records. It counts delivered records, not offsets: compacted topics have gaps. It is safe for
// concurrent use, but add is called in offset order by one goroutine.
type tracker struct {
	mu        sync.Mutex
	pending   []pendingRecord // delivered and above the watermark, in order
	first     uint64          // ticket of pending[0]
	watermark int64           // next offset to commit; -1 before the first record is finished
}

type pendingRecord struct {
	offset int64
	done   bool
}

func newTracker() *tracker { return &tracker{watermark: -1} }

// add registers a delivered record and returns its ticket for finish.
func (t *tracker) add(offset int64) (ticket uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pending = append(t.pending, pendingRecord{offset: offset})
	return t.first + uint64(len(t.pending)) - 1
}

// finish marks a record whose effect is durable. A ticket is finished once.
func (t *tracker) finish(ticket uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pending[ticket-t.first].done = true
	n := 0
	for n < len(t.pending) && t.pending[n].done {
		t.watermark = t.pending[n].offset + 1
		n++
	}
	t.pending = t.pending[n:]
	t.first += uint64(n)
}

// committable returns the offset to commit; ok is false before the first one.
func (t *tracker) committable() (next int64, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.watermark, t.watermark >= 0
}
