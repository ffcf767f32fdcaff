package recs

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
)

// Config configures an evaluation.
type Config struct {
	Cutoff    int    `json:"cutoff"`    // length of the rankings, > 0
	Resamples int    `json:"resamples"` // of the bootstrap, > 0
	Seed      uint64 `json:"seed"`      // of the bootstrap
}

// DefaultConfig measures the first 20 with 1,000 resamples.
func DefaultConfig() Config { return Config{Cutoff: 20, Resamples: 1000, Seed: 42} }

// Validate reports every bad field.
func (c Config) Validate() error {
	var errs []error
	if c.Cutoff <= 0 {
		errs = append(errs, fmt.Errorf("cutoff %d: must be positive", c.Cutoff))
	}
	if c.Resamples <= 0 {
		errs = append(errs, fmt.Errorf("resamples %d: must be positive", c.Resamples))
	}
	return errors.Join(errs...)
}

// outcome is what one model did for the users with held items.
type outcome struct {
	recall, capped, ndcg, novelty []float64 // per measured user
	covered                       int       // items recommended to anyone
}

// Evaluate asks each model for a ranking of each user who has held items, on GOMAXPROCS
// goroutines, and measures them. The order of models is kept. The report is the same for
// the same input, whatever the number of goroutines.
func Evaluate(ctx context.Context, cfg Config, s Split, models ...Model) (Report, error) {
	if err := cfg.Validate(); err != nil {
		return Report{}, fmt.Errorf("evaluation config: %w", err)
	}
	var users []int
	for u, h := range s.Held {
		if len(h) > 0 {
			users = append(users, u)
		}
	}
	if len(users) == 0 {
		return Report{}, errors.New("evaluate: no user has two items")
	}
	info := s.information()
	outcomes := make([]outcome, len(models))
	for i, m := range models {
		o, err := measure(ctx, run{cfg: cfg, split: s, users: users, information: info}, m)
		if err != nil {
			return Report{}, fmt.Errorf("evaluate %s: %w", m.Name, err)
		}
		outcomes[i] = o
	}
	return newReport(cfg, s, models, outcomes), nil
}

// information returns −log2 p(i) of each item, p(i) being the share of users with i in their
// histories, one added to each count so that unseen items have a value.
func (s Split) information() []float64 {
	n := make([]float64, s.Items)
	for _, h := range s.History {
		for _, e := range h {
			n[e.Item]++
		}
	}
	for i := range n {
		n[i] = -math.Log2((n[i] + 1) / float64(len(s.History)+1))
	}
	return n
}

// run is what is common to the models of an evaluation.
type run struct {
	cfg         Config
	split       Split
	users       []int
	information []float64
}

// measure asks one model.
func measure(ctx context.Context, r run, m Model) (outcome, error) {
	rankings := make([][]int, len(r.users))
	var next atomic.Int64
	var wg sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(r.users) && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				rankings[i] = m.Recommend(r.split.History[r.users[i]], r.cfg.Cutoff)
			}
		})
	}
	wg.Wait()
	if err := ctx.Err(); err != nil {
		return outcome{}, err
	}
	var o outcome
	covered := make([]bool, r.split.Items)
	for i, ranking := range rankings {
		ranking = ranking[:min(len(ranking), r.cfg.Cutoff)]
		for _, item := range ranking {
			if item < 0 || item >= r.split.Items {
				return outcome{}, fmt.Errorf("item %d for user %d: unknown", item, r.users[i])
			}
			if !covered[item] {
				covered[item] = true
				o.covered++
			}
		}
		held := r.split.Held[r.users[i]]
		o.recall = append(o.recall, Recall(ranking, held))
		o.capped = append(o.capped, CappedRecall(ranking, held, r.cfg.Cutoff))
		o.ndcg = append(o.ndcg, NDCG(ranking, held, r.cfg.Cutoff))
		o.novelty = append(o.novelty, novelty(ranking, r.information))
	}
	return o, nil
}

// Recall returns the share of the held items that the ranking holds: hits / held. held is
// ascending and not empty.
func Recall(ranking, held []int) float64 {
	return float64(hits(ranking, held)) / float64(len(held))
}

// CappedRecall returns hits / min(k, held): 1 where the ranking could not be better (Liang
// et al. 2018).
func CappedRecall(ranking, held []int, k int) float64 {
	return float64(hits(ranking, held)) / float64(min(k, len(held)))
}

func hits(ranking, held []int) int {
	n := 0
	for _, item := range ranking {
		if _, ok := slices.BinarySearch(held, item); ok {
			n++
		}
	}
	return n
}

// NDCG returns the discounted cumulative gain over the best possible one, gains being 0 or 1
// and the discount of place p, from 1, 1/log2(p+1) (Järvelin and Kekäläinen 2002).
func NDCG(ranking, held []int, k int) float64 {
	gain, ideal := 0.0, 0.0
	for p, item := range ranking {
		if _, ok := slices.BinarySearch(held, item); ok {
			gain += 1 / math.Log2(float64(p+2))
		}
	}
	for p := range min(k, len(held)) {
		ideal += 1 / math.Log2(float64(p+2))
	}
	return gain / ideal
}

// novelty returns the mean self-information of the items of a ranking in bits (Vargas and
// Castells 2011), 0 for none.
func novelty(ranking []int, information []float64) float64 {
	if len(ranking) == 0 {
		return 0
	}
	sum := 0.0
	for _, item := range ranking {
		sum += information[item]
	}
	return sum / float64(len(ranking))
}
