// Package router decides what a query means: one short decision from the query text
// alone, by the cheapest tier that can make it well.
//
// The tiers, in order: an exact cache on the normalised text, decisions precomputed for
// popular queries, an in-process model (the student), and the fallback route. The user
// block of a query passes through unseen: [Router.Decide] takes the public part only.
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

// Guess is what a model makes of a query.
type Guess struct {
	Route      string
	Params     schemas.Params // need not be canonical
	Confidence float64        // calibrated P(Route is right)
}

// Model guesses. It is safe for concurrent use and always has an answer.
type Model interface {
	Guess(text string) Guess
	// Version names the model; decisions of another version are not reused.
	Version() string
}

// Decisions takes what was decided.
type Decisions interface {
	// Publish returns nil once the decision is durable.
	Publish(ctx context.Context, d schemas.RouteDecision) error
}

// Config configures a [Router]. See [DefaultConfig].
type Config struct {
	// MinConfidence is how sure the student must be to be believed; below it the query
	// takes the fallback route.
	MinConfidence float64       `yaml:"min_confidence"`
	CacheTTL      time.Duration `yaml:"cache_ttl"` // of a decision
	Cache         cache.Config  `yaml:"cache"`
	// MaxPrecomputed bounds the precomputed decisions held in memory.
	MaxPrecomputed int `yaml:"max_precomputed"`
}

// DefaultConfig returns the settings for a student that decides alone.
func DefaultConfig() Config {
	return Config{MinConfidence: 0.3, CacheTTL: 15 * time.Minute, Cache: cache.DefaultConfig(), MaxPrecomputed: 200_000}
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	errs := []error{c.Cache.Validate()}
	if c.MinConfidence < 0 || c.MinConfidence > 1 {
		errs = append(errs, fmt.Errorf("min_confidence %v: must lie between 0 and 1", c.MinConfidence))
	}
	if c.CacheTTL <= 0 {
		errs = append(errs, fmt.Errorf("cache_ttl %v: must be positive", c.CacheTTL))
	}
	if c.MaxPrecomputed < 0 {
		errs = append(errs, fmt.Errorf("max_precomputed %d: must not be negative", c.MaxPrecomputed))
	}
	return errors.Join(errs...)
}

// Router decides. It is safe for concurrent use.
type Router struct {
	cfg         Config
	manifest    *routes.Manifest
	model       Model
	cache       *cache.Cache
	precomputed precomputed
	m           *metrics
}

// New returns a Router that the caller closes.
func New(cfg Config, manifest *routes.Manifest, model Model, log *slog.Logger, reg prometheus.Registerer) (*Router, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("router config: %w", err)
	}
	c, err := cache.New("decisions", cfg.Cache, log, reg)
	if err != nil {
		return nil, fmt.Errorf("router: %w", err)
	}
	return &Router{
		cfg: cfg, manifest: manifest, model: model, cache: c,
		precomputed: newPrecomputed(cfg.MaxPrecomputed), m: newMetrics(reg),
	}, nil
}

// Close stops the cache.
func (r *Router) Close() error { return r.cache.Close() }

// Stage returns the router as a stage of the pipeline: a query in, its decision out to
// next. The user block goes from one to the other and nowhere else.
func (r *Router) Stage(next Decisions) func(ctx context.Context, q schemas.Query) error {
	return func(ctx context.Context, q schemas.Query) error {
		d := schemas.RouteDecision{
			SchemaVersion: schemas.Version, Query: q.PublicQuery, User: q.User,
			Decision: r.Decide(ctx, q.PublicQuery), DecidedAt: time.Now().UTC(),
		}
		if err := next.Publish(ctx, d); err != nil {
			return fmt.Errorf("publish decision %s: %w", q.CorrelationID, err)
		}
		return nil
	}
}

// Decide returns the decision for a query. There always is one: what cannot be decided
// well takes the fallback route. A query whose deadline has passed is not worth deciding
// and takes it too.
func (r *Router) Decide(ctx context.Context, q schemas.PublicQuery) schemas.Decision {
	ctx, end := telemetry.Start(ctx, "decide", telemetry.Internal)
	defer end(nil)
	start := time.Now()
	d := r.decide(ctx, q, start)
	d.TookMS = float64(time.Since(start).Nanoseconds()) / 1e6
	telemetry.Annotate(ctx, "pfr.route", d.Route)
	telemetry.Annotate(ctx, "pfr.source", string(d.Source))
	r.m.observe(d)
	return d
}

func (r *Router) decide(ctx context.Context, q schemas.PublicQuery, now time.Time) schemas.Decision {
	if !q.Deadline.IsZero() && !now.Before(q.Deadline) {
		return r.fallback(q.Text)
	}
	key := r.Key(q.Text)
	d, ok := r.precomputed.get(key, now)
	if !ok {
		d = r.cached(ctx, key, q.Text)
	}
	if !r.offered(d.Route, q) {
		return r.fallback(q.Text)
	}
	return d
}

// cached returns the decision of the cache, or else of the student.
func (r *Router) cached(ctx context.Context, key, text string) schemas.Decision {
	data, hit, err := r.cache.Do(ctx, key, func(context.Context) ([]byte, time.Duration, error) {
		d := r.student(text)
		data, err := codec.Marshal(d)
		if d.Source == schemas.SourceFallback {
			return data, 0, err // never kept as good
		}
		return data, r.cfg.CacheTTL, err
	})
	var d schemas.Decision
	if err == nil {
		err = codec.Unmarshal(data, &d)
	}
	if err != nil {
		return r.fallback(text)
	}
	if hit {
		d.Source = schemas.SourceCache
	}
	return d
}

func (r *Router) student(text string) schemas.Decision {
	g := r.model.Guess(text)
	route, ok := r.manifest.Route(g.Route)
	if !ok || g.Confidence < r.cfg.MinConfidence {
		return r.fallback(text)
	}
	d := r.manifest.Decide(route, g.Params, text)
	d.Source, d.Confidence, d.ModelVersion = schemas.SourceStudent, g.Confidence, r.model.Version()
	return d
}

// fallback is plain search: nobody is worse off than without a router.
func (r *Router) fallback(text string) schemas.Decision {
	route, _ := r.manifest.Route(r.manifest.Fallback) // the manifest guarantees it
	d := r.manifest.Decide(route, nil, text)
	d.Source, d.Degraded = schemas.SourceFallback, true
	return d
}

// offered reports whether the manifest offers a route to this query.
func (r *Router) offered(name string, q schemas.PublicQuery) bool {
	route, ok := r.manifest.Route(name)
	return ok && route.Enabled.Offers(q.Market, q.Platform, q.ClientID)
}

// Precompute takes a decision made ahead of time. One of another manifest is ignored.
func (r *Router) Precompute(p schemas.PrecomputedRoute) {
	if p.Decision.ManifestVersion == r.manifest.Version {
		r.precomputed.put(p)
	}
}

// Withdraw forgets a decision made ahead of time.
func (r *Router) Withdraw(routeKey string) { r.precomputed.remove(routeKey) }

// Ahead returns the record that makes other routers take d for text without deciding.
func (r *Router) Ahead(text string, d schemas.Decision, now time.Time, ttl time.Duration) schemas.PrecomputedRoute {
	return schemas.PrecomputedRoute{
		SchemaVersion: schemas.Version, RouteKey: r.Key(text), Query: Normalise(text),
		Decision: d, ComputedAt: now.UTC(), ExpiresAt: now.Add(ttl).UTC(),
	}
}
