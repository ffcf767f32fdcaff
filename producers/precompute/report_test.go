package precompute_test

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/parallel-fusion/pfr/producers/precompute"
	"github.com/parallel-fusion/pfr/schemas"
)

// The curve never falls, and its last point is the share of the traffic whose queries have
// a current entry.
func TestCoverageEndsAtTheTrueShare(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(0, 250).Draw(rt, "queries")
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		s := newSetup()
		s.cfg.Tier = schemas.SourceStudent
		s.cfg.Top = rapid.IntRange(0, n).Draw(rt, "top")
		refused := map[string]bool{}
		d := numbered(n)
		d.Total = float64(n * n)
		for i := range d.Queries {
			d.Queries[i].Weight = math.Floor(100 * random.ExpFloat64())
			refused[d.Queries[i].Text] = random.IntN(3) == 0
			d.Total += d.Queries[i].Weight
			if random.IntN(5) == 0 {
				s.entry(d.Queries[i].Text, schemas.SourceLLM, nil)
			}
		}
		s.router.through = func(_ context.Context, tier schemas.Source, text string) (schemas.Decision, error) {
			if refused[text] {
				return decision(tier, "search", 0.1, 0), nil
			}
			return decision(tier, "search", 0.9, 0), nil
		}
		r, err := s.batch(t).Run(t.Context(), d)
		if err != nil {
			rt.Fatal(err)
		}
		served, entries := 0.0, 0
		for _, q := range d.Queries {
			if _, ok := s.store.byKey[s.router.Ahead(q.Text, schemas.Decision{}, 0).RouteKey]; ok {
				served += q.Weight
				entries++
			}
		}
		last := precompute.Point{}
		for _, p := range r.Coverage {
			if p.Entries <= last.Entries || p.Share < last.Share {
				rt.Fatalf("%v falls", r.Coverage)
			}
			last = p
		}
		if last.Entries != entries || entries > 0 && math.Abs(last.Share-served/d.Total) > 1e-9 {
			rt.Fatalf("ends at %+v, want %d entries, %v of %v", last, entries, served, d.Total)
		}
	})
}

func TestJournalSavesRefusals(t *testing.T) {
	s := newSetup()
	path := filepath.Join(t.TempDir(), "refused.jsonl")
	open := func() *precompute.FileJournal {
		t.Helper()
		j, err := precompute.OpenJournal(path)
		if err != nil {
			t.Fatal(err)
		}
		s.journal = j
		return j
	}
	s.router.through = func(_ context.Context, tier schemas.Source, text string) (schemas.Decision, error) {
		return decision(tier, "search", map[bool]float64{true: 0.4, false: 0.9}[strings.HasSuffix(text, "1")], 0.001), nil
	}
	const again = "20 queries: 18 skipped, 2 refused before, 0 routed, 0 published, 0 refused, 0 failed, 0 left (), 0 withdrawn"
	first := open()
	expect(t, "first", outline(s.run(t, numbered(20))), "20 queries: 0 skipped, 0 refused before, 20 routed, 18 published, 2 refused, 0 failed, 0 left (), 0 withdrawn")
	expect(t, "same process", outline(s.run(t, numbered(20))), again)
	first.Close()

	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"circumstances":"llm`); err != nil { // cut off by a crash
		t.Fatal(err)
	}
	f.Close()
	second := open()
	expect(t, "next process", outline(s.run(t, numbered(20))), again)
	s.cfg.MinConfidence = 0.45 // another gate is another chance
	expect(t, "other gate", outline(s.run(t, numbered(20))), "20 queries: 18 skipped, 0 refused before, 2 routed, 0 published, 2 refused, 0 failed, 0 left (), 0 withdrawn")
	second.Close()
	third := open()
	defer third.Close()
	expect(t, "after the cut line", outline(s.run(t, numbered(20))), again)
}

func TestReportForPeople(t *testing.T) {
	s := newSetup()
	s.router.through = func(_ context.Context, tier schemas.Source, text string) (schemas.Decision, error) {
		switch text {
		case "query 000":
			return decision(tier, "search", 0.9, 0.001), nil
		case "query 001":
			return schemas.Decision{}, errors.New("no such route")
		}
		return decision(tier, "search", 0.2, 0.001), nil
	}
	var b strings.Builder
	if err := s.run(t, numbered(5)).Write(&b, 2); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"published       1 ", "0.004000 USD", "0.800000 USD per 1,000", "1        33.33 %", "query 002: confidence 0.2 is below 0.7", "and 1 more", "query 001: no such route"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "query 004") {
		t.Errorf("more than was asked for:\n%s", b.String())
	}
}

func TestReadDemand(t *testing.T) {
	d, err := precompute.ReadDemand(strings.NewReader("\ufeffJazz\t7\r\n\n  \nBlues\nsoul \t2.5\n"), func(s string) string { return strings.ToLower(strings.TrimSpace(s)) })
	if err != nil || !slices.Equal(d.Queries, []precompute.Query{{"jazz", 7}, {"blues", 1}, {"soul", 2.5}}) {
		t.Errorf("%+v, %v", d, err)
	}
	_, err = precompute.ReadDemand(strings.NewReader("fine\nbad\tmany\nbad\t-1\nbad\tNaN\n\t3\n"+strings.Repeat("a", 300)+"\n"), strings.ToLower)
	for _, line := range []string{"line 2", "line 3", "line 4", "line 5", "line 6"} {
		if err == nil || !strings.Contains(err.Error(), line) {
			t.Errorf("no %s in %v", line, err)
		}
	}
}
