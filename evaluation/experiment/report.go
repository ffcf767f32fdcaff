package experiment

import "github.com/parallel-fusion/pfr/evaluation/stats"

// Decision is what is to be done with an arm.
type Decision string

// The decisions.
const (
	Ship     Decision = "ship"     // better in a success metric, no worse than the margins
	Hold     Decision = "hold"     // nothing can be said yet, or nothing was shown: read the reasons
	Rollback Decision = "rollback" // a guardrail is worse than its margin: stop the arm now; wrong for each guardrail with a probability of at most alpha/2 over all times
	Invalid  Decision = "invalid"  // the arms' units contradict the weights: find the bug
)

// Finding is what a metric's interval says of its effect.
type Finding string

// The findings.
const (
	Better  Finding = "better"  // all of the interval is on the good side of 0
	Worse   Finding = "worse"   // all of it is on the bad side
	Unclear Finding = "unclear" // 0 is in it
)

// Counts is what came in of one arm.
type Counts struct {
	Units   int64              `json:"units"`   // that were exposed, each counted once; the sample ratio is checked on them
	Metrics map[string]Moments `json:"metrics"` // by name
}

// Data is what a readout stands on.
type Data struct {
	Arms  map[string]Counts `json:"arms"`  // by name; an arm of the plan that is missing has no units
	Looks []Look            `json:"looks"` // all that were taken before: those of the last report
}

// Look is a readout that could decide.
type Look struct {
	Fraction float64  `json:"fraction"` // information fraction at which it was taken; 1 from 0.99 on
	Ship     []string `json:"ship"`     // arms that it found fit to ship
}

// Report is what a readout says. Values of metrics, and differences of them, are in the unit
// of the metric: numerator per denominator. Lifts, levels, shares and fractions are shares of
// 1. Every number is finite.
type Report struct {
	Experiment   string      `json:"experiment"`
	Control      string      `json:"control"`
	Alpha        float64     `json:"alpha"` // two-sided
	Spending     Spending    `json:"spending"`
	Units        int64       `json:"units"` // over all arms that are not stopped
	PlannedUnits int64       `json:"planned_units"`
	Information  float64     `json:"information"` // units / planned units of these arms; above 1 if more came than planned
	AtLook       bool        `json:"at_look"`     // this readout is a look; else boundaries and intervals are provisional
	Looks        []Look      `json:"looks"`       // taken, with this one if it is; the next readout wants them
	NextLook     float64     `json:"next_look"`   // information fraction; 0: no look is left
	SRM          SRM         `json:"srm"`
	Decision     Decision    `json:"decision"` // the most urgent of the arms': invalid, rollback, ship, hold
	Arms         []ArmReport `json:"arms"`     // in the order of the plan, the control too
}

// ArmReport is one arm. The control has values and no comparison: no decision, no effects.
type ArmReport struct {
	Name     string         `json:"name"`
	Weight   float64        `json:"weight"` // share of all weights
	Units    int64          `json:"units"`
	Share    float64        `json:"share"`             // of all units
	Stopped  bool           `json:"stopped,omitempty"` // left out of everything but its own values
	Decision Decision       `json:"decision,omitempty"`
	Reasons  []string       `json:"reasons,omitempty"` // for a person, the weightiest first
	Metrics  []MetricReport `json:"metrics"`           // in the order of the plan
}

// MetricReport is one metric in one arm.
type MetricReport struct {
	Metric
	Units       int64         `json:"units"`            // with a row in this metric
	Numerator   int64         `json:"numerator"`        // Σ y
	Denominator int64         `json:"denominator"`      // Σ x
	Value       float64       `json:"value"`            // numerator / denominator, as counted: never adjusted
	Effect      *EffectReport `json:"effect,omitempty"` // nil of the control, of too few units, and where the readout is invalid
}

// EffectReport compares a treatment with the control. All but Value and what is named raw is
// adjusted by CUPED if CUPED is true.
type EffectReport struct {
	Difference         float64        `json:"difference"` // treatment − control
	DifferenceSE       float64        `json:"difference_se"`
	DifferenceInterval stats.Interval `json:"difference_interval"` // repeated confidence interval: ± boundary · SE
	Lift               *Lift          `json:"lift,omitempty"`      // nil where the control is not above 0
	Z                  float64        `json:"z"`                   // difference / SE, cut off at ±40
	Boundary           float64        `json:"boundary"`            // of |z|, in standard errors
	Level              float64        `json:"level"`               // two-sided rate of this metric's test over all looks
	P                  float64        `json:"p"`                   // repeated: ≤ level exactly where |z| ≥ boundary
	PNominal           float64        `json:"p_nominal"`           // of a single look, two-sided; not for decisions
	AlwaysValid        AlwaysValid    `json:"always_valid"`
	CUPED              bool           `json:"cuped"`
	VarianceCut        float64        `json:"variance_cut"` // share of the raw variance of the difference that CUPED removed
	Finding            Finding        `json:"finding"`
	MarginHeld         bool           `json:"margin_held"`   // guardrail: no worse than the margin, by the boundary
	MarginBroken       bool           `json:"margin_broken"` // guardrail: worse than the margin, by the always-valid alarm
}

// Lift is a relative difference: treatment / control − 1.
type Lift struct {
	Value    float64         `json:"value"`
	SE       float64         `json:"se"`                 // delta method
	Interval *stats.Interval `json:"interval,omitempty"` // Fieller, at the boundary; nil where nothing bounds it
}

// AlwaysValid is the alarm's view: right at all times together, whenever anybody looks, and
// therefore wider.
type AlwaysValid struct {
	DifferenceInterval stats.Interval  `json:"difference_interval"` // level 1−alpha of the plan
	LiftInterval       *stats.Interval `json:"lift_interval,omitempty"`
	P                  float64         `json:"p"`
	Width              float64         `json:"width"` // half-width of the interval, in standard errors
}
