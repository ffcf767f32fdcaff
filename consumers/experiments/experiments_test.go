package experiments_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/parallel-fusion/pfr/consumers/experiments"
	"github.com/parallel-fusion/pfr/consumers/outcome"
	"github.com/parallel-fusion/pfr/evaluation/experiment"
	"github.com/parallel-fusion/pfr/schemas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var starts = time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC)

func plan(clients int64) experiments.Plan {
	p := experiments.Plan{Plan: experiment.DefaultPlan(), Starts: starts, RollBack: true}
	p.Name, p.Control, p.PlannedUnits, p.MinUnits = "small", "control", clients, 2
	p.Arms = []experiment.Arm{{Name: "control", Weight: 1}, {Name: "treatment", Weight: 1}}
	p.Metrics = []experiment.Metric{
		{Name: "success_rate", Kind: experiment.Success, Direction: experiment.Higher},
		{Name: "slow_rate", Kind: experiment.Guardrail, Direction: experiment.Lower, Margin: 0.05},
	}
	return p
}

// follow returns experiments that count what a join makes of the records.
func follow(t testing.TB, cfg experiments.Config, p experiments.Plan) (*experiments.Experiments, *outcome.Join) {
	t.Helper()
	e, err := experiments.New(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Follow([]experiments.Plan{p}); err != nil {
		t.Fatal(err)
	}
	j, err := outcome.New(outcome.DefaultConfig(), nil)
	if err != nil {
		t.Fatal(err)
	}
	j.Subscribe(e)
	return e, j
}

// search is a search with a page and, if it succeeds, a click.
type search struct {
	n       int
	client  string
	arm     string
	at      time.Time
	exposed bool
	success bool
	slow    bool
}

func (s search) id() string { return fmt.Sprintf("01890a5d-ac96-774b-bcce-%012x", s.n) }

func (s search) page() schemas.SERP {
	total := 100.0
	if s.slow {
		total = 900
	}
	return schemas.SERP{
		CorrelationID: s.id(), Query: fmt.Sprint("query ", s.n), Market: "SE", Status: schemas.SERPComplete,
		Route:   schemas.RouteSummary{Name: "search", Source: schemas.SourceStudent, Arm: s.arm, Exposed: s.exposed},
		Timings: schemas.Timings{TotalMS: total}, CreatedAt: s.at,
		Asked: &schemas.Asked{At: s.at, Client: s.client},
	}
}

func (s search) click() schemas.Interaction {
	i := schemas.Interaction{EventID: "e" + s.id(), ActionName: schemas.ActionClick, QueryID: s.id(), Timestamp: s.at.Add(time.Second)}
	i.EventAttributes.Object.ObjectID = "track:x"
	return i
}

// feed takes searches in random order, pages and clicks apart.
func feed(j *outcome.Join, rng *rand.Rand, all []search) {
	type record struct {
		s     search
		click bool
	}
	var records []record
	for _, s := range all {
		records = append(records, record{s, false})
		if s.success {
			records = append(records, record{s, true}, record{s, true}) // twice delivered
		}
	}
	rng.Shuffle(len(records), func(i, k int) { records[i], records[k] = records[k], records[i] })
	next := j.Next(schemas.TopicSERPs)[0] + j.Next(schemas.TopicInteractions)[0]
	for i, r := range records {
		at := outcome.Record{Topic: schemas.TopicSERPs, Offset: next + int64(i), Time: r.s.at}
		if r.click {
			at.Topic = schemas.TopicInteractions
			j.Interaction(r.s.click(), at)
		} else {
			j.Page(r.s.page(), at)
		}
	}
}

func read(t testing.TB, e *experiments.Experiments) experiments.Readout {
	t.Helper()
	rs, err := e.Readouts(starts.Add(24 * time.Hour))
	if err != nil || len(rs) != 1 {
		t.Fatalf("%d readouts, %v", len(rs), err)
	}
	return rs[0]
}

// Worked by hand. Control: anna searches three times with two successes (and once before the
// start, with one), bert once without. Treatment: carl twice with two successes, one page of
// his slow. What is not exposed, has no client or another experiment's arm does not count;
// dora was seen in both arms and counts in none.
func TestWhatCounts(t *testing.T) {
	e, j := follow(t, experiments.DefaultConfig(), plan(10))
	at := starts.Add(time.Hour)
	all := []search{
		{1, "anna", "small/control", at, true, true, false},
		{2, "anna", "small/control", at.Add(time.Hour), true, true, false},
		{3, "anna", "small/control", at.Add(2 * time.Hour), true, false, false},
		{4, "anna", "small/control", starts.Add(-time.Hour), true, true, false},
		{5, "bert", "small/control", at, true, false, false},
		{6, "carl", "small/treatment", at, true, true, true},
		{7, "carl", "small/treatment", at.Add(time.Hour), true, true, false},
		{8, "carl", "small/treatment", at.Add(2 * time.Hour), false, true, false},
		{9, "", "small/treatment", at, true, true, false},
		{10, "bert", "large/treatment", at, true, true, false},
		{11, "bert", "small/stopped", at, true, true, false},
		{12, "bert", "", at, true, true, false},
		{13, "dora", "small/control", at, true, true, false},
		{14, "dora", "small/treatment", at.Add(time.Hour), true, true, false},
	}
	feed(j, rand.New(rand.NewPCG(1, 1)), all)
	r := read(t, e)
	var got []string
	for _, a := range r.Report.Arms {
		got = append(got, fmt.Sprint(a.Name, " ", a.Units))
		for _, m := range a.Metrics {
			got = append(got, fmt.Sprintf("%s %d/%d", m.Name, m.Numerator, m.Denominator))
		}
	}
	want := "control 2, success_rate 2/4, slow_rate 0/4, treatment 1, success_rate 2/2, slow_rate 1/2"
	if s := strings.Join(got, ", "); s != want || r.Moved != 1 {
		t.Errorf("got  %s, %d moved\nwant %s, 1 moved", s, r.Moved, want)
	}
}

// crowd is n clients of both arms with a few searches each.
func crowd(rng *rand.Rand, n int, lift float64) []search {
	var all []search
	for c := range n {
		arm, p := "small/control", 0.2+0.6*rng.Float64()
		if c%2 == 1 {
			arm, p = "small/treatment", p*(1+lift)
		}
		client := fmt.Sprintf("%016x", rng.Uint64())
		for range 1 + rng.IntN(5) {
			at := starts.Add(time.Duration(rng.Int64N(int64(10 * time.Hour)))).Add(-2 * time.Hour)
			all = append(all, search{len(all), client, arm, at, true, rng.Float64() < p, rng.Float64() < 0.1})
		}
	}
	return all
}

// Whatever the order, and with a restart in between, the readout is the same.
func TestOrderAndRestartsDoNotMatter(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 7))
	all := crowd(rng, 300, 0)
	var first experiments.Readout
	for round := range 4 {
		e, j := follow(t, experiments.DefaultConfig(), plan(300))
		half := len(all) / 2
		feed(j, rng, all[:half])
		if round%2 == 1 {
			var saved bytes.Buffer
			if err := j.Save(&saved); err != nil {
				t.Fatal(err)
			}
			e, j = follow(t, experiments.DefaultConfig(), plan(300))
			if err := j.Load(&saved); err != nil {
				t.Fatal(err)
			}
		}
		feed(j, rng, all[half:])
		r := read(t, e)
		if round == 0 {
			first = r
		} else if !reflect.DeepEqual(r, first) {
			t.Errorf("round %d: %+v\nwant %+v", round, r.Report.Arms, first.Report.Arms)
		}
	}
	if first.Report.Units < 290 {
		t.Errorf("%d of 300 clients count", first.Report.Units)
	}
}

