package posttraining_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/parallel-fusion/pfr/internal/filelock"
	posttraining "github.com/parallel-fusion/pfr/post-training"
)

// However often a run stops at a limit, whatever end of its journal is lost, and however many
// queries are sampled at once, it comes to the same bytes.
func TestAnyInterruptions(t *testing.T) {
	if os.Getenv("PFR_TEST_SCALE") != "1" {
		t.Log("8 histories instead of 100: PFR_TEST_SCALE is not 1")
		checks := flag.Lookup("rapid.checks")
		before := checks.Value.String()
		_ = checks.Value.Set("8") // a number
		t.Cleanup(func() { _ = checks.Value.Set(before) })
	}
	s := manyQueries(t, 12)
	alone := t.TempDir()
	cfg := killConfig(alone)
	if _, err := sample(t, cfg, parts(t, s)); err != nil {
		t.Fatal(err)
	}
	want := outputs(t, alone)
	rapid.Check(t, func(rt *rapid.T) {
		dir := t.TempDir()
		cfg := killConfig(dir)
		for range rapid.IntRange(0, 4).Draw(rt, "interruptions") {
			cfg.Parallel = rapid.IntRange(1, 6).Draw(rt, "parallel")
			cfg.MaxCalls = rapid.IntRange(1, 40).Draw(rt, "calls")
			if _, err := sample(t, cfg, parts(t, s)); err != nil && !errors.Is(err, posttraining.ErrMaxCalls) {
				rt.Fatal(err)
			}
			journal := filepath.Join(dir, "journal.jsonl")
			size := len(read(t, journal))
			if err := os.Truncate(journal, int64(size-rapid.IntRange(0, size).Draw(rt, "lost"))); err != nil {
				rt.Fatal(err)
			}
		}
		cfg.MaxCalls, cfg.Parallel = 0, rapid.IntRange(1, 6).Draw(rt, "parallel at last")
		if _, err := sample(t, cfg, parts(t, s)); err != nil {
			rt.Fatal(err)
		}
		if got := outputs(t, dir); got != want {
			rt.Fatalf("the outputs differ:\n%s", got)
		}
	})
}

// A limit stops a run cleanly, with outputs of what is there; a higher one goes on, and what
// was spent before counts.
func TestLimits(t *testing.T) {
	s := manyQueries(t, 20)
	for name, set := range map[string]func(c *posttraining.Config, level int) error{
		"calls": func(c *posttraining.Config, level int) error {
			c.MaxCalls = 10 * level
			return posttraining.ErrMaxCalls
		},
		"cost": func(c *posttraining.Config, level int) error {
			c.MaxCostUSD = 0.012 * float64(level) // ten samples with their judgments
			return posttraining.ErrMaxCost
		},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := config(t.TempDir())
			cfg.Parallel = 2
			for level := 1; level <= 2; level++ {
				want := set(&cfg, level)
				stats, err := sample(t, cfg, parts(t, s))
				if !errors.Is(err, want) {
					t.Fatalf("level %d: %v, want %v", level, err, want)
				}
				// Each of two at once may pass the limit of cost by one.
				if stats.Calls < 10*level || stats.Calls > 10*level+2 || stats.Waiting == 0 || stats.Queries != 20 {
					t.Errorf("level %d: %d calls, %d waiting of %d", level, stats.Calls, stats.Waiting, stats.Queries)
				}
				if rows, err := posttraining.Read(cfg.Dir); err != nil || len(rows.Rows) != stats.Accepted || len(rows.Rows) == 0 || len(rows.Hard) != stats.Hard {
					t.Errorf("level %d: %d rows of %d, %d hard of %d, %v", level, len(rows.Rows), stats.Accepted, len(rows.Hard), stats.Hard, err)
				}
			}
			cfg.MaxCalls, cfg.MaxCostUSD = 0, 0
			stats, err := sample(t, cfg, parts(t, s))
			if err != nil || stats.Waiting != 0 {
				t.Errorf("without a limit: %d waiting, %v", stats.Waiting, err)
			}
			again, err := sample(t, cfg, parts(t, s))
			if err != nil || again.Calls != stats.Calls {
				t.Errorf("a run that is done asks again: %d calls after %d, %v", again.Calls, stats.Calls, err)
			}
		})
	}
}

