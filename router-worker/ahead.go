package router

import (
	"slices"
	"time"

	"github.com/parallel-fusion/pfr/internal/cache"
	"github.com/parallel-fusion/pfr/internal/codec"
	"github.com/parallel-fusion/pfr/schemas"
)

// Precompute takes a decision made ahead of time. One of another manifest is ignored.
func (r *Router) Precompute(p schemas.PrecomputedRoute) {
	if p.Decision.ManifestVersion == r.manifest.Version {
		r.precomputed.put(p, time.Now())
	}
}

// Withdraw forgets a decision made ahead of time.
func (r *Router) Withdraw(routeKey string) { r.precomputed.remove(routeKey) }

// Ahead returns the record that makes routers take d for text without deciding.
func Ahead(text string, d schemas.Decision, now time.Time, ttl time.Duration) schemas.PrecomputedRoute {
	return schemas.PrecomputedRoute{
		SchemaVersion: schemas.Version, RouteKey: RouteKey(text, d.ManifestVersion), Query: Normalise(text),
		Decision: d, ComputedAt: now.UTC(), ExpiresAt: now.Add(ttl).UTC(),
	}
}

// Warm fills the cache with a decision that a router of equal versions made, for a restart
// without a cold cache, for the rest of its time. It reports whether it was of use.
func (r *Router) Warm(rec schemas.RouteDecision, now time.Time) bool {
	q, d := rec.Query, rec.Decision
	left := r.cfg.CacheTTL - now.Sub(rec.DecidedAt)
	if left <= 0 || d.Degraded || d.ManifestVersion != r.manifest.Version || d.Source != schemas.SourceStudent && d.Source != schemas.SourceLLM {
		return false
	}
	p := r.newPass(q, r.rollout.Assign(q))
	sure := d.Source == schemas.SourceLLM || p.asker == nil || d.Confidence >= r.cfg.AskBelow
	if !sure || compares(&d) || p.arm.Name != d.Arm || (d.Route == composed) != p.composes || p.stale(d) {
		return false
	}
	d.Tiers, d.TookMS = nil, 0
	data, err := codec.Marshal(d)
	return err == nil && r.cache.Load(slices.Values([]cache.Entry{{Key: p.key(), Value: data, TTL: left}})) == 1
}
