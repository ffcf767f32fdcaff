package recs

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"text/tabwriter"
)

// Interval is a 95 % interval of the percentile bootstrap over users.
type Interval struct {
	Low  float64 `json:"low"`
	High float64 `json:"high"`
}

// Measure is a mean over users and its interval.
type Measure struct {
	Mean     float64  `json:"mean"`
	Interval Interval `json:"interval"`
}

// Result is how one model did. The fields named after 20 are at the cutoff of the report,
// which is 20 unless another was asked for.
type Result struct {
	Model    string  `json:"model"`
	Recall   Measure `json:"recall_at_20"`        // hits / held
	Capped   Measure `json:"capped_recall_at_20"` // hits / min(20, held)
	NDCG     Measure `json:"ndcg_at_20"`
	Coverage float64 `json:"coverage_at_20"` // share of the items that anyone was shown
	Novelty  float64 `json:"novelty"`        // mean −log2 of the share of users with the item
}

// Ratio compares the recall of two models on the same users.
type Ratio struct {
	Model    string   `json:"model"`
	Over     string   `json:"over"`
	Ratio    float64  `json:"recall_ratio"`
	Interval Interval `json:"interval"` // users are drawn in pairs
}

// Report is the measures of all models on one split.
type Report struct {
	Users   int      `json:"users"` // measured: those with held items
	Items   int      `json:"items"`
	Held    int      `json:"held_items"`
	Cutoff  int      `json:"cutoff"`
	Results []Result `json:"results"`

	cfg    Config
	recall map[string][]float64 // per model, by measured user
}

func newReport(cfg Config, s Split, models []Model, outcomes []outcome) Report {
	r := Report{Items: s.Items, Cutoff: cfg.Cutoff, cfg: cfg, recall: make(map[string][]float64, len(models))}
	for _, h := range s.Held {
		r.Held += len(h)
		if len(h) > 0 {
			r.Users++
		}
	}
	for i, o := range outcomes {
		r.recall[models[i].Name] = o.recall
		r.Results = append(r.Results, Result{
			Model:    models[i].Name,
			Recall:   newMeasure(cfg, o.recall),
			Capped:   newMeasure(cfg, o.capped),
			NDCG:     newMeasure(cfg, o.ndcg),
			Coverage: float64(o.covered) / float64(s.Items),
			Novelty:  mean(o.novelty),
		})
	}
	return r
}

// Compare returns the ratio of the mean recalls of two models with its interval by a paired
// bootstrap: each resample draws users, and takes both models' recall of the same ones. ok
// is false for a model that is not in the report, and where over recalls nothing.
func (r Report) Compare(model, over string) (ratio Ratio, ok bool) {
	a, b := r.recall[model], r.recall[over]
	if len(a) == 0 || len(b) == 0 || mean(b) == 0 {
		return Ratio{}, false
	}
	ratio = Ratio{Model: model, Over: over, Ratio: mean(a) / mean(b)}
	ratio.Interval = bootstrap(r.cfg, len(a), func(draw []int) float64 {
		var sa, sb float64
		for _, u := range draw {
			sa, sb = sa+a[u], sb+b[u]
		}
		return sa / max(sb, 1e-12)
	})
	return ratio, true
}

// String returns the results as a table.
func (r Report) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "%d users, %d items, %d held out\n", r.Users, r.Items, r.Held)
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "model\trecall@%[1]d\t95 %%\tndcg@%[1]d\t95 %%\tcoverage@%[1]d\tnovelty\n", r.Cutoff)
	for _, x := range r.Results {
		fmt.Fprintf(w, "%s\t%.4f\t%s\t%.4f\t%s\t%.1f %%\t%.1f bits\n",
			x.Model, x.Recall.Mean, x.Recall.Interval, x.NDCG.Mean, x.NDCG.Interval, 100*x.Coverage, x.Novelty)
	}
	_ = w.Flush() // writes to memory
	return out.String()
}

// String returns "low–high".
func (i Interval) String() string { return fmt.Sprintf("%.4f–%.4f", i.Low, i.High) }

func newMeasure(cfg Config, xs []float64) Measure {
	return Measure{Mean: mean(xs), Interval: bootstrap(cfg, len(xs), func(draw []int) float64 {
		sum := 0.0
		for _, u := range draw {
			sum += xs[u]
		}
		return sum / float64(len(draw))
	})}
}

// bootstrap returns the 2.5 and 97.5 percentiles of a statistic over resamples of n users
// (Efron 1979). The same config and n give the same draws.
func bootstrap(cfg Config, n int, statistic func(draw []int) float64) Interval {
	rng := rand.New(rand.NewPCG(cfg.Seed, uint64(n)))
	values, draw := make([]float64, cfg.Resamples), make([]int, n)
	for i := range values {
		for k := range draw {
			draw[k] = rng.IntN(n)
		}
		values[i] = statistic(draw)
	}
	slices.Sort(values)
	at := func(q float64) float64 { return values[int(q*float64(len(values)-1)+0.5)] }
	return Interval{Low: at(0.025), High: at(0.975)}
}

func mean(xs []float64) float64 {
	if len(xs) == 0 {
		return 0
	}
	sum := 0.0
	for _, x := range xs {
		sum += x
	}
	return sum / float64(len(xs))
}
