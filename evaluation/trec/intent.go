package trec

import "math"

// Intent is something that a person who asks may want.
type Intent struct {
	Probability float64   // that it is wanted; those of all intents add up to 1
	Grades      []float64 // that a document satisfies it, 0 to 1 by place
}

// IntentAwareERR is the expected reciprocal rank of the first k places, averaged over
// intents by their probability (Chapelle et al., Intent-Based Diversification of Web Search
// Results, 2011): for each intent the sum over places of grade/place, times the probability
// that nothing above satisfied. It is not divided by anything, so 1 needs a first document
// that satisfies everybody for certain.
func IntentAwareERR(intents []Intent, k int) float64 {
	sum := 0.0
	for _, intent := range intents {
		searching := 1.0
		for i, grade := range atMost(intent.Grades, k) {
			sum += intent.Probability * searching * grade / float64(i+1)
			searching *= 1 - grade
		}
	}
	return sum
}

// RecencyERR is the expected reciprocal rank of the first k places where a query may ask for
// what is new (after Styskin et al., Recency Ranking by Diversification of Result Set, 2011,
// arXiv 2401.14595, who treat recency as an intent): with the given probability only what is
// fresh satisfies, else freshness does not matter. grades and fresh are by place, from 0 to 1;
// fresh may be yes or no, or fall with age.
func RecencyERR(grades, fresh []float64, probability float64, k int) float64 {
	recent := make([]float64, len(grades))
	for i := range grades {
		if i < len(fresh) {
			recent[i] = grades[i] * fresh[i]
		}
	}
	return IntentAwareERR([]Intent{{1 - probability, grades}, {probability, recent}}, k)
}

// Decay is how fresh something is whose age is given: 1 when new, a half after halfLife, a
// quarter after two. Ages below 0, of what is announced, count as 0; what is not known, NaN,
// is not fresh.
func Decay(ageDays, halfLifeDays float64) float64 {
	if math.IsNaN(ageDays) {
		return 0
	}
	return math.Exp2(-max(ageDays, 0) / halfLifeDays)
}
