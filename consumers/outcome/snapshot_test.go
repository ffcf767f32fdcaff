package outcome_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/parallel-fusion/pfr/consumers/outcome"
	"github.com/parallel-fusion/pfr/schemas"
)

// total is a part: it counts clicks.
type total struct {
	clicks byte
	broken bool
}

func (p *total) Changed(c outcome.Change) {
	if c.Before != nil {
		p.clicks -= byte(c.Before.Clicks)
	}
	p.clicks += byte(c.After.Clicks)
}
func (p *total) Settled(time.Time) {}
func (p *total) Name() string      { return "total" }
func (p *total) Save(w io.Writer) error {
	if p.broken {
		return errors.New("broken")
	}
	_, err := w.Write([]byte{p.clicks})
	return err
}

func (p *total) Load(r io.Reader) error {
	all, err := io.ReadAll(r)
	p.clicks = 0
	if len(all) == 1 {
		p.clicks = all[0]
	}
	return err
}

// filled is a bench with 50 searches of two clicks, and 10 events that wait.
func filled(t *testing.T) (*bench, *total) {
	t.Helper()
	p := &total{}
	b := newBench(t, outcome.DefaultConfig(), p)
	for i := range 50 {
		b.page(i, fmt.Sprint("text ", i), time.Duration(i)*time.Second)
		b.click("e", i, time.Minute)
		b.click("f", i, 2*time.Minute)
	}
	for i := range 10 {
		b.click("waits", 100+i, time.Minute)
	}
	return b, p
}

// duringFirst calls do when the first bytes are written.
type duringFirst struct {
	bytes.Buffer
	once sync.Once
	do   func()
}

func (w *duringFirst) Write(b []byte) (int, error) {
	w.once.Do(w.do)
	return w.Buffer.Write(b)
}

// all returns what holds for every search of b, told anew.
func (b *bench) all(t *testing.T) map[outcome.ID]string {
	t.Helper()
	told := newBench(t, outcome.DefaultConfig())
	told.holds = maps.Clone(b.holds)
	return told.holds
}

func TestSnapshotIsOnePointInTime(t *testing.T) {
	b, p := filled(t)
	want := b.all(t)
	var file duringFirst
	file.do = func() { // everything changes while it is saved
		for i := range 50 {
			b.click("later", i, 3*time.Minute)
		}
		for i := range 10 {
			b.page(100+i, "late", 0)
		}
		b.click("waits", 200, time.Minute)
		b.Erase("00000000000000c1")
	}
	if err := b.Save(&file); err != nil {
		t.Fatal(err)
	}
	if p.clicks != 160 {
		t.Fatalf("%d clicks", p.clicks)
	}
	restored := &total{}
	c := newBench(t, outcome.DefaultConfig(), restored)
	c.holds = maps.Clone(want) // what holds, as a part would have saved it
	if err := c.Load(&file.Buffer); err != nil {
		t.Fatal(err)
	}
	if held, waiting := c.Held(); held != 50 || waiting != 10 {
		t.Errorf("%d held, %d wait", held, waiting)
	}
	if restored.clicks != 100 {
		t.Errorf("%d clicks, want those of the beginning", restored.clicks)
	}
	if next := c.Next(schemas.TopicInteractions); next[0] != 110 {
		t.Errorf("next offsets %v", next)
	}
	c.next = map[string]int64{schemas.TopicSERPs: 0, schemas.TopicInteractions: 0}
	for i := range 50 { // read again: in the snapshot already
		c.page(i, fmt.Sprint("text ", i), time.Duration(i)*time.Second)
		c.click("e", i, time.Minute)
		c.click("f", i, 2*time.Minute)
	}
	for i := range 10 {
		c.click("waits", 100+i, time.Minute)
	}
	if !maps.Equal(c.holds, want) {
		t.Error("what was read again changed something")
	}
	for i := range 50 { // the ledger checks that each search is as it was
		c.click("later", i, 3*time.Minute)
	}
	for i := range 10 {
		c.page(100+i, "late", 0)
	}
	c.Erase("00000000000000c1")
	if !maps.Equal(c.holds, b.holds) {
		t.Error("the same records end otherwise after a restart")
	}
}

