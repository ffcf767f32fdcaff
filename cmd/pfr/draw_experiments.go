package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/parallel-fusion/pfr/evaluation/experiment"
	"github.com/parallel-fusion/pfr/evaluation/stats"
)

// inkOf is the colour of a decision.
func inkOf(d experiment.Decision) ink {
	switch d {
	case experiment.Ship:
		return good
	case experiment.Rollback, experiment.Invalid:
		return bad
	case experiment.Hold:
		return warn
	}
	return normal
}

// trials lists experiments.
func (p *paper) trials(list []trial) {
	if len(list) == 0 {
		p.wrap(normal, "", "No experiment was read out so far. Those of the roll-out file appear here as soon as the consumers run.")
		return
	}
	at := func(text func(t trial) span) func(int) span { return func(i int) span { return text(list[i]) } }
	p.table([]column{
		{"experiment", false, at(func(t trial) span { return span{bold, t.Experiment} })},
		{"decision", false, at(func(t trial) span { return span{inkOf(t.Readout.Report.Decision), decided(t)} })},
		{"clients", true, at(func(t trial) span { return span{normal, fmt.Sprint(t.Readout.Report.Units)} })},
		{"planned", true, at(func(t trial) span { return span{normal, fmt.Sprint(t.Readout.Report.PlannedUnits)} })},
		{"arms", false, at(func(t trial) span { return span{normal, armNames(t.Readout.Report)} })},
		{"off", false, at(func(t trial) span { return span{bad, offArms(t)} })},
		{"read out", false, at(func(t trial) span { return span{faint, moment(t.AsOf)} })},
	}, len(list))
}

// decided is the decision on an experiment, and whether it is over.
func decided(t trial) string {
	text := string(t.Readout.Report.Decision)
	if !t.Readout.StoppedAt.IsZero() {
		text += ", over"
	}
	return text
}

// comparisons lists what two tools in one section came to.
func (p *paper) comparisons(list []comparison) {
	if len(list) == 0 {
		return
	}
	at := func(text func(c comparison) string) func(int) span {
		return func(i int) span { return span{normal, text(list[i])} }
	}
	p.wrap(normal, "", "")
	p.table([]column{
		{"comparison", false, func(i int) span { return span{bold, list[i].Name} }},
		{"where", false, at(func(c comparison) string { return c.Route + ", " + c.Section })},
		{"against", false, at(func(c comparison) string { return c.Rival })},
		{"for it", true, at(func(c comparison) string { return fmt.Sprint(c.Preference.B) })},
		{"against it", true, at(func(c comparison) string { return fmt.Sprint(c.Preference.A) })},
		{"ties", true, at(func(c comparison) string { return fmt.Sprint(c.Preference.Ties) })},
		{"p", true, at(func(c comparison) string { return fmt.Sprintf("%.3g", c.Preference.P) })},
	}, len(list))
}

func armNames(r experiment.Report) string {
	var names []string
	for _, a := range r.Arms {
		names = append(names, a.Name)
	}
	return strings.Join(names, ", ")
}

