package metrics_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/consumers/metrics"
	"github.com/parallel-fusion/pfr/consumers/outcome"
	"github.com/parallel-fusion/pfr/internal/codec"
	"github.com/parallel-fusion/pfr/schemas"
)

// scaled skips what takes long, unless it is asked for.
func scaled(t *testing.T) {
	t.Helper()
	if os.Getenv("PFR_TEST_SCALE") != "1" {
		t.Skip("takes long: set PFR_TEST_SCALE=1")
	}
}

func heap() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// spreadID returns a correlation id whose last bytes are spread as those of a UUIDv7.
func spreadID(i int) string {
	var id outcome.ID
	binary.BigEndian.PutUint64(id[:], 0x01890a5dac967000|uint64(i>>20&0xfff))
	binary.BigEndian.PutUint64(id[8:], uint64(i+1)*0x9e3779b97f4a7c15&0x3fffffffffffffff|1<<63)
	return id.String()
}

func dayPage(i int) schemas.SERP {
	p := schemas.SERP{
		SchemaVersion: schemas.Version, CorrelationID: spreadID(i), Query: fmt.Sprintf("artist %d latest albums", i%5000), Market: "SE",
		Route:  schemas.RouteSummary{Name: "new_releases", Params: schemas.Params{"artist": "x"}, Source: schemas.SourceStudent, Confidence: .9, ManifestVersion: "m1"},
		Layout: "releases", Status: schemas.SERPComplete, Coverage: 1,
		Timings: schemas.Timings{QueuedMS: 1, RouterMS: .2, ToolsMS: float64(40 + i%100), TotalMS: float64(50 + i%100)},
		Asked:   &schemas.Asked{At: noon.Add(time.Duration(i) * 20 * time.Millisecond), Locale: "en", Platform: "web", Client: fmt.Sprintf("%016x", 1+i/4)},
	}
	p.CreatedAt = p.Asked.At.Add(time.Second)
	for _, s := range []string{"latest", "date", "tracks"} {
		sec := schemas.Section{ID: s, Title: s, Component: "list", Tool: "tool_" + s, Status: schemas.SectionOK, TookMS: 20, Items: []schemas.Item{}}
		for k := range 5 {
			sec.Items = append(sec.Items, schemas.Item{ID: fmt.Sprintf("album:%d", k), Type: "album", Title: "An album of some name", Artists: []string{"Somebody"}, Score: .5})
		}
		p.Sections = append(p.Sections, sec)
	}
	return p
}

func dayEvent(page, i int) schemas.Interaction {
	at := noon.Add(time.Duration(page)*20*time.Millisecond + time.Duration(i+1)*7*time.Second)
	e := schemas.Interaction{
		SchemaVersion: schemas.Version, EventID: fmt.Sprintf("e-%d-%d", page, i), ActionName: "click", QueryID: spreadID(page), ClientID: "c",
		Timestamp: at, SentAt: at.Add(time.Second), ReceivedAt: at.Add(2 * time.Second), SectionID: "latest", SectionPosition: 1, Market: "SE", Route: "new_releases",
	}
	e.EventAttributes.Object.ObjectID, e.EventAttributes.Position.Ordinal = "album:1", 2
	return e
}

func read(topic string, n int, at time.Time) outcome.Record {
	return outcome.Record{Topic: topic, Partition: 0, Offset: int64(n), Time: at}
}

