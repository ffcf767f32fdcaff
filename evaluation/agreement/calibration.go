package agreement

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/parallel-fusion/pfr/evaluation/stats"
)

// Gate is what a judge must reach on a dimension to be calibrated. See [DefaultGate].
type Gate struct {
	Kappa   float64 // at least
	Low     float64 // end of its interval, at least
	Items   int     // at least
	UseCase int     // items of each use case that was labelled, at least
}

// DefaultGate asks for substantial agreement in the words of Landis and Koch (1977).
func DefaultGate() Gate { return Gate{Kappa: .6, Low: .4, Items: 200, UseCase: 30} }

// Validate reports every problem at once.
func (g Gate) Validate() error {
	var errs []error
	if !(g.Kappa >= -1 && g.Kappa <= 1 && g.Low >= -1 && g.Low <= g.Kappa) {
		errs = append(errs, errors.New("kappa and low: must lie between -1 and 1, low not above kappa"))
	}
	if g.Items < 1 || g.UseCase < 0 {
		errs = append(errs, errors.New("items: must be positive, use_case not negative"))
	}
	return errors.Join(errs...)
}

// Calibration is what is known of a judge's agreement with people on a dimension. The zero
// value is that nothing is. Every report by the judge carries it.
type Calibration struct {
	Judge     string         `json:"judge"`
	Dimension string         `json:"dimension"`
	Items     int            `json:"items"`
	UseCases  map[string]int `json:"use_cases,omitempty"` // items by use case
	Kappa     float64        `json:"kappa"`
	Interval  stats.Interval `json:"interval"` // of kappa, 95 %
	AC1       float64        `json:"ac1"`
	Passed    bool           `json:"calibrated"`
	Missing   []string       `json:"missing,omitempty"` // what the gate asks for and is not there
}

// Judge sets what is missing, and whether the judge is calibrated.
func (g Gate) judge(c *Calibration) {
	miss := func(format string, args ...any) { c.Missing = append(c.Missing, fmt.Sprintf(format, args...)) }
	if c.Items < g.Items {
		miss("%d items of %d are labelled", c.Items, g.Items)
	}
	for _, name := range slices.Sorted(maps.Keys(c.UseCases)) {
		if n := c.UseCases[name]; n < g.UseCase {
			miss("%d of %d for %s", n, g.UseCase, name)
		}
	}
	if c.Kappa < g.Kappa {
		miss("κ is below %.2f", g.Kappa)
	}
	if c.Interval.Low < g.Low {
		miss("κ may be below %.2f", g.Low)
	}
	c.Passed = len(c.Missing) == 0
}

// Covers reports whether the judge is calibrated and was compared with people on a use
// case.
func (c Calibration) Covers(useCase string) bool { return c.Passed && c.UseCases[useCase] > 0 }

// Statement says it in one line.
func (c Calibration) Statement() string {
	if c.Items == 0 {
		return "uncalibrated: no page that this judge has judged was labelled by people"
	}
	measured := fmt.Sprintf("κ %.2f [%.2f, %.2f] and AC1 %.2f with people on %d items (%s)", c.Kappa, c.Interval.Low, c.Interval.High, c.AC1, c.Items, c.Dimension)
	if c.Passed {
		return "calibrated: " + measured
	}
	return "uncalibrated: " + measured + "; " + strings.Join(c.Missing, "; ")
}
