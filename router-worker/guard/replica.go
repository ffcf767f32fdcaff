package guard

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/failsafe-go/failsafe-go/adaptivelimiter"
	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/schemas"
)

// replica is a server with its breaker and its limit.
type replica struct {
	llm     Replica
	breaker circuitbreaker.CircuitBreaker[router.Answer]
	limiter adaptivelimiter.AdaptiveLimiter[router.Answer]
}

// initialLimit is how many attempts are let through before anything has been measured.
const initialLimit = 20

// probeOnly keeps a breaker from half-opening by itself.
const probeOnly = 365 * 24 * time.Hour

func newReplica(llm Replica, cfg Config) *replica {
	return &replica{
		llm:     llm,
		breaker: circuitbreaker.NewBuilder[router.Answer]().WithFailureThresholdRatio(cfg.Failures, cfg.Of).WithDelay(probeOnly).Build(),
		limiter: adaptivelimiter.NewBuilder[router.Answer]().WithLimits(1, cfg.MaxConcurrent, min(cfg.MaxConcurrent, initialLimit)).Build(),
	}
}

// admits returns a permit if the replica takes an attempt now. Batch work is taken only
// while most of the limit is free.
func (r *replica) admits(batch bool) (adaptivelimiter.Permit, bool) {
	busy := 2*r.limiter.Inflight() >= r.limiter.Limit() && r.limiter.Inflight() > 0
	if batch && busy || r.breaker.IsOpen() {
		return nil, false
	}
	return r.limiter.TryAcquirePermit()
}

// ask makes one attempt. Whoever leaves before the answer says nothing about the replica.
// A client that panics has failed: the attempt may run on a goroutine of its own, where a
// panic would end the process.
func (r *replica) ask(ctx context.Context, q router.Ask, permit adaptivelimiter.Permit) (answer router.Answer, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("client panicked: %T", v)
		}
		switch {
		case err == nil:
			permit.Record()
			r.breaker.RecordSuccess()
		case errors.Is(ctx.Err(), context.Canceled):
			permit.Drop()
		default:
			permit.Drop()
			r.breaker.RecordFailure()
		}
	}()
	return call(ctx, r.llm, q)
}

// bill adds up what the attempts of one request cost.
type bill struct {
	mu       sync.Mutex
	started  int
	returned int // attempts that ran to their end
	tokens   schemas.Tokens
	usd      float64
}

func (b *bill) start() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.started++
}

// add books an attempt that ran to its end.
func (b *bill) add(a router.Answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.returned++
	b.tokens.Prompt += a.Tokens.Prompt
	b.tokens.Cached += a.Tokens.Cached
	b.tokens.Completion += a.Tokens.Completion
	b.usd += a.CostUSD
}

// total returns the sum. The server of an abandoned attempt does not say what it spent; it
// is taken to be what the others spent on average.
func (b *bill) total() (schemas.Tokens, float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.returned == 0 {
		return b.tokens, b.usd
	}
	n, of := b.started, b.returned
	return schemas.Tokens{
		Prompt: b.tokens.Prompt * n / of, Cached: b.tokens.Cached * n / of, Completion: b.tokens.Completion * n / of,
	}, b.usd * float64(n) / float64(of)
}

// tokens is a bucket that requests fill and hedges empty.
type tokens struct {
	mu         sync.Mutex
	level, max float64
}

func (t *tokens) add(n float64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.level = min(t.level+n, t.max)
}

func (t *tokens) take() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.level < 1 {
		return false
	}
	t.level--
	return true
}
