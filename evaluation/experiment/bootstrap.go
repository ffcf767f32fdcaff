package experiment

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/parallel-fusion/pfr/evaluation/stats"
)

// Resampling says how a bootstrap draws.
type Resampling struct {
	Resamples int     // at least 100
	Seed      uint64  // the same seed draws the same
	Level     float64 // of the intervals, in (0, 1)
}

// DefaultResampling draws 2,000 times, for intervals of 95 %.
func DefaultResampling() Resampling { return Resampling{Resamples: 2000, Seed: 1, Level: 0.95} }

// Resampled is what a bootstrap says of an effect.
type Resampled struct {
	Difference         Estimate       // of the units given; SE is the standard deviation over resamples
	DifferenceInterval stats.Interval // percentiles
	Lift               Estimate       // relative
	LiftInterval       stats.Interval // percentiles
}

// Bootstrap draws whole units with replacement, each arm by itself, and takes the metric of
// each resample (Efron 1979; of units, as a unit's searches are not independent). It makes no
// use of covariates, and is the check of the delta method for whoever has the rows. An error
// wraps [ErrTooFew] where an arm has fewer than two units or its denominator can be 0.
func Bootstrap(control, treatment []Unit, how Resampling) (Resampled, error) {
	if how.Resamples < 100 || !(how.Level > 0 && how.Level < 1) {
		return Resampled{}, fmt.Errorf("bootstrap: %d resamples, level %v: need 100 and a level in (0, 1)", how.Resamples, how.Level)
	}
	if len(control) < 2 || len(treatment) < 2 {
		return Resampled{}, fmt.Errorf("bootstrap of %d and %d units: %w", len(control), len(treatment), ErrTooFew)
	}
	rng := rand.New(rand.NewPCG(how.Seed, 0))
	c, t := total(control).Value(), total(treatment).Value()
	if c == 0 {
		return Resampled{}, fmt.Errorf("bootstrap of a control at 0: %w", ErrTooFew)
	}
	differences := make([]float64, how.Resamples)
	lifts := make([]float64, how.Resamples)
	for i := range how.Resamples {
		a, b := draw(control, rng), draw(treatment, rng)
		if a.X == 0 || a.Y == 0 || b.X == 0 {
			return Resampled{}, fmt.Errorf("bootstrap: a resample without numerator or denominator: %w", ErrTooFew)
		}
		differences[i], lifts[i] = b.Value()-a.Value(), b.Value()/a.Value()-1
	}
	return Resampled{
		Difference:         Estimate{t - c, deviation(differences)},
		DifferenceInterval: percentiles(differences, how.Level),
		Lift:               Estimate{t/c - 1, deviation(lifts)},
		LiftInterval:       percentiles(lifts, how.Level),
	}, nil
}

// total sums numerators and denominators alone.
func total(units []Unit) (m Moments) {
	for _, u := range units {
		m.X += u.X
		m.Y += u.Y
	}
	return m
}

func draw(units []Unit, rng *rand.Rand) (m Moments) {
	for range units {
		u := units[rng.IntN(len(units))]
		m.X += u.X
		m.Y += u.Y
	}
	return m
}

func deviation(xs []float64) float64 {
	mean, sum := 0.0, 0.0
	for _, x := range xs {
		mean += x / float64(len(xs))
	}
	for _, x := range xs {
		sum += sq(x - mean)
	}
	return math.Sqrt(sum / float64(len(xs)-1))
}

func percentiles(xs []float64, level float64) stats.Interval {
	xs = slices.Clone(xs)
	return stats.Interval{Low: stats.Quantile(xs, (1-level)/2), High: stats.Quantile(xs, (1+level)/2)}
}
