package experiment

import "math"

// alarmAt is the information fraction at which the always-valid interval is narrowest,
// compared with others of its kind: an alarm is for early harm.
const alarmAt = 0.25

// alwaysValid returns the half-width, in standard errors, of the always-valid interval at an
// information fraction: value ± alwaysValid·SE cover the true value at all times together
// with probability 1−alpha, however often and on whatever grounds anybody looks. It is the
// confidence sequence of the mixture of sequential likelihood ratios over a normal
// distribution of effects (Robbins 1970; the mSPRT of Johari, Koomen, Pekelis and Walsh,
// Peeking at A/B Tests, 2017), with estimated variances valid for growing samples
// (Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2021):
//
//	√( (1+ρt)/(ρt) · ln((1+ρt)/α²) )
//
// The mixture's variance is ρ times that of the estimate at fraction 1, where ρ makes the
// interval narrowest at [alarmAt] (Howard, Ramdas, McAuliffe and Sekhon, Time-uniform
// confidence sequences, 2021, section 3.5).
func alwaysValid(fraction, alpha float64) float64 {
	m := mixture(alpha) * fraction
	return math.Sqrt((1 + m) / m * (math.Log1p(m) - 2*math.Log(alpha)))
}

// alwaysValidP returns the smallest alpha with which the interval leaves out 0, 1 at most;
// alpha is that of the plan, which the mixture is tuned for. The smallest of the p-values
// until now is a valid p-value too.
func alwaysValidP(fraction, alpha, z float64) float64 {
	m := mixture(alpha) * fraction
	return min(1, math.Exp(math.Log1p(m)/2-z*z*m/(2*(1+m))))
}

// mixture returns ρ.
func mixture(alpha float64) float64 {
	l := -2 * math.Log(alpha)
	return (l + math.Log(l) + 1) / alarmAt
}
