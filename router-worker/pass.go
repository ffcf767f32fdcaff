package router

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/parallel-fusion/pfr/internal/codec"
	"github.com/parallel-fusion/pfr/schemas"
)

// pass is the way of one query through the cascade.
type pass struct {
	*Router
	q        schemas.PublicQuery
	arm      Arm
	asker    Asker // nil: no language model for this query
	composes bool  // post-fusion is asked for and possible
	batch    bool
	cacheKey string
	began    time.Time
	last     time.Time // end of the last step
	tiers    []schemas.Tier
	wanted   []string // routes that were preferred and are not offered

	madeAhead *madeAhead // nil until it was looked up
	guessed   *Guess     // nil until the student was asked
}

func (r *Router) newPass(q schemas.PublicQuery, arm Arm) *pass {
	now := time.Now()
	// Every tier reads the text that the keys are made of: what one query leaves in a cache
	// is right for all that have the same key.
	q.Text = clip(Normalise(q.Text), schemas.MaxQueryRunes)
	p := &pass{Router: r, q: q, arm: arm, began: now, last: now}
	p.asker = r.askerOf(arm)
	p.composes = p.canCompose(p.asker)
	return p
}

// askerOf returns the language model of an arm, nil if it has none.
func (r *Router) askerOf(arm Arm) Asker {
	if arm.Ladder == "" || arm.Ladder == RungLLM {
		return r.models[arm.Model]
	}
	return nil
}

func (p *pass) canCompose(by Asker) bool {
	return p.q.Mode == schemas.PostFusion && p.manifest.Compose != nil && by != nil
}

// clip cuts a text to at most n runes: compatibility forms can be longer than what was typed.
func clip(text string, n int) string {
	if len(text) <= n { // bytes are no fewer than runes
		return text
	}
	if runes := []rune(text); len(runes) > n {
		return string(runes[:n])
	}
	return text
}

// step notes what came of a tier.
func (p *pass) step(source schemas.Source, outcome schemas.Outcome, g Guess, cost float64) {
	now := time.Now()
	p.tiers = append(p.tiers, schemas.Tier{
		Source: source, Outcome: outcome, Route: g.Route, Confidence: g.Confidence,
		TookMS: milliseconds(now.Sub(p.last)), Cost: cost,
	})
	p.last = now
}

// finish completes a decision with what is known of the pass.
func (p *pass) finish(d schemas.Decision) schemas.Decision {
	d.Arm, d.Tiers, d.TookMS = p.arm.Name, p.tiers, milliseconds(time.Since(p.began))
	d.Exposed = p.exposed(&d)
	return p.arm.withRivals(d)
}

func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }

// decide goes down the tiers.
func (p *pass) decide(ctx context.Context) schemas.Decision {
	if p.q.Mode == schemas.PlainSearch { // as asked for, so nothing is lacking
		d := p.plain()
		d.Degraded = false
		return p.finish(d)
	}
	if p.arm.Ladder == RungSearch || p.expired() {
		return p.finish(p.plain())
	}
	d, ok := p.known()
	if !ok {
		d = p.fresh(ctx)
	}
	if !p.offered(d.Route) {
		p.wanted = append(p.wanted, d.Route)
		d = p.plain()
	}
	// A composition that was wanted and could not be had is a lesser page.
	d.Degraded = d.Degraded || p.q.Mode == schemas.PostFusion && d.Route != composed
	return p.finish(d)
}

func (p *pass) expired() bool { return !p.q.Deadline.IsZero() && !p.began.Before(p.q.Deadline) }

// known returns a decision that was made before.
func (p *pass) known() (schemas.Decision, bool) {
	if !p.composes {
		if d, ok := p.ahead(); ok && !p.stale(d) {
			p.step(schemas.SourcePrecomputed, schemas.OutcomeAnswered, Guess{Route: d.Route, Confidence: d.Confidence}, 0)
			d.Source, d.Tokens, d.Cost = schemas.SourcePrecomputed, schemas.Tokens{}, 0 // paid for already
			return d, true
		}
	}
	p.cacheKey = p.key()
	if data, ok := p.cache.Get(p.cacheKey); ok {
		if d, err := p.decoded.Decode(p.cacheKey, data); err == nil {
			return p.fromCache(d), true
		}
	}
	p.step(schemas.SourceCache, schemas.OutcomeMiss, Guess{}, 0)
	return schemas.Decision{}, false
}

func (p *pass) fromCache(d schemas.Decision) schemas.Decision {
	answer := Guess{Route: d.Route, Confidence: d.Confidence}
	if !p.believes(d) { // kept so that the language model is not asked again
		p.step(schemas.SourceCache, schemas.OutcomeUnsure, answer, 0)
		return p.plain()
	}
	p.step(schemas.SourceCache, schemas.OutcomeAnswered, answer, 0)
	d.Source, d.Tokens, d.Cost = schemas.SourceCache, schemas.Tokens{}, 0
	return d
}

