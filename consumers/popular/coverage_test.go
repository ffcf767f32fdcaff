package popular_test

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/consumers/popular"
)

// zipf draws texts by rank, with probabilities that fall with the s-th power of it. Drift
// gives ranks to other texts.
type zipf struct {
	random *rand.Rand
	upTo   []float64 // cumulated
	textOf []int     // by rank
}

func newZipf(s float64, texts int) *zipf {
	z := &zipf{random: rand.New(rand.NewPCG(7, uint64(100*s))), upTo: make([]float64, texts), textOf: make([]int, texts)}
	sum := 0.0
	for i := range texts {
		sum += math.Pow(float64(i+1), -s)
		z.upTo[i], z.textOf[i] = sum, i
	}
	return z
}

func (z *zipf) draw() int {
	rank, _ := slices.BinarySearch(z.upTo, z.random.Float64()*z.upTo[len(z.upTo)-1])
	return z.textOf[rank]
}

// weigh adds the probability of each text.
func (z *zipf) weigh(sum map[int]float64) {
	before := 0.0
	for rank, upTo := range z.upTo {
		sum[z.textOf[rank]] += upTo - before
		before = upTo
	}
}

// drift exchanges the texts of a share of the ranks for those of any others.
func (z *zipf) drift(share float64) {
	for i := range z.textOf {
		if z.random.Float64() < share {
			j := z.random.IntN(len(z.textOf))
			z.textOf[i], z.textOf[j] = z.textOf[j], z.textOf[i]
		}
	}
}

const (
	coverageTexts  = 50_000
	coverageWindow = 24 // hours
	coverageHours  = 27
)

// Share of the searches of an hour that the most popular texts of the day before it answer,
// hour by hour, against the best choice that never changes, by the true
// probabilities of those hours.
func TestCoverageOfTheNextHour(t *testing.T) {
	anHour := 2_000
	if os.Getenv("PFR_TEST_SCALE") != "" {
		anHour = 50_000
	}
	t.Logf("%d texts, %d searches an hour; share of the next hour's searches, and of what the static optimum answers", coverageTexts, anHour)
	for _, s := range []float64{0.85, 1.0} {
		for _, drift := range []float64{0, 0.02} {
			row := coverage{tops: []int{100, 1000, 10_000}, truth: map[int]float64{}}
			row.trace(t, newZipf(s, coverageTexts), anHour, drift)
			least := 0.9 // of the optimum
			if drift > 0 {
				least = 0.65
			}
			row.report(t, fmt.Sprintf("s = %.2f, drift %2.0f %% an hour", s, 100*drift), least)
		}
	}
}

// coverage is what the most popular texts answer.
type coverage struct {
	tops  []int
	hits  [3]int
	asked int             // searches in the hours that count
	truth map[int]float64 // probability of a text, summed over those hours
}

func (c *coverage) trace(t *testing.T, z *zipf, anHour int, drift float64) {
	t.Helper()
	a := &asker{c: newCounter(t, nil)}
	for hour := range coverageHours {
		at := start().Add(time.Duration(hour) * time.Hour)
		var top []map[string]bool
		if hour >= coverageWindow {
			top = known(a.c, at, c.tops)
			z.weigh(c.truth)
		}
		for range anHour {
			text := z.draw()
			a.ask(at, fmt.Sprint("c", z.random.IntN(10_000)), fmt.Sprint(text))
			c.count(text, top)
		}
		z.drift(drift)
	}
}

// count counts a search that the sets may answer; without sets it does not count.
func (c *coverage) count(text int, sets []map[string]bool) {
	for i, set := range sets {
		if set[fmt.Sprint(text)] {
			c.hits[i]++
		}
	}
	if sets != nil {
		c.asked++
	}
}

// known returns the sets of the most popular texts of the last day.
func known(c *popular.Counter, now time.Time, tops []int) []map[string]bool {
	s := c.Snapshot(now, popular.View{Top: slices.Max(tops)})
	sets := make([]map[string]bool, len(tops))
	for i, n := range tops {
		sets[i] = map[string]bool{}
		for _, q := range s.Queries[:min(n, len(s.Queries))] {
			sets[i][q.Text] = true
		}
	}
	return sets
}

func (c *coverage) report(t *testing.T, name string, least float64) {
	t.Helper()
	truth := slices.Sorted(maps.Values(c.truth))
	slices.Reverse(truth)
	total := 0.0
	for _, p := range truth {
		total += p
	}
	row := name + ":"
	for i, n := range c.tops {
		best := 0.0
		for _, p := range truth[:n] {
			best += p
		}
		answered := float64(c.hits[i]) / float64(c.asked)
		share := answered / (best / total)
		row += fmt.Sprintf("  top %d %.1f %% (%.0f %%)", n, 100*answered, 100*share)
		if n <= 1000 && share < least || share > 1.05 {
			t.Errorf("%s: the top %d answer %.0f %% of what the static optimum does", name, n, 100*share)
		}
	}
	t.Log(row)
}
