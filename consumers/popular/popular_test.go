package popular_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/parallel-fusion/pfr/consumers/popular"
	"github.com/parallel-fusion/pfr/schemas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newCounter(t testing.TB, change func(*popular.Config)) *popular.Counter {
	t.Helper()
	cfg := popular.DefaultConfig()
	if change != nil {
		change(&cfg)
	}
	c, err := popular.New(cfg, strings.ToLower, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// start is when the searches of these tests begin.
func start() time.Time { return time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC) }

// asker asks queries with correlation ids of their own.
type asker struct {
	c      *popular.Counter
	market string
	n      int
}

func (a *asker) ask(at time.Time, client, text string) (correlationID string) {
	a.n++
	id := fmt.Sprint("q", a.n)
	a.c.Query(schemas.PublicQuery{CorrelationID: id, Text: text, ClientID: client, Market: a.market}, at)
	return id
}

func (a *asker) act(query, action string, played time.Duration) {
	a.c.Interaction(schemas.Interaction{QueryID: query, ActionName: action, MSPlayed: int(played.Milliseconds())})
}

// everything is all that is known now of the tests' searches.
func everything(c *popular.Counter) popular.Snapshot { return c.Snapshot(start(), popular.View{}) }

func render(s popular.Snapshot) string {
	var b strings.Builder
	for _, q := range s.Queries {
		fmt.Fprintf(&b, "%s %d/%d", q.Text, q.Successes, q.Searches)
		if q.AtMost != q.Searches {
			fmt.Fprintf(&b, "-%d", q.AtMost)
		}
		b.WriteString("; ")
	}
	fmt.Fprintf(&b, "%d searches, %d withheld", s.Searches, s.Withheld)
	return b.String()
}

func expect(t testing.TB, s popular.Snapshot, want string) {
	t.Helper()
	if got := render(s); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestCountsByNormalisedText(t *testing.T) {
	a := &asker{c: newCounter(t, nil)}
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
	expect(t, everything(a.c), "jazz 0/5; blues 2/3; 8 searches, 0 withheld")
	expect(t, a.c.Snapshot(start(), popular.View{Top: 1}), "jazz 0/5; 8 searches, 0 withheld")
	a.c.Reset()
	expect(t, everything(a.c), "0 searches, 0 withheld")
}

func TestProbesCompositionsAndRepeatsDoNotCount(t *testing.T) {
	c := newCounter(t, func(c *popular.Config) { c.MinClients = 1 })
	for _, q := range []schemas.PublicQuery{
		{CorrelationID: "a", Text: "jazz"},
		{CorrelationID: "a", Text: "jazz"},
		{CorrelationID: "b", Text: "jazz", Probe: true},
		{CorrelationID: "c", Text: "jazz", Mode: schemas.PostFusion},
		{CorrelationID: "d"},
	} {
		c.Query(q, start())
	}
	expect(t, everything(c), "jazz 0/1; 1 searches, 0 withheld")
}

func TestWhatFewClientsAskIsWithheld(t *testing.T) {
	a := &asker{c: newCounter(t, nil)}
	for i := range 100 { // often, by two clients
		a.ask(start(), fmt.Sprint("client", i%2), "songs for my wedding with kim")
	}
	for range 100 { // who they are is not known
		a.ask(start(), "", "my secret")
	}
	expect(t, everything(a.c), "200 searches, 2 withheld")
	for _, session := range []string{"s1", "s2"} {
		a.c.Query(schemas.PublicQuery{CorrelationID: session, Text: "my secret", SessionID: session}, start())
	}
	expect(t, everything(a.c), "my secret 0/102; 202 searches, 1 withheld")
}

// The clients of a text are those of all its summaries together, each once.
func TestClientsAreCountedOverMarketsAndSteps(t *testing.T) {
	a := &asker{c: newCounter(t, nil)}
	for i, market := range []string{"US", "SE", "DE"} {
		a.market = market
		at := start().Add(-time.Duration(i) * time.Hour)
		a.ask(at, fmt.Sprint("client", i), "jazz")
		a.ask(at, "the same", "my secret")
		a.ask(at, fmt.Sprint("one of two", i%2), "our secret")
	}
	expect(t, everything(a.c), "jazz 0/3; 9 searches, 2 withheld")
	expect(t, a.c.Snapshot(start(), popular.View{Market: "SE"}), "3 searches, 3 withheld")
}

func TestWindowsSlide(t *testing.T) {
	a := &asker{c: newCounter(t, func(c *popular.Config) { c.MinClients, c.Window = 1, 3*time.Hour })}
	ask := func(n int, text string, at time.Time) {
		for range n {
			a.ask(at, "c", text)
		}
	}
	hours := func(n int) time.Time { return start().Add(time.Duration(n) * time.Hour) }
	ask(8, "old", hours(0))
	ask(2, "between", hours(2))
	ask(1, "new", hours(4))
	ask(1, "late", hours(1)) // partitions are not read in order
	ask(9, "too late", hours(0))
	for _, c := range []struct {
		name   string
		now    time.Time
		window time.Duration
		want   string
	}{
		{"all that is kept", hours(4), 0, "between 0/2; late 0/1; new 0/1; 4 searches, 0 withheld"},
		{"no more is kept", hours(4), time.Hour * 100, "between 0/2; late 0/1; new 0/1; 4 searches, 0 withheld"},
		{"an hour, and that in which it begins", hours(4), time.Hour, "new 0/1; 1 searches, 0 withheld"},
		{"two hours", hours(4).Add(59 * time.Minute), 2 * time.Hour, "between 0/2; new 0/1; 3 searches, 0 withheld"},
		{"an hour later", hours(5), 0, "between 0/2; new 0/1; 3 searches, 0 withheld"},
		{"much later", hours(50), 0, "0 searches, 0 withheld"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := a.c.Snapshot(c.now, popular.View{Window: c.window})
			expect(t, s, c.want)
			if wanted := min(max(c.window, 0), 3*time.Hour); s.AsOf.Sub(s.From) < wanted {
				t.Errorf("a window from %v to %v", s.From, s.AsOf)
			}
		})
	}
}

