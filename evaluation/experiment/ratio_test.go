package experiment

import (
	"math/rand/v2"
	"testing"
)

// Sound experiments that are read out at every ten clients have hardly ever a mismatch of the
// sample ratio, a lasting loss of clients is found at a look, and a gross one between looks.
func TestSampleRatioAtEveryReadout(t *testing.T) {
	t.Parallel()
	const each = 10
	invalid := func(seed uint64, lost float64) (first float64) {
		rng, p := rand.New(rand.NewPCG(seed, 10)), twoArms(5000)
		var looks []Look
		units := map[string]int64{}
		for units["control"]+units["new"] < p.PlannedUnits {
			for range each {
				if rng.IntN(2) == 0 {
					units["control"]++
				} else if rng.Float64() >= lost {
					units["new"]++
				}
			}
			r, err := Readout(p, Data{Looks: looks, Arms: map[string]Counts{"control": {Units: units["control"]}, "new": {Units: units["new"]}}})
			must(t, err)
			if looks = r.Looks; r.SRM.Mismatch {
				return r.Information
			}
		}
		return 0
	}
	n := scale(t, 200, 4000)
	alarms := 0
	for seed := range uint64(n) {
		if invalid(seed, 0) > 0 {
			alarms++
		}
	}
	t.Logf("%d of %d sound experiments have a mismatch", alarms, n)
	if alarms > 1+n/100 { // at most 0.5 % by five looks
		t.Errorf("%d of %d sound experiments have a mismatch", alarms, n)
	}
	if at := invalid(1, .12); at < .19 {
		t.Errorf("12 %% lost: found at %v", at)
	}
	if at := invalid(1, .9); at == 0 || at > .1 {
		t.Errorf("90 %% lost: found at %v", at)
	}
}

// An arm that is stopped is neither compared nor does it make the others invalid.
func TestStoppedArm(t *testing.T) {
	p := twoArms(3000)
	p.Arms = append(p.Arms, Arm{Name: "off", Weight: 1, Stopped: true})
	d := Data{Arms: map[string]Counts{"control": {Units: 900}, "new": {Units: 910}, "off": {Units: 100}}}
	r, err := Readout(p, d)
	must(t, err)
	if r.SRM.Mismatch || r.Units != 1810 || !near(r.Information, 1810./2000, 1e-9) || !r.Arms[2].Stopped || r.Arms[2].Decision != "" || len(r.SRM.Expected) != 2 {
		t.Errorf("%+v", r)
	}
	p.Arms[1].Stopped = true
	if _, err := Readout(p, d); err == nil {
		t.Error("one arm is left, and is read out")
	}
	p.Arms[0].Stopped, p.Arms[1].Stopped = true, false
	if _, err := Readout(p, d); err == nil {
		t.Error("the control is stopped")
	}
}
