// Package pages measures what a page of results covers, beside a plain list. Its tests
// measure the pages of the aggregator; what it holds is the measure that package trec lacks.
//
// A facet is something that a person who typed a query may be after: an artist, a style, a
// decade, a kind of thing. Facets of an item come from facts of the catalogue, never from
// the tool that found it; an item that does not fit the query has none. Facets are the
// subtopics of package trec. A pool is all items that any of the lists compared has; what it
// covers is what there was to cover.
package pages

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
