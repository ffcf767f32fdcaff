package recs_test

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/parallel-fusion/pfr/evaluation/recs"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

// The ranking hits the held items 3 and 9 at places 1 and 3.
func TestMeasuresByHand(t *testing.T) {
	ranking, held := []int{3, 1, 9, 4}, []int{3, 7, 8, 9, 11}
	if got := recs.Recall(ranking, held); !near(got, 2.0/5) {
		t.Errorf("recall %v, want 2/5", got)
	}
	if got := recs.CappedRecall(ranking, held, 4); !near(got, 2.0/4) {
		t.Errorf("capped recall %v, want 2/4", got)
	}
	// Gain 1/log2(2) + 1/log2(4) = 1.5; ideal 1 + 0.63093 + 0.5 + 0.43068 = 2.56161.
	if got := recs.NDCG(ranking, held, 4); math.Abs(got-1.5/2.5616063116448506) > 1e-9 {
		t.Errorf("ndcg %v, want 0.58557", got)
	}
	if got := recs.NDCG([]int{3, 7}, []int{3, 7}, 20); !near(got, 1) {
		t.Errorf("ndcg of the ideal ranking %v, want 1", got)
	}
}

func TestLeaveOut(t *testing.T) {
	var rows []recs.Row
	for u := range 50 {
		for i := range u % 12 {
			rows = append(rows, recs.Row{User: u, Item: (u*7 + i*3) % 90, Weight: 1})
		}
	}
	s, err := recs.LeaveOut(rows, 0.2, 1)
	if err != nil {
		t.Fatal(err)
	}
	for u := range s.History {
		n := u % 12
		want := max(1, n/5)
		if n < 2 {
			want = 0
		}
		if len(s.Held[u]) != want || len(s.History[u]) != n-want {
			t.Errorf("user with %d items: %d held, %d kept; want %d held", n, len(s.Held[u]), len(s.History[u]), want)
		}
		for _, e := range s.History[u] {
			if slices.Contains(s.Held[u], e.Item) {
				t.Errorf("user %d: item %d is both shown and held", u, e.Item)
			}
		}
	}
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
	again, _ := recs.LeaveOut(rows, 0.2, 1)
	if !reflect.DeepEqual(s, again) {
		t.Error("the split depends on the order of the rows")
	}
	other, _ := recs.LeaveOut(rows, 0.2, 2)
	if reflect.DeepEqual(s.Held, other.Held) {
		t.Error("another seed gives the same split")
	}
}

func TestLeaveOutSumsEqualPairs(t *testing.T) {
	s, err := recs.LeaveOut([]recs.Row{{0, 4, 2}, {0, 4, 3}}, 0.2, 1)
	if err != nil || len(s.History[0]) != 1 || s.History[0][0].Weight != 5 {
		t.Errorf("split %+v, %v; want one entry of weight 5", s, err)
	}
}

func TestLeaveOutRefusesBadInput(t *testing.T) {
	for _, share := range []float64{0, 1, -1, math.NaN()} {
		if _, err := recs.LeaveOut(nil, share, 1); err == nil {
			t.Errorf("share %v accepted", share)
		}
	}
	if _, err := recs.LeaveOut([]recs.Row{{User: -1}}, 0.2, 1); err == nil {
		t.Error("a negative user accepted")
	}
}

// Four users share items 0 and 1; user u alone has item 2+u. An oracle knows what is held.
func fixture() recs.Split {
	s := recs.Split{Items: 6}
	for u := range 4 {
		s.History = append(s.History, []recs.Entry{{Item: 0, Weight: 1}})
		s.Held = append(s.Held, []int{1, 2 + u})
	}
	return s
}

func TestEvaluate(t *testing.T) {
	one := recs.Model{Name: "one", Recommend: func([]recs.Entry, int) []int { return []int{1, 5} }}
	all := recs.Model{Name: "all", Recommend: func([]recs.Entry, int) []int { return []int{1, 2, 3, 4, 5} }}
	r, err := recs.Evaluate(t.Context(), recs.DefaultConfig(), fixture(), one, all)
	if err != nil {
		t.Fatal(err)
	}
	got := r.Results[0]
	// Item 1 hits for all four users and item 5 for the last: (1/2 + 1/2 + 1/2 + 1) / 4.
	if got.Model != "one" || !near(got.Recall.Mean, 0.625) || !near(got.Coverage, 2.0/6) {
		t.Errorf("result %+v, want recall 0.625 and coverage 1/3", got)
	}
	// No history holds items 1 and 5, so each says log2(5) bits with one added to counts.
	if !near(got.Novelty, math.Log2(5)) {
		t.Errorf("novelty %v, want log2(5)", got.Novelty)
	}
	if r.Users != 4 || r.Held != 8 || !near(r.Results[1].Recall.Mean, 1) {
		t.Errorf("report %+v", r)
	}
	ratio, ok := r.Compare("all", "one")
	if !ok || !near(ratio.Ratio, 1.6) || ratio.Interval.Low > 1.6 || ratio.Interval.High < 1.6 {
		t.Errorf("ratio %+v, want 1.6 within its interval", ratio)
	}
	if _, ok := r.Compare("all", "none"); ok {
		t.Error("compared with a model that is not there")
	}
	if text := r.String(); !strings.Contains(text, "0.6250") || !strings.Contains(text, "recall@20") {
		t.Errorf("table:\n%s", text)
	}
}

func TestEvaluateRefusesUnknownItems(t *testing.T) {
	bad := recs.Model{Name: "bad", Recommend: func([]recs.Entry, int) []int { return []int{6} }}
	if _, err := recs.Evaluate(t.Context(), recs.DefaultConfig(), fixture(), bad); err == nil {
		t.Error("an unknown item was accepted")
	}
}

// A bootstrap interval of a mean is close to that of the normal approximation.
func TestIntervalHasItsWidth(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	s := recs.Split{Items: 2}
	for range 400 {
		s.History = append(s.History, []recs.Entry{{Item: 0, Weight: rng.Float64()}})
		s.Held = append(s.Held, []int{1})
	}
	m := recs.Model{Name: "half", Recommend: func(h []recs.Entry, _ int) []int {
		if h[0].Weight < 0.5 {
			return []int{1}
		}
		return nil
	}}
	r, err := recs.Evaluate(t.Context(), recs.DefaultConfig(), s, m)
	if err != nil {
		t.Fatal(err)
	}
	x := r.Results[0].Recall
	want := 2 * 1.96 * math.Sqrt(x.Mean*(1-x.Mean)/400)
	if got := x.Interval.High - x.Interval.Low; math.Abs(got-want) > 0.15*want {
		t.Errorf("interval is %v wide, want about %v", got, want)
	}
}
