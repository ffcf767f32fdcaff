package precompute_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/parallel-fusion/pfr/producers/precompute"
	"github.com/parallel-fusion/pfr/schemas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// router answers by a function and counts.
type router struct {
	versions precompute.Versions
	through  func(ctx context.Context, tier schemas.Source, text string) (schemas.Decision, error)

	mu             sync.Mutex
	asked          map[string]int // of the tier, not of the student as a second opinion
	inFlight, peak int
	working        int // of a tier that takes few queries at a time
}

func versions() precompute.Versions {
	return precompute.Versions{Manifest: "m1", Student: "s1", Model: "p1"}
}

// answering returns a router whose tiers take every query for new releases.
func answering() *router {
	return &router{
		versions: versions(), asked: map[string]int{},
		through: func(_ context.Context, tier schemas.Source, _ string) (schemas.Decision, error) {
			return decision(tier, "new_releases", 0.9, 0.001), nil
		},
	}
}

func (r *router) Versions() precompute.Versions { return r.versions }

func (r *router) Through(ctx context.Context, tier schemas.Source, text string) (schemas.Decision, error) {
	r.mu.Lock()
	r.asked[text]++
	r.inFlight++
	r.peak = max(r.peak, r.inFlight)
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		r.inFlight--
		r.mu.Unlock()
	}()
	return r.through(ctx, tier, text)
}

func (r *router) Ahead(text string, d schemas.Decision, ttl time.Duration) schemas.PrecomputedRoute {
	now := time.Now()
	return schemas.PrecomputedRoute{
		SchemaVersion: schemas.Version, RouteKey: "key-" + strings.ReplaceAll(text, " ", "-"), Query: text,
		Decision: d, ComputedAt: now, ExpiresAt: now.Add(ttl),
	}
}

func decision(tier schemas.Source, route string, confidence, usd float64) schemas.Decision {
	d := schemas.Decision{
		Route: route, Params: schemas.Params{}, Layout: "list", Source: tier, Confidence: confidence,
		ManifestVersion: "m1", ModelVersion: "s1", Tokens: schemas.Tokens{Prompt: 100, Completion: 10}, Cost: usd,
		Calls: []schemas.Call{{Tool: "search", Section: "results", Title: "Results", Component: "list", Params: schemas.Params{}, Limit: 10, DeadlineMS: 100}},
	}
	if tier == schemas.SourceLLM {
		d.ModelVersion, d.PromptVersion = "tiny", "p1"
	}
	return d
}

// store is a topic that outlives the runs of a test.
type store struct {
	mu        sync.Mutex
	byKey     map[string]schemas.PrecomputedRoute
	published int
	publish   func(p schemas.PrecomputedRoute) error // after it is kept; may be nil
}

func newStore() *store { return &store{byKey: map[string]schemas.PrecomputedRoute{}} }

func (s *store) Entries(context.Context) ([]precompute.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var entries []precompute.Entry
	for _, p := range s.byKey {
		entries = append(entries, precompute.EntryOf(p))
	}
	return entries, nil
}

func (s *store) Publish(_ context.Context, p schemas.PrecomputedRoute) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.byKey[p.RouteKey] = p
	s.published++
	if s.publish != nil {
		return s.publish(p)
	}
	return nil
}

func (s *store) Withdraw(_ context.Context, key string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.byKey[key]; !ok {
		return errors.New("no such key")
	}
	delete(s.byKey, key)
	return nil
}

// queries lists the texts that have an entry.
func (s *store) queries() string {
	var list []string
	for _, p := range s.byKey {
		list = append(list, p.Query)
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// setup is a batch with what it works with.
type setup struct {
	cfg     precompute.Config
	router  *router
	store   *store
	journal precompute.Journal
}

func newSetup() *setup {
	cfg := precompute.DefaultConfig()
	cfg.Tier = schemas.SourceLLM
	return &setup{cfg: cfg, router: answering(), store: newStore()}
}

func (s *setup) batch(t testing.TB) *precompute.Batch {
	t.Helper()
	b, err := precompute.New(s.cfg, precompute.Ports{Router: s.router, Store: s.store, Journal: s.journal}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// run is a run that must not fail.
func (s *setup) run(t testing.TB, d precompute.Demand) precompute.Report {
	t.Helper()
	r, err := s.batch(t).Run(t.Context(), d)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// numbered returns a demand of n queries, of falling weights.
func numbered(n int) precompute.Demand {
	var d precompute.Demand
	for i := range n {
		d.Queries = append(d.Queries, precompute.Query{Text: fmt.Sprintf("query %03d", i), Weight: float64(n - i)})
	}
	return d
}

// outline is the part of a report that the tests compare.
func outline(r precompute.Report) string {
	return fmt.Sprintf("%d queries: %d skipped, %d refused before, %d routed, %d published, %d refused, %d failed, %d left (%s), %d withdrawn",
		r.Queries, r.Skipped, r.RefusedBefore, r.Routed, r.Published, len(r.Refusals), len(r.Failures), r.Left, r.Stopped, r.Withdrawn)
}

func expect(t testing.TB, what, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("%s:\ngot  %s\nwant %s", what, got, want)
	}
}
