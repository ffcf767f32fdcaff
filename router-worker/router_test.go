package router_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// model guesses by a function and counts how often it was asked.
type model struct {
	guess func(text string) router.Guess
	calls atomic.Int32
}

func (m *model) Guess(text string) router.Guess { m.calls.Add(1); return m.guess(text) }
func (m *model) Version() string                { return "m1" }

func sure(route string) *model {
	return &model{guess: func(string) router.Guess { return router.Guess{Route: route, Confidence: 0.9} }}
}

func newRouter(t testing.TB, m router.Model) *router.Router {
	t.Helper()
	manifest, err := routes.Music()
	if err != nil {
		t.Fatal(err)
	}
	return withPorts(t, manifest, router.Ports{Student: m})
}

func withPorts(t testing.TB, manifest *routes.Manifest, ports router.Ports) *router.Router {
	t.Helper()
	r, err := router.New(router.DefaultConfig(), manifest, ports, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func query(text string) schemas.PublicQuery {
	return schemas.PublicQuery{Text: text, Market: "US", Deadline: time.Now().Add(time.Minute)}
}

func TestSecondEqualQueryComesFromCache(t *testing.T) {
	m := sure("similar_artists")
	r := newRouter(t, m)
	first := r.Decide(t.Context(), query("Artists like  Khruangbin"))
	second := r.Decide(t.Context(), query("artists LIKE khruangbin"))
	if first.Source != schemas.SourceStudent || second.Source != schemas.SourceCache || m.calls.Load() != 1 {
		t.Errorf("sources %s and %s, %d guesses", first.Source, second.Source, m.calls.Load())
	}
	first.Source, first.TookMS, first.Tiers = second.Source, second.TookMS, second.Tiers
	if !reflect.DeepEqual(first, second) {
		t.Errorf("cached decision differs:\n%+v\n%+v", first, second)
	}
	if err := second.Validate(); err != nil {
		t.Error(err)
	}
}

func TestFallback(t *testing.T) {
	for name, g := range map[string]router.Guess{
		"unsure":        {Route: "new_releases", Confidence: 0.1},
		"unknown route": {Route: "teleport", Confidence: 1},
	} {
		t.Run(name, func(t *testing.T) {
			m := &model{guess: func(string) router.Guess { return g }}
			r := newRouter(t, m)
			for range 2 {
				d := r.Decide(t.Context(), query("hm"))
				if d.Route != "search" || d.Source != schemas.SourceFallback || !d.Degraded || d.Validate() != nil {
					t.Errorf("%+v", d)
				}
			}
			if m.calls.Load() != 2 {
				t.Error("a fallback was cached as good")
			}
		})
	}
}

func TestExpiredQueryIsNotDecided(t *testing.T) {
	m := sure("new_releases")
	q := query("latest albums by lady gaga")
	q.Deadline = time.Now().Add(-time.Second)
	if d := newRouter(t, m).Decide(t.Context(), q); d.Source != schemas.SourceFallback || m.calls.Load() != 0 {
		t.Errorf("source %s, %d guesses", d.Source, m.calls.Load())
	}
}

func TestPrecomputedBeatsStudent(t *testing.T) {
	m := sure("search")
	r := newRouter(t, m)
	d := r.Decide(t.Context(), query("true crime"))
	d.Confidence = 0.77
	rec := router.Ahead("True Crime", d, time.Now(), time.Hour)
	if err := rec.Validate(); err != nil {
		t.Fatal(err)
	}
	r.Precompute(rec)
	if got := r.Decide(t.Context(), query("true CRIME")); got.Source != schemas.SourcePrecomputed || got.Confidence != 0.77 {
		t.Errorf("%+v", got)
	}
	r.Withdraw(rec.RouteKey)
	if got := r.Decide(t.Context(), query("true crime")); got.Source == schemas.SourcePrecomputed {
		t.Error("withdrawn decision was used")
	}
	rec.ExpiresAt = time.Now().Add(-time.Second)
	r.Precompute(rec)
	if got := r.Decide(t.Context(), query("true crime")); got.Source == schemas.SourcePrecomputed {
		t.Error("expired decision was used")
	}
	rec.Decision.ManifestVersion, rec.ExpiresAt = "another", time.Now().Add(time.Hour)
	r.Precompute(rec)
	if got := r.Decide(t.Context(), query("true crime")); got.Source == schemas.SourcePrecomputed {
		t.Error("decision of another manifest was used")
	}
}

func TestRouteThatIsNotOfferedFallsBack(t *testing.T) {
	manifest, err := routes.Parse("m.yaml", []byte(`
name: m
fallback: a
parameters: {}
layouts: {l: {sections: s}}
routes:
  - {name: a, for: a, examples: [x], layout: l, calls: [{tool: t, section: s, title: S, component: list, limit: 1, deadline_ms: 1}]}
  - {name: b, for: b, examples: [x], layout: l, calls: [{tool: t, section: s, title: S, component: list, limit: 1, deadline_ms: 1}], enabled: {markets: [SE]}}
`))
	if err != nil {
		t.Fatal(err)
	}
	r := withPorts(t, manifest, router.Ports{Student: sure("b")})
	us, se := query("x"), query("x")
	se.Market = "SE"
	for range 2 { // decided, then cached
		if d := r.Decide(t.Context(), us); d.Route != "a" {
			t.Errorf("US: %s", d.Route)
		}
		if d := r.Decide(t.Context(), se); d.Route != "b" {
			t.Errorf("SE: %s", d.Route)
		}
	}
}

// published is a router.Decisions that keeps the last decision or refuses it.
type published struct {
	d   schemas.RouteDecision
	err error
}

func (p *published) Publish(_ context.Context, d schemas.RouteDecision) error { p.d = d; return p.err }

func TestStagePassesUserThroughUnseen(t *testing.T) {
	const canary = "canary-feature"
	var asked []string
	m := &model{guess: func(text string) router.Guess {
		asked = append(asked, text)
		return router.Guess{Route: "search", Confidence: 1}
	}}
	var out published
	stage := newRouter(t, m).Stage(&out, nil)
	q := schemas.Query{PublicQuery: query("lady gaga"), User: &schemas.User{ID: canary, Features: map[string]string{"taste": canary}}}
	if err := stage(t.Context(), q); err != nil {
		t.Fatal(err)
	}
	if out.d.User == nil || out.d.User.ID != canary {
		t.Error("the user was lost on the way")
	}
	if s := fmt.Sprintf("%q %+v", asked, out.d.Decision); strings.Contains(s, canary) {
		t.Error("the user reached the model or the decision")
	}
	out.err = errors.New("broker is away")
	if err := stage(t.Context(), q); !errors.Is(err, out.err) {
		t.Errorf("err = %v: an unpublished decision must be retried", err)
	}
}
