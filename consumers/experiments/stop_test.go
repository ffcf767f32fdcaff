package experiments_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/consumers/experiments"
	"github.com/parallel-fusion/pfr/consumers/outcome"
	"github.com/parallel-fusion/pfr/evaluation/experiment"
	"github.com/parallel-fusion/pfr/schemas"
)

// later moves searches in time, and gives them other numbers and clients.
func later(all []search, by time.Duration, first int) []search {
	out := slices.Clone(all)
	for i := range out {
		out[i].n, out[i].at, out[i].client = out[i].n+first, out[i].at.Add(by), "later"+out[i].client
	}
	return out
}

// When an arm of two goes off the control goes on alone. Nothing of that counts, and the
// report with its reasons stays, also over a restart and when the arm is on again.
func TestStoppedExperimentStaysAsItWas(t *testing.T) {
	e, j := follow(t, experiments.DefaultConfig(), plan(2000))
	rng := rand.New(rand.NewPCG(5, 5))
	all := crowd(rng, 2000, 0)
	for i := range all {
		all[i].slow = all[i].arm == "small/treatment" && rng.Float64() < 0.4
	}
	feed(j, rng, all)
	before := read(t, e)
	if len(before.RollBack) != 1 {
		t.Fatalf("nothing to roll back: %+v", before.Report.Arms[1].Reasons)
	}
	at := starts.Add(12 * time.Hour)
	e.Stop("small/treatment", true, at)
	alone := slices.DeleteFunc(later(crowd(rng, 2000, 0), 24*time.Hour, len(all)), func(s search) bool { return s.arm != "small/control" })
	feed(j, rng, alone)
	check := func(e *experiments.Experiments) {
		t.Helper()
		r := read(t, e)
		if !reflect.DeepEqual(r.Report, before.Report) || r.Report.SRM.Mismatch || r.Report.Decision != experiment.Rollback {
			t.Errorf("%s: %d units, was %d", r.Report.Decision, r.Report.Units, before.Report.Units)
		}
		if !slices.Equal(r.Stopped, []string{"treatment"}) || !r.StoppedAt.Equal(at) || r.RollBack != nil {
			t.Errorf("stopped %v at %v, to roll back %v", r.Stopped, r.StoppedAt, r.RollBack)
		}
	}
	check(e)
	e.Stop("small/treatment", false, at.Add(time.Hour))
	check(e)
	var saved bytes.Buffer
	if err := j.Save(&saved); err != nil {
		t.Fatal(err)
	}
	again, k := follow(t, experiments.DefaultConfig(), plan(2000))
	if err := k.Load(&saved); err != nil {
		t.Fatal(err)
	}
	check(again)
	anew := plan(2000)
	anew.Draw = "another salt"
	if err := e.Follow([]experiments.Plan{anew}); err != nil {
		t.Fatal(err)
	}
	feed(j, rng, later(crowd(rng, 100, 0), 72*time.Hour, 100_000))
	if r := read(t, e); r.Stopped != nil || !r.StoppedAt.IsZero() || r.Report.Units < 80 {
		t.Errorf("with another salt: stopped %v, %d units", r.Stopped, r.Report.Units)
	}
}

// Of three arms the stopped one is left out, and the others go on.
func TestStoppedArmOfThreeIsLeftOut(t *testing.T) {
	p := plan(3000)
	p.Arms = append(p.Arms, experiment.Arm{Name: "third", Weight: 1})
	e, j := follow(t, experiments.DefaultConfig(), p)
	rng := rand.New(rand.NewPCG(6, 1))
	third := func(all []search) []search {
		n := map[string]int{}
		for i, s := range all {
			if _, ok := n[s.client]; !ok {
				n[s.client] = len(n)
			}
			all[i].arm = "small/" + p.Arms[n[s.client]%3].Name
			all[i].slow = all[i].arm == "small/third" && rng.Float64() < 0.5
		}
		return all
	}
	all := third(crowd(rng, 1500, 0))
	feed(j, rng, all)
	if r := read(t, e); !slices.Equal(r.RollBack, []string{"third"}) {
		t.Fatalf("to roll back %v", r.RollBack)
	}
	e.Stop("small/third", true, starts.Add(12*time.Hour))
	rest := slices.DeleteFunc(later(third(crowd(rng, 3000, 0)), 24*time.Hour, len(all)), func(s search) bool { return s.arm == "small/third" })
	feed(j, rng, rest)
	r := read(t, e)
	arm := r.Report.Arms[2]
	if r.Report.SRM.Mismatch || r.Report.Units < 2500 || !r.StoppedAt.IsZero() || r.RollBack != nil || r.Report.Information < 1.2 || r.Report.Information > 1.6 {
		t.Errorf("%d units of %v, SRM %+v, stopped %v, to roll back %v", r.Report.Units, r.Report.Information, r.Report.SRM, r.StoppedAt, r.RollBack)
	}
	if !arm.Stopped || arm.Decision != experiment.Rollback || len(arm.Reasons) == 0 || !slices.Equal(r.Stopped, []string{"third"}) {
		t.Errorf("the arm that was stopped: %+v", arm)
	}
	if r.Report.Arms[1].Metrics[0].Effect == nil {
		t.Error("the arms that are left are not compared")
	}
}

