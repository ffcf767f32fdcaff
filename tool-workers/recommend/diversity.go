package recommend

import "math"

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
