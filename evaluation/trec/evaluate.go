package trec

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"
)

// Config says how rankings are measured. Start from DefaultConfig.
type Config struct {
	Level    int     // from which a document is relevant, trec_eval's -l; at least 1
	Complete bool    // topics that the run lacks count, with 0, as with trec_eval's -c
	Depth    int     // look only at the first so many documents of each topic; 0: at all
	Highest  int     // level that satisfies people as much as any, for ERR; at least 1
	Patience float64 // p of compatibility, above 0 and below 1

	// What measures of freshness need.
	Dates     map[string]time.Time // of documents
	AsOf      time.Time            // when the run was made
	FreshDays float64              // how old what is fresh may be; above 0
	Recency   float64              // probability that a query asks for what is new
}

// DefaultConfig returns the settings of trec_eval; four weeks are fresh, and every other
// query asks for what is new.
func DefaultConfig() Config {
	return Config{Level: 1, Highest: 3, Patience: 0.9, FreshDays: 28, Recency: 0.5}
}

// Validate reports every setting that is not possible.
func (c Config) Validate() error {
	var errs []error
	bad := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	bad(c.Level < 1, "level %d: must be at least 1", c.Level)
	bad(c.Depth < 0, "depth %d: must not be below 0", c.Depth)
	bad(c.Highest < 1 || c.Highest > 30, "highest level %d: must be from 1 to 30", c.Highest)
	bad(!(c.Patience > 0 && c.Patience < 1), "patience %v: must be above 0 and below 1", c.Patience)
	bad(!(c.FreshDays > 0), "fresh days %v: must be above 0", c.FreshDays)
	bad(!(c.Recency >= 0 && c.Recency <= 1), "recency %v: must be from 0 to 1", c.Recency)
	bad(c.Dates != nil && c.AsOf.IsZero(), "dates without the day of the run")
	return errors.Join(errs...)
}

// ErrNoTopics means that judgments and a run have no topic in common.
var ErrNoTopics = errors.New("no topic has both judgments and results")

// Topic is what a ranking got, by measure. A value may be NaN, where a measure says nothing.
type Topic struct {
	Name   string
	Values []float64
}

// Evaluation is what a run got.
type Evaluation struct {
	RunID      string
	Measures   []Measure
	Topics     []Topic  // that have judgments and results, in order
	Missing    []string // topics with judgments that the run lacks
	Unassessed []string // topics of the run without judgments, which are ignored

	absent []Topic // what no ranking gets on the missing topics, if they count
}

// Evaluate measures a run. As in trec_eval it looks at the topics that have both judgments
// and results; see Config.Complete.
func Evaluate(cfg Config, qrels Qrels, run Run, measures []Measure) (Evaluation, error) {
	if err := cfg.Validate(); err != nil {
		return Evaluation{}, err
	}
	for _, m := range measures {
		if m.NeedsDates() && cfg.Dates == nil {
			return Evaluation{}, fmt.Errorf("measure %s needs dates", m.Name)
		}
	}
	return evaluate(run, qrels, evaluator[Levels]{measures, cfg.Complete, strings.Compare, func(docs []string, levels Levels) []float64 {
		return values(rank(cfg, docs, levels), measures)
	}})
}

// evaluator measures the rankings of topics that have judgments of some kind.
type evaluator[J any] struct {
	measures []Measure
	complete bool
	order    func(a, b string) int // of topics
	values   func(docs []string, judgments J) []float64
}

func evaluate[J any](run Run, judgments map[string]J, by evaluator[J]) (Evaluation, error) {
	e := Evaluation{RunID: run.ID, Measures: by.measures}
	for _, name := range slices.SortedFunc(maps.Keys(judgments), by.order) {
		docs, ok := run.Rankings[name]
		switch {
		case ok:
			e.Topics = append(e.Topics, Topic{name, by.values(docs, judgments[name])})
		case by.complete:
			e.absent = append(e.absent, Topic{name, by.values(nil, judgments[name])})
			fallthrough
		default:
			e.Missing = append(e.Missing, name)
		}
	}
	for _, name := range slices.SortedFunc(maps.Keys(run.Rankings), by.order) {
		if _, ok := judgments[name]; !ok {
			e.Unassessed = append(e.Unassessed, name)
		}
	}
	if len(e.Topics) == 0 {
		return e, ErrNoTopics
	}
	return e, nil
}

func rank(cfg Config, docs []string, levels Levels) ranked {
	docs = atMost(docs, cfg.Depth)
	r := ranked{Graded: Grade(docs, levels, cfg.Level), docs: docs, levels: levels, cfg: cfg}
	if cfg.Dates != nil {
		r.ages = Age(docs, cfg.Dates, cfg.AsOf)
	}
	return r
}

func values(r ranked, measures []Measure) []float64 {
	out := make([]float64, len(measures))
	for i, m := range measures {
		out[i] = m.of(r, m.cut)
	}
	return out
}

// Queries is the number of topics that the means are over.
func (e Evaluation) Queries() int { return len(e.Topics) + len(e.absent) }

// Summary returns one value for each measure: the mean over topics, the sum of what is
// counted, the geometric mean of gm_map. Topics of which a measure says nothing are left out
// of its mean, and it is NaN if that is all of them, as it is of runid.
func (e Evaluation) Summary() []float64 {
	out := make([]float64, len(e.Measures))
	for i, m := range e.Measures {
		sum, n := 0.0, 0
		for _, t := range slices.Concat(e.Topics, e.absent) {
			if !math.IsNaN(t.Values[i]) {
				sum += t.Values[i]
				n++
			}
		}
		switch m.summary {
		case total:
			out[i] = sum
		case geometric:
			out[i] = math.Exp(sum / float64(n))
		case mean, label:
			out[i] = sum / float64(n)
		}
	}
	return out
}
