package semantic

import (
	"maps"
	"math"
)

// Report is what a [Shadow] has seen.
type Report struct {
	Lookups   int `json:"lookups"`    // queries that an exact cache would not have had
	Repeats   int `json:"repeats"`    // queries that were remembered as they are
	WouldHits int `json:"would_hits"` // lookups that would have been answered
	FalseHits int `json:"false_hits"` // of them, with another route or other parameters than the fresh decision
	// Guarded counts the lookups that a guard kept from being answered, and GuardedFalse
	// those of them that would have been false hits.
	Guarded      map[Guard]int `json:"guarded"`
	GuardedFalse int           `json:"guarded_false"`
}

func (r *Report) guard(g Guard, wrong bool) {
	if r.Guarded == nil {
		r.Guarded = map[Guard]int{}
	}
	r.Guarded[g]++
	if wrong {
		r.GuardedFalse++
	}
}

// Report returns a copy of the counts.
func (s *Shadow) Report() Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.seen
	r.Guarded = maps.Clone(r.Guarded)
	return r
}

// FalseHitRate returns the share of would-hits that are false, and the upper end of its
// one-sided 95 % interval (Clopper and Pearson, 1934). Without any would-hit they are 0
// and 1: nothing is known.
func (r Report) FalseHitRate() (rate, upper float64) {
	if r.WouldHits == 0 {
		return 0, 1
	}
	return float64(r.FalseHits) / float64(r.WouldHits), upperBound(r.FalseHits, r.WouldHits)
}

// alpha is the chance that the bound is wrong.
const alpha = 0.05

// upperBound returns the largest p under which k or fewer of n have a chance of alpha.
func upperBound(k, n int) float64 {
	if k >= n {
		return 1
	}
	low, high := float64(k)/float64(n), 1.0
	for range 60 {
		mid := (low + high) / 2
		if atMost(k, n, mid) > alpha {
			low = mid
		} else {
			high = mid
		}
	}
	return high
}

// atMost returns the chance of k or fewer of n, each with chance p > k/n. It adds up from
// the largest term down, until terms no longer count.
func atMost(k, n int, p float64) float64 {
	lg := func(x int) float64 { v, _ := math.Lgamma(float64(x) + 1); return v }
	term := math.Exp(lg(n) - lg(k) - lg(n-k) + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
	sum := term
	for i := k; i > 0 && term > sum*1e-16; i-- {
		term *= float64(i) / float64(n-i+1) * (1 - p) / p
		sum += term
	}
	return sum
}