func TestMemoryOfASearch(t *testing.T) {
	scaled(t)
	const searches, most = 200_000, 300
	for name, platform := range map[string]func(i int) string{
		"of one platform":           func(int) string { return "web" },
		"of platforms of their own": func(i int) string { return fmt.Sprint("p", i) },
	} {
		before := heap()
		j, err := outcome.New(outcome.DefaultConfig(), nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range searches {
			p := dayPage(i)
			p.Asked.Platform = platform(i)
			j.Page(p, read(schemas.TopicSERPs, i, p.CreatedAt))
			for k := range 3 {
				e := dayEvent(i, k)
				j.Interaction(e, read(schemas.TopicInteractions, 3*i+k, e.ReceivedAt))
			}
		}
		each := (heap() - before) / searches
		t.Logf("%d bytes a search with 3 events, %s", each, name)
		if each > most {
			t.Errorf("%d bytes a search %s, want at most %d", each, name, most)
		}
		began := time.Now()
		size := &written{}
		if err := j.Save(size); err != nil {
			t.Fatal(err)
		}
		t.Logf("snapshot: %d bytes a search in %v", size.n/searches, time.Since(began))
		runtime.KeepAlive(j)
	}
}

type written struct{ n int }

func (w *written) Write(b []byte) (int, error) { w.n += len(b); return len(b), nil }

// TestFloodsAreBounded sends a million events of each kind that could fill the state.
func TestFloodsAreBounded(t *testing.T) {
	scaled(t)
	for name, flood := range map[string]func(i int) schemas.Interaction{
		"unknown queries": func(i int) schemas.Interaction { return dayEvent(i, 0) },
		"one query": func(i int) schemas.Interaction {
			e := dayEvent(0, 0)
			e.EventID = fmt.Sprint(i)
			return e
		},
		"one unknown query": func(i int) schemas.Interaction {
			e := dayEvent(77, 0)
			e.EventID = fmt.Sprint(i)
			return e
		},
	} {
		before := heap()
		p := newPipeline(t, outcome.DefaultConfig(), metrics.DefaultConfig())
		page := dayPage(0)
		p.Page(page, read(schemas.TopicSERPs, 0, page.CreatedAt))
		for i := range 1_000_000 {
			p.Interaction(flood(i), read(schemas.TopicInteractions, i, page.CreatedAt))
		}
		const most = 60 << 20 // 200,000 that wait, at some 200 bytes
		used := heap() - before
		_, waiting := p.Held()
		t.Logf("%s: %d MiB, %d wait", name, used>>20, waiting)
		if used > most || waiting > outcome.DefaultConfig().Waiting {
			t.Errorf("%s: %d MiB, %d wait", name, used>>20, waiting)
		}
		runtime.KeepAlive(p)
	}
}

func TestRandomValuesDoNotGrowTheCells(t *testing.T) {
	reg := prometheus.NewRegistry()
	w, err := metrics.New(metrics.DefaultConfig(), reg)
	if err != nil {
		t.Fatal(err)
	}
	shape := func(i int) *outcome.Shape {
		return &outcome.Shape{
			Route: fmt.Sprint("route", i), Tier: "llm", Market: fmt.Sprint("m", i), Platform: fmt.Sprint("p", i), Arm: fmt.Sprint("arm", i),
			Slots: []outcome.Slot{{ID: fmt.Sprint("s", i), Tool: fmt.Sprint("t", i)}},
		}
	}
	add := func(from, to int) (cells, series int) {
		for i := from; i < to; i++ {
			o := &outcome.Outcome{At: time.Now().Add(-time.Minute), Shape: shape(i), Sections: make([]outcome.Section, 1)}
			o.Sections[0].Slot = &o.Slots[0]
			w.Changed(outcome.Change{After: o})
		}
		families, err := reg.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			series += len(f.GetMetric())
		}
		return w.Cells(), series
	}
	cells, series := add(0, 1000)
	const perValue = 2 * (1 + 25 + 4*int(outcome.Stages)) // two windows: searches, rates, quantiles
	if most := 5 * 65 * perValue; series == 0 || series > most {
		t.Errorf("%d series, want at most %d", series, most)
	}
	moreCells, moreSeries := add(1000, 10_000)
	t.Logf("%d cells, %d series; after 9,000 more values %d and %d", cells, series, moreCells, moreSeries)
	if moreSeries > series+perValue*5 || moreCells > cells+2000 { // but for the turn of a minute
		t.Errorf("they grow from %d cells and %d series to %d and %d", cells, series, moreCells, moreSeries)
	}
}