// An arm that was off before anything counted, and is on, counts.
func TestArmIsOnBeforeAnythingCounts(t *testing.T) {
	e, j := follow(t, experiments.DefaultConfig(), plan(100))
	e.Stop("small/treatment", true, starts.Add(-24*time.Hour))
	e.Stop("small/nobody", true, starts)
	rng := rand.New(rand.NewPCG(2, 2))
	all := crowd(rng, 100, 0)
	feed(j, rng, all)
	if r := read(t, e); r.Report.Units != 0 || r.StoppedAt.IsZero() {
		t.Errorf("off: %d units", r.Report.Units)
	}
	e.Stop("small/treatment", false, starts)
	feed(j, rng, later(all, 24*time.Hour, len(all)))
	if r := read(t, e); r.Report.Units < 90 || !r.StoppedAt.IsZero() {
		t.Errorf("on: %d units", r.Report.Units)
	}
}

// Whether the join or the count forgets first, and whatever changes in between, the counts
// stay, and are never those of nobody.
func TestErasedInEitherOrder(t *testing.T) {
	for _, order := range []string{"join", "count"} {
		t.Run(order, func(t *testing.T) {
			e, j := follow(t, experiments.DefaultConfig(), plan(100))
			all := crowd(rand.New(rand.NewPCG(6, 6)), 100, 0)
			all[0].at, all[0].success = starts.Add(time.Hour), false
			feed(j, rand.New(rand.NewPCG(6, 6)), all)
			read(t, e) // the look that is due
			before := read(t, e)
			if order == "count" && e.Erase(all[0].client) != 1 {
				t.Error("the count does not know the client")
			}
			if order == "count" { // a click comes before the join forgets, too
				j.Interaction(all[0].click(), outcome.Record{Topic: schemas.TopicInteractions, Offset: 1e6, Time: all[0].at})
			}
			if j.Erase(all[0].client) == 0 {
				t.Error("the join does not know the client")
			}
			if order == "join" && e.Erase(all[0].client) != 1 {
				t.Error("the count does not know the client")
			}
			if after := read(t, e); !reflect.DeepEqual(after.Report.Arms, before.Report.Arms) || after.Moved != before.Moved {
				t.Errorf("%d units, were %d", after.Report.Units, before.Report.Units)
			}
		})
	}
}

// One plan that is wrong keeps no other from being followed, nor what it was before.
func TestBadPlanStopsNoOther(t *testing.T) {
	e, j := follow(t, experiments.DefaultConfig(), plan(100))
	bad, other, slash := plan(100), plan(100), plan(100)
	bad.Metrics[0].Name = "luck"
	other.Name, slash.Name = "other", "a/b"
	err := e.Follow([]experiments.Plan{bad, slash, other})
	if err == nil || !strings.Contains(err.Error(), "luck") || !strings.Contains(err.Error(), "slash") {
		t.Errorf("%v", err)
	}
	rng := rand.New(rand.NewPCG(8, 8))
	all := crowd(rng, 100, 0)
	for i := range all[:len(all)/2] {
		all[i].arm = strings.Replace(all[i].arm, "small", "other", 1)
	}
	feed(j, rng, all)
	rs, err := e.Readouts(starts)
	if err != nil || len(rs) != 2 || rs[0].Name != "other" || rs[0].Report.Units < 20 || rs[1].Report.Units < 20 {
		t.Errorf("%d readouts, %v: %+v", len(rs), err, rs)
	}
}

// Other lots or arms are another experiment. Other terms are named, also when they change
// while nobody counts.
func TestPlanThatChanges(t *testing.T) {
	e, j := follow(t, experiments.DefaultConfig(), plan(100))
	feed(j, rand.New(rand.NewPCG(8, 8)), crowd(rand.New(rand.NewPCG(8, 8)), 100, 0))
	if r := read(t, e); !r.PlanChangedAt.IsZero() {
		t.Errorf("changed at %v", r.PlanChangedAt)
	}
	var saved bytes.Buffer
	if err := j.Save(&saved); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*experiments.Plan)
		anew   bool
	}{
		"salt":    {func(p *experiments.Plan) { p.Draw = "salt" }, true},
		"weights": {func(p *experiments.Plan) { p.Arms[1].Weight = 2 }, true},
		"alpha":   {func(p *experiments.Plan) { p.Alpha = 0.2 }, false},
		"looks":   {func(p *experiments.Plan) { p.Looks = []float64{0.5, 1} }, false},
		"metrics": {func(p *experiments.Plan) { p.Metrics = p.Metrics[:1] }, false},
		"share":   {func(p *experiments.Plan) { p.Share = 0.9 }, false},
	} {
		changed := plan(100)
		c.change(&changed)
		restarted, k := follow(t, experiments.DefaultConfig(), changed)
		if err := k.Load(bytes.NewReader(saved.Bytes())); err != nil {
			t.Fatal(err)
		}
		live, l := follow(t, experiments.DefaultConfig(), plan(100))
		if err := l.Load(bytes.NewReader(saved.Bytes())); err != nil {
			t.Fatal(err)
		}
		if err := live.Follow([]experiments.Plan{changed}); err != nil {
			t.Fatal(err)
		}
		for how, e := range map[string]*experiments.Experiments{"live": live, "restarted": restarted} {
			if r := read(t, e); (r.Report.Units == 0) != c.anew || r.PlanChangedAt.IsZero() != c.anew {
				t.Errorf("%s, %s: %d units, changed at %v", name, how, r.Report.Units, r.PlanChangedAt)
			}
		}
	}
}

