// Package pages measures what a page of results covers, beside a plain list.
//
// A facet is something that a person who typed a query may be after: an artist, a style, a
// decade, a kind of thing. Facets of an item come from facts of the catalogue, never from
// the tool that found it; an item that does not fit the query has none. A list is the
// facets of the items that are shown, from the top. A pool is all items that any of the
// lists compared has; what it covers is what there was to cover.
package pages

import (
	"math"
	"math/rand/v2"
	"slices"
)

// List is the facets of items, by place.
type List [][]string

// AlphaNDCG is α-nDCG at a depth (Clarke et al., Novelty and Diversity in Information
// Retrieval Evaluation, 2008): an item gains one for each of its facets, times 1-α for each
// item above it that has the facet, and is discounted by log2(1+place). The ideal order is
// that of the greedy choice from pool. It is 0 where the pool has no facets.
func AlphaNDCG(list, pool List, alpha float64, depth int) float64 {
	ideal := dcg(greedy(pool, alpha, depth), alpha, depth)
	if ideal == 0 {
		return 0
	}
	return dcg(list, alpha, depth) / ideal
}

func dcg(list List, alpha float64, depth int) float64 {
	seen, sum := map[string]int{}, 0.0
	for place, facets := range list[:min(len(list), depth)] {
		sum += gain(facets, seen, alpha) / math.Log2(float64(place)+2)
		for _, f := range facets {
			seen[f]++
		}
	}
	return sum
}

func gain(facets []string, seen map[string]int, alpha float64) float64 {
	sum := 0.0
	for _, f := range facets {
		sum += math.Pow(1-alpha, float64(seen[f]))
	}
	return sum
}

// greedy picks the item of the largest gain next, the first of equals.
func greedy(pool List, alpha float64, depth int) List {
	left, seen := slices.Clone(pool), map[string]int{}
	var out List
	for len(out) < depth && len(left) > 0 {
		best, top := 0, -1.0
		for i, facets := range left {
			if g := gain(facets, seen, alpha); g > top {
				best, top = i, g
			}
		}
		for _, f := range left[best] {
			seen[f]++
		}
		out, left = append(out, left[best]), slices.Delete(left, best, best+1)
	}
	return out
}

// Covered is the share of the pool's facets that a list has (subtopic recall, Zhai et al.,
// 2003), 0 where it has none.
func Covered(list, pool List) float64 {
	all := facetsOf(pool)
	if len(all) == 0 {
		return 0
	}
	return float64(len(facetsOf(list))) / float64(len(all))
}

func facetsOf(list List) map[string]bool {
	all := map[string]bool{}
	for _, facets := range list {
		for _, f := range facets {
			all[f] = true
		}
	}
	return all
}

// Distinct is the share of names that are there for the first time; empty ones are left
// out. It is 0 of none.
func Distinct(names []string) float64 {
	seen, n := map[string]bool{}, 0
	for _, name := range names {
		if name != "" {
			n++
			seen[name] = true
		}
	}
	if n == 0 {
		return 0
	}
	return float64(len(seen)) / float64(n)
}

// Difference is how much larger one measure is than another on the same queries.
type Difference struct {
	N         int
	Mean      float64
	Low, High float64 // 95 % interval
}

// Paired returns the mean difference a-b with its interval by the percentile bootstrap over
// queries (Efron, 1979). Equal seeds give equal intervals. It is zero of nothing.
func Paired(a, b []float64, seed uint64) Difference {
	const resamples = 2000
	n := len(a)
	if n == 0 {
		return Difference{}
	}
	rng, means := rand.New(rand.NewPCG(seed, seed)), make([]float64, resamples)
	total := 0.0
	for i := range a {
		total += a[i] - b[i]
	}
	for r := range means {
		sum := 0.0
		for range n {
			i := rng.IntN(n)
			sum += a[i] - b[i]
		}
		means[r] = sum / float64(n)
	}
	slices.Sort(means)
	return Difference{N: n, Mean: total / float64(n), Low: means[resamples*25/1000], High: means[resamples*975/1000]}
}
