package tools

import (
	"sync"
	"time"
)

// pace follows the median service time of a tool, to tell a call that has no chance.
type pace struct {
	mu      sync.Mutex
	median  time.Duration // 0: not known yet
	refused int           // one after the other
}

const (
	paceStep  = 16 // the estimate moves by one part in so many at each run
	paceProbe = 16 // one in so many hopeless calls is run, to see whether times have changed
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
