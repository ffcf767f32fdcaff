package experiment_test

import (
	"encoding/json"
	"flag"
	"iter"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/evaluation/experiment"
)

var update = flag.Bool("update", false, "write the golden files anew")

// plan has a success metric, one that is better when lower, and two guardrails, one of them
// a latency as the share of searches over a second.
func plan() experiment.Plan {
	p := experiment.DefaultPlan()
	p.Name, p.Control, p.PlannedUnits = "reranker", "control", 20_000
	p.Arms = []experiment.Arm{{Name: "control", Weight: 0.5}, {Name: "new", Weight: 0.5}}
	p.Metrics = []experiment.Metric{
		{Name: "success", Kind: experiment.Success, Direction: experiment.Higher},
		{Name: "reformulations", Kind: experiment.Success, Direction: experiment.Lower},
		{Name: "streams", Kind: experiment.Guardrail, Direction: experiment.Higher, Margin: 0.05},
		{Name: "over_1s", Kind: experiment.Guardrail, Direction: experiment.Lower, Margin: 0.25},
	}
	return p
}

// rates are the true values of an arm.
type rates struct{ success, reformulations, streams, slow float64 }

// byMetric yields names in a fixed order, so that a seed always draws the same.
func (r rates) byMetric() iter.Seq2[string, float64] {
	return func(yield func(string, float64) bool) {
		_ = yield("success", r.success) && yield("reformulations", r.reformulations) && yield("streams", r.streams) && yield("over_1s", r.slow)
	}
}

func normal() rates { return rates{.5, .2, .3, .05} }

// arm draws n units of an arm with four searches each on average.
func arm(t *testing.T, seed uint64, n int, r rates) experiment.Counts {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	c := experiment.Counts{Units: int64(n), Metrics: map[string]experiment.Moments{}}
	for name, rate := range r.byMetric() {
		var m experiment.Moments
		for range n {
			u := experiment.Unit{X: 1 + int64(rng.ExpFloat64()*3.5)}
			able := .7 + .6*rng.Float64() // people differ
			for range u.X {
				if rng.Float64() < rate*able {
					u.Y++
				}
			}
			if err := m.Add(u); err != nil {
				t.Fatal(err)
			}
		}
		c.Metrics[name] = m
	}
	return c
}

func readout(t *testing.T, p experiment.Plan, d experiment.Data) experiment.Report {
	t.Helper()
	r, err := experiment.Readout(p, d)
	if err != nil {
		t.Fatal(err)
	}
	checkFinite(t, r)
	return r
}

// checkFinite fails where a report cannot be written as JSON, as with NaN, or does not come
// back the same.
func checkFinite(t *testing.T, r experiment.Report) {
	t.Helper()
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var back experiment.Report
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if again, _ := json.Marshal(back); string(again) != string(data) {
		t.Errorf("%s reads back as %s", data, again)
	}
}

func TestDecisions(t *testing.T) {
	better, slower, fewer, worse := normal(), normal(), normal(), normal()
	better.success = .53
	slower.slow, slower.success = .09, .6
	fewer.streams, fewer.success = .288, .53 // 4 % fewer: 5 % cannot be ruled out
	worse.success, worse.reformulations = .53, .23
	for name, c := range map[string]struct {
		control, treatment experiment.Counts
		want               experiment.Decision
		reason             string // in the first of the reasons that the arm gives
	}{
		"better":                 {arm(t, 1, 10_000, normal()), arm(t, 2, 10_000, better), experiment.Ship, "1 of 2 success metrics better"},
		"nothing":                {arm(t, 3, 10_000, normal()), arm(t, 4, 10_000, normal()), experiment.Hold, "all planned units are in, and no success metric is better"},
		"a guardrail in doubt":   {arm(t, 5, 10_000, normal()), arm(t, 6, 10_000, fewer), experiment.Hold, "not everything that must hold was shown"},
		"another metric worse":   {arm(t, 7, 10_000, normal()), arm(t, 8, 10_000, worse), experiment.Hold, "not everything that must hold was shown"},
		"a guardrail broken":     {arm(t, 9, 10_000, normal()), arm(t, 10, 10_000, slower), experiment.Rollback, "over_1s is beyond its margin of 25 %: +"},
		"better, but units lost": {arm(t, 11, 10_000, normal()), arm(t, 12, 9_400, better), experiment.Invalid, "sample ratio mismatch"},
		"too early":              {arm(t, 13, 400, normal()), arm(t, 14, 400, slower), experiment.Hold, "too early"},
	} {
		r := readout(t, plan(), experiment.Data{Arms: map[string]experiment.Counts{"control": c.control, "new": c.treatment}})
		got := r.Arms[1]
		if got.Decision != c.want || r.Decision != c.want || !strings.Contains(got.Reasons[0], c.reason) {
			t.Errorf("%s: %s %q, want %s because %s", name, got.Decision, got.Reasons, c.want, c.reason)
		}
		if silent := name == "too early" || c.want == experiment.Invalid; silent != (got.Metrics[0].Effect == nil) || silent == r.AtLook {
			t.Errorf("%s: an effect %+v, a look %v", name, got.Metrics[0].Effect, r.AtLook)
		}
		if r.Arms[0].Decision != "" || r.Arms[0].Metrics[0].Effect != nil {
			t.Errorf("%s: the control is judged: %+v", name, r.Arms[0])
		}
	}
}

