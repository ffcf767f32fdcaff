package recommend

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"testing"
)

// small is a model that several tests share; it takes a second to train.
var small = sync.OnceValues(func() (*Model, error) {
	x, _, err := smallWorld().Generate()
	if err != nil {
		return nil, err
	}
	return Train(context.Background(), smallConfig(), x, nil)
})

func smallWorld() Synthetic {
	return Synthetic{Users: 600, Items: 1500, PerUser: 25, Genres: 12, Zipf: 0.8, Sharpness: 0.2, Noise: 0.1, Seed: 3}
}

func smallConfig() Config {
	c := DefaultConfig()
	c.Rank, c.Sweeps = 16, 4
	return c
}

func model(tb testing.TB) *Model {
	tb.Helper()
	m, err := small()
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

func TestRecommendKeepsItsContract(t *testing.T) {
	m := model(t)
	for _, name := range []string{"linear", "factors", "popularity"} {
		part, err := m.Part(name)
		if err != nil {
			t.Fatal(err)
		}
		checkContract(t, name, m, part)
	}
	checkContract(t, "blend", m, m)
	if _, err := m.Part("else"); err == nil {
		t.Error("an unknown part was found")
	}
}

func checkContract(t *testing.T, name string, m *Model, r Recommender) {
	t.Helper()
	h := m.History(5)
	even := func(i int) bool { return i%2 == 0 }
	got := r.Recommend(h, 30, even)
	if len(got) != 30 || !slices.IsSortedFunc(got, better) {
		t.Errorf("%s: %d items, or not best first", name, len(got))
	}
	for _, s := range got {
		if !even(s.Item) || slices.ContainsFunc(h, func(e Entry) bool { return e.Item == s.Item }) {
			t.Errorf("%s: item %d was seen or is not to be kept", name, s.Item)
		}
	}
	wider := r.Recommend(h, m.Items(), even)
	if !reflect.DeepEqual(wider[:30], got) {
		t.Errorf("%s: the first 30 of all are not the top 30", name)
	}
	odd := []Entry{{-1, 1}, {m.Items(), 1}, {3, -1}, {4, float32(math.NaN())}, {5, float32(math.Inf(1))}, h[0]}
	if !reflect.DeepEqual(r.Recommend(odd, 9, nil), r.Recommend(h[:1], 9, nil)) {
		t.Errorf("%s: unknown items and bad weights change the answer", name)
	}
	if n := len(r.Recommend(h, 0, nil)); n != 0 {
		t.Errorf("%s: %d items where none were asked for", name, n)
	}
}

func TestEmptyHistoryIsAnsweredByPopularity(t *testing.T) {
	m := model(t)
	got := m.Recommend(nil, 20, nil)
	for i := 1; i < len(got); i++ {
		if m.Listeners(got[i].Item) > m.Listeners(got[i-1].Item) {
			t.Fatalf("item %d with %d listeners comes after one with %d", i, m.Listeners(got[i].Item), m.Listeners(got[i-1].Item))
		}
	}
	if len(got) != 20 {
		t.Errorf("%d items, want 20", len(got))
	}
}

func TestForUser(t *testing.T) {
	m := model(t)
	got, ok := m.ForUser(7, 10, nil)
	if !ok || !reflect.DeepEqual(got, m.Recommend(m.History(7), 10, nil)) {
		t.Errorf("for user 7: %v, want what the history gives", got)
	}
	for _, u := range []int{-1, m.Users()} {
		if _, ok := m.ForUser(u, 10, nil); ok {
			t.Errorf("user %d is known", u)
		}
	}
}

// Neighbours are of the item's genre, for popular and rare items alike, and share the
// listeners they claim.
func TestSimilar(t *testing.T) {
	x, genre, err := smallWorld().Generate()
	if err != nil {
		t.Fatal(err)
	}
	m := model(t)
	same, all := 0, 0
	for item := range m.Items() {
		if m.Listeners(item) < 10 {
			continue
		}
		ns := m.Similar(item, 5, nil)
		for _, n := range ns {
			all++
			if genre[n.Item] == genre[item] {
				same++
			}
			if n.Item == item || n.Score <= 0 || n.Score > 1 {
				t.Errorf("item %d has neighbour %+v", item, n)
			}
		}
		if len(ns) > 0 && item%50 == 0 && ns[0].Shared != sharedListeners(x, item, ns[0].Item) {
			t.Errorf("items %d and %d share %d, want %d", item, ns[0].Item, ns[0].Shared, sharedListeners(x, item, ns[0].Item))
		}
	}
	if all < 500 || float64(same) < 0.6*float64(all) {
		t.Errorf("%d of %d neighbours are of the same genre, want 60 %%; chance is 8 %%", same, all)
	}
	if m.Similar(-1, 5, nil) != nil || m.Similar(m.Items(), 5, nil) != nil {
		t.Error("an unknown item has neighbours")
	}
}

func sharedListeners(x *Interactions, a, b int) int {
	n := 0
	for u := range x.Users() {
		items, _ := x.cells.row(u)
		if slices.Contains(items, uint32(a)) && slices.Contains(items, uint32(b)) {
			n++
		}
	}
	return n
}

// The same data give the same bytes on one processor and on many.
func TestTrainIsDeterministic(t *testing.T) {
	s := smallWorld()
	s.Users, s.Items = 300, 400
	x, _, err := s.Generate()
	if err != nil {
		t.Fatal(err)
	}
	for _, exact := range []int{0, 5000} {
		cfg := smallConfig()
		cfg.ExactItems = exact
		var versions []string
		for _, procs := range []int{1, 4} {
			old := runtime.GOMAXPROCS(procs)
			m, err := Train(t.Context(), cfg, x, nil)
			runtime.GOMAXPROCS(old)
			if err != nil {
				t.Fatal(err)
			}
			versions = append(versions, m.Version())
		}
		if versions[0] != versions[1] {
			t.Errorf("up to %d items exact: versions %v on 1 and 4 processors", exact, versions)
		}
	}
}

func TestTrainRefuses(t *testing.T) {
	b := NewBuilder()
	for _, u := range []string{"a", "b"} {
		if err := b.Add(u, u, 1, 0); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Train(t.Context(), DefaultConfig(), b.Build(), nil); !errors.Is(err, ErrNoData) {
		t.Errorf("users with one item each: %v, want ErrNoData", err)
	}
	if _, err := Train(t.Context(), DefaultConfig(), NewBuilder().Build(), nil); !errors.Is(err, ErrNoData) {
		t.Errorf("nothing: %v, want ErrNoData", err)
	}
	x, _, err := smallWorld().Generate()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Train(t.Context(), Config{}, x, nil); err == nil {
		t.Error("the zero config was accepted")
	}
	ctx, cancel := context.WithCancel(t.Context())
	_, err = Train(ctx, smallConfig(), x, func(string, int, int) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled training: %v", err)
	}
}

// A handful of users is enough to train, however little it learns.
func TestTrainOnAlmostNothing(t *testing.T) {
	b := NewBuilder()
	for _, p := range []string{"a1", "a2", "b1", "b2", "c3"} {
		if err := b.Add(p[:1], p[1:], 1, 0); err != nil {
			t.Fatal(err)
		}
	}
	m, err := Train(t.Context(), DefaultConfig(), b.Build(), nil)
	if err != nil {
		t.Fatal(err)
	}
	item, _ := m.ItemIndex("1")
	other, _ := m.ItemIndex("2")
	if got := m.Recommend([]Entry{{item, 1}}, 5, nil); len(got) == 0 || got[0].Item != other {
		t.Errorf("for item 1: %v, want item %d first", got, other)
	}
}

func TestFoldInMatchesTraining(t *testing.T) {
	x, _, err := smallWorld().Generate()
	if err != nil {
		t.Fatal(err)
	}
	d := twoWay(preferences(&x.cells, Binary, 1000))
	params := alsParams{Rank: 8, Alpha: 5, Reg: 10, Sweeps: 15}
	fit := params.start(d)
	if err := params.improve(t.Context(), d, fit); err != nil {
		t.Fatal(err)
	}
	if err := params.halfSweep(t.Context(), d.byUser, fit.users, fit.items); err != nil {
		t.Fatal(err)
	}
	m := &Model{items: x.items, saturation: Binary, mix: Mix{Factors: 1}, listeners: x.Listeners(), factors: fit.items, alpha: 5, reg: 10}
	if err := m.seal(); err != nil {
		t.Fatal(err)
	}
	s, _ := m.scratch.Get().(*scores)
	for u := range 20 {
		s.take(m, x.History(u))
		m.foldIn(s)
		for k, v := range fit.users.row(u) {
			if math.Abs(float64(v-s.user[k])) > 0.01 {
				t.Fatalf("user %d: folded in %v, trained %v", u, s.user, fit.users.row(u))
			}
		}
	}
}

// The answer that skips what cannot enter is the one that scores everything.
func TestSkippingLosesNothing(t *testing.T) {
	m := model(t)
	for _, mix := range []Mix{{0.5, 0.5, 0.1}, {0.9, 0.1, 0}, {1, 0, 0.1}, {0.1, 0.9, 0.05}} {
		for u := range 40 {
			h := m.History(u)
			short, whole := m.recommend(mix, h, 25, nil), m.recommend(mix, h, m.Items(), nil)
			if !reflect.DeepEqual(short, whole[:25]) {
				t.Fatalf("mix %+v, user %d: the top 25 are not the first of all", mix, u)
			}
		}
	}
}

func TestSaturation(t *testing.T) {
	w, out := []float32{1, 10, 1000}, make([]float32, 3)
	for s, want := range map[Saturation][]float32{
		Binary: {1, 1, 1}, Log: {float32(math.Log2(1.1)), 1, float32(math.Log2(101))}, BM25: {2.2 / 13, 1, 2.2 / 1.012},
	} {
		s.apply(w, out)
		for i := range want {
			if math.Abs(float64(out[i]-want[i])) > 1e-5 {
				t.Errorf("%s: %v, want %v", s, out, want)
				break
			}
		}
	}
}

// The largest and smallest weights that there are leave preferences that can be learned
// from: each item stays a used one, and none drowns the others.
func TestExtremeWeights(t *testing.T) {
	for _, s := range []Saturation{Log, BM25} {
		out := make([]float32, 5)
		s.apply([]float32{math.SmallestNonzeroFloat32, 1e-38, 1, 1e38, math.MaxFloat32}, out)
		if !(out[0] > 0) || out[4] > 20 || !slices.IsSorted(out) {
			t.Errorf("%s: preferences %v, want all of them above 0 and the largest at most 20", s, out)
		}
	}
	b := NewBuilder()
	for u := range 40 {
		for i := range 6 {
			weight := []float64{1e38, 1e-38, 1e-38, 1, 1e-38}[(u+i)%5]
			if err := b.Add(fmt.Sprint("u", u), fmt.Sprint("i", (u%5+i)%12), weight, 0); err != nil {
				t.Fatal(err)
			}
		}
	}
	x := b.Build()
	for _, s := range []Saturation{Log, BM25} {
		cfg := smallConfig()
		cfg.Saturation = s
		m, err := Train(t.Context(), cfg, x, nil)
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		for _, got := range m.Recommend(x.History(0), 5, nil) {
			if !(got.Score >= 0 && got.Score < 10) {
				t.Errorf("%s: score %v", s, got)
			}
		}
	}
}
