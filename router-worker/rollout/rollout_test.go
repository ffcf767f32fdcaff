package rollout_test

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/router-worker/rollout"
	"github.com/parallel-fusion/pfr/schemas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var known = rollout.Known{Routes: []string{"search", "podcast_recs"}, Models: []string{"", "small"}, Metrics: []string{"success_rate", "slow_rate"}}

func parse(t testing.TB, text string) *rollout.Policy {
	t.Helper()
	if !strings.Contains(text, "ladder:") || !strings.HasPrefix(strings.TrimSpace(text), "ladder:") {
		text = "ladder: llm\n" + text
	}
	p, err := rollout.Parse([]byte(text), known)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const staged = `
arms:
  - {name: gb-android, markets: [GB], platforms: [android], share: 0.2, model: small}
  - {name: no-podcasts, share: 0.5, ladder: student, without: [podcast_recs]}
shadow:
  - {name: candidate, share: 0.1, model: small}
`

func client(i int, market, platform string) schemas.PublicQuery {
	return schemas.PublicQuery{ClientID: fmt.Sprint("c", i), Market: market, Platform: platform}
}

// counts says how many of n clients get each arm.
func counts(p router.Rollout, n int, market, platform string) map[string]int {
	out := map[string]int{}
	for i := range n {
		out[p.Assign(client(i, market, platform)).Name]++
	}
	return out
}

func TestSharesAreKept(t *testing.T) {
	const n = 20_000
	near := func(got int, share float64) bool { return math.Abs(float64(got)/n-share) < 0.015 }
	p := parse(t, staged)
	if c := counts(p, n, "GB", "android"); !near(c["gb-android"], .2) || !near(c["no-podcasts"], .4) || !near(c[""], .4) {
		t.Errorf("GB android: %v", c)
	}
	if c := counts(p, n, "US", "android"); c["gb-android"] != 0 || !near(c["no-podcasts"], .5) {
		t.Errorf("US android: %v", c)
	}
	shadowed := 0
	for i := range n {
		if arm, ok := p.Shadow(client(i, "US", "web")); ok && arm.Name == "candidate" && arm.Model == "small" {
			shadowed++
		}
	}
	if !near(shadowed, .1) {
		t.Errorf("%d of %d in the sample", shadowed, n)
	}
}

func TestAssignmentIsSticky(t *testing.T) {
	p, grown := parse(t, "arms: [{name: a, share: 0.3}]"), parse(t, "arms: [{name: a, share: 0.6}]")
	for i := range 2000 {
		q := client(i, "US", "web")
		first := p.Assign(q).Name
		q.CorrelationID, q.Text, q.SessionID = "another", "another", "another"
		if p.Assign(q).Name != first {
			t.Fatal("another query of the same client got another arm")
		}
		if first == "a" && grown.Assign(q).Name != "a" {
			t.Fatal("a client left the arm when its share grew")
		}
	}
}

func TestKillSwitchHoldsForEveryArm(t *testing.T) {
	for top, want := range map[string][2]router.Rung{
		"ladder: llm":     {"", router.RungStudent},
		"ladder: student": {router.RungStudent, router.RungStudent},
		"ladder: search":  {router.RungSearch, router.RungSearch},
	} {
		p := parse(t, top+"\narms: [{name: all, share: 1, ladder: student, markets: [SE]}]")
		us, se := p.Assign(client(1, "US", "")).Ladder, p.Assign(client(1, "SE", "")).Ladder
		if us != want[0] || se != want[1] {
			t.Errorf("%q: %q and %q, want %q", top, us, se, want)
		}
	}
}

func TestEveryProblemIsNamed(t *testing.T) {
	_, err := rollout.Parse([]byte(`
ladder: teleport
model: huge
markets: {GB: {usd_per_day: -1}, us: {}}
arms:
  - {name: "a b", share: 2}
  - {name: x, share: 0.1, without: [nowhere], model: huge}
  - {name: x, share: 0.1}
`), known)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"teleport", `"huge"`, "markets.GB", `market "us"`, "printable ASCII", "share 2", `no route "nowhere"`, "the name is taken"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in %v", want, err)
		}
	}
	for _, bad := range []string{"ladder: llm\narm: []", "", "# ladder: search", "---", "{}", "ladder:", "ladder: llm\nlimits: {usd_per_day: 20}"} {
		if _, err := rollout.Parse([]byte(bad), known); err == nil {
			t.Errorf("%q passed", bad)
		}
	}
}

