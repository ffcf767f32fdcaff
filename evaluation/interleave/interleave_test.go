package interleave_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
	"gonum.org/v1/gonum/stat/distuv"
	"pgregory.net/rapid"

	"github.com/parallel-fusion/pfr/evaluation/interleave"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func search(i int) interleave.Seed {
	return interleave.Seed{Comparison: "reranker", CorrelationID: fmt.Sprintf("0192-%d", i), Section: "tracks"}
}

func teams(mix []interleave.Pick[string]) string {
	var b strings.Builder
	for _, p := range mix {
		b.WriteString(p.ID)
		switch p.Team {
		case interleave.Neither:
			b.WriteString("- ")
		default:
			b.WriteString(string(p.Team) + " ")
		}
	}
	return strings.TrimSpace(b.String())
}

// A mix is rebuilt from a stored page by any version: these must never change.
func TestMixIsPinned(t *testing.T) {
	a, b := []string{"1", "2", "3", "4", "5"}, []string{"3", "1", "6", "7"}
	for i, want := range []string{
		"3b 1a 2a 6b 4a 7b 5-",
		"1a 3b 6b 2a 4a 7b 5-",
		"1a 3b 2a 6b 7b 4a 5-",
	} {
		if got := teams(interleave.Mix(a, b, 10, search(i))); got != want {
			t.Errorf("search %d: %s, want %s", i, got, want)
		}
	}
	one, other := search(1), search(1)
	other.Section = "albums"
	same := 0
	for i := range 100 {
		one.CorrelationID, other.CorrelationID = fmt.Sprint(i), fmt.Sprint(i)
		if teams(interleave.Mix(a, b, 10, one)) == teams(interleave.Mix(a, b, 10, other)) {
			same++
		}
	}
	if same > 60 {
		t.Errorf("two sections of a search are mixed alike in %d of 100", same)
	}
}

func drawRanking(t *rapid.T, name string) []int {
	return rapid.SliceOfN(rapid.IntRange(0, 14), 0, 12).Draw(t, name) // repeats are possible
}

// No item comes twice and none is invented; a prefix holds the best of each ranking and
// nothing below what it skipped; the teams have the same number of picks, but for one; a
// shorter mix is the beginning of a longer one; inputs are left alone.
func TestMixKeepsItsPromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawRanking(t, "a"), drawRanking(t, "b")
		n, seed := rapid.IntRange(0, 20).Draw(t, "n"), search(rapid.IntRange(0, 1000).Draw(t, "search"))
		wasA, wasB := slices.Clone(a), slices.Clone(b)
		mix := interleave.Mix(a, b, n, seed)
		if !slices.Equal(a, wasA) || !slices.Equal(b, wasB) {
			t.Fatal("a ranking was changed")
		}
		all := map[int]bool{}
		for _, id := range slices.Concat(a, b) {
			all[id] = true
		}
		if len(mix) != min(n, len(all)) {
			t.Fatalf("%d items of %d, %d wanted", len(mix), len(all), n)
		}
		seen := map[int]bool{}
		picks := map[interleave.Team]int{}
		for i, p := range mix {
			if seen[p.ID] || !all[p.ID] {
				t.Fatalf("%v twice or invented in %v", p.ID, mix)
			}
			for team, ranking := range map[interleave.Team][]int{interleave.A: a, interleave.B: b} {
				if p.Team != team {
					continue
				}
				for _, above := range ranking[:slices.Index(ranking, p.ID)] {
					if !seen[above] {
						t.Fatalf("%v before %v, which team %s ranks higher", p.ID, above, team)
					}
				}
			}
			seen[p.ID] = true
			picks[p.Team]++
			if d := picks[interleave.A] - picks[interleave.B]; d < -1 || d > 1 {
				t.Fatalf("%d picks more of a team at %d of %v", d, i, mix)
			}
			if p.Team != interleave.Neither && picks[interleave.Neither] > 0 {
				t.Fatalf("a team picks after the draft has ended: %v", mix)
			}
		}
		shorter := interleave.Mix(a, b, n/2, seed)
		if !slices.Equal(shorter, mix[:len(shorter)]) {
			t.Fatalf("%v is not the beginning of %v", shorter, mix)
		}
	})
}

// chi returns the p-value of counts against equal shares.
func chi(counts ...int) float64 {
	total, sum := 0, 0.0
	for _, c := range counts {
		total += c
	}
	e := float64(total) / float64(len(counts))
	for _, c := range counts {
		sum += (float64(c) - e) * (float64(c) - e) / e
	}
	return distuv.ChiSquared{K: float64(len(counts) - 1)}.Survival(sum)
}

