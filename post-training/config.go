package posttraining

import (
	"errors"
	"fmt"
	"time"
)

// Config says how a run samples. See [DefaultConfig].
type Config struct {
	Dir      string // of the run
	Seed     uint64 // of the run: equal seeds ask teachers for the same
	Attempts int    // of a query at most
	Keep     int    // distinct decisions of a query at most; sampling stops when so many passed
	// EvaluationJudge names who will judge the trained router. It must not be who judges here:
	// a router that is taught by its examiner learns the examiner's mistakes.
	EvaluationJudge string

	// The rest does not change what a finished run comes to.

	Parallel   int           // queries at once
	MaxCalls   int           // samples of the run in all, resumed runs included; 0: no limit
	MaxCostUSD float64       // of teachers and judge, likewise; 0: no limit
	Timeout    time.Duration // of one attempt, with its judgment
	Retry      Retry         // after it the run stops; it can be resumed
	// SyncEvery is how many attempts may be lost when the machine, not the process, dies.
	SyncEvery int
}

// DefaultConfig returns the settings of a run. Dir and EvaluationJudge are left to set.
func DefaultConfig() Config {
	return Config{
		Seed: 1, Attempts: 8, Keep: 1,
		Parallel: 2, Timeout: 2 * time.Minute, Retry: DefaultRetry(), SyncEvery: 256,
	}
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	var errs []error
	positive := func(name string, v int) {
		if v < 1 {
			errs = append(errs, fmt.Errorf("%s %d: must be positive", name, v))
		}
	}
	positive("attempts", c.Attempts)
	positive("keep", c.Keep)
	positive("parallel", c.Parallel)
	positive("sync every", c.SyncEvery)
	if c.Dir == "" {
		errs = append(errs, errors.New("dir: say where the run goes"))
	}
	if c.EvaluationJudge == "" {
		errs = append(errs, errors.New("evaluation judge: say who will judge the trained router"))
	}
	if c.MaxCalls < 0 || !(c.MaxCostUSD >= 0) {
		errs = append(errs, errors.New("max calls and max cost: must not be negative"))
	}
	if c.Timeout <= 0 {
		errs = append(errs, errors.New("timeout: must be positive"))
	}
	errs = append(errs, c.Retry.Validate())
	return errors.Join(errs...)
}

// Parts are what is sampled for, who samples, checks and judges, and how the small router is
// spoken to.
type Parts struct {
	Queries  []Query   // each id once; all to train on
	Teachers []Teacher // asked in turn, but for a [Resort]
	Gates    []Gate    // in order; the first that objects rejects
	Judge    Judge
	Form     Form
}

// validate reports what is missing, and a judge that would examine its own pupil.
func (p Parts) validate(evaluationJudge string) error {
	errs := []error{checkQueries(p.Queries)}
	resorts := 0
	for _, t := range p.Teachers {
		if _, ok := t.(Resort); ok {
			resorts++
		}
	}
	if len(p.Teachers) == resorts || p.Judge == nil || p.Form == nil {
		return errors.New("a run needs a teacher that is asked first, a judge and a form")
	}
	if p.Judge.ID() == evaluationJudge {
		errs = append(errs, fmt.Errorf("judge %s: rejects samples, so that it must not be the evaluation judge too", evaluationJudge))
	}
	seen := map[string]bool{}
	for _, t := range p.Teachers {
		if seen[t.ID()] {
			errs = append(errs, fmt.Errorf("teacher %s: is there twice", t.ID()))
		}
		seen[t.ID()] = true
	}
	return errors.Join(errs...)
}