func offArms(t trial) string {
	var names []string
	for _, s := range t.Arms {
		if _, arm, _ := strings.Cut(s.Arm, "/"); s.Off {
			names = append(names, arm)
		}
	}
	return strings.Join(names, ", ")
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05Z") }

// trial shows one experiment.
func (p *paper) trial(t trial) {
	r := t.Readout.Report
	p.line(span{bold, t.Experiment}, span{normal, "  "}, span{inkOf(r.Decision), string(r.Decision)})
	next := "no look is left"
	if r.NextLook > 0 && t.Readout.StoppedAt.IsZero() {
		next = "next look at " + percent(r.NextLook)
	}
	p.wrap(normal, "", fmt.Sprintf("%d of %d clients, %s; %s; alpha %g, %s", r.Units, r.PlannedUnits, percent(r.Information), next, r.Alpha, r.Spending))
	p.wrap(faint, "", "read out "+moment(t.AsOf))
	if r.SRM.Mismatch {
		p.wrap(bad, "", fmt.Sprintf("Sample ratio mismatch (p %.2g): chance does not explain the shares of the arms.", r.SRM.P))
	}
	p.changes(t)
	p.blank()
	p.arms(t)
	for _, a := range r.Arms {
		if a.Name == r.Control {
			continue
		}
		p.blank()
		p.line(span{bold, a.Name}, span{normal, " against " + r.Control + "  "}, span{inkOf(a.Decision), string(a.Decision)})
		for _, reason := range a.Reasons {
			for i, line := range words(reason, p.width-2) {
				p.line(span{faint, [2]string{"· ", "  "}[min(i, 1)]}, span{normal, line})
			}
		}
		p.blank()
		p.effects(a)
	}
}

// changes says what is not as it was announced.
func (p *paper) changes(t trial) {
	r := t.Readout
	switch {
	case !r.StoppedAt.IsZero():
		p.wrap(warn, "", fmt.Sprintf("Over since %s, when %s was switched off: what is said below is of then.", moment(r.StoppedAt), strings.Join(r.Stopped, ", ")))
	case len(r.Stopped) > 0:
		p.wrap(warn, "", fmt.Sprintf("Out of the comparison for good, since it was switched off: %s.", strings.Join(r.Stopped, ", ")))
	}
	if !r.PlanChangedAt.IsZero() {
		p.wrap(warn, "", fmt.Sprintf("The plan was changed when there were numbers, at %s: a decision may be wrong more often than it says.", moment(r.PlanChangedAt)))
	}
}

func (p *paper) arms(t trial) {
	arms, states := t.Readout.Report.Arms, map[string]armState{}
	for _, s := range t.Arms {
		_, arm, _ := strings.Cut(s.Arm, "/")
		states[arm] = s
	}
	p.table([]column{
		{"arm", false, func(i int) span { return span{bold, arms[i].Name} }},
		{"clients", true, func(i int) span { return span{normal, fmt.Sprint(arms[i].Units)} }},
		{"share", true, func(i int) span { return span{normal, percent(arms[i].Share)} }},
		{"should be", true, func(i int) span { return span{normal, percent(arms[i].Weight)} }},
		{"served", false, func(i int) span {
			s, ok := states[arms[i].Name]
			switch {
			case !ok:
				return span{normal, "on"}
			case s.Off:
				return span{bad, "off, by " + s.By}
			}
			return span{normal, "on again, by " + s.By}
		}},
		{"why", false, func(i int) span { return span{faint, states[arms[i].Name].Reason} }},
	}, len(arms))
}

// plotCells is how wide the drawing of an interval is.
const plotCells = 31

// effects draws the lift of each metric, with its interval on one scale for all.
func (p *paper) effects(a experiment.ArmReport) {
	ms := a.Metrics
	most := scaleOf(ms)
	cells := plotCells
	if p.width < 100 {
		cells = 21
	}
	p.table([]column{
		{"metric", false, func(i int) span { return span{normal, ms[i].Name} }},
		{"lift", true, func(i int) span { return span{bold, liftOf(ms[i])} }},
		{legend(most, cells), false, func(i int) span { return span{findingInk(ms[i]), interval(ms[i], most, cells)} }},
		{"finding", false, func(i int) span { return span{findingInk(ms[i]), findingOf(ms[i])} }},
		{"from", true, func(i int) span { return span{normal, endOf(ms[i], func(v stats.Interval) float64 { return v.Low })} }},
		{"to", true, func(i int) span { return span{normal, endOf(ms[i], func(v stats.Interval) float64 { return v.High })} }},
		{"value", true, func(i int) span { return span{normal, fmt.Sprintf("%.4g", ms[i].Value)} }},
		{"p", true, func(i int) span { return span{normal, probability(ms[i])} }},
	}, len(ms))
}

// bounded returns the interval of a metric's lift, if it has one.
func bounded(m experiment.MetricReport) (stats.Interval, bool) {
	if m.Effect == nil || m.Effect.Lift == nil || m.Effect.Lift.Interval == nil {
		return stats.Interval{}, false
	}
	return *m.Effect.Lift.Interval, true
}

// scaleOf returns what the drawings span to either side of 0: a round number of percent that
// holds every interval and margin, but at most 100.
func scaleOf(ms []experiment.MetricReport) float64 {
	far := .01
	for _, m := range ms {
		far = max(far, m.Margin)
		if v, ok := bounded(m); ok {
			far = max(far, math.Abs(v.Low), math.Abs(v.High))
		}
	}
	for _, round := range []float64{.01, .02, .05, .1, .2, .5} {
		if far <= round {
			return round
		}
	}
	return 1
}

// legend says what the drawings span.
func legend(most float64, cells int) string {
	low, high := fmt.Sprintf("-%g%%", 100*most), fmt.Sprintf("+%g%%", 100*most)
	half := cells / 2
	return low + strings.Repeat(" ", half-width(low)) + "0" + strings.Repeat(" ", half-width(high)) + high
}

// interval draws the interval of a lift: ├──●──┤, with ┆ at 0 and ! at the margin. An end
// that lies beyond the drawing is an arrow.
func interval(m experiment.MetricReport, most float64, cells int) string {
	line := []rune(strings.Repeat(" ", cells))
	half := float64(cells / 2)
	place := func(v float64) int { return int(math.Round(half + min(max(v/most, -1), 1)*half)) }
	line[place(0)] = '┆'
	if v, ok := bounded(m); ok {
		from, to := place(v.Low), place(v.High)
		for i := from; i <= to; i++ {
			line[i] = '─'
		}
		line[from], line[to] = ends(v, most)
		line[place(m.Effect.Lift.Value)] = '●'
	}
	if m.Kind == experiment.Guardrail {
		at := m.Margin
		if m.Direction == experiment.Higher {
			at = -at
		}
		line[place(at)] = '!'
	}
	return string(line)
}

func ends(v stats.Interval, most float64) (low, high rune) {
	low, high = '├', '┤'
	if v.Low < -most {
		low = '◀'
	}
	if v.High > most {
		high = '▶'
	}
	return low, high
}

func liftOf(m experiment.MetricReport) string {
	if m.Effect == nil || m.Effect.Lift == nil {
		return "–"
	}
	return fmt.Sprintf("%+.2f %%", 100*m.Effect.Lift.Value)
}

func endOf(m experiment.MetricReport, end func(stats.Interval) float64) string {
	v, ok := bounded(m)
	if !ok {
		return "–"
	}
	return fmt.Sprintf("%+.2f %%", 100*end(v))
}

func probability(m experiment.MetricReport) string {
	if m.Effect == nil {
		return "–"
	}
	return fmt.Sprintf("%.2g", m.Effect.P)
}

func findingOf(m experiment.MetricReport) string {
	switch {
	case m.Effect == nil:
		return "nothing to compare yet"
	case m.Kind != experiment.Guardrail:
		return string(m.Effect.Finding)
	case m.Effect.MarginBroken:
		return "margin broken"
	case m.Effect.MarginHeld:
		return "within its margin"
	}
	return "margin not shown"
}

func findingInk(m experiment.MetricReport) ink {
	switch {
	case m.Effect == nil:
		return faint
	case m.Effect.MarginBroken, m.Effect.Finding == experiment.Worse:
		return bad
	case m.Effect.MarginHeld, m.Effect.Finding == experiment.Better:
		return good
	}
	return normal
}

func percent(x float64) string { return fmt.Sprintf("%.0f %%", 100*x) }
