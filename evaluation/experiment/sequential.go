package experiment

import (
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/stat/distuv"
)

// Spending says how fast a sequential test may use up its false-positive rate (Lan and
// DeMets, Discrete sequential boundaries for clinical trials, 1983).
type Spending string

// The spending functions f(t) of information fraction t, for a rate a of one side.
const (
	// OBrienFleming is 2 − 2Φ(z(a/2)/√t): almost nothing early, almost all at the end.
	OBrienFleming Spending = "obrien-fleming"
	// Pocock is a·ln(1 + (e−1)t): about the same at every look.
	Pocock Spending = "pocock"
)

// spent returns how much of rate a of one side may be used until t.
func (s Spending) spent(t, a float64) float64 {
	t = min(t, 1)
	if s == Pocock {
		return a * math.Log1p((math.E-1)*t)
	}
	return 2 * upperTail(upperPoint(a/2)/math.Sqrt(t))
}

// Test is a group-sequential test: a few looks at a growing sum, with a false-positive rate
// that holds over all of them.
type Test struct {
	Alpha    float64 // over all looks and sides, in (0, 0.5)
	Sides    int     // 1: only large values are evidence; 2: each side spends half of Alpha
	Spending Spending
}

// Validate reports every problem at once.
func (t Test) Validate() error {
	var errs []error
	if !(t.Alpha > 0 && t.Alpha < 0.5) {
		errs = append(errs, fmt.Errorf("alpha %v: must be in (0, 0.5)", t.Alpha))
	}
	if t.Sides != 1 && t.Sides != 2 {
		errs = append(errs, fmt.Errorf("sides %d: must be 1 or 2", t.Sides))
	}
	if t.Spending != OBrienFleming && t.Spending != Pocock {
		errs = append(errs, fmt.Errorf("spending %q: must be %s or %s", t.Spending, OBrienFleming, Pocock))
	}
	return errors.Join(errs...)
}

// Looks are limited so that the numerical integration stays exact to 4 digits and quick.
const (
	minGap   = 0.01 // least growth of the information fraction between looks
	maxLooks = 100
)

// checkFractions reports what is wrong with information fractions: they grow by at least
// 0.01, and only the last may be 1 or more.
func checkFractions(fractions []float64) error {
	if len(fractions) == 0 || len(fractions) > maxLooks {
		return fmt.Errorf("%d looks: must be 1 to %d", len(fractions), maxLooks)
	}
	last := 0.0
	for i, f := range fractions {
		switch {
		case !(f > 0) || math.IsInf(f, 0):
			return fmt.Errorf("information fraction %v: must be above 0", f)
		case i > 0 && f < last+minGap-1e-9:
			return fmt.Errorf("information fraction %v after %v: must grow by %v", f, last, minGap)
		case last >= 1:
			return fmt.Errorf("information fraction %v after %v: nothing is left to spend", f, last)
		}
		last = f
	}
	return nil
}

// maxBoundary stands for a look that may spend next to nothing.
const maxBoundary = 8.0

// Boundaries returns the critical values of the looks at the given information fractions, in
// standard errors: a look is significant where its z is beyond. The last fraction may be
// above 1, where more came in than was planned; all that is left is spent then. The values
// are exact for a sum with independent increments: the density of those that went on is
// integrated from look to look (Armitage, McPherson and Rowe 1969) on the grid of Jennison
// and Turnbull, Group Sequential Methods, 2000, chapter 19. A two-sided test goes on between
// −c and c; a one-sided one below c.
//
// Increments are independent where each unit comes with all it does. Where units return and
// do more, they are nearly so: of 12,000 A/A tests at 5 % and O'Brien-Fleming-type spending,
// 4.9 % are wrong if everybody comes back at every look, and 5.3 % if nobody does.
//
// value ± boundary·SE, at every look, cover the true value at all looks together with
// probability 1−Alpha of a two-sided test: the repeated confidence intervals of Jennison and
// Turnbull (1989). They hold whether or not anybody stops.
func (t Test) Boundaries(fractions []float64) ([]float64, error) {
	if err := errors.Join(t.Validate(), checkFractions(fractions)); err != nil {
		return nil, fmt.Errorf("boundaries: %w", err)
	}
	return t.boundaries(fractions), nil
}

func (t Test) boundaries(fractions []float64) []float64 {
	side := t.Alpha / float64(t.Sides)
	out := make([]float64, len(fractions))
	var w walk
	before := 0.0
	for i, f := range fractions {
		now := t.Spending.spent(f, side)
		out[i] = w.boundary(f, now-before)
		before = now
		if i+1 < len(fractions) {
			w = w.next(f, lower(t.Sides, out[i]), out[i])
		}
	}
	return out
}

func lower(sides int, boundary float64) float64 {
	if sides == 2 {
		return -boundary
	}
	return math.Inf(-1)
}

// Crossing returns the probability that a two-sided test with these boundaries, in standard
// errors, is significant on the upper side by each look, where the z of a look at fraction t
// has mean drift·√t. With drift 0 the last one is the false-positive rate of one side.
func Crossing(boundaries, fractions []float64, drift float64) ([]float64, error) {
	if err := checkFractions(fractions); err != nil {
		return nil, fmt.Errorf("crossing: %w", err)
	}
	if len(boundaries) != len(fractions) {
		return nil, fmt.Errorf("crossing: %d boundaries at %d looks", len(boundaries), len(fractions))
	}
	out, sum := make([]float64, len(fractions)), 0.0
	w := walk{drift: drift}
	for i, f := range fractions {
		sum += w.beyond(f, boundaries[i])
		out[i] = sum
		w = w.next(f, -boundaries[i], boundaries[i])
	}
	return out, nil
}

// repeatedP returns the smallest false-positive rate with which the last look would be
// significant at z, to 0.2 % of it (the repeated p-value, Jennison and Turnbull 2000, chapter
// 9): at most Alpha exactly where |z| is beyond the boundary. It is never under the p-value
// of a test with a single look, and 1 where a rate of a half would not be enough.
func (t Test) repeatedP(fractions []float64, z float64) float64 {
	z = math.Abs(z)
	short := func(logAlpha float64) float64 { // how far the boundary is above z
		t.Alpha = math.Exp(logAlpha)
		return t.boundaries(fractions)[len(fractions)-1] - z
	}
	low := math.Log(max(float64(t.Sides)*upperTail(z), 1e-12))
	high := math.Log(0.5)
	if low >= high {
		return 1
	}
	fl, fh := short(low), short(high)
	if fl <= 0 {
		return math.Exp(low)
	}
	if fh > 0 {
		return 1
	}
	for high-low > 0.002 { // false position, and halves where that creeps
		mid := low + (high-low)*min(max(fl/(fl-fh), 0.1), 0.9)
		if f := short(mid); f > 0 {
			low, fl = mid, f
		} else {
			high, fh = mid, f
		}
	}
	return math.Exp(high)
}

// upperTail returns the probability of more than z.
func upperTail(z float64) float64 { return distuv.UnitNormal.Survival(z) }

// upperPoint returns the z that has probability p above it.
func upperPoint(p float64) float64 { return -distuv.UnitNormal.Quantile(p) }
