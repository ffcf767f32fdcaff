package metrics_test

import (
	"bytes"
	"log/slog"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parallel-fusion/pfr/consumers/metrics"
	"github.com/parallel-fusion/pfr/consumers/outcome"
	"github.com/parallel-fusion/pfr/schemas"
)

// patient holds searches long enough for records that come in any order.
func patient() outcome.Config {
	cfg := outcome.DefaultConfig()
	cfg.Slack = 72 * time.Hour
	return cfg
}

// differ names the first cell that differs.
func differ(got, want map[string]schemas.SearchCounts) (key string, differs bool) {
	keys := slices.Sorted(maps.Keys(want))
	for _, key := range append(keys, slices.Sorted(maps.Keys(got))...) {
		if !reflect.DeepEqual(got[key], want[key]) {
			return key, true
		}
	}
	return "", false
}

func TestNumbersAreThoseOfOnePassInAnyOrder(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		log := scenario(r, rapid.IntRange(1, 14).Draw(rt, "searches"), rapid.IntRange(0, 50).Draw(rt, "events"))
		want := reference(log)
		straight := newPipeline(t, outcome.DefaultConfig(), metrics.DefaultConfig())
		for _, d := range log {
			straight.take(d)
		}
		if key, differs := differ(straight.numbers(), want); differs {
			rt.Fatalf("in order: %s: got\n%+v\nwant\n%+v", key, straight.numbers()[key], want[key])
		}
		shuffled := newPipeline(t, patient(), metrics.DefaultConfig())
		r.Shuffle(len(log), func(i, k int) { log[i], log[k] = log[k], log[i] })
		for _, d := range log {
			shuffled.take(d)
		}
		if key, differs := differ(shuffled.numbers(), want); differs {
			rt.Fatalf("shuffled: %s: got\n%+v\nwant\n%+v", key, shuffled.numbers()[key], want[key])
		}
		old, again := repeats(log)
		for _, p := range []pipeline{straight, shuffled} {
			if gotOld, gotAgain := p.became(t, "too_old"), p.became(t, "duplicate"); gotOld != old || gotAgain != again {
				rt.Fatalf("%d too old and %d duplicates, want %d and %d", gotOld, gotAgain, old, again)
			}
		}
	})
}

// repeats returns how many events of a log are too old, and how many of the others come
// once more.
func repeats(log []delivery) (old, again int) {
	seen := map[[2]string]bool{}
	for _, d := range log {
		switch e := d.event; {
		case e == nil:
		case e.ReceivedAt.Sub(correctedTime(*e)) > 24*time.Hour:
			old++
		case seen[[2]string{e.QueryID, e.EventID}]:
			again++
		default:
			seen[[2]string{e.QueryID, e.EventID}] = true
		}
	}
	return old, again
}

func TestFloodsDoNotCountInAnyOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	log := scenario(r, 3, 900) // some 270 distinct events a search
	want := reference(log)
	all := schemas.OnlineMetrics{Window: schemas.WindowAll}.Key()
	if want[all].Flooded == 0 {
		t.Fatal("the scenario has no flood")
	}
	for range 10 {
		r.Shuffle(len(log), func(i, k int) { log[i], log[k] = log[k], log[i] })
		p := newPipeline(t, patient(), metrics.DefaultConfig())
		for _, d := range log {
			p.take(d)
		}
		if key, differs := differ(p.numbers(), want); differs {
			t.Fatalf("%s: got\n%+v\nwant\n%+v", key, p.numbers()[key], want[key])
		}
	}
}