// A clock that is ahead moves no window, and nobody counts for longer.
func TestTheFutureIsNow(t *testing.T) {
	a := &asker{c: newCounter(t, func(c *popular.Config) { c.MinClients = 1 })}
	now := time.Now()
	a.ask(now, "c", "now")
	a.ask(now.Add(1000*time.Hour), "c", "ahead")
	expect(t, a.c.Snapshot(time.Now(), popular.View{}), "ahead 0/1; now 0/1; 2 searches, 0 withheld")
}

func TestMarkets(t *testing.T) {
	a := &asker{c: newCounter(t, func(c *popular.Config) { c.MinClients = 1 })}
	for market, texts := range map[string]string{"US": "jazz jazz blues", "SE": "schlager jazz schlager schlager"} {
		a.market = market
		for text := range strings.FieldsSeq(texts) {
			a.ask(start(), "c", text)
		}
	}
	expect(t, a.c.Snapshot(start(), popular.View{Market: "SE"}), "schlager 0/3; jazz 0/1; 4 searches, 0 withheld")
	expect(t, a.c.Snapshot(start(), popular.View{Market: "US"}), "jazz 0/2; blues 0/1; 3 searches, 0 withheld")
	expect(t, a.c.Snapshot(start(), popular.View{Market: "DE"}), "0 searches, 0 withheld")
	all := everything(a.c)
	expect(t, all, "jazz 0/3; schlager 0/3; blues 0/1; 7 searches, 0 withheld")
	for i, want := range []string{"US", "SE", "US"} { // where they are asked most
		if all.Queries[i].Market != want {
			t.Errorf("%+v, want %s", all.Queries[i], want)
		}
	}
	if got := fmt.Sprint(a.c.Markets(start(), time.Hour)); got != "[SE US]" {
		t.Errorf("markets %s", got)
	}
}

// asked is a search of a trace.
type asked struct {
	at           time.Time
	market, text string
}

// truth counts a trace exactly, in a window and a market.
func truth(trace []asked, s popular.Snapshot) (byText map[string]int, total int) {
	byText = map[string]int{}
	for _, q := range trace {
		if !q.at.Before(s.From) && (s.Market == "" || s.Market == q.market) {
			byText[q.text]++
			total++
		}
	}
	return byText, total
}

