package trec

import (
	"errors"
	"fmt"
)

// DiversityConfig says how rankings are measured with diversity judgments. Start from
// DefaultDiversityConfig.
type DiversityConfig struct {
	Alpha    float64 // how much less is gained by what is covered already, 0 to 1
	Beta     float64 // patience of NRBP, 0 to 1, below 1 where Alpha is 0
	Complete bool    // topics that the run lacks count, with 0, as with ndeval's -c
	Depth    int     // look only at the first so many documents of each topic; 0: at all
}

// DefaultDiversityConfig returns the settings of ndeval.
func DefaultDiversityConfig() DiversityConfig { return DiversityConfig{Alpha: 0.5, Beta: 0.5} }

// Validate reports every setting that is not possible.
func (c DiversityConfig) Validate() error {
	var errs []error
	if !(c.Alpha >= 0 && c.Alpha <= 1) {
		errs = append(errs, fmt.Errorf("alpha %v: must be from 0 to 1", c.Alpha))
	}
	if !(c.Beta >= 0 && c.Beta <= 1) || c.Beta == 1 && c.Alpha == 0 {
		errs = append(errs, fmt.Errorf("beta %v: must be from 0 to 1, below 1 where alpha is 0", c.Beta))
	}
	if c.Depth < 0 {
		errs = append(errs, fmt.Errorf("depth %d: must not be below 0", c.Depth))
	}
	return errors.Join(errs...)
}

// EvaluateDiversity measures a run with the measures of ndeval, in its order: ERR-IA,
// nERR-IA, α-DCG and α-nDCG at 5, 10 and 20, NRBP, nNRBP, MAP-IA, P-IA and subtopic recall at
// 5, 10 and 20. Unlike ndeval, which goes by the ranks of the run if it is not told
// otherwise, the order is always that of ReadRun, as with ndeval -traditional.
func EvaluateDiversity(cfg DiversityConfig, subtopics Subtopics, run Run) (Evaluation, error) {
	if err := cfg.Validate(); err != nil {
		return Evaluation{}, err
	}
	columns := cfg.columns()
	measures := make([]Measure, len(columns))
	for i, c := range columns {
		measures[i].Name = c.name
	}
	return evaluate(run, subtopics, evaluator[Aspects]{measures, cfg.Complete, byNumber, func(docs []string, aspects Aspects) []float64 {
		covered := Cover(atMost(docs, cfg.Depth), aspects)
		out := make([]float64, len(columns))
		for i, c := range columns {
			out[i] = c.of(covered)
		}
		return out
	}})
}

// column is a measure of ndeval.
type column struct {
	name string
	of   func(Covered) float64
}

func (c DiversityConfig) columns() []column {
	var out []column
	cuts := func(name string, of func(v Covered, k int) float64) {
		for _, k := range []int{5, 10, 20} {
			out = append(out, column{fmt.Sprintf("%s@%d", name, k), func(v Covered) float64 { return of(v, k) }})
		}
	}
	novelty := func(name string, of func(v Covered, alpha float64, k int) float64) {
		cuts(name, func(v Covered, k int) float64 { return of(v, c.Alpha, k) })
	}
	novelty("ERR-IA", Covered.ERRIA)
	novelty("nERR-IA", Covered.NERRIA)
	novelty("alpha-DCG", Covered.AlphaDCG)
	novelty("alpha-nDCG", Covered.AlphaNDCG)
	out = append(out,
		column{"NRBP", func(v Covered) float64 { return v.NRBP(c.Alpha, c.Beta) }},
		column{"nNRBP", func(v Covered) float64 { return v.NNRBP(c.Alpha, c.Beta) }},
		column{"MAP-IA", Covered.AveragePrecisionIA},
	)
	cuts("P-IA", Covered.PrecisionIA)
	cuts("strec", Covered.SubtopicRecall)
	return out
}