// TestMemoryOfTheCells fills a day with the traffic of a busy service.
func TestMemoryOfTheCells(t *testing.T) {
	scaled(t)
	before := heap()
	w, err := metrics.New(metrics.DefaultConfig(), nil)
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 1))
	var shapes []*outcome.Shape
	for route := range 7 {
		for range 60 {
			s := &outcome.Shape{
				Route: fmt.Sprint("route", route), Tier: pick(r, schemas.SourceCache, schemas.SourceStudent, schemas.SourceLLM), Market: pick(r, "US", "GB", "SE", "BR", "IN"),
				Platform: pick(r, "web", "ios", "android"), Arm: pick(r, "e/a", "e/b"),
			}
			for k := range 3 {
				s.Slots = append(s.Slots, outcome.Slot{ID: fmt.Sprint("section", k), Tool: fmt.Sprint("tool", k)})
			}
			shapes = append(shapes, s)
		}
	}
	for i := range 1_000_000 {
		o := &outcome.Outcome{At: noon.Add(time.Duration(i) * 86 * time.Millisecond), Shape: shapes[r.IntN(len(shapes))], Sections: make([]outcome.Section, 3)}
		for k := range o.Sections {
			o.Sections[k].Slot = &o.Slots[k]
		}
		for s := range o.Timings {
			o.Timings[s] = outcome.BinOf(50 * (1 + r.ExpFloat64()))
		}
		if r.IntN(2) == 0 {
			o.First = outcome.First{OK: true, Ordinal: 1, After: time.Duration(r.ExpFloat64() * float64(20*time.Second))}
		}
		w.Changed(outcome.Change{After: o})
	}
	used := heap() - before
	var took time.Duration
	size := &written{}
	for range 2 { // the first one after a start saves every window, later ones those that have changed
		began := time.Now()
		if err := w.Save(size); err != nil {
			t.Fatal(err)
		}
		took = time.Since(began)
	}
	t.Logf("%d cells of a day with 1 M searches: %d MiB, saved in %v, %d MiB", w.Cells(), used>>20, took, size.n>>21)
	if used > 250<<20 || took > time.Second {
		t.Errorf("%d MiB, saved in %v", used>>20, took)
	}
	runtime.KeepAlive(w)
}

// BenchmarkInteractions takes events from their bytes to the windows.
func BenchmarkInteractions(b *testing.B) {
	const searches = 20_000
	p := newPipeline(b, outcome.DefaultConfig(), metrics.DefaultConfig())
	for i := range searches {
		page := dayPage(i)
		p.Page(page, read(schemas.TopicSERPs, i, page.CreatedAt))
	}
	records := make([][]byte, 3*searches)
	for i := range records {
		data, err := codec.Encode(dayEvent(i/3, i%3))
		if err != nil {
			b.Fatal(err)
		}
		records[i] = data
	}
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		e, err := codec.Decode[schemas.Interaction](records[n%len(records)])
		if err != nil {
			b.Fatal(err)
		}
		if round := n / len(records); round > 0 { // another 3 events for each search
			e.EventID = fmt.Sprint(e.EventID, "-", round)
		}
		p.Interaction(e, read(schemas.TopicInteractions, n, e.ReceivedAt))
		n++
	}
}

// BenchmarkPages takes pages from their bytes to the windows.
func BenchmarkPages(b *testing.B) {
	p := newPipeline(b, outcome.DefaultConfig(), metrics.DefaultConfig())
	records := make([][]byte, 20_000)
	for i := range records {
		data, err := codec.Encode(dayPage(i))
		if err != nil {
			b.Fatal(err)
		}
		records[i] = data
	}
	b.SetBytes(int64(len(records[0])))
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		page, err := codec.Decode[schemas.SERP](records[n%len(records)])
		if err != nil {
			b.Fatal(err)
		}
		if n >= len(records) {
			page.CorrelationID = spreadID(n)
		}
		p.Page(page, read(schemas.TopicSERPs, n, page.CreatedAt))
		n++
	}
}