// Who counts anew, without a snapshot, goes on with the looks that were taken.
func TestLooksAreRemembered(t *testing.T) {
	all := crowd(rand.New(rand.NewPCG(9, 1)), 300, 0)
	e, j := follow(t, experiments.DefaultConfig(), plan(1000))
	feed(j, rand.New(rand.NewPCG(9, 1)), all)
	text, err := json.Marshal(read(t, e))
	if err != nil {
		t.Fatal(err)
	}
	var last experiments.Readout
	if err := json.Unmarshal(text, &last); err != nil || len(last.Report.Looks) != 1 {
		t.Fatalf("%v: looks %+v", err, last.Report.Looks)
	}
	for draw, looks := range map[string]int{"": 1, "another salt": 0} {
		p := plan(1000)
		p.Draw = draw
		again, _ := follow(t, experiments.DefaultConfig(), p)
		again.Remember(last)
		if r := read(t, again); len(r.Report.Looks) != looks {
			t.Errorf("drawn as %q: looks %+v", draw, r.Report.Looks)
		}
	}
	last.Stopped, last.StoppedAt = []string{"treatment"}, starts.Add(12*time.Hour)
	again, _ := follow(t, experiments.DefaultConfig(), plan(1000))
	again.Remember(last)
	if r := read(t, again); r.Report.Units != last.Report.Units || !r.StoppedAt.Equal(last.StoppedAt) {
		t.Errorf("stopped: %d units, were %d", r.Report.Units, last.Report.Units)
	}
}

// A snapshot is of the moment at which it was begun.
func TestFreeze(t *testing.T) {
	e, j := follow(t, experiments.DefaultConfig(), plan(300))
	rng := rand.New(rand.NewPCG(1, 9))
	all := crowd(rng, 300, 0)
	feed(j, rng, all[:len(all)/2])
	read(t, e)
	want := read(t, e)
	save := e.Freeze()
	feed(j, rng, all[len(all)/2:])
	var saved bytes.Buffer
	if err := save(&saved); err != nil {
		t.Fatal(err)
	}
	again, _ := follow(t, experiments.DefaultConfig(), plan(300))
	if err := again.Load(bytes.NewReader(saved.Bytes())); err != nil {
		t.Fatal(err)
	}
	if got := read(t, again); !reflect.DeepEqual(got, want) {
		t.Errorf("%d units, want %d", got.Report.Units, want.Report.Units)
	}
	for _, n := range []int{saved.Len() / 2, saved.Len() - 1} {
		if err := again.Load(bytes.NewReader(saved.Bytes()[:n])); err == nil {
			t.Errorf("%d of %d bytes were loaded", n, saved.Len())
		}
		if got := read(t, again); got.Report.Units != 0 {
			t.Errorf("damaged: %d units", got.Report.Units)
		}
	}
}

// What is gone is shown no more.
func TestGaugesOfWhatIsGone(t *testing.T) {
	reg := prometheus.NewRegistry()
	e, err := experiments.New(experiments.DefaultConfig(), reg)
	if err != nil {
		t.Fatal(err)
	}
	shown := func(plans ...experiments.Plan) int {
		t.Helper()
		if err := e.Follow(plans); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Readouts(starts); err != nil {
			t.Fatal(err)
		}
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for _, f := range families {
			n += len(f.GetMetric())
		}
		return n
	}
	other, renamed := plan(100), plan(100)
	other.Name = "other"
	renamed.Arms = []experiment.Arm{{Name: "control", Weight: 1}, {Name: "next", Weight: 1}}
	one, two := shown(plan(100)), shown(plan(100), other)
	if again, none := shown(renamed), shown(); one == 0 || two != 2*one || again != one || none != 0 {
		t.Errorf("%d gauges of one experiment, %d of two, %d of one with another arm, %d of none", one, two, again, none)
	}
}