// Each team picks first half of the time, and on equal rankings has half of every position,
// whatever the positions before it (rounds are independent).
func TestFairness(t *testing.T) {
	const searches = 20_000
	ranking := []int{1, 2, 3, 4, 5, 6, 7, 8}
	var of [8]int
	rounds := map[string]int{}
	for i := range searches {
		var order strings.Builder
		for place, p := range interleave.Mix(ranking, ranking, 8, search(i)) {
			if p.Team == interleave.A {
				of[place]++
			}
			if p.ID != ranking[place] {
				t.Fatal("equal rankings were shuffled")
			}
			if place%2 == 0 && place < 6 {
				order.WriteString(string(p.Team))
			}
		}
		rounds[order.String()]++
	}
	for place, n := range of {
		if p := chi(n, searches-n); p < 1e-4 {
			t.Errorf("team a has %d of %d at place %d, p = %v", n, searches, place+1, p)
		}
	}
	var counts []int
	for _, n := range rounds {
		counts = append(counts, n)
	}
	if p := chi(counts...); len(counts) != 8 || p < 1e-4 {
		t.Errorf("the coins of three rounds fall %v, p = %v", rounds, p)
	}
}

// Clicks that follow places alone prefer nobody; clicks on good items prefer the ranking that
// has them higher.
func TestPreferenceIsFound(t *testing.T) {
	good, bad := []int{1, 2, 3, 4, 5, 6}, []int{4, 5, 6, 1, 2, 3}
	for name, c := range map[string]struct {
		clicks func(place, id int) bool
		found  bool
	}{
		"the place alone": {func(place, _ int) bool { return place == 0 }, false},
		"what is good":    {func(_, id int) bool { return id == 1 }, true},
	} {
		var tally interleave.Tally
		for i := range 2000 {
			mix := interleave.Mix(good, bad, 4, search(i))
			var clicked []int
			for place, p := range mix {
				if c.clicks(place, p.ID) {
					clicked = append(clicked, p.ID)
				}
			}
			tally.Add(interleave.CreditOf(mix, clicked))
		}
		p, err := tally.Preference()
		if err != nil {
			t.Fatal(err)
		}
		if found := p.P < 1e-4 && p.Delta > 0 && p.Interval.Low > .5; found != c.found {
			t.Errorf("%s: %+v", name, p)
		}
	}
}

func TestCredit(t *testing.T) {
	mix := []interleave.Pick[string]{{ID: "x", Team: interleave.A}, {ID: "y", Team: interleave.B}, {ID: "z", Team: interleave.A}, {ID: "w"}}
	for want, clicked := range map[interleave.Credit][]string{
		{}:           {"w", "never shown"},
		{A: 1}:       {"x", "x"},
		{A: 2, B: 1}: {"z", "y", "x"},
	} {
		if got := interleave.CreditOf(mix, clicked); got != want {
			t.Errorf("%v: %+v, want %+v", clicked, got, want)
		}
	}
	if got := (interleave.Credit{A: 1, B: 2}).Plus(interleave.Credit{A: 3, B: 4}); got != (interleave.Credit{A: 4, B: 6}) {
		t.Errorf("sum %+v", got)
	}
}

// By hand. 8 wins to 2 and 2 ties: Δ = (8 + 1)/12 − 1/2 = 1/4; the sign test has 2·(1 + 10 +
// 45)/1024 = 0.109375; the interval of 8 of 10 is R's prop.test(8, 10, correct = FALSE).
func TestPreferenceByHand(t *testing.T) {
	var tally, part interleave.Tally
	for i := range 12 {
		to := &tally
		if i%3 == 0 {
			to = &part
		}
		switch {
		case i < 8:
			to.Add(interleave.Credit{A: 2, B: 1})
		case i < 10:
			to.Add(interleave.Credit{B: 1})
		default:
			to.Add(interleave.Credit{A: 1, B: 1})
		}
	}
	tally.Merge(part)
	tally.Add(interleave.Credit{}) // without clicks: nobody's
	tally.Sub(interleave.Credit{A: 1})
	tally.Add(interleave.Credit{A: 5})
	p, err := tally.Preference()
	if err != nil {
		t.Fatal(err)
	}
	if p.A != 8 || p.B != 2 || p.Ties != 2 || math.Abs(p.Delta-.25) > 1e-12 || math.Abs(p.P-.109375) > 1e-9 || p.Share != .8 {
		t.Errorf("%+v", p)
	}
	if math.Abs(p.Interval.Low-.4902) > 1e-4 || math.Abs(p.Interval.High-.9433) > 1e-4 {
		t.Errorf("interval %v", p.Interval)
	}
	if none, err := (interleave.Tally{}).Preference(); err != nil || none.P != 1 || none.Delta != 0 || none.Share != .5 {
		t.Errorf("of nobody: %+v, %v", none, err)
	}
	if even, _ := (interleave.Tally{A: 5, B: 5}).Preference(); even.P != 1 {
		t.Errorf("even: p %v", even.P)
	}
	tally.Sub(interleave.Credit{B: 3})
	tally.Sub(interleave.Credit{B: 3})
	tally.Sub(interleave.Credit{B: 3})
	if _, err := tally.Preference(); !errors.Is(err, interleave.ErrNegative) {
		t.Errorf("more out than in: %v", err)
	}
}
