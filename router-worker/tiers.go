package router

import (
	"context"
	"fmt"
	"strings"

	"github.com/parallel-fusion/pfr/internal/codec"
	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

const composed = routes.Composed

// studentSays returns the decision for a guess of the student.
func (p *pass) studentSays(g Guess) schemas.Decision {
	route, ok := p.manifest.Route(g.Route)
	if !ok {
		return p.plain()
	}
	d := p.manifest.Decide(route, g.Params, p.q.Text)
	d.Source, d.Confidence, d.Alternatives = schemas.SourceStudent, g.Confidence, g.Alternatives
	d.ModelVersion = p.student.Version()
	return d
}

// modelSays asks the language model. What it made up is left out, see ground. With an error
// too the decision says what was spent.
func (p *pass) modelSays(ctx context.Context) (schemas.Decision, error) {
	mode := schemas.PreFusion
	if p.composes {
		mode = schemas.PostFusion
	}
	answer, err := p.asker.Ask(ctx, Ask{Text: p.q.Text, Mode: mode, Market: p.q.Market, Batch: p.batch})
	p.m.spend(answer)
	spent := schemas.Decision{Tokens: answer.Tokens, Cost: answer.CostUSD}
	if err != nil {
		return spent, err
	}
	d, err := p.resolve(answer)
	if err != nil {
		return spent, err
	}
	d.Source, d.Confidence, d.Alternatives = schemas.SourceLLM, answer.Confidence, answer.Alternatives
	d.ModelVersion, d.PromptVersion = answer.Model, p.asker.Version()
	d.Tokens, d.Cost = answer.Tokens, answer.CostUSD
	if err := d.Validate(); err != nil { // the last gate: nothing invalid leaves
		return spent, fmt.Errorf("%w: %w", ErrOutput, err)
	}
	return d, nil
}

func (p *pass) resolve(answer Answer) (schemas.Decision, error) {
	if p.composes {
		for i := range answer.Calls {
			answer.Calls[i].Params = p.ground(answer.Calls[i].Params, p.q.Text)
		}
		d, ok := p.manifest.Composed(answer.Calls, p.q.Text)
		if !ok {
			return d, fmt.Errorf("%w: no call that is offered", ErrOutput)
		}
		return d, nil
	}
	route, ok := p.manifest.Route(answer.Route)
	if !ok {
		return schemas.Decision{}, fmt.Errorf("%w: no such route", ErrOutput)
	}
	return p.manifest.Decide(route, p.ground(answer.Params, p.q.Text), p.q.Text), nil
}

// fallback is the student's guess where it is safe, and else plain search: nobody is worse
// off than without a router.
func (p *pass) fallback(g Guess) schemas.Decision {
	if g.Route == "" || g.Confidence < p.cfg.MinConfidence {
		return p.plain()
	}
	d := p.studentSays(g)
	d.Source, d.Degraded = schemas.SourceFallback, true
	p.step(schemas.SourceFallback, schemas.OutcomeAnswered, g, 0)
	return d
}

// plain is the fallback route.
func (p *pass) plain() schemas.Decision {
	route, _ := p.manifest.Route(p.manifest.Fallback) // the manifest guarantees it
	d := p.manifest.Decide(route, nil, p.q.Text)
	d.Source, d.Degraded = schemas.SourceFallback, true
	p.step(schemas.SourceFallback, schemas.OutcomeAnswered, Guess{Route: d.Route}, 0)
	return d
}

// believes reports whether a decision is sure enough to stand. A composition has no rival.
func (p *pass) believes(d schemas.Decision) bool {
	return d.Route == composed || d.Confidence >= p.cfg.MinConfidence
}

// withheld lists the routes that are not offered to this query.
func (p *pass) withheld() string {
	var names []string
	for _, r := range p.manifest.Routes {
		if !p.offered(r.Name) {
			names = append(names, r.Name)
		}
	}
	return strings.Join(names, ",")
}

// offered reports whether the manifest and the arm offer a route to this query.
func (p *pass) offered(name string) bool {
	if name == composed {
		return p.composes
	}
	route, ok := p.manifest.Route(name)
	return ok && p.arm.offers(name) && route.Enabled.Offers(p.q.Market, p.q.Platform, p.q.ClientID)
}

// keep puts a decision into the cache.
func (p *pass) keep(key string, d schemas.Decision) {
	if data, err := codec.Marshal(d); err == nil {
		p.cache.Set(key, data, p.cfg.CacheTTL)
	}
}
