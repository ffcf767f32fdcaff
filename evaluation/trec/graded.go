package trec

import (
	"math"
	"slices"
)

// unjudged is the level of a document that nobody has judged.
const unjudged = -1

// Graded is a ranking as the judgments of its topic see it. Its methods are measures of one
// topic, all from 0 to 1 and 0 where nothing is relevant. A cutoff of 0 is the whole ranking.
// Relevant is what has the least level or more.
type Graded struct {
	levels      []int // by place
	ideal       []int // levels above 0 of all that was judged, largest first
	least       int
	relevant    int // that were judged so, returned or not
	nonrelevant int
}

// Grade looks a ranking up in judgments. least is the level from which a document is
// relevant, trec_eval's -l; 1 is usual. Measures with gain use levels as they are.
func Grade(docs []string, levels Levels, least int) Graded {
	g := Graded{levels: make([]int, len(docs)), least: least}
	for i, doc := range docs {
		level, ok := levels[doc]
		if !ok || level < 0 {
			level = unjudged
		}
		g.levels[i] = level
	}
	for _, level := range levels {
		switch {
		case level >= least:
			g.relevant++
		case level >= 0:
			g.nonrelevant++
		}
		if level > 0 {
			g.ideal = append(g.ideal, level)
		}
	}
	slices.SortFunc(g.ideal, func(a, b int) int { return b - a })
	return g
}

// Retrieved is how many documents were returned.
func (g Graded) Retrieved() int { return len(g.levels) }

// Relevant is how many documents are relevant.
func (g Graded) Relevant() int { return g.relevant }

// Found is how many relevant documents are among the first k.
func (g Graded) Found(k int) int {
	n := 0
	for _, level := range atMost(g.levels, k) {
		if level >= g.least {
			n++
		}
	}
	return n
}

// NDCG is the discounted cumulated gain of the first k places over that of the best ranking,
// with the level as gain: sum of level/log2(1+place) (Järvelin and Kekäläinen, Cumulated
// Gain-Based Evaluation of IR Techniques, 2002), as trec_eval's ndcg and ndcg_cut.
func (g Graded) NDCG(k int) float64 {
	return g.ndcg(k, func(level int) float64 { return float64(level) })
}

// ExponentialNDCG is NDCG with the gain 2^level - 1 (Burges et al., Learning to Rank Using
// Gradient Descent, 2005).
func (g Graded) ExponentialNDCG(k int) float64 {
	return g.ndcg(k, func(level int) float64 { return math.Exp2(float64(level)) - 1 })
}

func (g Graded) ndcg(k int, gain func(level int) float64) float64 {
	ideal := dcg(atMost(g.ideal, k), gain)
	if ideal == 0 {
		return 0
	}
	return dcg(atMost(g.levels, k), gain) / ideal
}

func dcg(levels []int, gain func(level int) float64) float64 {
	sum := 0.0
	for i, level := range levels {
		if level > 0 {
			sum += gain(level) * discount(i)
		}
	}
	return sum
}

// discount is what gain at a place is worth, counted from 0.
func discount(place int) float64 { return 1 / math.Log2(float64(place)+2) }

// ReciprocalRank is one over the place of the first relevant document (Voorhees, The TREC-8
// Question Answering Track Report, 1999).
func (g Graded) ReciprocalRank() float64 {
	for i, level := range g.levels {
		if level >= g.least {
			return 1 / float64(i+1)
		}
	}
	return 0
}

// AveragePrecision is the sum of the precisions at the places of relevant documents among the
// first k, over the number of relevant ones (Buckley and Voorhees, Evaluating Evaluation
// Measure Stability, 2000).
func (g Graded) AveragePrecision(k int) float64 {
	if g.relevant == 0 {
		return 0
	}
	found, sum := 0, 0.0
	for i, level := range atMost(g.levels, k) {
		if level >= g.least {
			found++
			sum += float64(found) / float64(i+1)
		}
	}
	return sum / float64(g.relevant)
}

// Precision is the share of relevant documents among the first k, of k even if fewer were
// returned. For 0 it is the share among all that were returned.
func (g Graded) Precision(k int) float64 {
	of := k
	if k <= 0 {
		of = len(g.levels)
	}
	return share(g.Found(k), of)
}

// Recall is the share of the relevant documents that is among the first k.
func (g Graded) Recall(k int) float64 { return share(g.Found(k), g.relevant) }

// Success is 1 if one of the first k documents is relevant.
func (g Graded) Success(k int) float64 { return min(float64(g.Found(k)), 1) }

// RPrecision is the precision at as many places as there are relevant documents.
func (g Graded) RPrecision() float64 {
	if g.relevant == 0 {
		return 0
	}
	return g.Precision(g.relevant)
}

// Judged is the share of the first k documents that somebody has judged, of those that were
// returned. Where it is low, other measures say little.
func (g Graded) Judged(k int) float64 {
	first, n := atMost(g.levels, k), 0
	for _, level := range first {
		if level != unjudged {
			n++
		}
	}
	return share(n, len(first))
}

// Bpref is the share of pairs of a relevant and a judged irrelevant document that are in the
// right order, looking at the first of the irrelevant ones, as many as there are relevant ones
// (Buckley and Voorhees, Retrieval Evaluation with Incomplete Information, 2004), as
// trec_eval has it. What was not judged does not count.
func (g Graded) Bpref() float64 {
	if g.relevant == 0 {
		return 0
	}
	sum, above := 0.0, 0
	for _, level := range g.levels {
		switch {
		case level == unjudged:
		case level < g.least:
			above++
		case above == 0:
			sum++
		default:
			sum += 1 - share(min(above, g.relevant), min(g.nonrelevant, g.relevant))
		}
	}
	return sum / float64(g.relevant)
}

// InterpolatedPrecision is the largest precision at any place from which on the recall is
// reached. As in trec_eval 9 the recall is reached with recall times the number of relevant
// documents, plus 0.9 and cut to a whole number.
func (g Graded) InterpolatedPrecision(recall float64) float64 {
	want := int(recall*float64(g.relevant) + 0.9)
	best, found := 0.0, g.Found(0)
	if found < want {
		return 0
	}
	for i, level := range slices.Backward(g.levels) {
		if found < max(want, 1) {
			break
		}
		best = max(best, float64(found)/float64(i+1))
		if level >= g.least {
			found--
		}
	}
	return best
}

// ElevenPoints is the mean of the interpolated precision at recalls of 0, 0.1 and so on to 1.
func (g Graded) ElevenPoints() float64 {
	sum := 0.0
	for i := range 11 {
		sum += g.InterpolatedPrecision(float64(i) / 10)
	}
	return sum / 11
}

// ERR is the expected reciprocal rank of the first k places (Chapelle et al., Expected
// Reciprocal Rank for Graded Relevance, 2009): a person reads from the top, is satisfied by a
// document with the probability (2^level - 1) / 2^highest, and stops there. Levels above
// highest count as highest.
func (g Graded) ERR(k, highest int) float64 {
	return IntentAwareERR([]Intent{{Probability: 1, Grades: g.Grades(highest)}}, k)
}

// Grades are the probabilities, by place, with which documents satisfy: (2^level - 1) /
// 2^highest.
func (g Graded) Grades(highest int) []float64 {
	out := make([]float64, len(g.levels))
	for i, level := range g.levels {
		if level > 0 {
			out[i] = (math.Exp2(float64(min(level, highest))) - 1) / math.Exp2(float64(highest))
		}
	}
	return out
}

func share(n, of int) float64 {
	if of == 0 {
		return 0
	}
	return float64(n) / float64(of)
}