// More clients than may be held leave a sample, with the planned number to match.
func TestSample(t *testing.T) {
	cfg := experiments.DefaultConfig()
	cfg.Clients = 200
	e, j := follow(t, cfg, plan(1000))
	feed(j, rand.New(rand.NewPCG(3, 3)), crowd(rand.New(rand.NewPCG(4, 4)), 1000, 0))
	r := read(t, e)
	if r.Sampled != 1.0/8 || r.Report.Units < 80 || r.Report.Units > 180 || r.Report.PlannedUnits != 125 || r.Report.SRM.Mismatch {
		t.Errorf("sampled %v, %d of %d units, p %v", r.Sampled, r.Report.Units, r.Report.PlannedUnits, r.Report.SRM.P)
	}
}

// An arm that makes pages slow is to be switched off, and the readout says so.
func TestHarmIsRolledBack(t *testing.T) {
	e, j := follow(t, experiments.DefaultConfig(), plan(2000))
	rng := rand.New(rand.NewPCG(5, 5))
	all := crowd(rng, 2000, 0)
	for i := range all {
		if all[i].arm == "small/treatment" {
			all[i].slow = rng.Float64() < 0.3
		}
	}
	feed(j, rng, all)
	if r := read(t, e); len(r.RollBack) != 1 || r.RollBack[0] != "treatment" || r.Report.Decision != experiment.Rollback {
		t.Errorf("roll back %v: %+v", r.RollBack, r.Report.Arms[1].Reasons)
	}
}