// icebox is a part that is frozen. Its Save must not be called.
type icebox struct {
	total
	fails bool
	while func() // the frozen state is written
}

func (p *icebox) Name() string         { return "icebox" }
func (p *icebox) Save(io.Writer) error { return errors.New("saved while the join stands still") }

func (p *icebox) Freeze() func(io.Writer) error {
	clicks := p.clicks
	return func(w io.Writer) error {
		if p.while(); p.fails {
			return errors.New("broken")
		}
		_, err := w.Write([]byte{clicks})
		return err
	}
}

func TestFrozenPartsAreEncodedWhileTheJoinGoesOn(t *testing.T) {
	p := &icebox{}
	b := newBench(t, outcome.DefaultConfig(), p)
	b.page(1, "jazz", 0)
	b.click("before", 1, time.Second)
	p.while = func() { b.click("meanwhile", 1, 2*time.Second) } // it would wait for ever for a join that stands still
	var file bytes.Buffer
	if err := b.Save(&file); err != nil {
		t.Fatal(err)
	}
	restored := &icebox{}
	c := newBench(t, outcome.DefaultConfig(), restored)
	if err := c.Load(&file); err != nil {
		t.Fatal(err)
	}
	if next := c.Next(schemas.TopicInteractions); p.clicks != 2 || restored.clicks != 1 || next[0] != 1 {
		t.Errorf("%d clicks, saved %d, to be read from %v", p.clicks, restored.clicks, next)
	}
	p.fails, p.while = true, func() {}
	if err := b.Save(io.Discard); err == nil {
		t.Error("a part that cannot be written is no error")
	}
	p.fails = false
	if err := b.Save(io.Discard); err != nil {
		t.Errorf("after an error: %v", err)
	}
}

func TestDamagedSnapshotsAreRefused(t *testing.T) {
	b, _ := filled(t)
	var file bytes.Buffer
	if err := b.Save(&file); err != nil {
		t.Fatal(err)
	}
	whole := file.Bytes()
	refused := func(what string, data []byte) {
		t.Helper()
		p := &total{clicks: 9}
		c := newBench(t, outcome.DefaultConfig(), p)
		if err := c.Load(bytes.NewReader(data)); !errors.Is(err, outcome.ErrDamaged) {
			t.Fatalf("%s: %v", what, err)
		}
		if held, waiting := c.Held(); held+waiting+int(p.clicks)+len(c.Next(schemas.TopicSERPs)) != 0 {
			t.Fatalf("%s: something is left: %d %d %d", what, held, waiting, p.clicks)
		}
	}
	for cut := 0; cut < len(whole); cut += 1 + len(whole)/300 {
		refused(fmt.Sprint("cut at ", cut), whole[:cut])
	}
	for at := 0; at < len(whole); at += 1 + len(whole)/300 {
		broken := bytes.Clone(whole)
		broken[at] ^= 0x10
		refused(fmt.Sprint("a bit at ", at), broken)
	}
	other, err := outcome.New(outcome.DefaultConfig(), nil)
	if err != nil {
		t.Fatal(err)
	}
	file.Reset()
	if err := other.Save(&file); err != nil {
		t.Fatal(err)
	}
	refused("without the part", file.Bytes())
}

