package trec

import (
	"cmp"
	"maps"
	"math"
	"slices"
)

// Covered is a ranking as diversity judgments see it: the subtopics that each document is
// relevant to. Its methods are measures of one topic, all from 0 to 1 and 0 where no document
// is relevant. All subtopics that a document is relevant to count the same; others do not
// count. α, from 0 to 1, is how much less a subtopic gains that a document above already
// covers; 0.5 is usual. A cutoff of 0 is the whole ranking.
type Covered struct {
	list      [][]int // subtopics by place
	pool      [][]int // of all documents that cover something
	subtopics int
}

// Cover looks a ranking up in diversity judgments.
func Cover(docs []string, aspects Aspects) Covered {
	list := make([][]string, len(docs))
	for i, doc := range docs {
		list[i] = aspects[doc]
	}
	pool := make([][]string, 0, len(aspects))
	// Of documents with equal gain the ideal ranking of ndeval takes the last by name.
	for _, doc := range slices.SortedFunc(maps.Keys(aspects), func(a, b string) int { return cmp.Compare(b, a) }) {
		pool = append(pool, aspects[doc])
	}
	return CoverLists(list, pool)
}

// CoverLists is Cover for documents without names: the subtopics of each place, and those of
// each document that there was to rank.
func CoverLists(list, pool [][]string) Covered {
	number := map[string]int{}
	for _, subtopics := range pool {
		for _, s := range subtopics {
			if _, ok := number[s]; !ok {
				number[s] = len(number)
			}
		}
	}
	c := Covered{subtopics: len(number), list: numbered(list, number)}
	for _, subtopics := range numbered(pool, number) {
		if len(subtopics) > 0 {
			c.pool = append(c.pool, subtopics)
		}
	}
	return c
}

// numbered replaces names by numbers; names without one, and repetitions, are left out.
func numbered(list [][]string, number map[string]int) [][]int {
	out := make([][]int, len(list))
	for i, names := range list {
		for _, name := range names {
			if n, ok := number[name]; ok && !slices.Contains(out[i], n) {
				out[i] = append(out[i], n)
			}
		}
	}
	return out
}

// AlphaNDCG is α-nDCG (Clarke et al., Novelty and Diversity in Information Retrieval
// Evaluation, 2008): a document gains, for each of its subtopics, 1-α to the power of how
// many documents above have it, over log2(1+place); the sum is divided by that of the ideal
// ranking. That is made greedily, as in ndeval: finding the best one is NP-hard. So the
// measure can be a little above 1, where a ranking beats the greedy one.
func (c Covered) AlphaNDCG(alpha float64, k int) float64 {
	return c.normalised(alpha, k, discount)
}

// AlphaDCG is the sum of α-nDCG divided by that of a ranking in which every document has
// every subtopic, as ndeval's alpha-DCG.
func (c Covered) AlphaDCG(alpha float64, k int) float64 {
	return c.bounded(alpha, k, discount)
}

// ERRIA is the intent-aware expected reciprocal rank of Chapelle et al. (Intent-Based
// Diversification of Web Search Results, 2011) in the form of ndeval: gains as in α-nDCG over
// the place, divided by the sum for a ranking in which every document has every subtopic.
// With α = 0.5 that is IntentAwareERR of equal intents with grades of 0.5, so divided.
func (c Covered) ERRIA(alpha float64, k int) float64 {
	return c.bounded(alpha, k, reciprocal)
}

// NERRIA is the intent-aware expected reciprocal rank divided by that of the ideal ranking,
// ndeval's nERR-IA.
func (c Covered) NERRIA(alpha float64, k int) float64 {
	return c.normalised(alpha, k, reciprocal)
}

// NRBP is the novelty- and rank-biased precision (Clarke et al., An Effectiveness Measure for
// Ambiguous and Underspecified Queries, 2009): gains as in α-nDCG, times beta to the power of
// the places above, so scaled that a ranking in which every document has every subtopic gets
// 1. beta, from 0 to 1, is how patient people are; 0.5 is usual.
func (c Covered) NRBP(alpha, beta float64) float64 {
	if c.subtopics == 0 {
		return 0
	}
	return c.gain(c.list, alpha, decay(beta)) * (1 - (1-alpha)*beta) / float64(c.subtopics)
}

