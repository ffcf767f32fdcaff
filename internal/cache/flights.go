package cache

import "sync"

// flights runs one computation a key at a time, each on a goroutine that drain waits for.
// No caller owns it: it goes on when the one who began it has left.
type flights struct {
	mu      sync.Mutex
	closed  bool
	byKey   map[string]*flight
	running sync.WaitGroup
}

// flight is a computation. Its result may be read, not changed, once done is closed.
type flight struct {
	done  chan struct{}
	value []byte
	err   error
}

// join returns the running flight of key, or begins one with fn.
func (g *flights) join(key string, fn func() ([]byte, error)) (f *flight, joined bool, err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if f, ok := g.byKey[key]; ok {
		return f, true, nil
	}
	if g.closed {
		return nil, false, ErrClosed
	}
	f = &flight{done: make(chan struct{}), err: ErrPanic} // until it returns in the usual way
	g.byKey[key] = f
	g.running.Go(func() {
		defer g.land(key, f)
		f.value, f.err = fn()
	})
	return f, false, nil
}

func (g *flights) land(key string, f *flight) {
	g.mu.Lock()
	delete(g.byKey, key)
	g.mu.Unlock()
	close(f.done)
}

// drain lets no more flights begin and waits for the running ones.
func (g *flights) drain() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.running.Wait()
}
