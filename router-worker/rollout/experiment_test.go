package rollout_test

import (
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/router-worker/rollout"
	"github.com/parallel-fusion/pfr/schemas"
)

const compared = `
experiments:
  - name: small
    salt: s1
    share: 0.5
    markets: [GB, US]
    arms: [{name: control}, {name: treatment, weight: 3, model: small, without: [podcast_recs]}]
    plan: {clients: 1000}
arms: [{name: rest, share: 1, ladder: student}]
`

// Half of the clients take part, a quarter of them in the control; the rest is for the arms.
func TestLotsFollowTheWeights(t *testing.T) {
	const n = 40_000
	got := counts(parse(t, compared), n, "GB", "ios")
	for arm, share := range map[string]float64{"small/control": .125, "small/treatment": .375, "rest": .5} {
		if math.Abs(float64(got[arm])/n-share) > 0.01 {
			t.Errorf("%s has %d of %d clients, want %v of them", arm, got[arm], n, share)
		}
	}
	if got := counts(parse(t, compared), 1000, "SE", "ios"); got["rest"] != 1000 {
		t.Errorf("in another market: %v", got)
	}
}

func TestLotsAreSticky(t *testing.T) {
	p := parse(t, compared)
	grown, salted := parse(t, strings.Replace(compared, "share: 0.5", "share: 0.9", 1)), parse(t, strings.Replace(compared, "s1", "s2", 1))
	moved := 0
	for i := range 4000 {
		q := client(i, "GB", "ios")
		arm := p.Assign(q).Name
		q.CorrelationID, q.SessionID, q.Text, q.Platform = "another", "another", "another", "android"
		if p.Assign(q).Name != arm {
			t.Fatal("another query of the same client got another arm")
		}
		if arm != "rest" && grown.Assign(q).Name != arm {
			t.Fatal("a client changed arms when more took part")
		}
		if arm != "rest" && salted.Assign(q).Name != arm {
			moved++
		}
	}
	if moved < 1000 {
		t.Errorf("another salt moved %d of about 2000 clients", moved)
	}
}

func TestArmsOfExperimentsKnowTheirRivals(t *testing.T) {
	p := parse(t, compared)
	seen := map[string]bool{}
	for i := range 200 {
		a := p.Assign(client(i, "GB", "ios"))
		seen[a.Name] = true
		switch a.Name {
		case "small/control":
			if a.Model != "" || len(a.Rivals) != 2 || a.Rivals[1].Model != "small" || len(a.Rivals[1].Without) != 1 {
				t.Fatalf("control %+v", a)
			}
		case "small/treatment":
			if a.Model != "small" || len(a.Rivals) != 2 || a.Rivals[0].Model != "" {
				t.Fatalf("treatment %+v", a)
			}
		}
	}
	if len(seen) != 3 {
		t.Errorf("arms %v", seen)
	}
	q := client(1, "SE", "ios")
	q.Experiments = map[string]string{schemas.ExperimentArm: "small/treatment"}
	if a := p.Assign(q); a.Name != "~small/treatment" || a.Model != "small" || a.Rivals != nil {
		t.Errorf("asked for by name, it counts: %+v", a)
	}
}