// NNRBP is NRBP divided by that of the ideal ranking.
func (c Covered) NNRBP(alpha, beta float64) float64 {
	return c.normalised(alpha, 0, decay(beta))
}

// SubtopicRecall is the share of the subtopics that the first k documents cover (Zhai et al.,
// Beyond Independent Relevance, 2003).
func (c Covered) SubtopicRecall(k int) float64 {
	seen := map[int]bool{}
	for _, subtopics := range atMost(c.list, k) {
		for _, s := range subtopics {
			seen[s] = true
		}
	}
	return share(len(seen), c.subtopics)
}

// PrecisionIA is the intent-aware precision (Agrawal et al., Diversifying Search Results,
// 2009): the mean over subtopics of the precision at k, of k even if fewer were returned.
func (c Covered) PrecisionIA(k int) float64 {
	n := 0
	for _, subtopics := range atMost(c.list, k) {
		n += len(subtopics)
	}
	of := k
	if k <= 0 {
		of = len(c.list)
	}
	return share(n, of*c.subtopics)
}

// AveragePrecisionIA is the mean over subtopics of the average precision (Agrawal et al.,
// 2009), ndeval's MAP-IA.
func (c Covered) AveragePrecisionIA() float64 {
	if c.subtopics == 0 {
		return 0
	}
	relevant, found, sums := make([]int, c.subtopics), make([]int, c.subtopics), make([]float64, c.subtopics)
	for _, subtopics := range c.pool {
		for _, s := range subtopics {
			relevant[s]++
		}
	}
	for i, subtopics := range c.list {
		for _, s := range subtopics {
			found[s]++
			sums[s] += float64(found[s]) / float64(i+1)
		}
	}
	sum := 0.0
	for s := range sums {
		sum += sums[s] / float64(relevant[s])
	}
	return sum / float64(c.subtopics)
}

func reciprocal(place int) float64 { return 1 / float64(place+1) }

func decay(beta float64) func(place int) float64 {
	return func(place int) float64 { return math.Pow(beta, float64(place)) }
}

// gain is the sum of the gains of a list, each times the worth of its place.
func (c Covered) gain(list [][]int, alpha float64, worth func(place int) float64) float64 {
	left, sum := c.fresh(), 0.0
	for i, subtopics := range list {
		if g := take(left, subtopics, alpha); g > 0 {
			sum += g * worth(i)
		}
	}
	return sum
}

// fresh is what subtopics gain that nothing covers.
func (c Covered) fresh() []float64 { return slices.Repeat([]float64{1}, c.subtopics) }

// take returns what subtopics gain and makes them gain less the next time.
func take(left []float64, subtopics []int, alpha float64) float64 {
	sum := worth(left, subtopics)
	for _, s := range subtopics {
		left[s] *= 1 - alpha
	}
	return sum
}

func worth(left []float64, subtopics []int) float64 {
	sum := 0.0
	for _, s := range subtopics {
		sum += left[s]
	}
	return sum
}

// normalised is the gain of the first k places over that of the ideal ranking.
func (c Covered) normalised(alpha float64, k int, worth func(place int) float64) float64 {
	ideal := c.gain(c.ideal(alpha, k), alpha, worth)
	if ideal == 0 {
		return 0
	}
	return c.gain(atMost(c.list, k), alpha, worth) / ideal
}

// bounded is the gain of the first k places over that of documents that have all subtopics.
func (c Covered) bounded(alpha float64, k int, worth func(place int) float64) float64 {
	if k <= 0 {
		k = len(c.list)
	}
	bound, all := 0.0, float64(c.subtopics)
	for i := range k {
		bound += all * worth(i)
		all *= 1 - alpha
	}
	if bound == 0 {
		return 0
	}
	return c.gain(atMost(c.list, k), alpha, worth) / bound
}

// ideal picks the document of the largest gain next, the first of equals in the pool.
func (c Covered) ideal(alpha float64, k int) [][]int {
	if k <= 0 {
		k = len(c.pool)
	}
	pool, left := slices.Clone(c.pool), c.fresh()
	out := make([][]int, 0, min(k, len(pool)))
	for len(out) < k && len(pool) > 0 {
		best, top := 0, -1.0
		for i, subtopics := range pool {
			if g := worth(left, subtopics); g > top {
				best, top = i, g
			}
		}
		take(left, pool[best], alpha)
		out, pool = append(out, pool[best]), slices.Delete(pool, best, best+1)
	}
	return out
}