// stale reports whether a decision made ahead of time comes from another student or another
// prompt than this router has.
func (p *pass) stale(d schemas.Decision) bool { return p.staleFor(d, p.asker) }

// staleFor is stale for an arm with another language model; nil is none.
func (p *pass) staleFor(d schemas.Decision, by Asker) bool {
	switch d.Source {
	case schemas.SourceStudent:
		return d.ModelVersion != p.student.Version()
	case schemas.SourceLLM:
		return by != nil && d.PromptVersion != by.Version()
	}
	return true // nothing else is worth keeping
}

// fresh asks the student, and the language model where the student is not sure.
func (p *pass) fresh(ctx context.Context) schemas.Decision {
	guess := p.guess()
	if _, known := p.manifest.Route(guess.Route); !known || !p.offered(guess.Route) {
		guess = Guess{}
	}
	sure := p.cfg.MinConfidence
	if p.asker != nil {
		sure = p.cfg.AskBelow
	}
	if guess.Route != "" && guess.Confidence >= sure && !p.composes {
		p.missed(guess)
		p.step(schemas.SourceStudent, schemas.OutcomeAnswered, guess, 0)
		d := p.studentSays(guess)
		p.keep(p.cacheKey, d)
		return d
	}
	p.step(schemas.SourceStudent, schemas.OutcomeUnsure, guess, 0)
	if p.asker == nil {
		p.missed(guess)
		return p.fallback(guess)
	}
	return p.shared(ctx, guess)
}

// missed notes a language model that would have been asked, were it not switched off.
func (p *pass) missed(guess Guess) {
	if _, there := p.models[p.arm.Model]; there && p.asker == nil && guess.Confidence < p.cfg.AskBelow {
		p.step(schemas.SourceLLM, schemas.OutcomeOff, Guess{}, 0)
	}
}

// shared asks the language model, together with all who ask the same now, for as long as
// the query can wait.
func (p *pass) shared(ctx context.Context, guess Guess) schemas.Decision {
	if !p.q.Deadline.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, p.q.Deadline.Add(-p.cfg.Reserve))
		defer cancel()
	}
	if ctx.Err() != nil { // no time to ask
		p.step(schemas.SourceLLM, schemas.OutcomeTimeout, Guess{}, 0)
		return p.fallback(guess)
	}
	d, said, stale, err := p.askOnce(ctx, guess)
	answer := Guess{Route: said.Route, Confidence: said.Confidence}
	switch {
	case err != nil:
		p.step(schemas.SourceLLM, Outcome(err), Guess{}, said.Cost)
		d = p.fallback(guess)
	case stale && p.offered(d.Route):
		return p.fromCache(d)
	case !p.believes(d) || !p.offered(d.Route):
		p.wanted = append(p.wanted, d.Route)
		p.step(schemas.SourceLLM, schemas.OutcomeUnsure, answer, said.Cost)
		d = p.fallback(guess)
	case d.Source == schemas.SourceStudent: // it is surer
		p.step(schemas.SourceLLM, schemas.OutcomeUnsure, answer, said.Cost)
	default:
		p.step(schemas.SourceLLM, schemas.OutcomeAnswered, answer, said.Cost)
	}
	d.Tokens, d.Cost = said.Tokens, said.Cost
	return d
}

// askOnce returns the decision of the language model, or the student's where that is surer,
// and what the model said of it. Only the query that asks learns what it cost; the others
// get it for nothing. The decision is kept, also if it comes too late for whoever waits. A
// stale one is an earlier decision that is being made anew.
func (p *pass) askOnce(ctx context.Context, guess Guess) (d, said schemas.Decision, stale bool, err error) {
	var asked atomic.Pointer[schemas.Decision] // set if this query is the one that asks
	data, stale, err := p.cache.Fill(ctx, p.cacheKey, func(ctx context.Context) ([]byte, time.Duration, error) {
		d, err := p.modelSays(ctx)
		answer := d
		asked.Store(&answer)
		if err != nil {
			return nil, 0, err
		}
		if !p.composes && d.Confidence < guess.Confidence { // what is kept is what is served
			d = p.studentSays(guess)
		}
		data, err := codec.Marshal(d)
		return data, p.cfg.CacheTTL, err
	})
	if err == nil {
		d, err = p.decoded.Decode(p.cacheKey, data)
	}
	if mine := asked.Load(); mine != nil {
		return d, *mine, stale, err
	}
	said = d
	said.Tokens, said.Cost = schemas.Tokens{}, 0
	return d, said, stale, err
}
