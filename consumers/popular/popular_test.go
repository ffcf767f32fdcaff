package popular_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parallel-fusion/pfr/consumers/popular"
	"github.com/parallel-fusion/pfr/schemas"
)

func newCounter(t testing.TB, change func(*popular.Config)) *popular.Counter {
	t.Helper()
	cfg := popular.DefaultConfig()
	if change != nil {
		change(&cfg)
	}
	c, err := popular.New(cfg, strings.ToLower)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// start is when the searches of these tests begin.
func start() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// asker asks queries with correlation ids of their own.
type asker struct {
	t testing.TB
	c *popular.Counter
	n int
}

func (a *asker) ask(at time.Time, client, text string) (correlationID string) {
	a.t.Helper()
	a.n++
	id := fmt.Sprint("q", a.n)
	a.put(at, schemas.PublicQuery{CorrelationID: id, Text: text, ClientID: client})
	return id
}

func (a *asker) put(at time.Time, q schemas.PublicQuery) {
	a.t.Helper()
	if err := a.c.Query(a.t.Context(), q, at); err != nil {
		a.t.Fatal(err)
	}
}

func (a *asker) act(query, action string, played time.Duration) {
	a.t.Helper()
	err := a.c.Interaction(a.t.Context(), schemas.Interaction{QueryID: query, ActionName: action, MSPlayed: int(played.Milliseconds())})
	if err != nil {
		a.t.Fatal(err)
	}
}

func render(s popular.Snapshot) string {
	var b strings.Builder
	for _, q := range s.Queries {
		fmt.Fprintf(&b, "%s %d/%d %.3g; ", q.Text, q.Successes, q.Searches, q.Weight)
	}
	fmt.Fprintf(&b, "%d searches, %d withheld", s.Searches, s.Withheld)
	return b.String()
}

func TestCountsByNormalisedText(t *testing.T) {
	a := &asker{t: t, c: newCounter(t, nil)}
	for i := range 4 {
		a.ask(start(), fmt.Sprint("client", i), "Jazz")
	}
	a.ask(start(), "client0", "JAZZ")
	var ids []string
	for i := range 3 {
		ids = append(ids, a.ask(start(), fmt.Sprint("client", i), "blues"))
	}
	a.act(ids[0], schemas.ActionClick, 0)
	a.act(ids[0], schemas.ActionStream, time.Minute) // the search has succeeded already
	a.act(ids[1], schemas.ActionStream, 29*time.Second)
	a.act(ids[2], schemas.ActionStream, 30*time.Second)
	a.act("unknown", schemas.ActionClick, 0)
	if got, want := render(a.c.Snapshot(start(), 0)), "jazz 0/5 5; blues 2/3 3; 8 searches, 0 withheld"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got, want := render(a.c.Snapshot(start(), 1)), "jazz 0/5 5; 8 searches, 0 withheld"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestProbesCompositionsAndRepeatsDoNotCount(t *testing.T) {
	a := &asker{t: t, c: newCounter(t, func(c *popular.Config) { c.MinClients = 1 })}
	q := schemas.PublicQuery{CorrelationID: "a", Text: "jazz"}
	a.put(start(), q)
	a.put(start(), q)
	a.put(start(), schemas.PublicQuery{CorrelationID: "b", Text: "jazz", Probe: true})
	a.put(start(), schemas.PublicQuery{CorrelationID: "c", Text: "jazz", Mode: schemas.PostFusion})
	if got, want := render(a.c.Snapshot(start(), 0)), "jazz 0/1 1; 1 searches, 0 withheld"; got != want {
		t.Errorf("got %s", got)
	}
}

func TestWhatFewClientsAskIsWithheld(t *testing.T) {
	a := &asker{t: t, c: newCounter(t, nil)}
	for i := range 100 { // often, by two clients
		a.ask(start(), fmt.Sprint("client", i%2), "songs for my wedding with kim")
	}
	for range 100 { // who they are is not known
		a.ask(start(), "", "my secret")
	}
	if got, want := render(a.c.Snapshot(start(), 0)), "200 searches, 2 withheld"; got != want {
		t.Errorf("got %s", got)
	}
	a.put(start(), schemas.PublicQuery{CorrelationID: "s1", Text: "my secret", SessionID: "s1"})
	a.put(start(), schemas.PublicQuery{CorrelationID: "s2", Text: "my secret", SessionID: "s2"})
	if got, want := render(a.c.Snapshot(start(), 0)), "my secret 0/102 102; 202 searches, 1 withheld"; got != want {
		t.Errorf("got %s", got)
	}
}

func TestWeightsHalve(t *testing.T) {
	a := &asker{t: t, c: newCounter(t, func(c *popular.Config) { c.MinClients, c.HalfLife = 1, time.Hour })}
	for range 8 {
		a.ask(start(), "c", "old")
	}
	a.ask(start().Add(4*time.Hour), "c", "new")
	a.ask(start().Add(3*time.Hour), "c", "between") // partitions are not read in order
	got := render(a.c.Snapshot(start().Add(4*time.Hour), 0))
	if want := "new 0/1 1; between 0/1 0.5; old 0/8 0.5; 10 searches, 0 withheld"; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	// Half-lives enough to overflow a number that only grew.
	later := start().Add(5000 * time.Hour)
	a.ask(later, "c", "much later")
	s := a.c.Snapshot(later, 1)
	if got, want := render(s), "much later 0/1 1; 11 searches, 0 withheld"; got != want || s.Weight != 1 {
		t.Errorf("got  %s, %v in all", got, s.Weight)
	}
}

// Whatever is asked, no weight is too low, none is too high by more than the bound, and
// the bound is at most the m-th part of everything.
func TestErrorBound(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		const capacity = 8
		halfLife := rapid.SampledFrom([]time.Duration{0, time.Minute, time.Hour}).Draw(rt, "half-life")
		c := newCounter(t, func(c *popular.Config) { c.Capacity, c.MinClients, c.HalfLife = capacity, 1, halfLife })
		n := rapid.IntRange(1, 300).Draw(rt, "searches")
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		texts, times := make([]string, n), make([]time.Time, n)
		a := &asker{t: t, c: c}
		for i := range n {
			texts[i] = fmt.Sprint("t", int(40*math.Pow(random.Float64(), 3)))
			times[i] = start().Add(time.Duration(random.IntN(100)) * time.Minute)
			a.ask(times[i], "c", texts[i])
		}
		now := start().Add(100 * time.Minute)
		truth, total := map[string]float64{}, 0.0
		for i, text := range texts {
			w := 1.0
			if halfLife > 0 {
				w = math.Exp2(-now.Sub(times[i]).Seconds() / halfLife.Seconds())
			}
			truth[text] += w
			total += w
		}
		s := c.Snapshot(now, 0)
		const rounding = 1e-9
		if math.Abs(s.Weight-total) > rounding*total || s.Bound > total/capacity+rounding {
			rt.Fatalf("weight %v of %v, bound %v", s.Weight, total, s.Bound)
		}
		tracked := map[string]bool{}
		for _, q := range s.Queries {
			tracked[q.Text] = true
			if q.Weight < truth[q.Text]-rounding || q.Weight-q.Over > truth[q.Text]+rounding || q.Over > s.Bound+rounding {
				rt.Fatalf("%+v, the truth is %v, bound %v", q, truth[q.Text], s.Bound)
			}
		}
		for text, w := range truth {
			if w > total/capacity+rounding && !tracked[text] {
				rt.Fatalf("%s has %v of %v and is not tracked", text, w, total)
			}
		}
	})
}

// A flood of texts that are asked once takes the place of nothing that is popular.
func TestPopularTextsSurviveAFlood(t *testing.T) {
	a := &asker{t: t, c: newCounter(t, func(c *popular.Config) { c.Capacity, c.Searches = 200, 100 })}
	for i := range 20_000 {
		a.ask(start(), "c", fmt.Sprint("once ", i))
		if i%10 == 0 {
			a.ask(start(), fmt.Sprint("client", i%7), fmt.Sprint("often ", i/10%10))
		}
	}
	s := a.c.Snapshot(start(), 0)
	if len(s.Queries) != 10 {
		t.Errorf("got %s", render(s))
	}
	for _, q := range s.Queries {
		if !strings.HasPrefix(q.Text, "often") || q.Searches != 200 {
			t.Errorf("%+v", q)
		}
	}
}

func TestConfigReportsEveryProblem(t *testing.T) {
	_, err := popular.New(popular.Config{HalfLife: -1}, strings.ToLower)
	for _, want := range []string{"capacity", "min_clients", "searches", "half_life"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %s in %v", want, err)
		}
	}
}
