// Package router decides what a query means: one short decision from the query text
// alone, by the cheapest tier that can make it well.
//
// The tiers, in order: decisions precomputed for popular queries, an exact cache on the
// normalised text, an in-process model (the student) where it is sure, a language model,
// and the fallback. An arm of a roll-out says which of them a query may use; a candidate
// arm can be compared on a sample of the queries without serving any. The user block of a
// query passes through unseen: [Router.Decide] takes the public part only.
package router

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/cache"
	"github.com/parallel-fusion/pfr/internal/codec"
	"github.com/parallel-fusion/pfr/internal/telemetry"
	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

// Decisions takes what was decided.
type Decisions interface {
	// Publish returns nil once the decision is durable.
	Publish(ctx context.Context, d schemas.RouteDecision) error
}

// Ports is what a [Router] decides with.
type Ports struct {
	Student    Model
	Models     map[string]Asker // language models by name; "" is the default one; nil: none
	Rollout    Rollout          // nil: the default arm for everyone
	Vocabulary Vocabulary       // nil: a language model may only use words of the query
}

// Router decides. It is safe for concurrent use.
type Router struct {
	cfg         Config
	manifest    *routes.Manifest
	student     Model
	models      map[string]Asker
	rollout     Rollout
	vocabulary  Vocabulary
	cache       *cache.Cache
	decoded     *cache.Decoded[schemas.Decision] // the popular part of cache
	precomputed precomputed
	m           *metrics
}

// New returns a Router that the caller closes.
func New(cfg Config, manifest *routes.Manifest, ports Ports, log *slog.Logger, reg prometheus.Registerer) (*Router, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("router config: %w", err)
	}
	c, err := cache.New("decisions", cfg.Cache, log, reg)
	if err != nil {
		return nil, fmt.Errorf("router: %w", err)
	}
	decoded, err := cache.NewDecoded(cfg.MaxDecoded, decodeDecision, nil)
	if err != nil {
		return nil, fmt.Errorf("router: %w", errors.Join(err, c.Close()))
	}
	r := &Router{
		cfg: cfg, manifest: manifest, student: ports.Student, models: ports.Models,
		rollout: ports.Rollout, vocabulary: ports.Vocabulary, cache: c, decoded: decoded,
		precomputed: newPrecomputed(cfg.MaxPrecomputed), m: newMetrics(reg),
	}
	if r.rollout == nil {
		r.rollout = everyone{}
	}
	if r.vocabulary == nil {
		r.vocabulary = noWords{}
	}
	return r, nil
}

func decodeDecision(data []byte) (d schemas.Decision, err error) {
	err = codec.Unmarshal(data, &d)
	return d, err
}

// Close stops the cache.
func (r *Router) Close() error { return r.cache.Close() }

// Stage returns the router as a stage of the pipeline: a query in, its decision out to
// next. The user block goes from one to the other and nowhere else. compare, which may be
// nil, is told of every decision that is out; it must not block.
func (r *Router) Stage(next Decisions, compare func(schemas.PublicQuery, schemas.Decision)) func(ctx context.Context, q schemas.Query) error {
	return func(ctx context.Context, q schemas.Query) error {
		d := schemas.RouteDecision{
			SchemaVersion: schemas.Version, Query: q.PublicQuery, User: q.User,
			Decision: r.Decide(ctx, q.PublicQuery), DecidedAt: time.Now().UTC(),
		}
		if err := next.Publish(ctx, d); err != nil {
			return fmt.Errorf("publish decision %s: %w", q.CorrelationID, err)
		}
		if compare != nil {
			compare(q.PublicQuery, d.Decision)
		}
		return nil
	}
}

// Decide returns the decision for a query. There always is one: what cannot be decided
// well takes the fallback route. A query whose deadline has passed is not worth deciding
// and takes it too. Maps and slices of the decision are shared and must not be changed.
func (r *Router) Decide(ctx context.Context, q schemas.PublicQuery) schemas.Decision {
	ctx, end := telemetry.Start(ctx, "decide", telemetry.Internal)
	defer end(nil)
	d := r.newPass(q, r.rollout.Assign(q)).decide(ctx)
	telemetry.Annotate(ctx, "pfr.route", d.Route)
	telemetry.Annotate(ctx, "pfr.source", string(d.Source))
	r.m.observe(d)
	return d
}

// Through returns what one tier makes of a query, for batch work and for evaluation:
// nothing is cached, no other tier stands in, and live queries go first. source is
// [schemas.SourceStudent] or [schemas.SourceLLM].
func (r *Router) Through(ctx context.Context, source schemas.Source, q schemas.PublicQuery) (schemas.Decision, error) {
	p := r.newPass(q, Arm{})
	p.batch = true
	switch source {
	case schemas.SourceStudent:
		guess := r.student.Guess(q.Text)
		p.step(source, schemas.OutcomeAnswered, guess, 0)
		return p.finish(p.studentSays(guess)), nil
	case schemas.SourceLLM:
		if rung := r.rollout.Assign(q).Ladder; rung == RungStudent || rung == RungSearch {
			return schemas.Decision{}, fmt.Errorf("decide through %s: the roll-out has switched language models off", source)
		}
		if p.asker == nil {
			return schemas.Decision{}, fmt.Errorf("decide through %s: no language model is configured", source)
		}
		d, err := p.modelSays(ctx)
		p.step(source, Outcome(err), Guess{Route: d.Route, Confidence: d.Confidence}, d.Cost)
		return p.finish(d), err
	}
	return schemas.Decision{}, fmt.Errorf("decide through %q: no such tier; there are %s and %s", source, schemas.SourceStudent, schemas.SourceLLM)
}

// Versions of what a decision depends on.
type Versions struct {
	Manifest string            `json:"manifest"`
	Student  string            `json:"student"`
	Models   map[string]string `json:"models,omitempty"` // of language models, by name
}

// Versions returns the versions of this router.
func (r *Router) Versions() Versions {
	v := Versions{Manifest: r.manifest.Version, Student: r.student.Version(), Models: make(map[string]string, len(r.models))}
	for name, m := range r.models {
		v.Models[name] = m.Version()
	}
	return v
}
