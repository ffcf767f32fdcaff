package experiment

import (
	"fmt"
	"slices"

	"github.com/parallel-fusion/pfr/evaluation/stats"
)

// decide fills in decisions and reasons, and appends the look if it is one.
func decide(r *Report, m moment) {
	ship := []string{} // JSON has [] of none
	r.Decision = Hold
	for i := range r.Arms {
		a := &r.Arms[i]
		if a.Name == r.Control || a.Stopped {
			continue
		}
		v := verdict{arm: a, report: r, moment: m}
		v.decide()
		if a.Decision == Ship {
			ship = append(ship, a.Name)
		}
		if urgency(a.Decision) < urgency(r.Decision) {
			r.Decision = a.Decision
		}
	}
	if r.AtLook {
		r.Looks = append(r.Looks, Look{Fraction: m.at, Ship: ship})
	}
}

func urgency(d Decision) int { return slices.Index([]Decision{Invalid, Rollback, Ship, Hold}, d) }

// verdict is the making of one arm's decision.
type verdict struct {
	arm    *ArmReport
	report *Report
	moment moment
}

func (v verdict) say(d Decision, format string, args ...any) {
	v.arm.Decision = d
	v.arm.Reasons = append(v.arm.Reasons, fmt.Sprintf(format, args...))
}

func (v verdict) decide() {
	if s := v.report.SRM; s.Mismatch {
		v.say(Invalid, "sample ratio mismatch: %d units where %.0f were expected (p = %.2g, χ² %.1f over all arms); nothing is compared until that is explained",
			v.arm.Units, s.Expected[v.arm.Name], s.P, s.ChiSquared)
		return
	}
	if !v.moment.ready {
		v.say(Hold, "too early: every arm needs %d units", v.moment.plan.MinUnits)
		return
	}
	for _, m := range v.arm.Metrics {
		if m.Effect != nil && m.Effect.MarginBroken {
			v.say(Rollback, "%s is beyond its margin of %s: %s, right at all times", m.Name, percent(m.Margin), m.alarm())
		}
	}
	if v.arm.Decision == Rollback {
		return
	}
	v.weigh()
}

// weigh applies the rule of shipping.
func (v verdict) weigh() {
	better := v.successes()
	against := v.objections()
	worse := slices.ContainsFunc(v.arm.Metrics, func(m MetricReport) bool { return m.Effect != nil && m.Effect.Finding == Worse })
	stood := slices.ContainsFunc(v.report.Looks, func(l Look) bool { return slices.Contains(l.Ship, v.arm.Name) })
	switch {
	case stood && !worse:
		v.say(Ship, "found fit to ship at an earlier look, and no metric is worse since")
	case !v.report.AtLook && v.moment.final:
		v.say(Hold, "the last look is past, and did not find it fit to ship")
	case !v.report.AtLook:
		v.say(Hold, "between looks: the next is at %s of the planned units, this is %s", percent(v.moment.plan.nextLook(v.report.Looks)), percent(v.report.Information))
	case len(better) > 0 && len(against) == 0:
		v.say(Ship, "%d of %d success metrics better, every guardrail within its margin, none worse", len(better), v.moment.plan.count(Success))
	case len(better) == 0 && v.moment.final:
		v.say(Hold, "all planned units are in, and no success metric is better")
	case len(better) == 0:
		v.say(Hold, "no success metric is better yet")
	default:
		v.say(Hold, "a success metric is better, but not everything that must hold was shown")
	}
	v.arm.Reasons = append(append(v.arm.Reasons, better...), against...)
}

func (v verdict) successes() (reasons []string) {
	for _, m := range v.arm.Metrics {
		if m.Kind == Success && m.Effect != nil && m.Effect.Finding == Better {
			reasons = append(reasons, fmt.Sprintf("%s is better: %s", m.Name, m.change()))
		}
	}
	return reasons
}

// objections are the reasons not to ship.
func (v verdict) objections() (reasons []string) {
	for _, m := range v.arm.Metrics {
		switch {
		case m.Effect == nil:
			reasons = append(reasons, fmt.Sprintf("%s cannot be compared: too few units with data", m.Name))
		case m.Effect.Finding == Worse:
			reasons = append(reasons, fmt.Sprintf("%s is worse: %s", m.Name, m.change()))
		case m.Kind == Guardrail && !m.Effect.MarginHeld:
			reasons = append(reasons, fmt.Sprintf("%s is not shown to stay within its margin of %s: %s", m.Name, percent(m.Margin), m.change()))
		}
	}
	return reasons
}

// change writes the effect of a metric with the interval of looks.
func (m MetricReport) change() string {
	e := m.Effect
	if e.Lift == nil {
		return e.written(nil, e.DifferenceInterval)
	}
	return e.written(e.Lift.Interval, e.DifferenceInterval)
}

// alarm writes the effect of a metric with the always-valid interval.
func (m MetricReport) alarm() string {
	return m.Effect.written(m.Effect.AlwaysValid.LiftInterval, m.Effect.AlwaysValid.DifferenceInterval)
}

// written is the lift where it has an interval, else the difference.
func (e *EffectReport) written(lift *stats.Interval, difference stats.Interval) string {
	if lift == nil {
		return fmt.Sprintf("%+.4g, interval %+.4g to %+.4g", e.Difference, difference.Low, difference.High)
	}
	return fmt.Sprintf("%+.2f %%, interval %+.2f %% to %+.2f %%", 100*e.Lift.Value, 100*lift.Low, 100*lift.High)
}

func percent(share float64) string { return fmt.Sprintf("%.3g %%", 100*share) }
