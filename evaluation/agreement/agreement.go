package agreement

import (
	"cmp"
	"fmt"
	"slices"
)

// Report is how far judges agree with people.
type Report struct {
	Raters []string       `json:"raters"` // people
	Humans []HumanReport  `json:"humans"`
	Judges []JudgeReport  `json:"judges"`
	Unused map[string]int `json:"unused,omitempty"` // labelled items that a judge has not judged, by judge
}

// Calibration returns what is known of a judge on a dimension; the zero value is that
// nothing is.
func (r Report) Calibration(judge, dimension string) Calibration {
	for _, j := range r.Judges {
		if j.Judge == judge && j.Dimension == dimension {
			return j.Calibration
		}
	}
	return Calibration{}
}

// HumanReport is how far people agree among themselves on a dimension. No judge can be
// expected to agree with them much better.
type HumanReport struct {
	Dimension string  `json:"dimension"`
	Items     int     `json:"items"`   // labelled
	Shared    int     `json:"shared"`  // by more than one person
	Divided   int     `json:"divided"` // without a consensus: they do not count
	Alpha     float64 `json:"alpha"`   // Krippendorff's, over the shared ones
}

// JudgeReport is how far a judge agrees with the consensus on a dimension.
type JudgeReport struct {
	Calibration
	Table     Table     `json:"table"`
	Passed    *Share    `json:"passed,omitempty"`    // pages that the judge passes, of all that it has judged
	Corrected *Estimate `json:"corrected,omitempty"` // share that people would pass; see [Corrected]
	Refused   string    `json:"refused,omitempty"`   // why there is no such share
}

// Measure compares judges with people, by their labels that hold; see [Latest]. A label of
// a judge has its ID as rater.
func Measure(gate Gate, people, judges []Label) (Report, error) {
	if err := gate.Validate(); err != nil {
		return Report{}, fmt.Errorf("gate: %w", err)
	}
	people, judges = Latest(people), Latest(judges)
	byPeople, byJudge := byDimension(people), map[string]map[string][]Label{}
	for _, l := range judges {
		if byJudge[l.Rater] == nil {
			byJudge[l.Rater] = map[string][]Label{}
		}
		byJudge[l.Rater][l.Dimension] = append(byJudge[l.Rater][l.Dimension], l)
	}
	out := Report{Raters: distinct(people, func(l Label) string { return l.Rater }), Unused: map[string]int{}}
	for _, dimension := range distinct(people, func(l Label) string { return l.Dimension }) {
		consensus, human := agree(dimension, byPeople[dimension])
		out.Humans = append(out.Humans, human)
		for _, judge := range distinct(judges, func(l Label) string { return l.Rater }) {
			said := byJudge[judge][dimension]
			if len(said) == 0 {
				continue
			}
			one, unused, err := measure(gate, consensus, said)
			if err != nil {
				return Report{}, fmt.Errorf("judge %s on %s: %w", judge, dimension, err)
			}
			out.Judges = append(out.Judges, one)
			if unused > 0 {
				out.Unused[judge] += unused
			}
		}
	}
	return out, nil
}

func byDimension(labels []Label) map[string][]Label {
	out := map[string][]Label{}
	for _, l := range labels {
		out[l.Dimension] = append(out[l.Dimension], l)
	}
	return out
}

func distinct(labels []Label, of func(Label) string) []string {
	out := []string{}
	for _, l := range labels {
		out = append(out, of(l))
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// agree returns what people agree on, and how far. Labels that they gave to the same item
// stand together.
func agree(dimension string, labels []Label) (map[Item]Label, HumanReport) {
	items := map[Item][]Label{}
	var order []Item
	for _, l := range labels {
		if items[l.Item] == nil {
			order = append(order, l.Item)
		}
		items[l.Item] = append(items[l.Item], l)
	}
	report := HumanReport{Dimension: dimension, Items: len(order)}
	consensus := map[Item]Label{}
	var units [][]string
	for _, item := range order {
		votes := map[string]int{}
		var unit []string
		for _, l := range items[item] {
			votes[l.Label]++
			unit = append(unit, l.Label)
		}
		units = append(units, unit)
		if len(unit) > 1 {
			report.Shared++
		}
		report.Divided++
		for label, n := range votes {
			if 2*n > len(unit) {
				one := items[item][0]
				one.Label, one.Rater = label, ""
				consensus[item] = one
				report.Divided--
			}
		}
	}
	report.Alpha = Alpha(units)
	return consensus, report
}

// measure compares a judge with the consensus on a dimension. unused is how many items the
// judge has not judged.
func measure(gate Gate, consensus map[Item]Label, said []Label) (out JudgeReport, unused int, err error) {
	out.Judge, out.Dimension, out.UseCases = said[0].Rater, said[0].Dimension, map[string]int{}
	labels := LabelsOf(out.Dimension)
	var ratings []Rating
	for _, l := range said {
		human, ok := consensus[l.Item]
		if !ok {
			continue
		}
		out.UseCases[cmp.Or(human.UseCase, "unknown")]++
		ratings = append(ratings, Rating{Case: human.Case, Human: human.Label, Judge: l.Label})
	}
	if out.Table, err = NewTable(labels, ratings); err != nil {
		return out, 0, err
	}
	out.Items, out.Kappa, out.AC1 = len(ratings), out.Table.Kappa(), out.Table.AC1()
	if out.Interval, err = KappaInterval(labels, ratings); err != nil {
		return out, 0, err
	}
	gate.judge(&out.Calibration)
	if out.Dimension != Pair {
		out.correct(said)
	}
	return out, len(consensus) - len(ratings), nil
}

// correct puts the judge's pass rate right by what people said.
func (r *JudgeReport) correct(said []Label) {
	passed := Share{N: len(said)}
	for _, l := range said {
		if l.Label == Pass {
			passed.Of++
		}
	}
	r.Passed = &passed
	good, bad := r.Table.Counts[0], r.Table.Counts[1] // by people: PASS, NO PASS
	e, err := Corrected(passed, Share{bad[1], bad[0] + bad[1]}, Share{good[0], good[0] + good[1]})
	if err != nil {
		r.Refused = err.Error()
		return
	}
	r.Corrected = &e
}
