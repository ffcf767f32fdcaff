package experiments_test

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/consumers/experiments"
	"github.com/parallel-fusion/pfr/consumers/outcome"
	"github.com/parallel-fusion/pfr/schemas"
)

// halves are the searches of a crowd, and a click that comes late on one of the first half.
func halves(t *testing.T) (first, second []search, late search) {
	t.Helper()
	all := crowd(rand.New(rand.NewPCG(2, 3)), 200, 0)
	half := len(all) / 2
	for i, s := range all[:half] {
		if !s.success && s.exposed && s.at.After(starts) {
			return all[:half], all[half:], all[i]
		}
	}
	t.Fatal("nobody was without success")
	return nil, nil, search{}
}

// An experiment that is taken out of the plan and put back counts on, what came late
// meanwhile is in it, and the readout says that the plan was changed.
func TestExperimentThatIsPutBack(t *testing.T) {
	for name, restart := range map[string]func(*experiments.Experiments, *outcome.Join) (*experiments.Experiments, *outcome.Join){
		"at once": func(e *experiments.Experiments, j *outcome.Join) (*experiments.Experiments, *outcome.Join) {
			return e, j
		},
		"after a restart": func(_ *experiments.Experiments, j *outcome.Join) (*experiments.Experiments, *outcome.Join) {
			return reopened(t, j)
		},
		"by a restart": func(_ *experiments.Experiments, j *outcome.Join) (*experiments.Experiments, *outcome.Join) {
			return reopened(t, j, plan(400))
		},
	} {
		t.Run(name, func(t *testing.T) {
			first, second, late := halves(t)
			still, sj := follow(t, experiments.DefaultConfig(), plan(400))
			e, j := follow(t, experiments.DefaultConfig(), plan(400))
			for _, join := range []*outcome.Join{sj, j} {
				feed(join, rand.New(rand.NewPCG(1, 2)), first)
			}
			looks := len(read(t, e).Report.Looks)
			read(t, still)
			if err := e.Follow(nil); err != nil {
				t.Fatal(err)
			}
			if list, err := e.Readouts(starts); len(list) != 0 || err != nil {
				t.Errorf("%d readouts of an empty plan, %v", len(list), err)
			}
			for _, join := range []*outcome.Join{sj, j} {
				join.Interaction(late.click(), outcome.Record{Topic: schemas.TopicInteractions, Offset: 1 << 20, Time: late.at.Add(time.Minute)})
			}
			e, j = restart(e, j)
			if err := e.Follow([]experiments.Plan{plan(400)}); err != nil {
				t.Fatal(err)
			}
			feedFrom(j, 1<<21, second)
			feedFrom(sj, 1<<21, second)
			got, want := read(t, e), read(t, still)
			if got.PlanChangedAt.IsZero() || !want.PlanChangedAt.IsZero() || len(got.Report.Looks) < looks {
				t.Errorf("changed %v, %d looks, were %d", got.PlanChangedAt, len(got.Report.Looks), looks)
			}
			for i, a := range want.Report.Arms {
				if g := got.Report.Arms[i]; g.Units != a.Units || g.Metrics[0].Numerator != a.Metrics[0].Numerator || g.Metrics[0].Denominator != a.Metrics[0].Denominator {
					t.Errorf("%s: %d clients with %d of %d, want %d with %d of %d", a.Name, g.Units, g.Metrics[0].Numerator, g.Metrics[0].Denominator, a.Units, a.Metrics[0].Numerator, a.Metrics[0].Denominator)
				}
			}
		})
	}
}

// reopened saves what a join and its subscribers hold, and loads it into others that follow
// some plans.
func reopened(t *testing.T, j *outcome.Join, plans ...experiments.Plan) (*experiments.Experiments, *outcome.Join) {
	t.Helper()
	var file bytes.Buffer
	if err := j.Save(&file); err != nil {
		t.Fatal(err)
	}
	e, other := follow(t, experiments.DefaultConfig(), plan(400))
	if err := e.Follow(plans); err != nil {
		t.Fatal(err)
	}
	if err := other.Load(&file); err != nil {
		t.Fatal(err)
	}
	return e, other
}

// feedFrom takes pages and clicks in their order.
func feedFrom(j *outcome.Join, offset int64, all []search) {
	for i, s := range all {
		j.Page(s.page(), outcome.Record{Topic: schemas.TopicSERPs, Offset: offset + int64(i), Time: s.at})
		if s.success {
			j.Interaction(s.click(), outcome.Record{Topic: schemas.TopicInteractions, Offset: offset + int64(i), Time: s.at})
		}
	}
}

// One that comes back after all its searches have settled counts anew, and says so.
func TestExperimentThatIsPutBackTooLate(t *testing.T) {
	first, second, _ := halves(t)
	e, j := follow(t, experiments.DefaultConfig(), plan(400))
	feed(j, rand.New(rand.NewPCG(1, 2)), first)
	if read(t, e).Report.Units == 0 {
		t.Fatal("nobody counts")
	}
	if err := e.Follow(nil); err != nil {
		t.Fatal(err)
	}
	e.Settled(starts.AddDate(0, 1, 0))
	if err := e.Follow([]experiments.Plan{plan(400)}); err != nil {
		t.Fatal(err)
	}
	if r := read(t, e); r.Report.Units != 0 || r.PlanChangedAt.IsZero() {
		t.Errorf("%d clients, changed %v", r.Report.Units, r.PlanChangedAt)
	}
	feedFrom(j, 1<<21, later(second, 24*time.Hour, 0))
	if r := read(t, e); r.Report.Units == 0 {
		t.Error("nobody counts any more")
	}
}

// What was read out of an experiment before the state was lost is known when it is followed.
func TestReadoutOfAnExperimentThatIsNotFollowed(t *testing.T) {
	first, _, _ := halves(t)
	e, j := follow(t, experiments.DefaultConfig(), plan(100))
	feed(j, rand.New(rand.NewPCG(1, 2)), first)
	said := read(t, e)
	if len(said.Report.Looks) == 0 {
		t.Fatal("no look was taken")
	}
	lost, err := experiments.New(experiments.DefaultConfig(), nil)
	if err != nil {
		t.Fatal(err)
	}
	lost.Remember(said)
	if err := lost.Follow([]experiments.Plan{plan(100)}); err != nil {
		t.Fatal(err)
	}
	if r := read(t, lost); len(r.Report.Looks) != len(said.Report.Looks) {
		t.Errorf("%d looks, want %d", len(r.Report.Looks), len(said.Report.Looks))
	}
}
