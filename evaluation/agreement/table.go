package agreement

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/parallel-fusion/pfr/evaluation/stats"
)

// Table counts how often each label of the people met each label of the judge.
type Table struct {
	Labels []string `json:"labels"`
	Counts [][]int  `json:"counts"` // by label of the people, then of the judge
}

// Rating is an item with the labels that it got from both sides.
type Rating struct {
	Case  string // items of one case are not independent of each other
	Human string
	Judge string
}

// NewTable counts ratings. A label that is not one of labels is an error.
func NewTable(labels []string, ratings []Rating) (Table, error) {
	t := Table{Labels: labels, Counts: make([][]int, len(labels))}
	for i := range t.Counts {
		t.Counts[i] = make([]int, len(labels))
	}
	for _, r := range ratings {
		h, j := slices.Index(labels, r.Human), slices.Index(labels, r.Judge)
		if h < 0 || j < 0 {
			return Table{}, fmt.Errorf("case %s: label %q or %q is none of %q", r.Case, r.Human, r.Judge, labels)
		}
		t.Counts[h][j]++
	}
	return t, nil
}

// N is the number of items.
func (t Table) N() int {
	n := 0
	for _, row := range t.Counts {
		for _, c := range row {
			n += c
		}
	}
	return n
}

// margins are the shares of each label among the people and of the judge. N is not 0.
func (t Table) margins() (human, judge []float64) {
	n := float64(t.N())
	human, judge = make([]float64, len(t.Labels)), make([]float64, len(t.Labels))
	for h, row := range t.Counts {
		for j, c := range row {
			human[h] += float64(c) / n
			judge[j] += float64(c) / n
		}
	}
	return human, judge
}

// Observed is the share of items with the same label from both sides, 0 of none.
func (t Table) Observed() float64 {
	same := 0
	for i := range t.Counts {
		same += t.Counts[i][i]
	}
	return float64(same) / float64(max(t.N(), 1))
}

// Kappa is Cohen's κ, (po − pe) / (1 − pe), with pe the agreement that the two sides would
// have by chance, each with its own margins (Cohen, A coefficient of agreement for nominal
// scales, 1960). It is 0 where it is undefined: of no items, and where chance alone would
// agree always.
func (t Table) Kappa() float64 {
	if t.N() == 0 {
		return 0
	}
	human, judge := t.margins()
	chance := 0.0
	for i := range human {
		chance += human[i] * judge[i]
	}
	return beyond(t.Observed(), chance)
}

// AC1 is Gwet's coefficient, whose agreement by chance is Σ π(1 − π) / (q − 1) with π the
// mean of both margins and q the number of labels (Gwet, Computing inter-rater reliability
// and its variance in the presence of high agreement, 2008). Where one label is much more
// frequent than the others κ falls though both sides agree; this does not.
func (t Table) AC1() float64 {
	if t.N() == 0 || len(t.Labels) < 2 {
		return 0
	}
	human, judge := t.margins()
	chance := 0.0
	for i := range human {
		p := (human[i] + judge[i]) / 2
		chance += p * (1 - p) / float64(len(t.Labels)-1)
	}
	return beyond(t.Observed(), chance)
}

// beyond is agreement beyond chance.
func beyond(observed, chance float64) float64 {
	if chance >= 1 {
		return 0
	}
	return (observed - chance) / (1 - chance)
}

// Alpha is Krippendorff's α for labels without an order (Krippendorff, Computing
// Krippendorff's alpha-reliability, 2011). Each unit holds the labels that it got, of as
// many raters as have labelled it; units with fewer than two do not count. It is 0 where it
// is undefined: no unit with two labels, or one label for everything.
func Alpha(units [][]string) float64 {
	together := map[string]float64{} // of label and label, in units
	total := map[string]float64{}
	n := 0.0
	for _, unit := range units {
		if len(unit) < 2 {
			continue
		}
		counts := map[string]float64{}
		for _, label := range unit {
			counts[label]++
		}
		m := float64(len(unit))
		for label, c := range counts {
			together[label] += c * (c - 1) / (m - 1)
			total[label] += c
		}
		n += m
	}
	same, chance := 0.0, 0.0
	for label, c := range total {
		same += together[label]
		chance += c * (c - 1)
	}
	if n < 2 || n*(n-1) == chance {
		return 0
	}
	return ((n-1)*same - chance) / (n*(n-1) - chance)
}

// seed of the bootstrap.
const seed = 20260302

// KappaInterval is the 95 % percentile bootstrap interval of κ over cases: items of one
// case are drawn together. The same ratings give the same interval, in whatever order they
// come.
func KappaInterval(labels []string, ratings []Rating) (stats.Interval, error) {
	if _, err := NewTable(labels, ratings); err != nil || len(ratings) == 0 {
		return stats.Interval{Low: -1, High: 1}, err
	}
	cases := countByCase(labels, slices.SortedStableFunc(slices.Values(ratings), func(a, b Rating) int { return cmp.Compare(a.Case, b.Case) }))
	table, counts := flat(labels)
	return stats.Bootstrap(len(cases), seed, func(drawn []int) float64 {
		clear(counts)
		for _, i := range drawn {
			for _, c := range cases[i] {
				counts[c]++
			}
		}
		return table.Kappa()
	}), nil
}

// flat returns a table whose cells are those of a list, row by row.
func flat(labels []string) (Table, []int) {
	n := len(labels)
	t, cells := Table{Labels: labels}, make([]int, n*n)
	for i := range n {
		t.Counts = append(t.Counts, cells[i*n:(i+1)*n])
	}
	return t, cells
}

// countByCase returns the cells of the ratings of each case, as [flat] numbers them, in the
// order of the cases.
func countByCase(labels []string, ratings []Rating) [][]int {
	var cases [][]int
	at := map[string]int{}
	for _, r := range ratings {
		i, known := at[r.Case]
		if !known {
			i = len(cases)
			at[r.Case] = i
			cases = append(cases, nil)
		}
		cases[i] = append(cases[i], slices.Index(labels, r.Human)*len(labels)+slices.Index(labels, r.Judge))
	}
	return cases
}