// The settings that rows depend on are those of the folder; others go on in it.
func TestAnotherRunIsRefused(t *testing.T) {
	s := manyQueries(t, 3)
	dir := t.TempDir()
	if _, err := sample(t, config(dir), parts(t, s)); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*posttraining.Config, *posttraining.Parts){
		"seed":             func(c *posttraining.Config, _ *posttraining.Parts) { c.Seed = 9 },
		"attempts":         func(c *posttraining.Config, _ *posttraining.Parts) { c.Attempts = 9 },
		"keep":             func(c *posttraining.Config, _ *posttraining.Parts) { c.Keep = 2 },
		"evaluation judge": func(c *posttraining.Config, _ *posttraining.Parts) { c.EvaluationJudge = "else" },
		"teachers": func(_ *posttraining.Config, p *posttraining.Parts) {
			p.Teachers = []posttraining.Teacher{scripted{script: s, id: "else"}}
		},
		"judge":   func(_ *posttraining.Config, p *posttraining.Parts) { p.Judge = scriptedJudge{s, "else"} },
		"gates":   func(_ *posttraining.Config, p *posttraining.Parts) { p.Gates = nil },
		"form":    func(_ *posttraining.Config, p *posttraining.Parts) { p.Form = plainForm{"else"} },
		"queries": func(_ *posttraining.Config, p *posttraining.Parts) { p.Queries = p.Queries[1:] },
	} {
		cfg, p := config(dir), parts(t, s)
		change(&cfg, &p)
		if _, err := sample(t, cfg, p); !errors.Is(err, posttraining.ErrOtherRun) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	cfg, p := config(dir), parts(t, s)
	cfg.Parallel, cfg.MaxCalls = 5, 100
	slices.Reverse(p.Queries) // their order is no matter
	if _, err := sample(t, cfg, p); err != nil {
		t.Error(err)
	}
}

func TestOpenRefuses(t *testing.T) {
	s := manyQueries(t, 2)
	for want, change := range map[string]func(*posttraining.Config, *posttraining.Parts){
		"must not be the evaluation judge":    func(c *posttraining.Config, _ *posttraining.Parts) { c.EvaluationJudge = "strict" },
		"say who will judge":                  func(c *posttraining.Config, _ *posttraining.Parts) { c.EvaluationJudge = "" },
		"is there twice":                      func(_ *posttraining.Config, p *posttraining.Parts) { p.Queries = append(p.Queries, p.Queries[0]) },
		"of the split \"test\"":               func(_ *posttraining.Config, p *posttraining.Parts) { p.Queries[1].Split = "test" },
		"there are no queries":                func(_ *posttraining.Config, p *posttraining.Parts) { p.Queries = nil },
		"needs a teacher that is asked first": func(_ *posttraining.Config, p *posttraining.Parts) { p.Teachers = nil },
		"attempts 0":                          func(c *posttraining.Config, _ *posttraining.Parts) { c.Attempts = 0 },
	} {
		asked := false
		cfg, p := config(t.TempDir()), parts(t, s)
		p.Queries = slices.Clone(p.Queries)
		p.Teachers = []posttraining.Teacher{scripted{script: s, id: "oracle", before: func(posttraining.Ask) error { asked = true; return nil }}}
		change(&cfg, &p)
		if _, err := sample(t, cfg, p); err == nil || !strings.Contains(err.Error(), want) || asked {
			t.Errorf("%s: %v, asked %v", want, err, asked)
		}
	}
}