// A broken guardrail is caught long before the first look.
func TestRegressionIsRolledBackEarly(t *testing.T) {
	slower := normal()
	slower.slow = .1
	d := experiment.Data{Arms: map[string]experiment.Counts{"control": arm(t, 21, 900, normal()), "new": arm(t, 22, 900, slower)}}
	r := readout(t, plan(), d)
	if r.AtLook || r.Decision != experiment.Rollback || len(r.Looks) != 0 || r.NextLook != .2 {
		t.Errorf("%s at look %v: %q", r.Decision, r.AtLook, r.Arms[1].Reasons)
	}
	// The same loss in a metric whose margin is wide enough is none.
	p := plan()
	p.Metrics[3].Margin = .99
	if r := readout(t, p, d); r.Decision != experiment.Hold {
		t.Errorf("%s: %q", r.Decision, r.Arms[1].Reasons)
	}
}

// Looks happen at planned fractions, once, however often a report is made; what one found
// fit to ship stays fit.
func TestLooks(t *testing.T) {
	better := normal()
	better.success, better.streams = .6, .32
	control, treatment := arm(t, 31, 10_000, normal()), arm(t, 32, 10_000, better)
	at := func(units int, looks []experiment.Look) experiment.Report {
		c, tr := arm(t, 31, units/2, normal()), arm(t, 32, units/2, better)
		return readout(t, plan(), experiment.Data{Arms: map[string]experiment.Counts{"control": c, "new": tr}, Looks: looks})
	}
	before := at(3000, nil)
	if before.AtLook || before.Decision != experiment.Hold || !strings.Contains(before.Arms[1].Reasons[0], "between looks: the next is at 20 %") {
		t.Errorf("before the first look: %s %q", before.Decision, before.Arms[1].Reasons)
	}
	first := at(8600, before.Looks) // past the looks at 0.2 and 0.4
	if !first.AtLook || len(first.Looks) != 1 || first.Looks[0].Fraction != .43 || first.NextLook != .6 || first.Decision != experiment.Ship {
		t.Errorf("the first look: %s %+v, next %v: %q", first.Decision, first.Looks, first.NextLook, first.Arms[1].Reasons)
	}
	if again := at(8600, first.Looks); again.AtLook || len(again.Looks) != 1 || again.Decision != experiment.Ship {
		t.Errorf("the same again: look %v, %s", again.AtLook, again.Decision)
	}
	second := at(12_000, first.Looks)
	if !second.AtLook || !slices.Equal(second.Looks[1].Ship, []string{"new"}) {
		t.Errorf("the second look: %+v", second.Looks)
	}
	e, want := second.Arms[1].Metrics[0].Effect, experiment.Test{Alpha: .025, Sides: 2, Spending: experiment.OBrienFleming}
	if b, err := want.Boundaries([]float64{.43, .6}); err != nil || math.Abs(e.Boundary-b[1]) > 1e-12 || e.Level != .025 {
		t.Errorf("boundary %v at level %v, want %v of the actual fractions", e.Boundary, e.Level, b)
	}
	last := at(20_000, second.Looks)
	if !last.AtLook || last.NextLook != 0 {
		t.Errorf("the last look: %v, next %v", last.AtLook, last.NextLook)
	}
	over := plan()
	over.PlannedUnits = 18_000 // 11 % more came
	more := readout(t, over, experiment.Data{Arms: map[string]experiment.Counts{"control": control, "new": treatment}, Looks: []experiment.Look{{Fraction: 1}}})
	if more.AtLook || more.Decision != experiment.Hold || !strings.Contains(more.Arms[1].Reasons[0], "the last look is past") {
		t.Errorf("after the last look: %s %q", more.Decision, more.Arms[1].Reasons)
	}
	if got := more.Arms[1].Metrics[2].Effect.Boundary; math.Abs(got-1.959964) > 1e-6 {
		t.Errorf("after the only look the boundary is %v", got)
	}
	if near := at(7960, []experiment.Look{{Fraction: .395}}); near.AtLook || math.Abs(near.NextLook-.405) > 1e-12 {
		t.Errorf("looks at 0.395 and 0.398: %v, next %v", near.AtLook, near.NextLook)
	}
	if late := at(19_900, []experiment.Look{{Fraction: .5}}); !late.AtLook || late.Looks[1].Fraction != 1 || late.NextLook != 0 {
		t.Errorf("a look at 0.995: %+v, next %v", late.Looks, late.NextLook)
	}
	if last := at(20_000, []experiment.Look{{Fraction: .989}}); !last.AtLook || last.NextLook != 0 {
		t.Errorf("the last look after one at 0.989: %v", last.AtLook)
	}
	// Fit to ship once, and worse since.
	turned := normal()
	turned.success = .45
	d := experiment.Data{Arms: map[string]experiment.Counts{"control": control, "new": arm(t, 33, 10_000, turned)}, Looks: first.Looks}
	if r := readout(t, plan(), d); r.Decision != experiment.Hold || !strings.Contains(strings.Join(r.Arms[1].Reasons, "\n"), "success is worse") {
		t.Errorf("turned: %s %q", r.Decision, r.Arms[1].Reasons)
	}
}

