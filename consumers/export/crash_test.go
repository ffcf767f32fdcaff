package export_test

import (
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"github.com/parallel-fusion/pfr/consumers/export"
)

var errPower = errors.New("the power is gone")

// power is a disk whose power fails at a step. What was not synced by then is lost or kept
// as the coin falls: contents of files, names of new files, and moves.
type power struct {
	dir  string
	left int // steps until it fails; negative is never
	coin func() bool

	steps   int
	dead    bool
	dirty   map[string]bool // files with contents that were not synced
	created map[string]bool // files whose names were not
	moves   []moved         // that were not
}

type moved struct {
	from, to string
	before   []byte // what was there; nil for nothing
}

func newPower(dir string, left int, coin func() bool) *power {
	return &power{dir: dir, left: left, coin: coin, dirty: map[string]bool{}, created: map[string]bool{}}
}

func (p *power) step(s export.Step) error {
	if p.dead {
		return errPower
	}
	if p.steps == p.left {
		p.dead = true
		p.lose()
		return errPower
	}
	p.steps++
	switch s.Op {
	case "create":
		p.created[s.Name] = true
	case "write":
		p.dirty[s.Name] = true
	case "sync":
		delete(p.dirty, s.Name)
	case "rename":
		before, _ := os.ReadFile(filepath.Join(p.dir, s.To))
		p.moves = append(p.moves, moved{s.Name, s.To, before})
		delete(p.created, s.Name)
	case "syncdir":
		maps.DeleteFunc(p.created, func(name string, _ bool) bool { return path.Dir(name) == s.Name })
		p.moves = slices.DeleteFunc(p.moves, func(m moved) bool { return path.Dir(m.to) == s.Name })
	}
	return nil
}

// lose takes from the disk what was not synced.
func (p *power) lose() {
	full := func(name string) string { return filepath.Join(p.dir, name) }
	for _, m := range slices.Backward(p.moves) {
		if !p.coin() {
			continue
		}
		_ = os.Rename(full(m.to), full(m.from))
		if m.before != nil {
			_ = os.WriteFile(full(m.to), m.before, 0o600)
		}
	}
	for name := range p.dirty {
		if info, err := os.Stat(full(name)); err == nil && p.coin() {
			_ = os.Truncate(full(name), info.Size()/2)
		}
	}
	for name := range p.created {
		if p.coin() {
			_ = os.Remove(full(name))
		}
	}
}

// run exports what is left of the records, until the power fails or all is flushed. It
// reports whether all is.
func run(t tb, cfg export.Config, records []record, p *power) bool {
	e, err := export.OpenWith(cfg, masks{}, nil, p.step)
	if err == nil {
		for _, r := range rest(e, records) {
			if err = r.feed(t.Context(), e); err != nil {
				break
			}
		}
		if err == nil {
			err = e.Flush(t.Context())
		}
		if again := e.Flush(t.Context()); (err == nil) != (again == nil) {
			t.Errorf("after %v the exporter goes on with %v", err, again)
		}
		_ = e.Close()
	}
	if err != nil && !errors.Is(err, errPower) {
		t.Fatalf("run: %v", err)
	}
	return err == nil
}

// A crash at each step, with everything lost that was not synced or with everything kept: a
// reader never sees a row twice, what it has seen stays, and in the end each record is there
// once. By default every eighth step is tried in one way, with PFR_TEST_SCALE=1 all in both.
func TestCrashAtEveryStep(t *testing.T) {
	records, tried, stride := workload(3), 0, 8
	if os.Getenv("PFR_TEST_SCALE") == "1" {
		stride = 1
	}
	for _, lost := range []bool{true, false} {
		crash := 0
		if !lost {
			crash = stride / 2
		}
		for done := false; !done; crash += stride {
			cfg := config(filepath.Join(t.TempDir(), "lake"))
			cfg.ChunkRows = 2
			done = run(t, cfg, records, newPower(cfg.Dir, crash, func() bool { return lost }))
			finish(t, cfg, records)
			tried++
		}
	}
	if tried < 2*100/stride {
		t.Errorf("only %d steps were tried", tried)
	}
	t.Logf("%d crashes", tried)
}

// finish continues after a crash, with chunks of another size, and compares.
func finish(t tb, cfg export.Config, records []record) {
	cfg.ChunkRows++
	before := visible(t, cfg.Dir)
	if !run(t, cfg, records, newPower(cfg.Dir, -1, nil)) {
		t.Fatal("the power failed by itself")
	}
	after := visible(t, cfg.Dir)
	for key := range before {
		if after[key] == nil {
			t.Errorf("%s was there, and is gone", key)
		}
	}
	complete(t, cfg.Dir, records)
	left, err := os.ReadDir(filepath.Join(cfg.Dir, "_tmp"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// Any records, any way to cut them, power failures at any steps, also while the last one is
// mended, and any part of what was not synced lost.
func TestAnyCrashes(t *testing.T) {
	base, left := t.TempDir(), 10
	if os.Getenv("PFR_TEST_SCALE") == "1" {
		left = 1000
	}
	rapid.Check(t, func(t *rapid.T) {
		if left--; left < 0 {
			return // each takes its time on a real disk
		}
		dir := filepath.Join(base, strconv.Itoa(left))
		cfg := config(dir)
		cfg.ChunkRows = rapid.IntRange(1, 12).Draw(t, "rows of a chunk")
		cfg.OpenBytes = rapid.SampledFrom([]int{cfg.OpenBytes, 4000}).Draw(t, "open bytes")
		records := anyRecords(t)
		coin := rapid.Uint64().Draw(t, "coin")
		rng := rand.New(rand.NewPCG(coin, 1))
		for range rapid.IntRange(1, 4).Draw(t, "crashes") {
			left := rapid.IntRange(0, 150).Draw(t, "steps")
			run(t, cfg, records, newPower(dir, left, func() bool { return rng.IntN(2) == 0 }))
		}
		finish(t, cfg, records)
	})
}

// anyRecords draws records over three partitions, with gaps between their offsets.
func anyRecords(t *rapid.T) []record {
	var records []record
	next := map[int]int64{}
	for i := range rapid.IntRange(1, 40).Draw(t, "records") {
		partition := rapid.IntRange(0, 2).Draw(t, "partition")
		offset := next[partition] + int64(rapid.SampledFrom([]int{0, 0, 0, 1, 50}).Draw(t, "gap"))
		next[partition] = offset + 1
		if rapid.Bool().Draw(t, "page") {
			records = append(records, pageAt(i, partition, offset))
		} else {
			records = append(records, eventAt(i, partition, offset))
		}
	}
	return records
}