// Whatever is asked, and however it is merged: no count is too low or too high by more than
// the bound, no text that is missing was asked more than that, and over all markets the bound
// is at most the m-th part of everything.
func TestErrorBound(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		const hours = 5
		capacity := rapid.IntRange(2, 8).Draw(rt, "capacity")
		places := rapid.IntRange(1, 4).Draw(rt, "places for markets")
		c := newCounter(t, func(c *popular.Config) {
			c.Capacity, c.Markets, c.MinClients, c.Window = capacity, places, 1, hours*time.Hour
		})
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		skew := rapid.Float64Range(1, 4).Draw(rt, "skew")
		trace := make([]asked, rapid.IntRange(1, 1000).Draw(rt, "searches"))
		a := &asker{c: c}
		for i := range trace {
			later := 4 * i * i / len(trace) / len(trace) // other markets take over
			trace[i] = asked{
				at:     start().Add(-time.Duration(hours*60*math.Pow(random.Float64(), skew)) * time.Minute),
				market: fmt.Sprint("M", later+int(4*math.Pow(random.Float64(), skew))),
				text:   fmt.Sprint("t", int(40*math.Pow(random.Float64(), skew))),
			}
			a.market = trace[i].market
			a.ask(trace[i].at, "c", trace[i].text)
		}
		view := popular.View{
			Market: rapid.SampledFrom([]string{"", "", "M0", "M1", "M5"}).Draw(rt, "market"),
			Window: time.Duration(rapid.IntRange(1, hours).Draw(rt, "hours")) * time.Hour,
		}
		checkBounds(rt, trace, c.Snapshot(start(), view), capacity)
	})
}

func checkBounds(t *rapid.T, trace []asked, s popular.Snapshot, capacity int) {
	byText, total := truth(trace, s)
	if s.Market == "" && (s.Searches != total || s.Bound*capacity > total) {
		t.Fatalf("%d searches of %d, bound %d", s.Searches, total, s.Bound)
	}
	tracked := map[string]bool{}
	for _, q := range s.Queries {
		tracked[q.Text] = true
		if n := byText[q.Text]; q.Searches > n || q.AtMost < n || q.AtMost-q.Searches > s.Bound {
			t.Fatalf("%+v, the truth is %d, bound %d", q, n, s.Bound)
		}
	}
	for text, n := range byText {
		if n > s.Bound && !tracked[text] {
			t.Fatalf("%s was asked %d times of %d and is not tracked, bound %d", text, n, total, s.Bound)
		}
	}
}

// A flood of texts that are asked once takes the place of nothing that is popular.
func TestPopularTextsSurviveAFlood(t *testing.T) {
	a := &asker{c: newCounter(t, func(c *popular.Config) { c.Capacity, c.Searches = 200, 100 })}
	for i := range 20_000 {
		a.ask(start(), "c", fmt.Sprint("once ", i))
		if i%10 == 0 {
			a.ask(start(), fmt.Sprint("client", i%7), fmt.Sprint("often ", i/10%10))
		}
	}
	s := everything(a.c)
	if len(s.Queries) != 10 {
		t.Errorf("got %s", render(s))
	}
	for _, q := range s.Queries {
		if !strings.HasPrefix(q.Text, "often") || q.Searches != 200 || q.AtMost < 200 {
			t.Errorf("%+v", q)
		}
	}
}

// A flood of markets that are asked for once takes the place of no market that is there, and
// nothing of what they ask is lost over all markets.
func TestMarketsSurviveAFlood(t *testing.T) {
	a := &asker{c: newCounter(t, func(c *popular.Config) { c.Markets = 4 })}
	const n = 10_000
	for i := range n {
		a.market = fmt.Sprint("M", i)
		a.ask(start(), fmt.Sprint("client", i), "jazz")
		if i >= 100 && i%20 == 0 { // it comes when all places are taken
			a.market = "SE"
			a.ask(start(), fmt.Sprint("client", i), "schlager")
		}
	}
	expect(t, everything(a.c), "jazz 0/10000; schlager 0/495; 10495 searches, 0 withheld")
	se := a.c.Snapshot(start(), popular.View{Market: "SE"})
	if se.Searches != 495 || len(se.Queries) != 1 || se.Queries[0].Searches < 490 || se.Queries[0].AtMost != 495 {
		t.Errorf("%+v", se)
	}
	if got := a.c.Markets(start(), time.Hour); len(got) != 4 || got[3] != "SE" {
		t.Errorf("markets %v", got)
	}
}

func TestConfigReportsEveryProblem(t *testing.T) {
	_, err := popular.New(popular.Config{Window: -1}, strings.ToLower, nil)
	for _, want := range []string{"capacity", "markets", "min_clients", "searches", "window"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("no %s in %v", want, err)
		}
	}
}
