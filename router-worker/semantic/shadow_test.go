package semantic_test

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/parallel-fusion/pfr/router-worker/semantic"
	"github.com/parallel-fusion/pfr/schemas"
)

// near makes anything that resembles a little a would-hit, but for the guards.
func near() semantic.Config { return semantic.Config{Entries: 100, Threshold: 0.2} }

func newShadow(t testing.TB, cfg semantic.Config, entities semantic.Entities) *semantic.Shadow {
	t.Helper()
	s, err := semantic.New(cfg, entities, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func decision(route string, params schemas.Params) schemas.Decision {
	return schemas.Decision{Route: route, Params: params, Source: schemas.SourceLLM, ManifestVersion: "m1"}
}

func TestSimilarQueryIsAHitRightOrWrong(t *testing.T) {
	reg := prometheus.NewRegistry()
	s, err := semantic.New(near(), nil, reg)
	if err != nil {
		t.Fatal(err)
	}
	recs := decision("personalized_recs", schemas.Params{"genre": "jazz", "entity_types": []string{"track"}})
	s.Observe("calm jazz tonight", "US", recs)
	s.Observe("calm jazz tonight please", "US", recs)
	s.Observe("calm jazz tonight now", "US", decision("personalized_recs", schemas.Params{"genre": "jazz"}))
	s.Observe("calm jazz tonights", "US", decision("search", recs.Params))
	r := s.Report()
	if r.Lookups != 4 || r.WouldHits != 3 || r.FalseHits != 2 {
		t.Errorf("%+v", r)
	}
	want := `
# HELP pfr_semantic_shadow_false_hits_total Would-hits with another route or other parameters than the fresh decision.
# TYPE pfr_semantic_shadow_false_hits_total counter
pfr_semantic_shadow_false_hits_total 2
# HELP pfr_semantic_shadow_would_hits_total Lookups that a semantic cache would have answered.
# TYPE pfr_semantic_shadow_would_hits_total counter
pfr_semantic_shadow_would_hits_total 3
`
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "pfr_semantic_shadow_false_hits_total", "pfr_semantic_shadow_would_hits_total"); err != nil {
		t.Error(err)
	}
}

// Other markets, arms and versions are other caches.
func TestScopesAndVersionsStayApart(t *testing.T) {
	s := newShadow(t, near(), nil)
	d := decision("search", schemas.Params{})
	s.Observe("calm jazz", "US", d)
	s.Observe("calm jazz", "SE", d)
	for _, change := range []func(*schemas.Decision){
		func(d *schemas.Decision) { d.ManifestVersion = "m2" },
		func(d *schemas.Decision) { d.ModelVersion = "x" },
		func(d *schemas.Decision) { d.PromptVersion = "x" },
		func(d *schemas.Decision) { d.Arm = "x" },
	} {
		other := d
		change(&other)
		s.Observe("calm jazz", "US", other)
	}
	if r := s.Report(); r.Lookups != 6 || r.WouldHits+r.Repeats != 0 {
		t.Errorf("%+v", r)
	}
}

func TestFallbacksAndRepeatsAreNoLookups(t *testing.T) {
	s := newShadow(t, near(), nil)
	d := decision("search", schemas.Params{})
	s.Observe("calm jazz", "US", d)
	s.Observe("calm jazz", "US", d)
	d.Source = schemas.SourceFallback
	s.Observe("calm jazz tonight", "US", d)
	d.Source, d.Degraded = schemas.SourceStudent, true
	s.Observe("calm jazz tonight", "US", d)
	if r := s.Report(); r.Lookups != 1 || r.Repeats != 1 || r.WouldHits != 0 {
		t.Errorf("%+v", r)
	}
}

// The texts differ in all but their scope, so none is near another.
func TestMemoryIsBoundedAndKeepsWhatIsUsed(t *testing.T) {
	s := newShadow(t, semantic.Config{Entries: 3, Threshold: 0.9}, nil)
	d := decision("search", schemas.Params{})
	for _, text := range []string{"alpha", "bravo", "charlie", "alpha", "delta", "alpha", "bravo"} {
		s.Observe(text, "US", d)
	}
	// delta took bravo's place, which was used longest ago; then bravo took charlie's.
	if r := s.Report(); r.Repeats != 2 || r.Lookups != 5 {
		t.Errorf("%+v", r)
	}
	s.Observe("delta", "US", d)
	s.Observe("charlie", "US", d)
	if r := s.Report(); r.Repeats != 3 || r.Lookups != 6 {
		t.Errorf("%+v", r)
	}
}

func TestLongAndOddTexts(t *testing.T) {
	s := newShadow(t, near(), nil)
	d := decision("search", schemas.Params{})
	for _, text := range []string{"", " ", "a", "é", "\xff", strings.Repeat("ä", 5000), strings.Repeat("x", 255) + "é"} {
		s.Observe(text, "US", d)
	}
	if r := s.Report(); r.Lookups != 7 {
		t.Errorf("%+v", r)
	}
}

func TestConcurrentUse(t *testing.T) {
	s := newShadow(t, near(), nil)
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 200 {
				s.Observe(fmt.Sprintf("query %d of worker %d", j, i), "US", decision("search", schemas.Params{}))
				s.Report()
			}
		})
	}
	wg.Wait()
	if r := s.Report(); r.Lookups != 1600 {
		t.Errorf("%+v", r)
	}
}

// The bounds are tabulated: the rule of three, and Clopper and Pearson's for 5 of 100.
func TestBoundOfTheFalseHitRate(t *testing.T) {
	for _, c := range []struct {
		falseHits, hits int
		upper           float64
	}{
		{0, 0, 1}, {0, 1, 0.95}, {0, 100, 0.029513}, {0, 300, 0.009936}, {5, 100, 0.102253}, {100, 100, 1}, {50, 10_000, 0.006328},
	} {
		_, upper := semantic.Report{WouldHits: c.hits, FalseHits: c.falseHits}.FalseHitRate()
		if math.Abs(upper-c.upper) > 1e-4 {
			t.Errorf("%d of %d: at most %.6f, want %.6f", c.falseHits, c.hits, upper, c.upper)
		}
	}
}

func TestConfigIsChecked(t *testing.T) {
	for _, cfg := range []semantic.Config{{Threshold: 0.8}, {Entries: 1}, {Entries: 1, Threshold: 1.1}, {Entries: 1, Threshold: math.NaN()}} {
		if _, err := semantic.New(cfg, nil, nil); err == nil {
			t.Errorf("accepted %+v", cfg)
		}
	}
}