// What is decided is what the intervals show.
func TestIntervalsAndDecisionsAgree(t *testing.T) {
	for seed := range uint64(25) {
		moved := normal()
		moved.success *= 1 + float64(seed%5-2)*.02
		moved.streams *= 1 - float64(seed%4)*.02
		moved.slow *= 1 + float64(seed%3)*.2
		d := experiment.Data{Arms: map[string]experiment.Counts{"control": arm(t, 100+seed, 2100, normal()), "new": arm(t, 200+seed, 2000, moved)}}
		for _, m := range readout(t, plan(), d).Arms[1].Metrics {
			e := m.Effect
			i, margin, sign := e.Lift.Interval, m.Margin, 1.0
			low, high := i.Low, i.High
			if m.Direction == experiment.Lower {
				sign, low, high = -1, -i.High, -i.Low
			}
			want := experiment.Unclear
			if low >= 0 {
				want = experiment.Better
			} else if high <= 0 {
				want = experiment.Worse
			}
			if e.Finding != want || (e.P <= e.Level) != (want != experiment.Unclear) {
				t.Errorf("%s: %s with p %v and interval %v", m.Name, e.Finding, e.P, i)
			}
			if m.Kind == experiment.Guardrail && e.MarginHeld != (low >= -margin) {
				t.Errorf("%s: held %v with interval %v", m.Name, e.MarginHeld, i)
			}
			best := e.AlwaysValid.LiftInterval.High
			if sign < 0 {
				best = -e.AlwaysValid.LiftInterval.Low
			}
			if m.Kind == experiment.Guardrail && e.MarginBroken != (best <= -margin) {
				t.Errorf("%s: broken %v with interval %v", m.Name, e.MarginBroken, e.AlwaysValid.LiftInterval)
			}
		}
	}
}

// Metrics in which nothing ever happened, or for which nothing came, hold a decision back in
// words and break nothing.
func TestDegenerateData(t *testing.T) {
	better := normal()
	better.success, better.slow = .56, 0
	none := normal()
	none.slow = 0
	d := experiment.Data{Arms: map[string]experiment.Counts{"control": arm(t, 51, 10_000, none), "new": arm(t, 52, 10_000, better)}}
	if r := readout(t, plan(), d); r.Decision != experiment.Ship {
		t.Errorf("no slow search anywhere: %s %q", r.Decision, r.Arms[1].Reasons)
	}
	delete(d.Arms["new"].Metrics, "over_1s")
	if r := readout(t, plan(), d); r.Decision != experiment.Hold || !strings.Contains(strings.Join(r.Arms[1].Reasons, "\n"), "over_1s cannot be compared") {
		t.Errorf("no data of a guardrail: %s %q", r.Decision, r.Arms[1].Reasons)
	}
	if r := readout(t, plan(), experiment.Data{}); r.Decision != experiment.Hold || r.SRM.P != 1 {
		t.Errorf("nothing yet: %+v", r)
	}
	d.Arms["new"] = arm(t, 53, 10_000, normal()) // slow searches in the treatment alone
	if r := readout(t, plan(), d); r.Decision != experiment.Rollback {
		t.Errorf("slow searches over none: %s %q", r.Decision, r.Arms[1].Reasons)
	}
}

