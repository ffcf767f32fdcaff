// Package likeness groups texts that resemble each other, so that one cannot be learnt and
// another of its group tested on.
package likeness

import (
	"slices"
	"strings"
)

// Clusters returns for every set of words, which is sorted and has each word once, the name
// of the group of near-duplicates that it is in: sets of which at least the share least of
// their words are common (Jaccard's index), directly or through others. The name is the
// least of the sets of the group, its words with spaces between.
func Clusters(sets [][]string, least float64) []string {
	parent := make([]int, len(sets))
	withWord := map[string][]int{}
	for i, set := range sets {
		parent[i] = i
		for _, j := range sharing(set, withWord) {
			if overlap(set, sets[j]) >= least {
				parent[root(parent, j)] = root(parent, i)
			}
		}
		for _, w := range set {
			withWord[w] = append(withWord[w], i)
		}
	}
	names := map[int]string{}
	for i, set := range sets {
		r, name := root(parent, i), strings.Join(set, " ")
		if was, ok := names[r]; !ok || name < was {
			names[r] = name
		}
	}
	out := make([]string, len(sets))
	for i := range sets {
		out[i] = names[root(parent, i)]
	}
	return out
}

func root(parent []int, i int) int {
	for parent[i] != i {
		i = parent[i]
	}
	return i
}

// sharing lists the sets that share a word with words.
func sharing(words []string, withWord map[string][]int) []int {
	var out []int
	for _, w := range words {
		out = append(out, withWord[w]...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// overlap is Jaccard's index of two sorted sets.
func overlap(a, b []string) float64 {
	both := 0
	for _, w := range a {
		if _, ok := slices.BinarySearch(b, w); ok {
			both++
		}
	}
	return float64(both) / float64(max(len(a)+len(b)-both, 1))
}
