package experiment

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/parallel-fusion/pfr/evaluation/stats"
)

// Readout says what data mean under a plan. It keeps and changes nothing of its arguments:
// who reads out again passes the looks of the last report on. The first readout at or beyond
// a planned fraction that no look was taken at is a look.
//
// A readout decides ship at a look alone, by the rule of Schultzberg et al. (2024): at least
// one success metric better, every guardrail non-inferior, no metric worse, no sample ratio
// mismatch. What a look found fit to ship stays so until a metric is worse or a margin
// broken. Rollback and invalid are decided at any time. An alarm is right at all times
// together, but a later readout may miss what an earlier one saw: who rolls back keeps to it.
// An invalid readout compares nothing, and is no look.
//
// An error is of a plan that is not valid or of data that contradict it: arms and metrics
// that it does not have, looks out of order.
func Readout(p Plan, d Data) (Report, error) {
	if err := errors.Join(p.Validate(), d.check(p)); err != nil {
		return Report{}, fmt.Errorf("readout of %s: %w", p.Name, err)
	}
	units, weights := map[string]int64{}, map[string]float64{}
	r := Report{Experiment: p.Name, Control: p.Control, Alpha: p.Alpha, Spending: p.Spending, PlannedUnits: p.PlannedUnits}
	for _, a := range p.running() {
		units[a.Name], weights[a.Name] = d.Arms[a.Name].Units, a.Weight
		r.Units += units[a.Name]
	}
	r.Information = float64(r.Units) / p.planned()
	srm, err := CheckRatio(units, weights)
	if err != nil {
		return Report{}, fmt.Errorf("readout of %s: %w", p.Name, err)
	}
	now := schedule(p, d, r.Information)
	if !now.due {
		srm = srm.between()
	}
	r.SRM = srm
	now.due = now.due && !srm.Mismatch // which says nothing of the metrics, and spends nothing
	now.blocked = srm.Mismatch
	r.AtLook, r.Looks = now.due, append([]Look{}, d.Looks...)
	total := 0.0
	for _, a := range p.Arms {
		total += a.Weight
	}
	for _, a := range p.Arms {
		arm := ArmReport{Name: a.Name, Weight: a.Weight / total, Units: d.Arms[a.Name].Units, Stopped: a.Stopped}
		if r.Units > 0 && !a.Stopped {
			arm.Share = float64(arm.Units) / float64(r.Units)
		}
		arm.Metrics = now.metrics(d, a)
		r.Arms = append(r.Arms, arm)
	}
	decide(&r, now)
	r.NextLook = p.nextLook(r.Looks)
	return r, nil
}

func (d Data) check(p Plan) error {
	var errs []error
	for name, c := range d.Arms {
		if !slices.ContainsFunc(p.Arms, func(a Arm) bool { return a.Name == name }) {
			errs = append(errs, fmt.Errorf("arm %q: is not in the plan", name))
		}
		for metric, m := range c.Metrics {
			if _, ok := p.metric(metric); !ok {
				errs = append(errs, fmt.Errorf("arm %s: metric %q: is not in the plan", name, metric))
			}
			if m.N < 0 || m.N > c.Units {
				errs = append(errs, fmt.Errorf("arm %s: metric %s: %d of %d units", name, metric, m.N, c.Units))
			}
		}
		if c.Units < 0 {
			errs = append(errs, fmt.Errorf("arm %s: %d units", name, c.Units))
		}
	}
	if len(d.Looks) > 0 {
		if err := checkFractions(fractions(d.Looks)); err != nil {
			errs = append(errs, fmt.Errorf("looks: %w", err))
		}
	}
	return errors.Join(errs...)
}

func fractions(looks []Look) []float64 {
	var out []float64
	for _, l := range looks {
		out = append(out, l.Fraction)
	}
	return out
}

// nextLook returns the first planned fraction after all looks that were taken, 0 if none is.
func (p Plan) nextLook(taken []Look) float64 {
	last := 0.0
	if len(taken) > 0 {
		last = taken[len(taken)-1].Fraction
	}
	for _, f := range p.Looks {
		if f > last {
			return min(max(f, last+minGap), 1)
		}
	}
	return 0
}

