package recommend

import (
	"maps"
	"math"
	"slices"
)

// maxRerank bounds the candidates of a re-ranking, whose work grows with n × candidates.
const maxRerank = 1000

// MMR picks n of the candidates by maximal marginal relevance (Carbonell and Goldstein
// 1998): each pick maximises λ · score − (1−λ) · the largest similarity to what was picked.
// Candidates come best first; scores are scaled to 0..1 and similarity must be in 0..1. λ 1
// keeps the order and 0 looks at similarity alone; values outside are cut off. Scores are
// kept as they were. Only the first 1,000 candidates are looked at.
func MMR(candidates []Scored, n int, lambda float64, similarity func(a, b int) float64) []Scored {
	candidates = candidates[:min(len(candidates), maxRerank)]
	lambda = min(max(lambda, 0), 1)
	rel := relevance(candidates)
	nearest := make([]float64, len(candidates))
	taken := make([]bool, len(candidates))
	var out []Scored
	for len(out) < min(n, len(candidates)) {
		best, most := -1, math.Inf(-1)
		for i := range candidates {
			if v := lambda*rel[i] - (1-lambda)*nearest[i]; !taken[i] && v > most {
				best, most = i, v
			}
		}
		if best < 0 { // scores that are not numbers
			return out
		}
		taken[best] = true
		out = append(out, candidates[best])
		for i := range candidates {
			if !taken[i] {
				nearest[i] = max(nearest[i], similarity(candidates[i].Item, candidates[best].Item))
			}
		}
	}
	return out
}

// relevance returns the scores scaled to 0..1; equal scores are all 1.
func relevance(candidates []Scored) []float64 {
	out := make([]float64, len(candidates))
	if len(candidates) == 0 {
		return out
	}
	low, high := candidates[0].Score, candidates[0].Score
	for _, c := range candidates {
		low, high = min(low, c.Score), max(high, c.Score)
	}
	for i, c := range candidates {
		out[i] = 1
		if high > low {
			out[i] = float64(c.Score-low) / float64(high-low)
		}
	}
	return out
}

// calibrationAlpha smooths the distribution of what was picked (Steck 2018, equation 6).
const calibrationAlpha = 0.01

// Calibration is how the genres of an answer should be spread.
type Calibration struct {
	Lambda float64            // 0 keeps the order, 1 looks at the genres alone
	Want   map[string]float64 // shares by genre, summing to 1
	// Genres gives an item's genres with weights that sum to 1. The map is only read.
	Genres func(item int) map[string]float64
}

// Rerank picks n of the candidates so that their genres are spread as wanted (Steck 2018):
// each pick maximises (1−λ) · the sum of the scores − λ · the Kullback-Leibler divergence of
// the picks from Want. Candidates come best first. Scores are scaled to 0..1 for the sum
// and kept as they were. Only the first 1,000 candidates are looked at. The picks are in the
// order in which they were made.
func (cal Calibration) Rerank(candidates []Scored, n int) []Scored {
	c := cal.start(candidates)
	var out []Scored
	for len(out) < min(n, len(c.candidates)) {
		best, most := -1, math.Inf(-1)
		for i := range c.candidates {
			if c.taken[i] {
				continue
			}
			if v := (1-c.lambda)*c.relevance[i] - c.lambda*c.divergence(i, len(out)+1); v > most {
				best, most = i, v
			}
		}
		if best < 0 {
			return out
		}
		c.take(best)
		out = append(out, c.candidates[best])
	}
	return out
}

// calibration is the state of a Rerank. Genres are columns, so that sums are in one order.
type calibration struct {
	candidates []Scored
	lambda     float64
	relevance  []float64
	want       []float64   // per genre
	genres     [][]float64 // per candidate and genre
	sum        []float64   // of what was taken
	taken      []bool
}

func (cal Calibration) start(candidates []Scored) *calibration {
	candidates = candidates[:min(len(candidates), maxRerank)]
	c := &calibration{
		candidates: candidates, lambda: min(max(cal.Lambda, 0), 1), relevance: relevance(candidates),
		genres: make([][]float64, len(candidates)), sum: make([]float64, len(cal.Want)), taken: make([]bool, len(candidates)),
	}
	names := slices.Sorted(maps.Keys(cal.Want))
	for _, g := range names {
		c.want = append(c.want, max(cal.Want[g], 0))
	}
	for i, s := range candidates {
		of := cal.Genres(s.Item)
		c.genres[i] = make([]float64, len(names))
		for k, g := range names {
			c.genres[i][k] = of[g]
		}
	}
	return c
}

func (c *calibration) take(i int) {
	c.taken[i] = true
	for k, v := range c.genres[i] {
		c.sum[k] += v
	}
}

// divergence returns Σ p log(p/q) for the picks with candidate i, n of them, where q is
// their distribution mixed with a little of p.
func (c *calibration) divergence(i, n int) float64 {
	d := 0.0
	for k, p := range c.want {
		if p > 0 {
			q := (1-calibrationAlpha)*(c.sum[k]+c.genres[i][k])/float64(n) + calibrationAlpha*p
			d += p * math.Log(p/q)
		}
	}
	return d
}
