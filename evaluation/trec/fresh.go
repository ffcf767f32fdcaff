package trec

import (
	"math"
	"slices"
	"time"
)

const day = 24 * time.Hour

// Ages are how old the documents of a ranking are, in days by place; NaN where it is not
// known, below 0 for what is announced.
type Ages []float64

// Age looks a ranking up in dates. asOf is the day on which it was made.
func Age(docs []string, dates map[string]time.Time, asOf time.Time) Ages {
	out := make(Ages, len(docs))
	for i, doc := range docs {
		out[i] = math.NaN()
		if date, ok := dates[doc]; ok {
			out[i] = float64(asOf.Sub(date)) / float64(day)
		}
	}
	return out
}

// Dated is the share of the first k documents, of those that were returned, whose age is
// known.
func (a Ages) Dated(k int) float64 {
	first := atMost(a, k)
	return share(len(known(first)), len(first))
}

// Fresh is the share of the first k documents, of those whose age is known, that are at most
// so many days old. It is 0 where no age is known.
func (a Ages) Fresh(days float64, k int) float64 {
	ages, n := known(atMost(a, k)), 0
	for _, age := range ages {
		if age <= days {
			n++
		}
	}
	return share(n, len(ages))
}

// Median is the median age of the first k documents whose age is known, in days; of an even
// number the mean of the two in the middle. It is NaN where no age is known.
func (a Ages) Median(k int) float64 {
	ages := known(atMost(a, k))
	if len(ages) == 0 {
		return math.NaN()
	}
	slices.Sort(ages)
	half := len(ages) / 2
	if len(ages)%2 == 1 {
		return ages[half]
	}
	return (ages[half-1] + ages[half]) / 2
}

// Decayed is how fresh each document is; see Decay.
func (a Ages) Decayed(halfLifeDays float64) []float64 {
	out := make([]float64, len(a))
	for i, age := range a {
		out[i] = Decay(age, halfLifeDays)
	}
	return out
}

func known(ages []float64) []float64 {
	out := make([]float64, 0, len(ages))
	for _, age := range ages {
		if !math.IsNaN(age) {
			out = append(out, age)
		}
	}
	return out
}
