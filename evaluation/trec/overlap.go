package trec

import (
	"cmp"
	"maps"
	"slices"
)

// RBO is the rank-biased overlap of two rankings, extrapolated (Webber, Moffat and Zobel, A
// Similarity Measure for Indefinite Rankings, 2010, equation 32): the mean over depths of the
// share that both have in common, each depth with the weight (1-p) p^(depth-1), where what
// comes after the ends is taken to agree as much as what is seen. p, above 0 and below 1, is
// how deep people look; with 0.9 the first ten places have 86 % of the weight. It is from 0
// to 1, 1 for equal rankings, and the same with a and b exchanged. Documents count where they
// are first. Two empty rankings are equal; one that is empty has nothing in common.
func RBO(a, b []string, p float64) float64 {
	long, short := once(a), once(b)
	if len(long) < len(short) {
		long, short = short, long
	}
	if len(short) == 0 {
		if len(long) == 0 {
			return 1
		}
		return 0
	}
	common := overlaps(long, short)
	l, s := len(long), len(short)
	atS, atL := float64(common[s-1]), float64(common[l-1])
	sum, weight := 0.0, 1.0
	for d := 1; d <= l; d++ {
		weight *= p
		sum += float64(common[d-1]) / float64(d) * weight
		if d > s {
			sum += atS * float64(d-s) / float64(s*d) * weight
		}
	}
	return (1-p)/p*sum + ((atL-atS)/float64(l)+atS/float64(s))*weight
}

// overlaps returns how many documents two rankings have in common at each depth down to the
// end of the longer one.
func overlaps(long, short []string) []int {
	out := make([]int, len(long))
	seen, common := map[string]bool{}, 0
	add := func(doc string) {
		if seen[doc] {
			common++
		}
		seen[doc] = true
	}
	for i := range long {
		add(long[i])
		if i < len(short) {
			add(short[i])
		}
		out[i] = common
	}
	return out
}

// once drops documents that are there a second time.
func once(docs []string) []string {
	seen, out := make(map[string]bool, len(docs)), make([]string, 0, len(docs))
	for _, doc := range docs {
		if !seen[doc] {
			seen[doc] = true
			out = append(out, doc)
		}
	}
	return out
}

// Compatibility is how much a ranking overlaps with the nearest ideal one (Clarke,
// Vtyurina and Smucker, Assessing Top-k Preferences, 2021): documents by level, those of a
// level in the order of the ranking. It is the rank-biased overlap down to the end of the
// longer one, divided by that of the ideal ranking with itself. It needs no gain, only that
// levels say what is preferred. It is from 0 to 1, and 0 where no level is above 0.
func Compatibility(docs []string, levels Levels, p float64) float64 {
	place := make(map[string]int, len(docs))
	for i, doc := range docs {
		place[doc] = i + 1
	}
	var ideal []string
	for _, doc := range slices.Sorted(maps.Keys(levels)) {
		if levels[doc] > 0 {
			ideal = append(ideal, doc)
		}
	}
	after := len(docs) + 1 // what was not returned comes last
	slices.SortStableFunc(ideal, func(a, b string) int {
		return cmp.Or(cmp.Compare(levels[b], levels[a]), cmp.Compare(cmp.Or(place[a], after), cmp.Or(place[b], after)))
	})
	best := biased(ideal, ideal, p, max(len(docs), len(ideal)))
	if best == 0 {
		return 0
	}
	return biased(docs, ideal, p, max(len(docs), len(ideal))) / best
}

// biased is the sum of rank-biased overlap to a depth, without its constant factor.
func biased(a, b []string, p float64, depth int) float64 {
	seenA, seenB := map[string]bool{}, map[string]bool{}
	common, sum, weight := 0, 0.0, 1.0
	for i := range depth {
		if i < len(a) {
			seenA[a[i]] = true
			if seenB[a[i]] {
				common++
			}
		}
		if i < len(b) {
			seenB[b[i]] = true
			if seenA[b[i]] {
				common++
			}
		}
		sum += weight * float64(common) / float64(i+1)
		weight *= p
	}
	return sum
}