func TestReadoutRefuses(t *testing.T) {
	counts := func(name string, m experiment.Moments) experiment.Counts {
		return experiment.Counts{Units: 5, Metrics: map[string]experiment.Moments{name: m}}
	}
	for name, d := range map[string]experiment.Data{
		"an arm":            {Arms: map[string]experiment.Counts{"other": {}}},
		"a metric":          {Arms: map[string]experiment.Counts{"new": counts("other", experiment.Moments{})}},
		"too many units":    {Arms: map[string]experiment.Counts{"new": counts("success", experiment.Moments{N: 6})}},
		"negative":          {Arms: map[string]experiment.Counts{"new": {Units: -1}}},
		"looks that shrink": {Looks: []experiment.Look{{Fraction: .4}, {Fraction: .2}}},
	} {
		if _, err := experiment.Readout(plan(), d); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestValidateReportsEverything(t *testing.T) {
	p := experiment.Plan{
		Arms:  []experiment.Arm{{Name: "a"}, {Name: "a", Weight: 1}},
		Looks: []float64{.5}, Control: "c",
		Metrics: []experiment.Metric{{Name: "m", Kind: "x", Direction: "y"}, {Name: "m", Kind: experiment.Guardrail, Direction: experiment.Lower}},
	}
	err := p.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"name: must", "weight 0", `arm "a"`, `control "c"`, "alpha 0", "spending", "looks: the last", "planned_units", "min_units", `kind "x"`, `direction "y"`, "margin 0", `metric "m"`, "at least one must be of success"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in: %v", want, err)
		}
	}
	if err := plan().Validate(); err != nil {
		t.Error(err)
	}
}

// The report as it is published.
func TestReportGolden(t *testing.T) {
	better := normal()
	better.success = .53
	got := readout(t, plan(), experiment.Data{Arms: map[string]experiment.Counts{"control": arm(t, 61, 4000, normal()), "new": arm(t, 62, 4100, better)}})
	data, err := json.MarshalIndent(rounded(t, got), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	const file = "testdata/report.json"
	if *update {
		if err := os.WriteFile(file, append(data, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(data)+"\n" != string(want) {
		t.Errorf("%s\nis not %s; -update writes it anew", data, file)
	}
}

// rounded keeps six digits of every number, so that another processor's last bits do not
// matter.
func rounded(t *testing.T, r experiment.Report) any {
	t.Helper()
	data, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var v any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return round(v)
}

func round(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = round(v[k])
		}
	case []any:
		for i := range v {
			v[i] = round(v[i])
		}
	case float64:
		if v == 0 {
			return v
		}
		digits := math.Pow(10, 5-math.Floor(math.Log10(math.Abs(v))))
		return math.Round(v*digits) / digits
	}
	return v
}

func TestUnitsForGuardrail(t *testing.T) {
	base := arm(t, 71, 5000, normal()).Metrics["over_1s"]
	p := plan()
	units := func(g experiment.Goal) int64 {
		n, err := p.UnitsFor(g)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	n := units(experiment.Goal{Metric: "over_1s", Baseline: base, Power: .8})
	p.Metrics[3].Margin = .125
	if half := units(experiment.Goal{Metric: "over_1s", Baseline: base, Power: .8}); half < 3*n {
		t.Errorf("%d units for a margin, %d for half of it", n, half)
	}
	// Two guardrails besides: a miss of 20 % is shared by three.
	success := arm(t, 72, 5000, normal()).Metrics["success"]
	guarded := units(experiment.Goal{Metric: "success", Baseline: success, Lift: .03, Power: .8})
	p.Metrics = p.Metrics[:2]
	if alone := units(experiment.Goal{Metric: "success", Baseline: success, Lift: .03, Power: 1 - .2/3}); alone != guarded {
		t.Errorf("%d units with two guardrails, want %d", guarded, alone)
	}
	for name, g := range map[string]experiment.Goal{
		"metric":   {Metric: "x", Baseline: base, Lift: .1, Power: .8},
		"power":    {Metric: "success", Baseline: base, Lift: .1, Power: 1},
		"lift":     {Metric: "success", Baseline: base, Power: .8},
		"baseline": {Metric: "success", Lift: .1, Power: .8},
	} {
		if _, err := p.UnitsFor(g); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
