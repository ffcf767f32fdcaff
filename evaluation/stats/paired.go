package stats

import (
	"math"
	"math/rand/v2"
)

// Resamples is how often the bootstrap and the randomisation test draw. With 2,000 the ends
// of a 95 % interval are known to about a fiftieth of its width.
const Resamples = 2000

// Bootstrap returns the 95 % percentile interval of a statistic (Efron 1979). It draws from
// groups with replacement: each time statistic gets the numbers of the groups that were
// drawn, as many as there are. The slice is reused. Values that are not finite count as
// what they are, so an end of the interval may be infinite. Equal seeds give equal
// intervals.
func Bootstrap(groups int, seed uint64, statistic func(drawn []int) float64) Interval {
	if groups == 0 {
		return Interval{math.Inf(-1), math.Inf(1)}
	}
	rng := rand.New(rand.NewPCG(seed, uint64(groups)))
	values, drawn := make([]float64, Resamples), make([]int, groups)
	for r := range values {
		for i := range drawn {
			drawn[i] = rng.IntN(groups)
		}
		values[r] = statistic(drawn)
	}
	const tail = 0.025
	return Interval{Quantile(values, tail), Quantile(values, 1-tail)}
}

// Paired is how two systems did on the same cases.
type Paired struct {
	N      int     `json:"n"`      // cases
	Groups int     `json:"groups"` // of cases that are drawn together
	A      float64 `json:"a"`      // mean
	B      float64 `json:"b"`

	Difference         float64  `json:"difference"` // A - B
	DifferenceInterval Interval `json:"difference_interval"`
	// Relative is (A - B) / B, nil where B is 0; its interval is nil where the bootstrap met
	// a B of 0 too often to say.
	Relative         *float64  `json:"relative,omitempty"`
	RelativeInterval *Interval `json:"relative_interval,omitempty"`
	// P is the two-sided p-value of Fisher's randomisation test over groups.
	P float64 `json:"p"`
}

// leastGroups is how many groups it takes to claim a gain: where all of fewer agree the
// bootstrap's interval has no width, and yet chance alone makes them agree in 2/2^5 = 6 % or
// more.
const leastGroups = 6

// Better reports whether the interval of the difference lies above 0, with groups enough for
// it to mean something.
func (p Paired) Better() bool { return p.Groups >= leastGroups && p.DifferenceInterval.Low > 0 }

// Worse reports whether the interval of the difference lies below 0. It is a warning, and a
// few groups are enough for one.
func (p Paired) Worse() bool { return p.N > 0 && p.DifferenceInterval.High < 0 }

// Compare compares what two systems got on the same cases, by the paired bootstrap over
// groups: cases of one group, such as several users with one query, are not independent and
// are drawn together. group names the group of each case. Equal seeds give equal results.
func Compare(a, b []float64, group []string, seed uint64) Paired {
	sums := sumGroups(a, b, group)
	p := Paired{N: len(a), Groups: len(sums), P: 1}
	if p.N == 0 {
		return p
	}
	all := make([]int, len(sums))
	for i := range all {
		all[i] = i
	}
	p.A, p.B = means(sums, all)
	p.Difference = p.A - p.B
	p.DifferenceInterval = Bootstrap(len(sums), seed, func(drawn []int) float64 {
		a, b := means(sums, drawn)
		return a - b
	})
	p.P = randomise(sums, seed)
	if p.B == 0 {
		return p
	}
	relative := p.Difference / p.B
	p.Relative = &relative
	i := Bootstrap(len(sums), seed, func(drawn []int) float64 {
		a, b := means(sums, drawn)
		return (a - b) / b
	})
	if !math.IsInf(i.Low, 0) && !math.IsInf(i.High, 0) && !math.IsNaN(i.Low) && !math.IsNaN(i.High) {
		p.RelativeInterval = &i
	}
	return p
}

// sums is what both systems got on a group.
type sums struct{ a, b, n float64 }

func sumGroups(a, b []float64, group []string) []sums {
	var out []sums
	at := map[string]int{}
	for i := range a {
		g, known := at[group[i]]
		if !known {
			g = len(out)
			at[group[i]] = g
			out = append(out, sums{})
		}
		out[g].a += a[i]
		out[g].b += b[i]
		out[g].n++
	}
	return out
}

func means(groups []sums, drawn []int) (a, b float64) {
	n := 0.0
	for _, i := range drawn {
		a += groups[i].a
		b += groups[i].b
		n += groups[i].n
	}
	return a / n, b / n
}

// randomise is Fisher's randomisation test of paired values (Smucker et al., A Comparison of
// Statistical Significance Tests for Information Retrieval Evaluation, 2007): how often the
// difference of the means would be as large if which system is which were a coin flip for
// every group. The observed labelling counts as one, so that it is never 0.
func randomise(groups []sums, seed uint64) float64 {
	observed := 0.0
	for _, g := range groups {
		observed += g.a - g.b
	}
	observed = math.Abs(observed)
	rng := rand.New(rand.NewPCG(seed, uint64(len(groups))+1))
	const slack = 1e-9 // sums in another order differ in their last bits
	as := 1
	for range Resamples {
		sum := 0.0
		for _, g := range groups {
			if rng.Uint64()&1 == 0 {
				sum += g.a - g.b
			} else {
				sum -= g.a - g.b
			}
		}
		if math.Abs(sum) >= observed-slack {
			as++
		}
	}
	return float64(as) / (Resamples + 1)
}