// Two runs cannot have a folder at once.
func TestFolderIsLocked(t *testing.T) {
	cfg, p := config(t.TempDir()), parts(t, manyQueries(t, 2))
	r, err := posttraining.Open(cfg, p, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if _, err := sample(t, cfg, p); !errors.Is(err, filelock.ErrLocked) {
		t.Errorf("second run: %v", err)
	}
}

// A journal that is damaged before its end, has gaps or is of other queries is refused.
func TestDamagedJournal(t *testing.T) {
	s := manyQueries(t, 4)
	dir := t.TempDir()
	cfg := config(dir)
	cfg.Parallel = 1
	if _, err := sample(t, cfg, parts(t, s)); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "journal.jsonl")
	lines := strings.SplitAfter(strings.TrimSuffix(read(t, path), "\n"), "\n")
	for name, damaged := range map[string][]string{
		"no record":    slices.Insert(slices.Clone(lines), 1, "{\"query\":\n"),
		"twice":        slices.Insert(slices.Clone(lines), 1, lines[0]),
		"gap":          slices.Delete(slices.Clone(lines), 1, 2),
		"other query":  slices.Insert(slices.Clone(lines), 0, strings.Replace(lines[0], "q000", "other", 1)),
		"zero attempt": slices.Insert(slices.Clone(lines), 0, strings.Replace(lines[0], `"attempt":1`, `"attempt":0`, 1)),
	} {
		if err := os.WriteFile(path, []byte(strings.Join(damaged, "")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := sample(t, cfg, parts(t, s)); !errors.Is(err, posttraining.ErrJournal) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Seeds depend on the run's seed, the query and the attempt alone; several teachers are asked
// in turn, each as often first.
func TestSeedsAndTurns(t *testing.T) {
	s := manyQueries(t, 200)
	seeds := map[string]uint64{}
	first := map[string]int{}
	note := func(id string) scripted {
		return scripted{script: s, id: id, before: func(a posttraining.Ask) error {
			key := fmt.Sprint(a.Query.ID, a.Attempt)
			if old, there := seeds[key]; there && old != a.Seed {
				return fmt.Errorf("attempt %s has seeds %d and %d", key, old, a.Seed)
			}
			seeds[key] = a.Seed
			if a.Attempt == 1 {
				first[id]++
			}
			return nil
		}}
	}
	for range 2 {
		cfg, p := config(t.TempDir()), parts(t, s)
		cfg.Parallel = 1 // the notes are not guarded
		p.Teachers = []posttraining.Teacher{note("one"), note("two")}
		if _, err := sample(t, cfg, p); err != nil {
			t.Fatal(err)
		}
		rows, err := posttraining.Read(cfg.Dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows.Rejections {
			if r.Attempt == 2 && r.QueryID == rows.Rejections[0].QueryID && r.Teacher == rows.Rejections[0].Teacher {
				t.Errorf("%s was asked twice in a row", r.Teacher)
			}
		}
	}
	distinct := map[uint64]bool{}
	for _, v := range seeds {
		distinct[v] = true
	}
	if len(distinct) != len(seeds) || first["one"] < 140 || first["two"] < 140 {
		t.Errorf("%d seeds of %d attempts; asked first %v", len(distinct), len(seeds), first)
	}
}

// A teacher that cannot be asked is asked again, later and later; after that the run stops
// and what was finished stays.
func TestTeacherIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := manyQueries(t, 4)
		cfg, p := config(t.TempDir()), parts(t, s)
		cfg.Parallel, cfg.Retry = 1, posttraining.Retry{Times: 3, First: time.Second}
		away := errors.New("connection refused")
		var failures atomic.Int32
		failures.Store(2) // then it is back
		p.Teachers = []posttraining.Teacher{scripted{script: s, id: "oracle", before: func(a posttraining.Ask) error {
			if a.Query.ID == "q002" && failures.Add(-1) >= 0 {
				return away
			}
			return nil
		}}}
		began := time.Now()
		if stats, err := sample(t, cfg, p); err != nil || stats.Waiting != 0 || time.Since(began) != 3*time.Second {
			t.Fatalf("back after two: %d waiting after %v, %v", stats.Waiting, time.Since(began), err)
		}
		cfg.Dir = t.TempDir()
		failures.Store(1000)
		began = time.Now()
		stats, err := sample(t, cfg, p)
		if !errors.Is(err, away) || !strings.Contains(err.Error(), "q002") || stats.Waiting != 2 || time.Since(began) != 7*time.Second {
			t.Fatalf("away: %d waiting after %v, %v", stats.Waiting, time.Since(began), err)
		}
		failures.Store(0)
		if stats, err := sample(t, cfg, p); err != nil || stats.Waiting != 0 {
			t.Fatalf("back: %d waiting, %v", stats.Waiting, err)
		}
	})
}

// What was paid for a sample that nobody could judge counts against the limit of cost, in later
// runs too, and changes no row.
func TestCostOfUnfinishedAttempts(t *testing.T) {
	s := manyQueries(t, 4)
	cfg, p := config(t.TempDir()), parts(t, s)
	cfg.Parallel = 1
	if _, err := sample(t, cfg, p); err != nil {
		t.Fatal(err)
	}
	want := read(t, filepath.Join(cfg.Dir, "rows.jsonl"))

	cfg.Dir = t.TempDir()
	judge := p.Judge
	p.Judge = absent(judge.ID())
	const runs = 3
	var stats posttraining.Stats
	for range runs {
		var err error
		if stats, err = sample(t, cfg, p); err == nil || !strings.Contains(err.Error(), "away") {
			t.Fatal(err)
		}
	}
	if stats.Calls != 0 || stats.LostUSD <= 0 || stats.CostUSD != stats.LostUSD {
		t.Fatalf("%+v", stats)
	}
	limited := cfg
	limited.MaxCostUSD = stats.LostUSD
	if _, err := sample(t, limited, p); !errors.Is(err, posttraining.ErrMaxCost) {
		t.Errorf("what was lost is free: %v", err)
	}
	limited.MaxCostUSD, limited.MaxCalls = 0, runs
	if _, err := sample(t, limited, p); !errors.Is(err, posttraining.ErrMaxCalls) {
		t.Errorf("calls that were lost do not count: %v", err)
	}
	p.Judge = judge
	after, err := sample(t, cfg, p)
	if err != nil || after.LostUSD != stats.LostUSD || read(t, filepath.Join(cfg.Dir, "rows.jsonl")) != want {
		t.Errorf("%+v: %v", after, err)
	}
	if _, err := posttraining.Check(cfg.Dir); err != nil {
		t.Error(err)
	}
}

// absent is a judge that cannot be asked, by its ID.
type absent string

func (a absent) ID() string { return string(a) }

func (absent) Judge(context.Context, posttraining.Query, posttraining.Decision) (posttraining.Verdict, error) {
	return posttraining.Verdict{}, errors.New("away")
}

// When its context ends a run finishes the attempts under way and no more.
func TestInterrupt(t *testing.T) {
	s := manyQueries(t, 50)
	cfg, p := config(t.TempDir()), parts(t, s)
	cfg.Parallel = 2
	ctx, cancel := context.WithCancel(t.Context())
	var asked atomic.Int32
	p.Teachers = []posttraining.Teacher{scripted{script: s, id: "oracle", before: func(posttraining.Ask) error {
		if asked.Add(1) == 10 {
			cancel()
		}
		return nil
	}}}
	r, err := posttraining.Open(cfg, p, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	var last posttraining.Progress
	stats, err := r.Sample(ctx, func(p posttraining.Progress) { last = p })
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if !errors.Is(err, context.Canceled) || stats.Calls < 10 || stats.Calls > 11 || stats.Waiting == 0 || last.Calls < 10 {
		t.Errorf("%d calls, %d waiting, progress %+v, %v", stats.Calls, stats.Waiting, last, err)
	}
	if stats, err := sample(t, cfg, p); err != nil || stats.Waiting != 0 {
		t.Errorf("afterwards: %d waiting, %v", stats.Waiting, err)
	}
}
