package precompute_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/producers/precompute"
	"github.com/parallel-fusion/pfr/schemas"
)

// entry puts an entry for text on the topic and changes it.
func (s *setup) entry(text string, tier schemas.Source, change func(*schemas.PrecomputedRoute)) {
	p := s.router.Ahead(text, decision(tier, "search", 0.9, 0), s.cfg.TTL)
	if change != nil {
		change(&p)
	}
	s.store.byKey[p.RouteKey] = p
}

// stock fills the topic with an entry of every state.
func (s *setup) stock() {
	age := func(share float64) func(p *schemas.PrecomputedRoute) {
		return func(p *schemas.PrecomputedRoute) {
			by := time.Duration(share * float64(s.cfg.TTL))
			p.ComputedAt, p.ExpiresAt = p.ComputedAt.Add(-by), p.ExpiresAt.Add(-by)
		}
	}
	s.entry("by the student", schemas.SourceStudent, nil)
	s.entry("by the model", schemas.SourceLLM, age(0.8))
	s.entry("almost over", schemas.SourceLLM, age(0.9))
	s.entry("over", schemas.SourceLLM, age(1.1))
	s.entry("other manifest", schemas.SourceStudent, func(p *schemas.PrecomputedRoute) { p.Decision.ManifestVersion = "m0" })
	s.entry("other student", schemas.SourceStudent, func(p *schemas.PrecomputedRoute) { p.Decision.ModelVersion = "s0" })
	s.entry("other prompt", schemas.SourceLLM, func(p *schemas.PrecomputedRoute) { p.Decision.PromptVersion = "p0" })
	s.entry("a guess", schemas.SourceFallback, nil)
}

func demandOf(texts ...string) precompute.Demand {
	var d precompute.Demand
	for _, text := range texts {
		d.Queries = append(d.Queries, precompute.Query{Text: text, Weight: 1})
	}
	return d
}

func TestStaleEntriesAreWithdrawn(t *testing.T) {
	s := newSetup()
	s.stock()
	n, err := s.batch(t).WithdrawStale(t.Context())
	if err != nil || n != 5 {
		t.Errorf("%d withdrawn, %v", n, err)
	}
	expect(t, "entries", s.store.queries(), "almost over, by the model, by the student")

	s.stock()
	s.router.versions.Model = "" // without a language model nobody can say which prompt is current
	s.cfg.Tier = schemas.SourceStudent
	if n, err := s.batch(t).WithdrawStale(t.Context()); err != nil || n != 4 {
		t.Errorf("without a language model: %d withdrawn, %v", n, err)
	}
	expect(t, "entries", s.store.queries(), "almost over, by the model, by the student, other prompt")
}

func TestRunReplacesWhatRoutersDoNotTake(t *testing.T) {
	all := demandOf("by the student", "by the model", "almost over", "over", "other manifest", "other student", "other prompt", "a guess")
	t.Run("through the language model", func(t *testing.T) {
		s := newSetup()
		s.stock()
		expect(t, "report", outline(s.run(t, all)), "8 queries: 1 skipped, 0 refused before, 7 routed, 7 published, 0 refused, 0 failed, 0 left (), 5 withdrawn")
	})
	t.Run("through the student", func(t *testing.T) {
		s := newSetup()
		s.cfg.Tier = schemas.SourceStudent
		s.stock()
		expect(t, "report", outline(s.run(t, all)), "8 queries: 2 skipped, 0 refused before, 6 routed, 6 published, 0 refused, 0 failed, 0 left (), 5 withdrawn")
	})
	t.Run("dry", func(t *testing.T) {
		s := newSetup()
		s.cfg.DryRun = true
		s.stock()
		r := s.run(t, all)
		expect(t, "report", outline(r), "8 queries: 1 skipped, 0 refused before, 0 routed, 0 published, 0 refused, 0 failed, 7 left (), 5 withdrawn")
		if len(s.store.byKey) != 8 || s.store.published != 0 || len(s.router.asked) != 0 {
			t.Errorf("a dry run did something: %s", s.store.queries())
		}
		expect(t, "curve", fmt.Sprint(r.Coverage), "[{1 0.125} {8 1}]")
	})
	t.Run("kept", func(t *testing.T) {
		s := newSetup()
		s.cfg.KeepStale = true
		s.stock()
		expect(t, "report", outline(s.run(t, demandOf("new"))), "1 queries: 0 skipped, 0 refused before, 1 routed, 1 published, 0 refused, 0 failed, 0 left (), 0 withdrawn")
		if len(s.store.byKey) != 9 {
			t.Errorf("entries %s", s.store.queries())
		}
	})
}
