package gateway

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// drain counts the requests in hand, and lets no more in once the gateway stops.
type drain struct {
	mu       sync.Mutex
	n        int
	stopping bool
	idle     chan struct{} // closed when stopping and n is 0
}

func newDrain() *drain { return &drain{idle: make(chan struct{})} }

// enter reports whether a request may begin. If so, it must leave.
func (d *drain) enter() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.stopping {
		return false
	}
	d.n++
	return true
}

func (d *drain) leave() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.n--; d.n == 0 && d.stopping {
		close(d.idle)
	}
}

// begin lets no more requests in. The channel is closed when the last has left.
func (d *drain) begin() <-chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.stopping {
		d.stopping = true
		if d.n == 0 {
			close(d.idle)
		}
	}
	return d.idle
}

func (d *drain) begun() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.stopping
}

// farewell is the time to tell who still waits that the gateway stops.
const farewell = time.Second

// stop finishes what is in hand. It listens on meanwhile, so that who comes too late is
// told so. When the time is over it tells the rest where to go on, and cuts off whoever
// does not listen.
func (g *Gateway) stop(srv *http.Server, cancel func()) {
	g.canary.drain()
	idle := g.drain.begin()
	if !within(idle, g.cfg.DrainTimeout) {
		g.log.Warn("ending requests that outlast the drain", "timeout", g.cfg.DrainTimeout)
		g.sayStopping()
		within(idle, farewell)
	}
	cancel()
	g.Close()
	ctx, end := context.WithTimeout(context.Background(), farewell)
	defer end()
	if err := srv.Shutdown(ctx); err != nil {
		_ = srv.Close() // its error says nothing that could be acted on
	}
	g.active.Wait()
}

// within reports whether something happens in time.
func within(happens <-chan struct{}, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-happens:
		return true
	case <-t.C:
		return false
	}
}

// Close ends the searches in hand, without their pages, and waits for them. Run does that
// by itself; who uses the Handler alone calls Close when nothing is served any more.
func (g *Gateway) Close() {
	g.drain.begin()
	g.sayStopping()
	g.flights.close()
}

// stoppingProblem tells the client of a search, if there is one, where its page will be.
func stoppingProblem(id string) *problem {
	p := newProblem(http.StatusServiceUnavailable, "The gateway is stopping. Send it again, which reaches another one.").retry(1)
	if id != "" {
		p.Detail = "The gateway is stopping, and the search goes on: resume at " + serpPath(id) + "."
		p.CorrelationID, p.Page = id, serpPath(id)
	}
	return p
}