// moment is a readout's place in the sequence of looks.
type moment struct {
	plan        Plan
	information float64
	at          float64   // information as a look has it
	due         bool      // a look
	final       bool      // at or after the last look
	fractions   []float64 // of the looks until now; of what now would be a look of, if none is due
	ready       bool      // every arm has enough units
	blocked     bool      // the units contradict the weights: nothing is compared
	cache       map[Test]float64
}

func schedule(p Plan, d Data, information float64) moment {
	m := moment{plan: p, information: information, at: information, fractions: fractions(d.Looks), ready: true, cache: map[Test]float64{}}
	if information > 1-minGap {
		m.at = max(information, 1) // a look so close to the last is the last
	}
	for _, a := range p.running() {
		m.ready = m.ready && d.Arms[a.Name].Units >= p.MinUnits
	}
	next := p.nextLook(d.Looks)
	m.due = m.ready && next > 0 && m.at >= next
	last := 0.0
	if n := len(m.fractions); n > 0 {
		last = m.fractions[n-1]
	}
	if last < 1 && m.at >= last+minGap {
		m.fractions = append(m.fractions, m.at)
	}
	m.final = last >= 1 || m.due && m.at >= 1
	return m
}

// boundary returns that of the last of the looks, the largest there is before any.
func (m moment) boundary(t Test) float64 {
	if len(m.fractions) == 0 {
		return maxBoundary
	}
	if _, ok := m.cache[t]; !ok {
		m.cache[t] = t.boundaries(m.fractions)[len(m.fractions)-1]
	}
	return m.cache[t]
}

func (m moment) metrics(d Data, arm Arm) []MetricReport {
	var out []MetricReport
	compared := arm.Name != m.plan.Control && !arm.Stopped && m.ready && !m.blocked
	for _, metric := range m.plan.Metrics {
		sums := d.Arms[arm.Name].Metrics[metric.Name]
		r := MetricReport{Metric: metric, Units: sums.N, Numerator: sums.Y, Denominator: sums.X, Value: sums.Value()}
		if e, err := Compare(d.Arms[m.plan.Control].Metrics[metric.Name], sums); err == nil && compared {
			r.Effect = m.effect(metric, e)
		}
		out = append(out, r)
	}
	return out
}

func (m moment) effect(metric Metric, e Effect) *EffectReport {
	t := m.plan.testOf(metric)
	c, wide := m.boundary(t), alwaysValid(m.information, m.plan.Alpha)
	diff := e.Difference()
	r := &EffectReport{
		Difference: diff.Value, DifferenceSE: diff.SE, DifferenceInterval: diff.Interval(c),
		Z: diff.Z(), Boundary: c, Level: t.Alpha,
		P: 1, PNominal: 2 * upperTail(math.Abs(diff.Z())),
		AlwaysValid: AlwaysValid{DifferenceInterval: diff.Interval(wide), P: alwaysValidP(m.information, m.plan.Alpha, diff.Z()), Width: wide},
		CUPED:       e.Adjusted(), VarianceCut: e.VarianceCut(),
		Finding: metric.finding(diff.Z(), c),
	}
	if len(m.fractions) > 0 {
		r.P = t.repeatedP(m.fractions, diff.Z())
	}
	if lift, ok := e.Lift(); ok {
		r.Lift = &Lift{Value: lift.Value, SE: lift.SE, Interval: e.liftOrNil(c)}
		r.AlwaysValid.LiftInterval = e.liftOrNil(wide)
	}
	if metric.Kind == Guardrail {
		gain := metric.gain(e.Against(metric.tolerated()).Z())
		nothing := metric.Direction == Lower && e.control.value == 0 && e.treatment.value == 0
		r.MarginHeld = gain >= c || nothing
		r.MarginBroken = gain <= -wide
	}
	return r
}

func (e Effect) liftOrNil(c float64) *stats.Interval {
	if i, ok := e.LiftInterval(c); ok {
		return &i
	}
	return nil
}

// gain returns z, above 0 for the better.
func (m Metric) gain(z float64) float64 {
	if m.Direction == Lower {
		return -z
	}
	return z
}

// tolerated is how many times the control's value a metric may be at worst, 1 of a success
// metric.
func (m Metric) tolerated() float64 { return 1 - m.gain(m.Margin) }

func (m Metric) finding(z, boundary float64) Finding {
	switch g := m.gain(z); {
	case g >= boundary:
		return Better
	case g <= -boundary:
		return Worse
	default:
		return Unclear
	}
}
