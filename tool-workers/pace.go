package tools

import (
	"sync"
	"time"
)

// pace follows the median service time of a tool, to tell a call that has no chance, and a
// worker that has become slow.
type pace struct {
	mu      sync.Mutex
	median  time.Duration // 0: not known yet
	best    time.Duration // the lowest median of late
	refused int           // one after the other
	passed  int           // to other workers
}

const (
	paceStep  = 16 // the estimate moves by one part in so many at each run
	paceProbe = 16 // one in so many hopeless calls is run, to see whether times have changed

	// A worker is slow when its median is so many times the lowest of late, and so long. The
	// lowest is forgotten by one part in so many at each run.
	slowTimes  = 4
	slowLeast  = 20 * time.Millisecond
	slowForget = 4096
	slowProbe  = 32 // one in so many calls that it would pass on is run
)

// note takes in how long a run took. whole is false for a run that failed or was cut off:
// it says at most that the tool needs longer.
func (p *pace) note(took time.Duration, whole bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused = 0
	switch {
	case p.median == 0 && whole:
		p.median = took
	case took > p.median && p.median > 0:
		p.median += p.median/paceStep + 1
	case took < p.median && whole:
		p.median -= p.median / paceStep
	}
	p.best += p.best / slowForget
	if p.best == 0 || p.median < p.best {
		p.best = p.median
	}
}

// slow says that the worker takes much longer than it did, and that a call had better go
// to another.
func (p *pace) slow() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.median < slowLeast || p.median < slowTimes*p.best {
		p.passed = 0
		return false
	}
	p.passed++
	return p.passed%slowProbe != 0
}

// hopeless says that less time is left than half of the runs need.
func (p *pace) hopeless(left time.Duration) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if left >= p.median {
		return false
	}
	p.refused++
	return p.refused%paceProbe != 0
}
