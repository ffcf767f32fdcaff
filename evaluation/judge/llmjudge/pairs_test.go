package llmjudge_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/evaluation/judge"
	"github.com/parallel-fusion/pfr/evaluation/judge/llmjudge"
	"github.com/parallel-fusion/pfr/internal/llm"
	"github.com/parallel-fusion/pfr/internal/llm/llmtest"
)

func newPairs(tb testing.TB, cfg llmjudge.Config, a llmjudge.Asker) *llmjudge.Pairs {
	tb.Helper()
	p, err := llmjudge.NewPairs(cfg, a)
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

// long is a page of sections of so many items.
func long(counts ...int) judge.Page {
	var p judge.Page
	for s, n := range counts {
		section := judge.Section{Title: fmt.Sprint("S", s)}
		for i := range n {
			section.Items = append(section.Items, judge.Item{ID: fmt.Sprintf("track:%d-%d", s, i), Type: "track", Title: fmt.Sprintf("T%d-%d", s, i)})
		}
		p.Sections = append(p.Sections, section)
	}
	return p
}

// titles are the titles of items that the model is shown of both pages.
func titles(tb testing.TB, turn string) (first, second []string) {
	tb.Helper()
	type side struct {
		Sections []struct{ Items []struct{ Title string } }
	}
	var t struct{ First, Second side }
	if err := json.Unmarshal([]byte(turn), &t); err != nil {
		tb.Fatal(err)
	}
	read := func(s side) (out []string) {
		for _, section := range s.Sections {
			for _, it := range section.Items {
				out = append(out, it.Title)
			}
		}
		return out
	}
	return read(t.First), read(t.Second)
}

func TestPairsAreOfOneLength(t *testing.T) {
	for name, tc := range map[string]struct {
		a, b  judge.Page
		first int // items shown
		other int
		shown string // of the first page, and not
		not   string
	}{
		"equal":                {long(4), long(4), 4, 4, "T0-3", ""},
		"sections give evenly": {long(10, 10), long(8), 8, 8, "T1-3", "T1-4"},
		"of each at most ten":  {long(30), long(30), 10, 10, "T0-9", "T0-10"},
		"next to nothing":      {long(10, 10), long(1), 5, 1, "T1-1", "T1-2"},
		"nothing":              {long(10), long(), 5, 0, "T0-4", "T0-5"},
		"both nothing":         {long(), long(), 0, 0, "", ""},
	} {
		model := &saying{texts: []string{`{"reason":"because","better":"second"}`}}
		p := newPairs(t, config(), model)
		out, err := p.Prefer(t.Context(), subject("q", tc.a), subject("q", tc.b))
		if err != nil || out.Choice != judge.Second || out.Reason != "because" || out.Judge != p.ID() || out.CostUSD != .25 {
			t.Errorf("%s: %+v, %v", name, out, err)
		}
		first, second := titles(t, model.asked[0].User)
		all := strings.Join(first, " ") + " "
		if len(first) != tc.first || len(second) != tc.other || !strings.Contains(all, tc.shown) || tc.not != "" && strings.Contains(all, tc.not+" ") {
			t.Errorf("%s: %v, %v", name, first, second)
		}
	}
}

func TestPairsThatAreNoUse(t *testing.T) {
	for name, text := range map[string]string{
		"another":   `{"reason":"r","better":"third"}`,
		"no reason": `{"better":"first"}`,
		"more":      `{"reason":"r","better":"first","confidence":1}`,
		"number":    `{"reason":1,"better":"first"}`,
		"prose":     "The first is better.",
	} {
		model := &saying{texts: []string{text}}
		out, err := newPairs(t, config(), model).Prefer(t.Context(), subject("q", page()), subject("q", long(3)))
		if !errors.Is(err, llm.ErrOutput) || len(model.asked) != 3 || out.CostUSD != .75 {
			t.Errorf("%s: %+v, %v", name, out, err)
		}
	}
	s := subject("q", page())
	s.Today = ""
	if _, err := newPairs(t, config(), &saying{}).Prefer(t.Context(), s, s); err == nil {
		t.Error("a day that is none")
	}
}

// A model that always says "first" makes ties and nothing else, and the run says so.
func TestModelThatAlwaysSaysFirst(t *testing.T) {
	server := llmtest.New(llmtest.Config{Answer: func(string) string { return `{"reason":"it is first","better":"first"}` }})
	t.Cleanup(server.Close)
	var pairs []judge.Pair
	for i := range 10 {
		q := fmt.Sprint("q", i)
		pairs = append(pairs, judge.Pair{Page: subject(q, page()), Other: subject(q, long(3))})
	}
	out, err := judge.RunPairs(t.Context(), judge.DefaultRunConfig(), newPairs(t, config(), client(t, server)), pairs)
	if err != nil || server.Count() != 20 {
		t.Fatalf("%v, %d calls", err, server.Count())
	}
	var all []judge.Comparison
	for _, o := range out {
		if o.Err != nil || o.Comparison.Outcome != judge.Tie {
			t.Errorf("%+v", o)
		}
		all = append(all, o.Comparison)
	}
	if p := judge.CountPositions(all); p.FirstRate() != 1 || p.Consistency() != 0 || !strings.Contains(p.Warning(), "100 % of its choices") {
		t.Errorf("%+v: %s", p, p.Warning())
	}
}

// The two pages stand in the order of the question, and the sections of a page in the same
// order both times.
func TestOrderOfPages(t *testing.T) {
	model := &saying{texts: []string{`{"reason":"r","better":"tie"}`}}
	p := newPairs(t, config(), model)
	a, b := subject("q", page()), subject("q", long(2, 2))
	if _, err := judge.Compare(t.Context(), p, a, b); err != nil {
		t.Fatal(err)
	}
	a1, b1 := titles(t, model.asked[0].User)
	b2, a2 := titles(t, model.asked[1].User)
	if fmt.Sprint(a1) != fmt.Sprint(a2) || fmt.Sprint(b1) != fmt.Sprint(b2) || strings.HasPrefix(a1[0], "T0") {
		t.Errorf("%v, %v\n%v, %v", a1, b1, a2, b2)
	}
}
