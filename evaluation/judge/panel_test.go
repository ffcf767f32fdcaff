package judge_test

import (
	"errors"
	"testing"

	"github.com/parallel-fusion/pfr/evaluation/judge"
)

func TestPanel(t *testing.T) {
	for votes, want := range map[string]string{
		"P": "PASS by 0", "N": "NO PASS by 0", "PPN": "PASS 2 of 3: by 0", "NPN": "NO PASS 2 of 3: by 0", "NPP": "PASS 2 of 3: by 1",
		"PN": "NO PASS 1 of 2: by 1", "PPNN": "NO PASS 2 of 4: by 2",
	} {
		var judges []judge.Absolute
		for i, v := range votes {
			id := string(rune('0' + i))
			judges = append(judges, &scripted{id: id, answer: func(int, judge.Subject) (judge.Judgment, error) { return all(id, v == 'P'), nil }})
		}
		panel, err := judge.NewPanel(judges...)
		if err != nil {
			t.Fatal(err)
		}
		out, err := panel.Judge(t.Context(), subject(1))
		v := out.Verdicts[judge.Overall]
		got := map[bool]string{true: "PASS ", false: "NO PASS "}[v.Pass] + v.Reason
		if got != want || err != nil || len(v.Evidence) != 1 || len(out.Verdicts) != 4 || out.Judge != panel.ID() {
			t.Errorf("%s: %q, %+v, %v", votes, got, out, err)
		}
		if cost := .01 * float64(len(votes)); out.CostUSD < cost-1e-9 || out.CostUSD > cost+1e-9 {
			t.Errorf("%s: cost %v", votes, out.CostUSD)
		}
	}
	if _, err := judge.NewPanel(&scripted{id: "a"}, &scripted{id: "a"}); err == nil {
		t.Error("one judge has two votes")
	}
	if _, err := judge.NewPanel(); err == nil {
		t.Error("a panel of nobody")
	}
	failing := &scripted{id: "b", answer: func(int, judge.Subject) (judge.Judgment, error) { return judge.Judgment{CostUSD: 2}, errBusy }}
	panel, err := judge.NewPanel(&scripted{id: "a"}, failing, &scripted{id: "c"})
	if err != nil {
		t.Fatal(err)
	}
	if out, err := panel.Judge(t.Context(), subject(1)); !errors.Is(err, errBusy) || out.CostUSD != 2.01 {
		t.Errorf("%+v, %v", out, err)
	}
}

func TestPanelPairs(t *testing.T) {
	names := map[rune]judge.Choice{'1': judge.First, '2': judge.Second, '0': judge.Tie}
	for votes, want := range map[string]judge.Choice{
		"1": judge.First, "112": judge.First, "221": judge.Second, "120": judge.Tie, "100": judge.Tie, "12": judge.Tie, "11": judge.First, "1122": judge.Tie,
	} {
		var judges []judge.Pairwise
		for i, v := range votes {
			judges = append(judges, &chooser{id: string(rune('a' + i)), choose: func(judge.Subject, judge.Subject) judge.Choice { return names[v] }})
		}
		panel, err := judge.NewPanelPairs(judges...)
		if err != nil {
			t.Fatal(err)
		}
		if out, err := panel.Prefer(t.Context(), subject(1), subject(2)); out.Choice != want || err != nil {
			t.Errorf("%s: %+v, %v", votes, out, err)
		}
	}
}

// judged compares pages of which the odd ones are better.
func judged(t *testing.T, choose func(first, second judge.Subject) judge.Choice) ([]judge.Comparison, judge.Positions) {
	t.Helper()
	var pairs []judge.Pair
	for i := range 40 {
		pairs = append(pairs, judge.Pair{Page: subject(2*i + 1), Other: subject(2 * i)})
	}
	cfg := judge.DefaultRunConfig()
	cfg.Parallel = 1
	out, err := judge.RunPairs(t.Context(), cfg, &chooser{id: "a", choose: choose}, pairs)
	if err != nil {
		t.Fatal(err)
	}
	var all []judge.Comparison
	for _, o := range out {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
		all = append(all, o.Comparison)
	}
	return all, judge.CountPositions(all)
}

// A judge that goes by the place of a page says nothing about pages, and is found out.
func TestPlaceOfAPage(t *testing.T) {
	odd := func(s judge.Subject) bool { return (s.Case.ID[len(s.Case.ID)-1]-'0')%2 == 1 }
	for name, tc := range map[string]struct {
		choose      func(first, second judge.Subject) judge.Choice
		outcome     judge.Choice
		consistency float64
		first       float64
		warns       bool
	}{
		"always first":  {func(judge.Subject, judge.Subject) judge.Choice { return judge.First }, judge.Tie, 0, 1, true},
		"always second": {func(judge.Subject, judge.Subject) judge.Choice { return judge.Second }, judge.Tie, 0, 0, true},
		"always tie":    {func(judge.Subject, judge.Subject) judge.Choice { return judge.Tie }, judge.Tie, 1, .5, false},
		"by the page": {func(first, _ judge.Subject) judge.Choice {
			if odd(first) {
				return judge.First
			}
			return judge.Second
		}, judge.First, 1, .5, false},
		"first or tie": {func(first, _ judge.Subject) judge.Choice {
			if odd(first) {
				return judge.First
			}
			return judge.Tie
		}, judge.Tie, 0, 1, true},
	} {
		all, p := judged(t, tc.choose)
		for _, c := range all {
			if c.Outcome != tc.outcome {
				t.Errorf("%s: %+v", name, c)
			}
		}
		if p.Pairs != 40 || p.Consistency() != tc.consistency || p.FirstRate() != tc.first || (p.Warning() != "") != tc.warns {
			t.Errorf("%s: %+v, %q", name, p, p.Warning())
		}
	}
}

func TestIdenticalPages(t *testing.T) {
	j := &chooser{id: "a", choose: func(judge.Subject, judge.Subject) judge.Choice { return judge.First }}
	c, err := judge.Compare(t.Context(), j, subject(1), subject(1))
	if err != nil || c.Outcome != judge.Tie || !c.Identical || j.calls != 0 {
		t.Errorf("%+v, %v, %d calls", c, err, j.calls)
	}
	if p := judge.CountPositions([]judge.Comparison{c}); p.Pairs != 0 || p.Warning() != "" {
		t.Errorf("%+v", p)
	}
}
