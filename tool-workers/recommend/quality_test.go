package recommend_test

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/evaluation/recs"
	"github.com/parallel-fusion/pfr/tool-workers/recommend"
)

// rows are interactions as the evaluation reads them.
func rows(x *recommend.Interactions) []recs.Row {
	var out []recs.Row
	for u := range x.Users() {
		for _, e := range x.History(u) {
			out = append(out, recs.Row{User: u, Item: e.Item, Weight: float64(e.Weight)})
		}
	}
	return out
}

// model lets the evaluation ask a recommender.
func model(name string, r recommend.Recommender) recs.Model {
	return recs.Model{Name: name, Recommend: func(history []recs.Entry, n int) []int {
		h := make([]recommend.Entry, len(history))
		for i, e := range history {
			h[i] = recommend.Entry{Item: e.Item, Weight: float32(e.Weight)}
		}
		var out []int
		for _, s := range r.Recommend(h, n, nil) {
			out = append(out, s.Item)
		}
		return out
	}}
}

// compare trains and measures the baselines and the parts of the model on one split.
func compare(ctx context.Context, t *testing.T, x *recommend.Interactions) recs.Report {
	t.Helper()
	split, err := recs.LeaveOut(rows(x), 0.2, 42)
	must(t, err)
	train := x.Without(split.Held)
	popularity, err := recommend.NewPopularity(train)
	must(t, err)
	knn := func(w recommend.Weighting, k int, shrink float32) recommend.Recommender {
		r, err := recommend.NewItemKNN(ctx, train, w, k, shrink)
		must(t, err)
		return r
	}
	at := time.Now()
	m, err := recommend.Train(ctx, recommend.DefaultConfig(), train, nil)
	must(t, err)
	t.Logf("trained in %.1f s: %s, mix %+v", time.Since(at).Seconds(), m.Saturation(), m.Mix())
	part := func(name string) recommend.Recommender {
		r, err := m.Part(name)
		must(t, err)
		return r
	}
	report, err := recs.Evaluate(ctx, recs.DefaultConfig(), split,
		model("popularity", popularity), model("cosine", knn(recommend.Cosine, 100, 0)),
		model("cosine, 1,000 neighbours", knn(recommend.Cosine, 1000, 0)),
		model("cosine, shrunk", knn(recommend.Cosine, 200, 10)), model("bm25, shrunk", knn(recommend.BM25Users, 200, 10)),
		model("item-item", part("linear")), model("als", part("factors")), model("blend", m))
	must(t, err)
	t.Logf("\n%s", report)
	return report
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// On listeners with a known structure, the item-item autoencoder and the blend are clearly
// better than popularity and than plain cosine, by the lower end of the interval.
func TestQualityOnKnownStructure(t *testing.T) {
	if os.Getenv("PFR_TEST_SCALE") == "" {
		t.Skip("trains for long: set PFR_TEST_SCALE=1")
	}
	s := recommend.Synthetic{Users: 2000, Items: 3000, PerUser: 30, Genres: 40, Zipf: 0.8, Sharpness: 0.25, Noise: 0.1, Seed: 11}
	x, _, err := s.Generate()
	must(t, err)
	report := compare(t.Context(), t, x)
	for _, c := range []struct {
		over  string
		least float64
	}{{"popularity", 2.4}, {"cosine", 1.1}, {"cosine, 1,000 neighbours", 1.05}, {"cosine, shrunk", 1}} {
		for _, name := range []string{"item-item", "blend"} {
			ratio, ok := report.Compare(name, c.over)
			t.Logf("%s over %s: %.2f (%s)", name, c.over, ratio.Ratio, ratio.Interval)
			if !ok || ratio.Interval.Low < c.least {
				t.Errorf("%s over %s: ratio %.2f (%s), want at least %v", name, c.over, ratio.Ratio, ratio.Interval, c.least)
			}
		}
	}
}

// TestRegimes prints the table of the documentation. It takes minutes.
func TestRegimes(t *testing.T) {
	if os.Getenv("PFR_TEST_SCALE") != "1" {
		t.Skip("set PFR_TEST_SCALE=1 to compare the models over several kinds of data")
	}
	for name, s := range map[string]recommend.Synthetic{
		"1 few users, many rare items": {Users: 1900, Items: 20000, PerUser: 50, Genres: 60, Zipf: 0.9, Sharpness: 0.25, Noise: 0.1, Seed: 1},
		"2 dense, few items":           {Users: 3000, Items: 3000, PerUser: 80, Genres: 25, Zipf: 0.8, Sharpness: 0.3, Noise: 0.1, Seed: 2},
		"3 short histories, no counts": {Users: 6000, Items: 12000, PerUser: 18, Genres: 80, Zipf: 1.0, Sharpness: 0.2, Noise: 0.15, Binary: true, Seed: 3},
		"4 a third of it noise":        {Users: 3000, Items: 8000, PerUser: 40, Genres: 15, Zipf: 0.7, Sharpness: 0.5, Noise: 0.35, Seed: 4},
		"5 many users":                 {Users: 12000, Items: 12000, PerUser: 50, Genres: 100, Zipf: 0.9, Sharpness: 0.3, Noise: 0.1, Seed: 5},
		"6 no places, genres alone":    {Users: 3000, Items: 6000, PerUser: 40, Genres: 60, Zipf: 0.9, Noise: 0.1, Seed: 6},
		"7 tiny":                       {Users: 200, Items: 400, PerUser: 15, Genres: 8, Zipf: 0.8, Sharpness: 0.2, Noise: 0.1, Seed: 7},
	} {
		t.Run(name, func(t *testing.T) {
			x, _, err := s.Generate()
			must(t, err)
			report := compare(t.Context(), t, x)
			for _, over := range []string{"popularity", "cosine", "cosine, shrunk"} {
				for _, name := range []string{"item-item", "blend"} {
					ratio, _ := report.Compare(name, over)
					t.Logf("%s / %s = %.2f (%s)", name, over, ratio.Ratio, ratio.Interval)
				}
			}
		})
	}
}
