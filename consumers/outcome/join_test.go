package outcome_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parallel-fusion/pfr/consumers/outcome"
	"github.com/parallel-fusion/pfr/schemas"
)

func TestWhatBecomesOfEvents(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(b *bench)
		want map[string]int
	}{
		"joined, after its page":   {func(b *bench) { b.page(1, "a", 0); b.click("e", 1, 5*time.Second) }, map[string]int{"joined": 1}},
		"joined, before its page":  {func(b *bench) { b.click("e", 1, 5*time.Second); b.page(1, "a", 0) }, map[string]int{"joined": 1}},
		"duplicate":                {func(b *bench) { b.page(1, "a", 0); b.click("e", 1, 5); b.click("e", 1, 5) }, map[string]int{"joined": 1, "duplicate": 1}},
		"duplicate while it waits": {func(b *bench) { b.click("e", 1, 5); b.click("e", 1, 5); b.page(1, "a", 0) }, map[string]int{"joined": 1, "duplicate": 1}},
		"duplicate of one that does not count": {func(b *bench) {
			b.page(1, "a", 0)
			b.click("e", 1, time.Hour)
			b.click("e", 1, time.Hour)
		}, map[string]int{"out_of_window": 1, "duplicate": 1}},
		"the first and the last moment": {func(b *bench) {
			b.page(1, "a", 0)
			b.click("a", 1, -time.Minute)
			b.click("b", 1, -time.Minute-time.Millisecond)
			b.click("c", 1, 30*time.Minute)
			b.click("d", 1, 30*time.Minute+time.Millisecond)
		}, map[string]int{"joined": 2, "out_of_window": 2}},
		"unknown section": {func(b *bench) {
			b.page(1, "a", 0)
			i := click("e", 1, 5)
			i.SectionID = "nowhere"
			b.interaction(i)
		}, map[string]int{"unknown_section": 1}},
		"late, but not too late": {func(b *bench) {
			b.page(1, "a", 0)
			for hours, event := range map[time.Duration]string{24 * time.Hour: "a", 24*time.Hour + 1: "b"} {
				i := click(event, 1, time.Minute)
				i.SentAt, i.ReceivedAt = i.SentAt.Add(hours), i.ReceivedAt.Add(hours)
				b.interaction(i)
			}
		}, map[string]int{"joined": 1, "too_old": 1}},
		"received in time, read late": {func(b *bench) {
			b.page(1, "a", 0)
			i := click("e", 1, time.Minute)
			i.SentAt, i.ReceivedAt = i.SentAt.Add(23*time.Hour), i.ReceivedAt.Add(23*time.Hour)
			b.Interaction(i, b.at(schemas.TopicInteractions, i.ReceivedAt.Add(2*time.Hour)))
		}, map[string]int{"joined": 1}},
		"flood": {func(b *bench) {
			b.page(1, "a", 0)
			for i := range 70 {
				b.click(fmt.Sprint(i), 1, 5)
			}
		}, map[string]int{"joined": 64, "flooded": 6}},
		"flood before its page": {func(b *bench) {
			for i := range 70 {
				b.click(fmt.Sprint(i), 1, 5)
			}
			b.page(1, "a", 0)
		}, map[string]int{"flooded": 70}},
		"its page never comes": {func(b *bench) {
			b.click("e", 1, 5)
			b.Idle(schemas.TopicSERPs, noon.Add(26*time.Hour))
			b.Idle(schemas.TopicInteractions, noon.Add(26*time.Hour))
		}, map[string]int{"orphaned": 1}},
		"its search has left": {func(b *bench) {
			b.page(1, "a", 0)
			b.page(2, "a", 30*time.Hour)
			b.click("late", 1, 30*time.Hour)
			b.click("e", 1, time.Minute) // in order, but for what the client's clock cannot explain
		}, map[string]int{"orphaned": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, outcome.DefaultConfig())
			b.Expect(schemas.TopicInteractions, 1)
			c.do(b)
			for _, what := range []string{"joined", "duplicate", "orphaned", "too_old", "out_of_window", "unknown_section", "flooded"} {
				if got := b.counter(t, "events_total", what); got != c.want[what] {
					t.Errorf("%s: %d, want %d", what, got, c.want[what])
				}
			}
		})
	}
}

func TestClocksAreCorrected(t *testing.T) {
	b := newBench(t, outcome.DefaultConfig())
	b.page(1, "a", 0)
	// Three clicks at 5, 10 and 15 s, by a clock that is an hour fast, then an hour slow,
	// then right but ahead of its own sending.
	for i, clock := range []time.Duration{time.Hour, -time.Hour, 0} {
		e := click(fmt.Sprint(i), 1, time.Duration(5*(i+1))*time.Second)
		e.Timestamp = e.Timestamp.Add(clock)
		e.SentAt = e.Timestamp.Add(2 * time.Second)
		if clock == 0 {
			e.Timestamp = e.SentAt.Add(time.Hour)
		}
		e.ReceivedAt = e.ReceivedAt.Add(2 * time.Second)
		b.interaction(e)
	}
	if got := b.of(1); !strings.Contains(got, "clicks=3") || !strings.Contains(got, "first={true 0 0 5s}") {
		t.Error(got)
	}
	if skewed, future := b.counter(t, "clocks_total", "skewed"), b.counter(t, "clocks_total", "future"); skewed != 2 || future != 1 {
		t.Errorf("%d skewed, %d future", skewed, future)
	}
}