// An arm that is switched off decides as the control does, under a name that no readout counts.
func TestStoppedArm(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rollout.yaml")
	if err := os.WriteFile(file, []byte("ladder: llm\n"+compared), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := rollout.Open(file, known, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	q := treated(t, l)
	l.Stop("small/treatment", true)
	if a := l.Assign(q); a.Name != "small/stopped" || a.Model != "" || len(a.Without) != 0 {
		t.Errorf("stopped: %+v", a)
	}
	if s := l.Status(); len(s.Off) != 1 || s.Off[0] != "small/treatment" {
		t.Errorf("status %+v", s)
	}
	l.Stop("small/treatment", false)
	if a := l.Assign(q); a.Name != "small/treatment" {
		t.Errorf("on again: %+v", a)
	}
	l.Limit(router.RungStudent)
	if a := l.Assign(q); a.Ladder != router.RungStudent || a.Rivals[0].Ladder != router.RungStudent {
		t.Errorf("below the operator's ladder: %+v", a)
	}
}

// Until the start everybody gets what the control gets, under the name of their arm.
func TestArmsBeforeTheStart(t *testing.T) {
	p := parse(t, strings.Replace(compared, "salt: s1", "salt: s1\n    starts: 2026-12-01T00:00:00Z", 1))
	for i := range 1000 {
		q := client(i, "GB", "ios")
		q.SubmittedAt = time.Date(2026, 11, 30, 23, 59, 59, 0, time.UTC)
		if p.Assign(q).Name != "small/treatment" {
			continue
		}
		if a := p.Assign(q); a.Model != "" || a.Without != nil || a.Rivals[1].Model != "small" {
			t.Errorf("before the start: %+v", a)
		}
		q.SubmittedAt = q.SubmittedAt.Add(time.Second)
		if a := p.Assign(q); a.Model != "small" {
			t.Errorf("at the start: %+v", a)
		}
		return
	}
	t.Error("nobody is in the arm")
}

func treated(t *testing.T, l *rollout.Live) schemas.PublicQuery {
	t.Helper()
	for i := range 1000 {
		if q := client(i, "GB", "ios"); l.Assign(q).Name == "small/treatment" {
			return q
		}
	}
	t.Fatal("nobody is in the arm")
	return schemas.PublicQuery{}
}

// A comparison takes its share of the clients, in whatever arm they are, until it is off.
func TestComparisons(t *testing.T) {
	p := parse(t, compared+`
comparisons: [{name: next, salt: x, share: 0.3, markets: [GB], route: search, section: results, tool: search_next}]
`)
	n := map[bool]int{}
	for i := range 10_000 {
		q := client(i, "GB", "ios")
		a := p.Assign(q)
		n[len(a.Duels) == 1]++
		if len(a.Duels) == 1 && a.Duels[0] != (router.Duel{Name: "next", Route: "search", Section: "results", Tool: "search_next"}) {
			t.Fatalf("%+v", a.Duels)
		}
		q.Experiments = map[string]string{schemas.ExperimentArm: a.Name}
		if p.Assign(q).Duels != nil || p.Assign(client(i, "SE", "ios")).Duels != nil {
			t.Fatal("compared by hand, or in another market")
		}
	}
	if n[true] < 2800 || n[true] > 3200 {
		t.Errorf("%d of 10000 clients", n[true])
	}
	_, err := rollout.Parse([]byte("ladder: llm\ncomparisons: [{name: a b, share: 2, route: nowhere, markets: [x]}]"), known)
	for _, want := range []string{"printable", "share 2", "nowhere", "section and tool", `market "x"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}

func TestEveryProblemOfAnExperimentIsNamed(t *testing.T) {
	_, err := rollout.Parse([]byte(`
ladder: llm
experiments:
  - {name: x, share: 0, markets: [gb], arms: [{name: a}]}
  - name: x
    share: 1
    arms: [{name: a, weight: -1}, {name: a}, {name: stopped}, {name: b/c, model: huge, without: [nowhere]}, {name: n, weight: .nan}, {name: i, weight: .inf}]
    plan: {alpha: 0.7, looks: 99, spending: all, success: [luck, slow_rate], guardrails: {latency: 0.1, slow_rate: 0, success_rate: 2}}
  - {name: y/z, share: 1, arms: [{name: a}, {name: b}], plan: {clients: 1, success: [slow_rate, slow_rate]}}
comparisons: [{name: v/w, share: 1, route: search, section: results, tool: search_next}]
`), known)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{
		"share 0", `market "gb"`, "want 2 to 8", "experiment x: the name is taken", "weight -1", "weight NaN", "weight +Inf", "arm a: the name is taken", "arm stopped: the name is taken", "slash", `"huge"`, "nowhere", "alpha 0.7", "looks 99", `spending "all"`, `guardrail "latency": no such metric; there are success_rate, slow_rate`,
		`success "luck"`, "guardrail slow_rate: the metric is named already", "margin 0:", "margin 2:", "as clients: 40000", "experiment 3 y/z: name: must not have a slash", "success slow_rate: the metric is named already", "comparison 1 v/w: name: must not have a slash",
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
}
