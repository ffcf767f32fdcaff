package experiments

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/consumers/outcome"
	"github.com/parallel-fusion/pfr/evaluation/experiment"
	"github.com/parallel-fusion/pfr/evaluation/stats"
)

// longest is a plan with as many arms and metrics, and as long names, as there can be.
func longest() Plan {
	p := Plan{Plan: experiment.DefaultPlan()}
	p.Name, p.PlannedUnits = strings.Repeat("n", 60), 1<<20
	for i := range maxArms {
		p.Arms = append(p.Arms, experiment.Arm{Name: fmt.Sprint(strings.Repeat("a", 60), i), Weight: 1})
	}
	p.Control = p.Arms[0].Name
	for _, m := range catalogue {
		p.Metrics = append(p.Metrics, experiment.Metric{Name: m.name, Kind: experiment.Success, Direction: m.direction})
	}
	return p
}

// report has an effect of every metric of every arm, in numbers with all their digits.
func report(p Plan, information float64, rng *rand.Rand) experiment.Report {
	r := experiment.Report{Experiment: p.Name, Control: p.Control, Information: information}
	for _, a := range p.Arms {
		arm := experiment.ArmReport{Name: a.Name, Weight: a.Weight, Decision: experiment.Hold}
		for _, m := range p.Metrics {
			lift := rng.NormFloat64()
			arm.Reasons = append(arm.Reasons, strings.Repeat("r", 120))
			arm.Metrics = append(arm.Metrics, experiment.MetricReport{Metric: m, Units: 1 << 40, Effect: &experiment.EffectReport{
				Lift: &experiment.Lift{Value: lift, Interval: &stats.Interval{Low: lift - rng.Float64(), High: lift + rng.Float64()}},
			}})
		}
		r.Arms = append(r.Arms, arm)
	}
	return r
}

// The largest readout fits into a record of a million bytes, and spans all the time.
func TestReadoutFitsIntoARecord(t *testing.T) {
	p, rng := longest(), rand.New(rand.NewPCG(4, 4))
	tr := newTrial(p, time.Time{})
	begin := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	for n := range 200 {
		r := report(p, float64(n+1)/200, rng)
		tr.last = &r
		tr.note(begin.Add(time.Duration(n)*time.Hour), r, 1<<30)
	}
	got := tr.readout(begin.Add(200*time.Hour), 0)
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d points, %d bytes", len(got.History), len(text))
	if len(text) > 900_000 {
		t.Errorf("a readout of %d bytes", len(text))
	}
	if len(got.History) < 300 || got.History[0].AsOf.After(begin.Add(40*time.Hour)) {
		t.Errorf("%d points, the first of %v", len(got.History), got.History[0].AsOf)
	}
}

// A snapshot with other measures, in another order, gives each measure of today what it had,
// and an experiment on one that it lacks counts anew.
func TestSnapshotWithOtherMeasures(t *testing.T) {
	p := Plan{Plan: experiment.DefaultPlan()}
	p.Name, p.Control, p.PlannedUnits = "small", "control", 100
	p.Arms = []experiment.Arm{{Name: "control", Weight: 1}, {Name: "treatment", Weight: 1}}
	p.Metrics = []experiment.Metric{{Name: "success_rate", Kind: experiment.Success, Direction: experiment.Higher}}
	other := p
	other.Name, other.Metrics = "other", []experiment.Metric{{Name: "expired_rate", Kind: experiment.Success, Direction: experiment.Lower}}
	latest := time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)
	one := func(p Plan) saved { return saved{Name: p.Name, Draw: p.draw(), Terms: p.terms(), Arms: 2, Clients: 1} }
	var file bytes.Buffer
	out := gob.NewEncoder(&file)
	for _, part := range []any{
		state{Latest: latest, Measures: []string{"slow_rate", "gone_rate", "success_rate"}, Trials: []saved{one(p), one(other)}},
		// Seen by arm, then searches and measures since the start, then those before it.
		rows{Clients: []outcome.Subject{7}, Numbers: []int64{0, 9 /**/, 9, 1, 2, 3 /**/, 8, 4, 5, 6}},
		rows{Clients: []outcome.Subject{7}, Numbers: []int64{9, 0 /**/, 9, 1, 2, 3 /**/, 8, 4, 5, 6}},
	} {
		if err := out.Encode(part); err != nil {
			t.Fatal(err)
		}
	}
	e, err := New(DefaultConfig(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Follow([]Plan{p, other}); err != nil {
		t.Fatal(err)
	}
	if err := e.Load(&file); err != nil {
		t.Fatal(err)
	}
	success, _ := measureOf("success_rate")
	slow, _ := measureOf("slow_rate")
	want := client{}
	want.Seen[1] = 9
	want.During.Searches, want.During.Amounts[success], want.During.Amounts[slow] = 9, 3, 1
	want.Earlier.Searches, want.Earlier.Amounts[success], want.Earlier.Amounts[slow] = 8, 6, 4
	if c := e.byID["small"].clients[7]; c == nil || *c != want {
		t.Errorf("loaded %+v, want %+v", c, want)
	}
	if o := e.byID["other"]; len(o.clients) != 0 || !o.since.Equal(latest) {
		t.Errorf("an experiment on a measure that was not counted has %d clients, since %v", len(o.clients), o.since)
	}
}
