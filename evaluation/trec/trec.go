// Package trec measures rankings as information retrieval does: it reads the judgments and
// runs of TREC, computes the measures of trec_eval and ndeval to their figures, and some that
// they lack: exponential gain, the share of judged results, freshness, rank-biased overlap
// and compatibility. It needs nothing but the standard library and evaluation/stats.
//
// A topic is a query with a name. Judgments say how relevant a document is to a topic, as a
// level: 0 is not relevant, below 0 is not judged although it was in the pool. A run is what a
// system returned: a ranking of documents for each topic, best first. Diversity judgments say
// which subtopics of a topic, or intents, a document is relevant to. A cutoff k looks at the
// first k documents of a ranking; a ranking that is shorter counts as if nothing relevant
// followed.
package trec

import (
	"cmp"
	"strconv"
)

// Levels are the judgments of a topic: how relevant documents are, by document.
type Levels map[string]int

// Qrels are judgments, by topic.
type Qrels map[string]Levels

// Aspects are the diversity judgments of a topic: the subtopics that a document is relevant
// to, by document. A document that was judged and is relevant to none may be there without
// subtopics.
type Aspects map[string][]string

// Subtopics are diversity judgments, by topic.
type Subtopics map[string]Aspects

// Run is what a system returned.
type Run struct {
	ID       string
	Rankings map[string][]string // documents by topic, best first, none twice
}

// byNumber orders topics as ndeval does: numbers by value, and before names.
func byNumber(a, b string) int {
	x, errX := strconv.ParseUint(a, 10, 64)
	y, errY := strconv.ParseUint(b, 10, 64)
	switch {
	case errX == nil && errY == nil && x != y:
		return cmp.Compare(x, y)
	case errX == nil && errY != nil:
		return -1
	case errX != nil && errY == nil:
		return 1
	}
	return cmp.Compare(a, b)
}

// atMost is the first k of a list, or all if k is not positive.
func atMost[T any](list []T, k int) []T {
	if k <= 0 {
		return list
	}
	return list[:min(k, len(list))]
}