// Who is forgotten still counts, under no name.
func TestErase(t *testing.T) {
	e, j := follow(t, experiments.DefaultConfig(), plan(100))
	all := crowd(rand.New(rand.NewPCG(6, 6)), 100, 0)
	feed(j, rand.New(rand.NewPCG(6, 6)), all)
	read(t, e) // the look that is due
	before := read(t, e)
	if n := j.Erase(all[0].client); n == 0 { // as who is erased leaves the join, too
		t.Error("the join does not know the client")
	}
	if n := e.Erase(all[0].client, "0123456789abcdef"); n != 1 {
		t.Errorf("%d forgotten", n)
	}
	if after := read(t, e); !reflect.DeepEqual(after.Report.Arms, before.Report.Arms) {
		t.Error("the counts have changed")
	}
	if n := e.Erase(all[0].client); n != 0 {
		t.Error("known still")
	}
}

// An experiment that is announced late counts from then on, and one that stays is kept.
func TestFollow(t *testing.T) {
	e, j := follow(t, experiments.DefaultConfig(), plan(100))
	feed(j, rand.New(rand.NewPCG(8, 8)), crowd(rand.New(rand.NewPCG(8, 8)), 100, 0))
	before := read(t, e).Report.Units
	if err := e.Follow([]experiments.Plan{plan(500)}); err != nil {
		t.Fatal(err)
	}
	if r := read(t, e); r.Report.Units != before || r.Report.PlannedUnits != 500 {
		t.Errorf("%d units of %d", r.Report.Units, r.Report.PlannedUnits)
	}
	anew := plan(100)
	anew.Starts = starts.Add(time.Hour)
	if err := e.Follow([]experiments.Plan{anew}); err != nil {
		t.Fatal(err)
	}
	if r := read(t, e); r.Report.Units != 0 {
		t.Errorf("%d units of an experiment that has just been announced", r.Report.Units)
	}
	bad := plan(0)
	bad.Metrics[0].Name = "luck"
	if err := e.Follow([]experiments.Plan{bad}); err == nil || !strings.Contains(err.Error(), "luck") || !strings.Contains(err.Error(), "planned_units") {
		t.Errorf("a bad plan: %v", err)
	}
}

// Two tools in one section. Worked by hand: anna clicks two items of a and one of b in two
// searches, bert one of b, twice; carl one of each; dora an item without a team, and an item
// beyond the list. So a wins one client, b one, and one is a tie.
func TestComparison(t *testing.T) {
	e, j := follow(t, experiments.DefaultConfig(), plan(10))
	e.Compare([]experiments.Comparison{{Name: "next", Route: "search", Section: "results", Rival: "search_next"}})
	teams := []schemas.Team{schemas.TeamA, schemas.TeamB, schemas.TeamA, schemas.TeamB, ""}
	clicks := []struct {
		search  int
		client  string
		ordinal int
	}{{1, "anna", 1}, {1, "anna", 2}, {2, "anna", 3}, {3, "bert", 4}, {3, "bert", 4}, {4, "carl", 1}, {4, "carl", 2}, {5, "dora", 5}, {5, "dora", 6}, {5, "dora", 0}}
	rng := rand.New(rand.NewPCG(9, 9))
	rng.Shuffle(len(clicks), func(i, k int) { clicks[i], clicks[k] = clicks[k], clicks[i] })
	for n, c := range clicks {
		s := search{n: c.search, client: c.client, at: starts.Add(time.Hour)}
		page := s.page()
		section := schemas.Section{ID: "results", Tool: "search", Status: schemas.SectionOK, Rival: &schemas.Rival{Tool: "search_next", Comparison: "next"}}
		for i, team := range teams {
			section.Items = append(section.Items, schemas.Item{ID: fmt.Sprint("track:", i), Team: team})
		}
		page.Sections = []schemas.Section{section}
		click := s.click()
		click.EventID, click.SectionID, click.EventAttributes.Position.Ordinal = fmt.Sprint("event", n), "results", c.ordinal
		j.Interaction(click, outcome.Record{Topic: schemas.TopicInteractions, Offset: int64(n), Time: s.at})
		j.Page(page, outcome.Record{Topic: schemas.TopicSERPs, Offset: int64(n), Time: s.at})
	}
	check := func(e *experiments.Experiments) {
		t.Helper()
		got := e.Comparisons(starts)[0]
		if p := got.Preference; got.Name != "next" || p.A != 1 || p.B != 1 || p.Ties != 1 || p.Delta != 0 {
			t.Errorf("%+v", got)
		}
	}
	check(e)
	var saved bytes.Buffer
	if err := j.Save(&saved); err != nil {
		t.Fatal(err)
	}
	again, k := follow(t, experiments.DefaultConfig(), plan(10))
	again.Compare([]experiments.Comparison{{Name: "next", Route: "search", Section: "results", Rival: "search_next"}})
	if err := k.Load(&saved); err != nil {
		t.Fatal(err)
	}
	check(again)
}
