package outcome

import (
	"context"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// pacePause is how long a reader of events that is ahead waits before it looks again.
const pacePause = 10 * time.Millisecond

// AwaitPages blocks while the room for waiting events is half full and an event is ahead of
// the pages that were read. Whoever reads events that are there already calls it before
// each, as events are read faster than pages: those that find no room would be lost. The
// page topic must be read meanwhile, and Idle be called when its end was reached. The error
// is that of ctx.
func (j *Join) AwaitPages(ctx context.Context, at Record) error {
	for j.ahead(at) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pacePause):
		}
	}
	return nil
}

func (j *Join) ahead(at Record) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.waiting >= j.cfg.Waiting/2 && at.Time.UnixMilli() > j.clock.read(schemas.TopicSERPs)
}

// orphans are events whose page is not there yet.
type orphans struct {
	events  packed
	since   int64 // watermark may pass it by the horizon, in Unix milliseconds
	flooded bool
}

// waiter is a place in the queue of those that wait.
type waiter struct {
	id    ID
	since int64
}

// wait keeps an event until its page comes.
func (j *Join) wait(sh *shard, id ID, e event) {
	if minuteOf(e.at+maxEarly.Milliseconds()) < j.floor { // its page would be late
		j.became(eventOrphaned, 1)
		return
	}
	o := sh.waiting[id]
	j.touch(sh)
	if o == nil {
		o = &orphans{since: e.at}
		sh.waiting[id] = o
		j.queue = append(j.queue, waiter{id, e.at})
	}
	if o.flooded {
		j.became(eventFlooded, 1)
		return
	}
	events, did := o.events.add(e)
	j.waiting += events.len() - o.events.len()
	o.events, o.flooded = events, did == addedFlood
	switch did {
	case addedAgain, addedBefore:
		j.became(eventDuplicate, 1)
	case addedFlood:
		j.became(eventFlooded, 1+maxEvents)
	}
	for j.waiting+len(j.queue) > 2*j.cfg.Waiting && len(j.queue) > 0 {
		j.dropWaiter()
	}
}

// adopt gives a new search the events that waited for it.
func (j *Join) adopt(sh *shard, s *search) {
	o := sh.waiting[s.id]
	if o == nil {
		return
	}
	delete(sh.waiting, s.id)
	j.waiting -= o.events.len()
	s.events = o.events
	if o.flooded {
		s.flags |= flagFlooded
	}
	for i := range s.events.len() {
		_, v := judge(s.shape, s.at, s.events.at(i), j.cfg.Attribution)
		j.became(verdictName(v), 1)
	}
	j.dropStale()
}

// dropWaiter drops who waits longest.
func (j *Join) dropWaiter() {
	w := j.queue[0]
	j.queue = j.queue[1:]
	sh := j.shard(w.id)
	o := sh.waiting[w.id]
	if o == nil || o.since != w.since {
		return // its page has come
	}
	j.touch(sh)
	delete(sh.waiting, w.id)
	j.waiting -= o.events.len()
	j.became(eventOrphaned, o.events.len())
}

// dropStale forgets places in the queue whose page has come, when they are most of it.
func (j *Join) dropStale() {
	const few = 1024
	held := 0
	for i := range j.shards {
		if len(j.queue) <= few {
			return
		}
		held += len(j.shards[i].waiting)
	}
	if len(j.queue) <= 2*held+few {
		return
	}
	kept := make([]waiter, 0, held)
	for _, w := range j.queue {
		if o := j.shard(w.id).waiting[w.id]; o != nil && o.since == w.since {
			kept = append(kept, w)
		}
	}
	j.queue = kept
}
