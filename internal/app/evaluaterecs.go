package app

import (
	"context"

	"github.com/parallel-fusion/pfr/evaluation/recs"
	"github.com/parallel-fusion/pfr/tool-workers/recommend"
)

// Neighbours of the baseline that looks at nothing but the cosine of two audiences.
const cosineNeighbours = 100

// RecsEvaluation says what recommenders are measured on.
type RecsEvaluation struct {
	Interactions string  // CSV of user,item,weight[,timestamp]
	Holdout      float64 // share of each listener's items that is hidden
	Seed         uint64
}

// Run hides a share of each listener's items, trains the baselines and our models on the
// rest, and measures them on the same split. report is told how far the training is.
func (e RecsEvaluation) Run(ctx context.Context, report func(stage string, done, of int)) (recs.Report, error) {
	all, err := readPlays(e.Interactions)
	if err != nil {
		return recs.Report{}, err
	}
	var rows []recs.Row
	for u := range all.Users() {
		for _, played := range all.History(u) {
			rows = append(rows, recs.Row{User: u, Item: played.Item, Weight: float64(played.Weight)})
		}
	}
	split, err := recs.LeaveOut(rows, e.Holdout, e.Seed)
	if err != nil {
		return recs.Report{}, err
	}
	models, err := trainForEvaluation(ctx, all.Without(split.Held), e.Seed, report)
	if err != nil {
		return recs.Report{}, err
	}
	cfg := recs.DefaultConfig()
	cfg.Seed = e.Seed
	return recs.Evaluate(ctx, cfg, split, models...)
}

func trainForEvaluation(ctx context.Context, shown *recommend.Interactions, seed uint64, report func(stage string, done, of int)) ([]recs.Model, error) {
	popularity, err := recommend.NewPopularity(shown)
	if err != nil {
		return nil, err
	}
	cosine, err := recommend.NewItemKNN(ctx, shown, recommend.Cosine, cosineNeighbours, 0)
	if err != nil {
		return nil, err
	}
	cfg := recommend.DefaultConfig()
	cfg.Seed = seed
	blend, err := recommend.Train(ctx, cfg, shown, report)
	if err != nil {
		return nil, err
	}
	models := []recs.Model{judged("popularity", popularity), judged("cosine-item-knn", cosine)}
	for _, part := range []struct{ name, of string }{{"item-item", "linear"}, {"als", "factors"}} {
		r, err := blend.Part(part.of)
		if err != nil {
			return nil, err
		}
		models = append(models, judged(part.name, r))
	}
	return append(models, judged("blend", blend)), nil
}

// judged lets the evaluation ask a recommender.
func judged(name string, r recommend.Recommender) recs.Model {
	return recs.Model{Name: name, Recommend: func(history []recs.Entry, n int) []int {
		h := make([]recommend.Entry, len(history))
		for i, e := range history {
			h[i] = recommend.Entry{Item: e.Item, Weight: float32(e.Weight)}
		}
		best := r.Recommend(h, n, nil)
		out := make([]int, len(best))
		for i, b := range best {
			out[i] = b.Item
		}
		return out
	}}
}
