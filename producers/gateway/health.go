package gateway

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/parallel-fusion/pfr/producers"
	"github.com/parallel-fusion/pfr/producers/gateway/access"
	"github.com/parallel-fusion/pfr/schemas"
)

// canaryClient is the client id by which canary searches are known.
const canaryClient = "pfr-canary"

// maxCanaryRetry bounds the waits between canaries that fail.
const maxCanaryRetry = 5 * time.Second

// canaryState is what the canary found, as /readyz shows it.
type canaryState struct {
	Status   string    `json:"status"` // ready, or why not
	PassedAt time.Time `json:"passed_at,omitzero"`
	TookMS   float64   `json:"took_ms,omitempty"` // of the last that passed
	Failures int       `json:"failures"`          // in a row
	LastErr  string    `json:"last_failure,omitempty"`

	part string // that was away at the last failure; "" if none is known
}

const statusReady = "ready"

// readiness is the answer of /readyz: what the canary found, and what the parts of this
// process say of themselves.
type readiness struct {
	canaryState
	Parts map[string]any `json:"parts,omitempty"`
}

// canary remembers how the gateway's own searches went.
type canary struct {
	first chan struct{} // closed by the first that passes

	mu       sync.Mutex
	state    canaryState
	ready    bool
	draining bool
}

func (c *canary) passed(took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.state.PassedAt.IsZero() {
		close(c.first)
	}
	c.ready = true
	c.state = canaryState{PassedAt: time.Now().UTC(), TookMS: float64(took.Microseconds()) / 1000}
}

func (c *canary) failed(reason, part string, tolerated int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state.Failures++
	c.state.LastErr, c.state.part = reason, part
	if c.state.Failures >= tolerated {
		c.ready = false
	}
}

func (c *canary) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.draining = true
}

// snapshot returns the state, and whether searches may be sent here.
func (c *canary) snapshot() (canaryState, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.state
	switch {
	case c.draining:
		s.Status = "The gateway is stopping."
	case c.ready:
		s.Status = statusReady
	case s.LastErr != "":
		s.Status = "The last canary search failed: " + s.LastErr
	default:
		s.Status = "No canary search has passed yet."
	}
	return s, c.ready && !c.draining
}

// probe sends canaries until ctx ends: often while they fail, seldom while they pass.
func (g *Gateway) probe(ctx context.Context) {
	wait := g.cfg.CanaryRetry
	for {
		start := time.Now()
		reason, part := g.sendCanary(ctx)
		if ctx.Err() != nil {
			return
		}
		next := g.cfg.CanaryEvery
		if reason == "" {
			g.canary.passed(time.Since(start))
			g.m.canaries.WithLabelValues("passed").Inc()
			wait = g.cfg.CanaryRetry
		} else {
			g.canary.failed(reason, part, g.cfg.CanaryFailures)
			g.m.canaries.WithLabelValues("failed").Inc()
			g.log.Warn("canary search failed", "reason", reason, "part", part, "retry_in", wait)
			next, wait = wait, min(2*wait, max(maxCanaryRetry, g.cfg.CanaryRetry))
		}
		g.m.ready.Set(readyGauge(g.canary.snapshot()))
		select {
		case <-ctx.Done():
			return
		case <-time.After(next):
		}
	}
}

func readyGauge(_ canaryState, ready bool) float64 {
	if ready {
		return 1
	}
	return 0
}

// sendCanary runs one search through the whole pipeline. It returns why it did not pass,
// or "", and the part that is away, if that is known.
func (g *Gateway) sendCanary(ctx context.Context) (reason, part string) {
	q, err := g.ports.Searches.Query(producers.Request{
		Text: g.cfg.CanaryQuery, ClientID: canaryClient, Deadline: g.cfg.CanaryDeadline, Probe: true,
	})
	if err != nil {
		return "the canary query is not valid: " + plain(err), ""
	}
	page, err := g.ports.Searches.Follow(ctx, q, func(schemas.Progress) {})
	switch {
	case err != nil:
		p := searchProblem("", err)
		return p.Detail, p.Part
	case page.Coverage == 0:
		return "no tool answered", ""
	}
	return "", ""
}

func healthz(w http.ResponseWriter, _ *http.Request) *problem {
	return writeJSON(w, http.StatusOK, map[string]string{"status": "alive"})
}

func (g *Gateway) readyz(w http.ResponseWriter, r *http.Request) *problem {
	state, ready := g.canary.snapshot()
	if !ready {
		p := newProblem(http.StatusServiceUnavailable, state.Status).retry(1)
		p.Part = state.part
		return p
	}
	out := readiness{canaryState: state}
	if g.ports.Details != nil && g.seesParts(w, r) {
		out.Parts = g.ports.Details()
	}
	return writeJSON(w, http.StatusOK, out)
}

// seesParts reports whether who asks may know how the parts of this process are set up.
// Probes show no credential, and are neither counted nor limited.
func (g *Gateway) seesParts(w http.ResponseWriter, r *http.Request) bool {
	if !g.guard.Limited() {
		return true
	}
	if r.Header.Get("Authorization") == "" && r.Header.Get("X-Api-Key") == "" {
		return false
	}
	_, p := g.admit(w, r, access.Explain)
	return p == nil
}