// TestCrashesChangeNothing lets a process die at random points: what it had not saved is
// gone, and it reads on from the offsets of its snapshot.
func TestCrashesChangeNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 2))
		log := scenario(r, 6, 18)
		want := reference(log)
		var saved bytes.Buffer
		p := restart(t, &saved)
		for next, crashes := 0, 0; next < len(log); {
			p.take(log[next])
			next++
			if r.IntN(6) == 0 {
				saved.Reset()
				if err := p.Save(&saved); err != nil {
					rt.Fatal(err)
				}
			}
			if crashes < 8 && r.IntN(8) == 0 {
				crashes++
				p = restart(t, &saved)
				if next = 0; r.IntN(2) == 0 { // or from the start: what the snapshot holds is passed over
					next = firstUnread(p, log)
				}
			}
		}
		if key, differs := differ(p.numbers(), want); differs {
			rt.Fatalf("%s: got\n%+v\nwant\n%+v", key, p.numbers()[key], want[key])
		}
	})
}

// TestManyCrashesWithFiles is the same with more of everything, and snapshots in files.
func TestManyCrashesWithFiles(t *testing.T) {
	scaled(t)
	r := rand.New(rand.NewPCG(6, 6))
	log := scenario(r, 4000, 12_000)
	want := reference(log)
	store, err := outcome.NewStore(t.TempDir(), slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	p := newPipeline(t, outcome.DefaultConfig(), metrics.DefaultConfig())
	for next, crashes := 0, 0; next < len(log); {
		p.take(log[next])
		next++
		if next%500 == 0 {
			if err := store.Save(p.Join); err != nil {
				t.Fatal(err)
			}
		}
		if crashes < 20 && r.IntN(900) == 0 {
			crashes++
			p = newPipeline(t, outcome.DefaultConfig(), metrics.DefaultConfig())
			if _, err := store.Load(p.Join); err != nil {
				t.Fatal(err)
			}
			next = firstUnread(p, log)
		}
	}
	if key, differs := differ(p.numbers(), want); differs {
		t.Fatalf("%s: got\n%+v\nwant\n%+v", key, p.numbers()[key], want[key])
	}
	all := p.windows.List(schemas.WindowAll, time.Time{}, noon)[0]
	t.Logf("%+v", all.Counts)
}

// restart returns a new pipeline with the state that was saved last, if any was.
func restart(t *testing.T, saved *bytes.Buffer) pipeline {
	p := newPipeline(t, outcome.DefaultConfig(), metrics.DefaultConfig())
	if saved.Len() > 0 {
		if err := p.Load(bytes.NewReader(saved.Bytes())); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// firstUnread returns the first delivery at or after the offsets to read on from.
func firstUnread(p pipeline, log []delivery) int {
	for i, d := range log {
		if d.at.Offset >= p.Next(d.at.Topic)[d.at.Partition] {
			return i
		}
	}
	return len(log)
}

func TestRevisionsGrow(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	log := scenario(r, 30, 100)
	revisions := map[string]int{}
	latest := map[string]schemas.SearchCounts{}
	publish := func(p pipeline) {
		for {
			list := p.windows.Dirty(noon)
			for _, m := range list {
				if err := m.Validate(); err != nil {
					t.Fatal(err)
				}
				if m.Revision <= revisions[m.Key()] {
					t.Fatalf("%s: revision %d after %d", m.Key(), m.Revision, revisions[m.Key()])
				}
				revisions[m.Key()] = m.Revision
				if latest[m.Key()] = m.Counts; m.Counts.Searches+m.Counts.Typed == 0 {
					delete(latest, m.Key())
				}
			}
			if len(list) == 0 {
				return
			}
		}
	}
	p := newPipeline(t, patient(), metrics.DefaultConfig())
	for i, d := range log {
		p.take(d)
		if i%10 == 0 {
			publish(p)
		}
	}
	publish(p)
	if key, differs := differ(latest, p.numbers()); differs {
		t.Errorf("%s: published %+v, counted %+v", key, latest[key], p.numbers()[key])
	}
	if more := p.windows.Dirty(noon); len(more) > 0 {
		t.Errorf("%d cells are published again", len(more))
	}
	empty := newPipeline(t, patient(), metrics.DefaultConfig()) // a process that lost its state
	for key, revision := range revisions {
		empty.windows.Seed(key, revision)
	}
	for _, d := range log {
		empty.take(d)
	}
	publish(empty)
	if key, differs := differ(latest, empty.numbers()); differs {
		t.Errorf("%s: published %+v, counted %+v", key, latest[key], empty.numbers()[key])
	}
}

// However often some cells change, the others are published in their turn: with so many
// batches as they fill.
func TestNoCellStarves(t *testing.T) {
	cfg := metrics.DefaultConfig()
	cfg.Batch = 30
	p := newPipeline(t, patient(), cfg)
	for _, d := range scenario(rand.New(rand.NewPCG(9, 9)), 60, 200) {
		p.take(d)
	}
	waiting := map[string]bool{}
	for key := range p.numbers() {
		waiting[key] = true
	}
	for turn, turns := 0, p.windows.Cells()/cfg.Batch+1; turn < turns; turn++ {
		for _, m := range p.windows.Dirty(noon) {
			delete(waiting, m.Key())
		}
		page := dayPage(turn) // changes what was published right now
		p.Page(page, read(schemas.TopicSERPs, 1000+turn, page.CreatedAt))
	}
	if len(waiting) > 0 {
		t.Errorf("%d of %d cells were not published", len(waiting), p.windows.Cells())
	}
}

func TestWhatWasHandedOutIsPublishedAgainAfterACrash(t *testing.T) {
	log := scenario(rand.New(rand.NewPCG(4, 4)), 10, 30)
	p := newPipeline(t, patient(), metrics.DefaultConfig())
	for _, d := range log {
		p.take(d)
	}
	first := p.windows.Dirty(noon)
	var file bytes.Buffer
	if err := p.Save(&file); err != nil { // before Dirty was called again: nobody knows what was published
		t.Fatal(err)
	}
	again := newPipeline(t, patient(), metrics.DefaultConfig())
	if err := again.Load(&file); err != nil {
		t.Fatal(err)
	}
	if got := again.windows.Dirty(noon); len(got) != len(first) || len(got) == 0 {
		t.Errorf("%d cells, want %d", len(got), len(first))
	}
}

func TestOldWindowsLeave(t *testing.T) {
	cfg := metrics.DefaultConfig()
	cfg.Hours, cfg.Days = time.Hour, 48*time.Hour
	p := newPipeline(t, outcome.DefaultConfig(), cfg)
	for _, d := range scenario(rand.New(rand.NewPCG(5, 5)), 40, 50) {
		p.take(d)
	}
	minutes := len(p.windows.Starts(schemas.WindowMinute))
	for _, topic := range []string{schemas.TopicSERPs, schemas.TopicInteractions} {
		p.Idle(topic, noon.Add(80*time.Hour))
	}
	published := 0
	for list := p.windows.Dirty(noon); len(list) > 0; list = p.windows.Dirty(noon) {
		published += len(list)
	}
	if published == 0 || minutes == 0 {
		t.Fatalf("%d published, %d minutes", published, minutes)
	}
	kinds := []string{schemas.WindowMinute, schemas.WindowHour, schemas.WindowDay}
	if held := []int{len(p.windows.Starts(kinds[0])), len(p.windows.Starts(kinds[1])), len(p.windows.Starts(kinds[2]))}; !slices.Equal(held, []int{0, 0, 1}) {
		t.Errorf("windows held: %v", held)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for name, change := range map[string]func(*metrics.Config){
		"unknown dimension": func(c *metrics.Config) { c.Cuts = append(c.Cuts, "route+planet") },
		"section and tool":  func(c *metrics.Config) { c.Cuts = append(c.Cuts, "section+tool") },
		"minutes of no cut": func(c *metrics.Config) { c.Minutes = append(c.Minutes, "tier+market") },
		"no values":         func(c *metrics.Config) { c.Values = 0 },
		"no batch":          func(c *metrics.Config) { c.Batch = 0 },
		"no cuts":           func(c *metrics.Config) { c.Cuts, c.Minutes, c.Stages = nil, nil, nil },
	} {
		cfg := metrics.DefaultConfig()
		change(&cfg)
		if _, err := metrics.New(cfg, nil); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