func TestNeighbours(t *testing.T) {
	type asked struct {
		text  string
		after time.Duration
	}
	for name, c := range map[string]struct {
		asked               []asked
		typed, reformulated string // which, by number
	}{
		"typing":                {[]asked{{"l", 0}, {"la", time.Second}, {"lady gaga", 3 * time.Second}}, "0 1", ""},
		"slow typing":           {[]asked{{"lady", 0}, {"lady gaga", 2001 * time.Millisecond}}, "", "0"},
		"the same text":         {[]asked{{"jazz", 0}, {"JAZZ ", time.Second}}, "", ""},
		"another wording":       {[]asked{{"new indie rock", 0}, {"indie rock releases", 5 * time.Minute}}, "", "0"},
		"too late":              {[]asked{{"new indie rock", 0}, {"indie rock releases", 5*time.Minute + 1e6}}, "", ""},
		"another wish":          {[]asked{{"indie rock", 0}, {"jazz piano", time.Minute}}, "", ""},
		"one search between":    {[]asked{{"indie rock", 0}, {"weather", time.Minute}, {"indie rock new", 2 * time.Minute}}, "", "0"},
		"the next is no prefix": {[]asked{{"ja", 0}, {"rock", time.Second}, {"jazz", 1500 * time.Millisecond}}, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, backwards := range []bool{false, true} {
				b := newBench(t, outcome.DefaultConfig())
				for i := range c.asked {
					n := i
					if backwards {
						n = len(c.asked) - 1 - i
					}
					b.page(n, c.asked[n].text, c.asked[n].after)
				}
				for i := range c.asked {
					got := b.of(i)
					n := fmt.Sprint(i)
					if strings.Contains(got, "typed=true") != strings.Contains(c.typed, n) || strings.Contains(got, "reformulated=true") != strings.Contains(c.reformulated, n) {
						t.Errorf("%d (backwards: %v): %s", i, backwards, got)
					}
				}
			}
		})
	}
}

// TestCrowdedNeighbours has one client ask more than is looked at, also at one moment.
func TestCrowdedNeighbours(t *testing.T) {
	texts := []string{"rock", "ja", "jazz", "weather", "folk", "blues", "news", "sleep", "run", "samba", "opera", "soul", "rock live"}
	r := rand.New(rand.NewPCG(1, 1))
	var want map[outcome.ID]string
	for range 20 {
		b := newBench(t, outcome.DefaultConfig())
		for _, n := range r.Perm(60) {
			b.page(n, texts[n%len(texts)], time.Duration(n/4)*700*time.Millisecond)
		}
		if want == nil {
			want = b.holds
		}
		if !maps.Equal(b.holds, want) {
			t.Fatal("another order, another outcome")
		}
	}
	all := fmt.Sprint(want)
	if !strings.Contains(all, "typed=true") || !strings.Contains(all, "reformulated=true") {
		t.Error("nothing happens in this test")
	}
}

func TestSearchesLeave(t *testing.T) {
	b := newBench(t, outcome.DefaultConfig())
	b.Expect(schemas.TopicSERPs, 1)
	b.Expect(schemas.TopicInteractions, 1)
	b.page(1, "a", 0)
	b.page(2, "a", 40*time.Hour)
	if held, _ := b.Held(); held != 2 {
		t.Fatalf("%d held although the events are not read so far", held)
	}
	b.Idle(schemas.TopicInteractions, noon.Add(25*time.Hour+31*time.Minute))
	if held, _ := b.Held(); held != 1 {
		t.Errorf("%d held", held)
	}
	if want := noon.Add(time.Minute); !b.settled.Equal(want) {
		t.Errorf("settled before %v, want %v", b.settled, want)
	}
	told := b.of(1)
	b.page(1, "a", 0)
	if b.of(1) != told || b.counter(t, "pages_total", "late_page") != 1 {
		t.Error("a page whose search has left counts again")
	}
}

func TestTheOldestLeaveWhenThereAreTooMany(t *testing.T) {
	cfg := outcome.DefaultConfig()
	cfg.Searches = 10
	b := newBench(t, cfg)
	for i := range 25 {
		b.page(i, "a", time.Duration(i)*time.Minute)
	}
	if held, _ := b.Held(); held != 10 || b.counter(t, "searches_left_total", "evicted_early") != 15 {
		t.Errorf("%d held, %d evicted", held, b.counter(t, "searches_left_total", "evicted_early"))
	}
}

func TestWaitingIsBounded(t *testing.T) {
	cfg := outcome.DefaultConfig()
	cfg.Waiting = 100
	b := newBench(t, cfg)
	for i := range 1000 {
		b.click("e", i, time.Second)
		b.click("f", i, time.Second)
	}
	_, waiting := b.Held()
	if orphaned := b.counter(t, "events_total", "orphaned"); waiting > 150 || waiting+orphaned != 2000 {
		t.Errorf("%d wait, %d orphaned", waiting, orphaned)
	}
	b.page(999, "a", 0)
	if !strings.Contains(b.of(999), "clicks=2") {
		t.Error("the newest were dropped")
	}
}