func TestFileIsFollowed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rollout.yaml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("ladder: llm")
	synctest.Test(t, func(t *testing.T) {
		l, err := rollout.Open(file, known, slog.New(slog.DiscardHandler), nil)
		if err != nil {
			t.Fatal(err)
		}
		var seen []string
		l.Changed = func(p *rollout.Policy) { seen = append(seen, string(p.Ladder)) }
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- l.Run(ctx, func() {}) }()
		for _, step := range []struct{ text, ladder, problem string }{
			{"ladder: student", "student", ""},
			{"ladder: [", "student", "roll-out"}, // the last good one holds
			{"ladder: student", "student", ""},
			{"ladder: search", "search", ""},
		} {
			write(step.text)
			time.Sleep(3500 * time.Millisecond)
			s := l.Status()
			if string(l.Assign(schemas.PublicQuery{}).Ladder) != step.ladder || (s.Problem == "") != (step.problem == "") || !strings.Contains(s.Problem, step.problem) {
				t.Errorf("%q: %+v", step.text, s)
			}
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if want := "[llm student search]"; fmt.Sprint(seen) != want {
			t.Errorf("changes %v, want %s", seen, want)
		}
	})
	if _, err := rollout.Open(file+".none", known, slog.New(slog.DiscardHandler), nil); err == nil {
		t.Error("a file that is not there was opened")
	}
}

// An operator lowers the ladder for everybody and lifts that again; the file still holds.
func TestOperatorLimitsTheLadder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "rollout.yaml")
	if err := os.WriteFile(file, []byte("ladder: llm\narms:\n  - {name: low, markets: [GB], share: 1, ladder: search}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := rollout.Open(file, rollout.Known{}, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	us, gb := schemas.PublicQuery{Market: "US", ClientID: "c"}, schemas.PublicQuery{Market: "GB", ClientID: "c"}
	for _, step := range []struct{ set, us, gb router.Rung }{
		{"", router.RungLLM, router.RungSearch},
		{router.RungStudent, router.RungStudent, router.RungSearch},
		{router.RungSearch, router.RungSearch, router.RungSearch},
		{router.RungLLM, router.RungLLM, router.RungSearch},
	} {
		if step.set != "" {
			l.Limit(step.set)
		}
		if got := cmp.Or(l.Assign(us).Ladder, router.RungLLM); got != step.us {
			t.Errorf("after %q: US has %q", step.set, got)
		}
		if got := l.Assign(gb).Ladder; got != step.gb {
			t.Errorf("after %q: GB has %q", step.set, got)
		}
	}
}

// A query may name its arm, whoever asks and wherever; candidates can be named too.
func TestQueryNamesItsArm(t *testing.T) {
	p, err := rollout.Parse([]byte("ladder: llm\narms:\n  - {name: all, share: 1}\nshadow:\n  - {name: next, share: 0.01}\n"), rollout.Known{})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"all": "all", "next": "next", "default": "", "nobody": ""} {
		q := schemas.PublicQuery{Market: "US", Experiments: map[string]string{schemas.ExperimentArm: name}}
		if got := p.Assign(q).Name; got != want {
			t.Errorf("%s is served by %q, want %q", name, got, want)
		}
	}
	if got := p.Assign(schemas.PublicQuery{Market: "US"}).Name; got != "all" {
		t.Errorf("who names none is served by %q", got)
	}
}
