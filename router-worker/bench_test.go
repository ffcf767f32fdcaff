package router_test

import (
	"testing"
	"time"

	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/schemas"
)

// BenchmarkDecide is the time of a decision by the tier that makes it, the student's own
// time aside.
func BenchmarkDecide(b *testing.B) {
	q := query("anything new from pulp")
	b.Run("exact hit", func(b *testing.B) {
		r := cascade(b, hesitant("search", .4), answering(newReleases, nil), nil)
		r.Decide(b.Context(), q)
		run(b, r, q, schemas.SourceCache)
	})
	b.Run("precomputed", func(b *testing.B) {
		r := cascade(b, hesitant("search", .4), answering(newReleases, nil), nil)
		r.Precompute(router.Ahead(q.Text, r.Decide(b.Context(), q), q.Deadline, 1<<40))
		run(b, r, q, schemas.SourcePrecomputed)
	})
	b.Run("degraded", func(b *testing.B) {
		run(b, cascade(b, hesitant("new_releases", .4), answering(router.Answer{}, router.ErrUnavailable), nil), q, schemas.SourceFallback)
	})
}

func run(b *testing.B, r *router.Router, q schemas.PublicQuery, want schemas.Source) {
	b.ReportAllocs()
	for b.Loop() {
		if d := r.Decide(b.Context(), q); d.Source != want {
			b.Fatalf("source %s, want %s: %s", d.Source, want, steps(d))
		}
	}
}

// BenchmarkWarm is the time that one decision takes to come back into the cache.
func BenchmarkWarm(b *testing.B) {
	r := cascade(b, hesitant("search", .4), answering(newReleases, nil), nil)
	q := query("anything new from pulp")
	rec := schemas.RouteDecision{Query: q, Decision: r.Decide(b.Context(), q), DecidedAt: time.Now()}
	b.ReportAllocs()
	for b.Loop() {
		if !r.Warm(rec, rec.DecidedAt) {
			b.Fatal("not of use")
		}
	}
}