func TestEventsAreReadNoFurtherAheadThanThereIsRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := outcome.DefaultConfig()
		cfg.Waiting = 100
		b := newBench(t, cfg)
		b.Expect(schemas.TopicSERPs, 1)
		var read atomic.Int64
		done := make(chan error)
		go func() {
			for i := range 1000 {
				e := click("e", i, time.Duration(i)*time.Second)
				if err := b.AwaitPages(t.Context(), outcome.Record{Time: e.ReceivedAt}); err != nil {
					done <- err
					return
				}
				b.interaction(e)
				read.Store(int64(i))
			}
			done <- nil
		}()
		synctest.Wait()
		if n := read.Load(); n != 49 {
			t.Errorf("event %d was read before any page", n)
		}
		for i := range 999 {
			b.page(i, "", time.Duration(i)*time.Second)
		}
		b.Idle(schemas.TopicSERPs, noon.Add(time.Hour)) // the last page does not come
		if err := <-done; err != nil || b.counter(t, "events_total", "joined") != 999 || b.counter(t, "events_total", "orphaned") != 0 {
			t.Errorf("%v, %d joined", err, b.counter(t, "events_total", "joined"))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for i := range 60 {
			b.click("x", 2000+i, time.Second)
		}
		if err := b.AwaitPages(ctx, outcome.Record{Time: noon.Add(2 * time.Hour)}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("goes on when it should stop: %v", err)
		}
	})
}

func TestErase(t *testing.T) {
	for _, who := range []string{"00000000000000c1", "00000000000000e1"} {
		b := newBench(t, outcome.DefaultConfig())
		b.page(1, "indie rock", 0)
		b.page(2, "new indie rock", time.Minute)
		b.click("e", 1, time.Second)
		if n := b.Erase("0000000000000bad", who); n != 2 {
			t.Fatalf("%d erased", n)
		}
		if got := b.of(1); !strings.Contains(got, "client= user= events=1 clicks=1") || !strings.Contains(got, "reformulated=true") {
			t.Error(got)
		}
		b.page(3, "indie rock live", 2*time.Minute) // of the same client, later
		if got := b.of(2); strings.Contains(got, "reformulated=true") {
			t.Errorf("still known: %s", got)
		}
		b.click("f", 1, 2*time.Second)
		if got := b.of(1); !strings.Contains(got, "clicks=2") {
			t.Error(got)
		}
		for _, topic := range []string{schemas.TopicSERPs, schemas.TopicInteractions} {
			b.Idle(topic, noon.Add(48*time.Hour))
		}
		if held, _ := b.Held(); held != 0 {
			t.Errorf("%d are held for ever", held)
		}
	}
}

func TestNobodyAsksAfterThePage(t *testing.T) {
	b := newBench(t, outcome.DefaultConfig())
	b.Page(schemas.SERP{
		CorrelationID: id(1), Route: schemas.RouteSummary{Name: "r"}, CreatedAt: noon,
		Asked: &schemas.Asked{At: noon.Add(9 * time.Hour)}, // by a clock that is wrong
	}, b.at(schemas.TopicSERPs, noon))
	b.Page(schemas.SERP{ // of an older version
		CorrelationID: id(2), Route: schemas.RouteSummary{Name: "r"}, CreatedAt: noon, Timings: schemas.Timings{TotalMS: 250},
	}, b.at(schemas.TopicSERPs, noon))
	if got := b.of(1); !strings.HasPrefix(got, "12:01:00.000 ") {
		t.Error(got)
	}
	if got := b.of(2); !strings.HasPrefix(got, "11:59:59.750 ") {
		t.Error(got)
	}
}

func TestProbesDoNotCount(t *testing.T) {
	b := newBench(t, outcome.DefaultConfig())
	b.Page(schemas.SERP{CorrelationID: id(1), Probe: true, CreatedAt: noon}, b.at(schemas.TopicSERPs, noon))
	if len(b.holds) != 0 || b.counter(t, "pages_total", "probe") != 1 {
		t.Error(b.holds)
	}
}

func TestNames(t *testing.T) {
	if got, ok := outcome.ParseID(id(7)); !ok || got.String() != id(7) {
		t.Errorf("%v %v", got, ok)
	}
	for _, bad := range []string{"", "x", strings.Repeat("0", 36), "01890a5d-ac96-774b-bcce-b3020990zzzz"} {
		if _, ok := outcome.ParseID(bad); ok {
			t.Errorf("%q is an id", bad)
		}
	}
	if got := outcome.SubjectOf("00c0ffee00c0ffee").String(); got != "00c0ffee00c0ffee" {
		t.Error(got)
	}
	if outcome.SubjectOf("") != 0 || outcome.SubjectOf("somebody") == 0 || outcome.SubjectOf("0000000000000000") == 0 {
		t.Error("nobody and somebody are the same")
	}
}