func TestStore(t *testing.T) {
	folder, reg := filepath.Join(t.TempDir(), "state"), prometheus.NewRegistry()
	store, err := outcome.NewStore(folder, slog.New(slog.DiscardHandler), reg)
	if err != nil {
		t.Fatal(err)
	}
	load := func() (found bool, clicks byte) {
		t.Helper()
		p := &total{}
		c := newBench(t, outcome.DefaultConfig(), p)
		found, err := store.Load(c.Join)
		if err != nil {
			t.Fatal(err)
		}
		return found, p.clicks
	}
	expect := func(what string, wantFound bool, want byte) {
		t.Helper()
		if found, clicks := load(); found != wantFound || clicks != want {
			t.Errorf("%s: found %v with %d clicks, want %v with %d", what, found, clicks, wantFound, want)
		}
	}
	damage := func(name string) {
		t.Helper()
		path := filepath.Join(folder, name)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, info.Size()-3); err != nil {
			t.Fatal(err)
		}
	}
	expect("nothing yet", false, 0)
	b, p := filled(t)
	save := func() {
		t.Helper()
		if err := store.Save(b.Join); err != nil {
			t.Fatal(err)
		}
	}
	save()
	b.click("g", 1, time.Minute)
	save()
	expect("the last one", true, 101)
	damage("outcomes.snapshot")
	expect("the one before", true, 100)
	damage("outcomes.snapshot.previous")
	expect("none is whole", false, 0)
	save()
	if err := os.Rename(filepath.Join(folder, "outcomes.snapshot"), filepath.Join(folder, "outcomes.snapshot.previous")); err != nil {
		t.Fatal(err)
	}
	expect("a crash between two renames", true, 101)
	save()
	p.broken = true
	if err := store.Save(b.Join); err == nil {
		t.Error("a part that cannot be saved is no error")
	}
	p.broken = false
	expect("a save that went wrong", true, 101)
	want := "# HELP pfr_outcome_snapshot_failures_total Snapshots that could not be saved.\n# TYPE pfr_outcome_snapshot_failures_total counter\npfr_outcome_snapshot_failures_total 1\n"
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want)); err != nil {
		t.Error(err)
	}
}

func TestErasedIsInNoSnapshot(t *testing.T) {
	folder := t.TempDir()
	store, err := outcome.NewStore(folder, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := filled(t)
	knows := func() (known bool) {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(folder, "*"))
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for _, f := range files {
			data, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			known = known || bytes.Contains(data, []byte("text 7")) || bytes.Contains(data, []byte{0, 0, 0, 0, 0, 0, 0, 0xe1})
		}
		return known
	}
	for range 2 {
		if err := store.Save(b.Join); err != nil {
			t.Fatal(err)
		}
	}
	if !knows() {
		t.Fatal("the test looks in the wrong place")
	}
	b.Erase("00000000000000e1")
	if err := errors.Join(store.Save(b.Join), store.DropPrevious()); err != nil {
		t.Fatal(err)
	}
	if knows() {
		t.Error("a snapshot still knows who asked")
	}
}

// TestUseFromManySides is for the race detector: topics are read while the state is saved,
// searched for whom to erase, and asked how far it is.
func TestUseFromManySides(t *testing.T) {
	b := newBench(t, outcome.DefaultConfig())

	at := func(topic string, i int) outcome.Record {
		return outcome.Record{Topic: topic, Offset: int64(i), Time: noon}
	}
	var all sync.WaitGroup
	for _, do := range []func(i int){
		func(i int) {
			b.Page(schemas.SERP{CorrelationID: id(i), Query: "q", Route: schemas.RouteSummary{Name: "r"}, CreatedAt: noon}, at(schemas.TopicSERPs, i))
		},
		func(i int) {
			e := click("e", i, 0)
			e.SectionID = ""
			b.Interaction(e, at(schemas.TopicInteractions, i))
		},
		func(i int) {
			if i%50 == 0 {
				if err := b.Save(io.Discard); err != nil {
					t.Error(err)
				}
			}
			b.Watermark()
			b.Next(schemas.TopicSERPs)
			b.Erase("nobody")
			b.Idle(schemas.TopicSERPs, noon)
		},
	} {
		all.Go(func() {
			for i := range 200 {
				do(i)
			}
		})
	}
	all.Wait()
	if held, waiting := b.Held(); held != 200 || waiting != 0 || b.counter(t, "events_total", "joined") != 200 {
		t.Errorf("%d held, %d wait", held, waiting)
	}
}
