package router

import (
	"maps"
	"sync"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// precomputed holds decisions made ahead of time, by route key.
type precomputed struct {
	mu    sync.RWMutex
	max   int
	byKey map[string]schemas.PrecomputedRoute
	swept time.Time
}

func newPrecomputed(maxEntries int) precomputed {
	return precomputed{max: maxEntries, byKey: map[string]schemas.PrecomputedRoute{}}
}

func (p *precomputed) get(key string, now time.Time) (schemas.Decision, bool) {
	p.mu.RLock()
	rec, ok := p.byKey[key]
	p.mu.RUnlock()
	if !ok || now.After(rec.ExpiresAt) {
		return schemas.Decision{}, false
	}
	return rec.Decision, true
}

// sweepEvery bounds how often a full table is searched for what has expired.
const sweepEvery = time.Minute

// put keeps a record while there is room; the rest is decided live.
func (p *precomputed) put(rec schemas.PrecomputedRoute, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.byKey) >= p.max && now.Sub(p.swept) >= sweepEvery {
		p.swept = now
		maps.DeleteFunc(p.byKey, func(_ string, old schemas.PrecomputedRoute) bool { return now.After(old.ExpiresAt) })
	}
	if _, known := p.byKey[rec.RouteKey]; known || len(p.byKey) < p.max {
		p.byKey[rec.RouteKey] = rec
	}
}

func (p *precomputed) remove(key string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.byKey, key)
}
