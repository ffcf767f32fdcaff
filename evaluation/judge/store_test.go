package judge_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parallel-fusion/pfr/evaluation/judge"
	"github.com/parallel-fusion/pfr/evaluation/testset"
	"github.com/parallel-fusion/pfr/internal/filelock"
)

// keep judges subjects behind a store in dir and returns the judgments as JSON.
func keep(t *testing.T, cfg judge.StoreConfig, j judge.Absolute, s []judge.Subject) string {
	t.Helper()
	store := openStore(t, cfg)
	defer closeAll(t, store)
	out, err := judge.RunPages(t.Context(), judge.DefaultRunConfig(), judge.NewCached(j, store), s)
	if err != nil {
		t.Fatal(err)
	}
	var judgments []judge.Judgment
	for _, o := range out {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
		judgments = append(judgments, o.Judgment)
	}
	return asJSON(t, judgments)
}

func TestSecondRunAsksNothing(t *testing.T) {
	dir, j := t.TempDir(), &scripted{id: "a"}
	first := keep(t, judge.StoreConfig{Dir: dir}, j, subjects(50))
	before, err := os.ReadFile(filepath.Join(dir, "judgments.jsonl"))
	if err != nil || j.count() != 50 {
		t.Fatalf("%d calls, %v", j.count(), err)
	}
	second := keep(t, judge.StoreConfig{Dir: dir}, j, subjects(50))
	after, err := os.ReadFile(filepath.Join(dir, "judgments.jsonl"))
	if err != nil || j.count() != 50 || first != second || !bytes.Equal(before, after) {
		t.Errorf("%d calls, %v\n%s\n%s", j.count(), err, first, second)
	}
	kept, err := judge.ReadStore(dir)
	if err != nil || len(kept) != 50 || kept[0].Raw != "{…}" || kept[0].Judge != "a" || kept[0].At.IsZero() {
		t.Errorf("%d kept, %+v, %v", len(kept), kept[0], err)
	}
}

// Whatever a judge may see is part of the key, and nothing else is.
func TestKey(t *testing.T) {
	dir := t.TempDir()
	item := func(s *judge.Subject) *judge.Item { return &s.Page.Sections[0].Items[0] }
	for name, tc := range map[string]struct {
		change func(*judge.Subject)
		anew   bool
	}{
		"nothing":       {func(*judge.Subject) {}, false},
		"name of case":  {func(s *judge.Subject) { s.Case.ID = "other" }, false},
		"gold":          {func(s *judge.Subject) { s.Case.Gold = []testset.Gold{{Route: "search"}} }, false},
		"needs":         {func(s *judge.Subject) { s.Case.Needs = &testset.Needs{Artist: "Ada"} }, false},
		"query":         {func(s *judge.Subject) { s.Case.Query += "!" }, true},
		"market":        {func(s *judge.Subject) { s.Case.Market = "SE" }, true},
		"today":         {func(s *judge.Subject) { s.Today = "2026-03-03" }, true},
		"no profile":    {func(s *judge.Subject) { s.Case.Profile = nil }, true},
		"likes":         {func(s *judge.Subject) { s.Case.Profile.Likes[0] = "organ" }, true},
		"feature":       {func(s *judge.Subject) { s.Case.Profile.Features["age"] = "40s" }, true},
		"notice":        {func(s *judge.Subject) { s.Page.Notice = "nothing found" }, true},
		"section title": {func(s *judge.Subject) { s.Page.Sections[0].Title = "More" }, true},
		"section text":  {func(s *judge.Subject) { s.Page.Sections[0].Text = "yes" }, true},
		"id":            {func(s *judge.Subject) { item(s).ID = "album:3" }, true},
		"title":         {func(s *judge.Subject) { item(s).Title = "Quiet Key" }, true},
		"artist":        {func(s *judge.Subject) { item(s).Artists[0] = "Ade" }, true},
		"genre":         {func(s *judge.Subject) { item(s).Genres = nil }, true},
		"date":          {func(s *judge.Subject) { item(s).ReleaseDate = "2025" }, true},
		"card":          {func(s *judge.Subject) { item(s).Card = "12 of 40 played it" }, true},
		"order":         {func(s *judge.Subject) { i := s.Page.Sections[0].Items; i[0], i[1] = i[1], i[0] }, true},
	} {
		base, j := subject(1), &scripted{id: name}
		keep(t, judge.StoreConfig{Dir: dir}, j, []judge.Subject{base})
		changed := subject(1)
		tc.change(&changed)
		keep(t, judge.StoreConfig{Dir: dir}, j, []judge.Subject{changed})
		if anew := j.count() == 2; anew != tc.anew {
			t.Errorf("%s: asked %d times", name, j.count())
		}
	}
	j := &scripted{id: "nothing, version 2"}
	if keep(t, judge.StoreConfig{Dir: dir}, j, subjects(2)[1:]); j.count() != 1 {
		t.Error("another judge takes the answers of the first")
	}
}

// A process that is killed while it writes an answer loses that answer and no other.
func TestTornLine(t *testing.T) {
	dir, j := t.TempDir(), &scripted{id: "a"}
	keep(t, judge.StoreConfig{Dir: dir}, j, subjects(2))
	file := filepath.Join(dir, "judgments.jsonl")
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	last := bytes.IndexByte(whole, '\n') + 1
	for cut := last; cut < len(whole); cut += 37 {
		if err := os.WriteFile(file, whole[:cut], 0o600); err != nil {
			t.Fatal(err)
		}
		before := j.count()
		keep(t, judge.StoreConfig{Dir: dir}, j, subjects(2))
		if kept, err := judge.ReadStore(dir); err != nil || len(kept) != 2 || j.count() != before+1 {
			t.Fatalf("cut at %d of %d: %d kept, %d calls, %v", cut, len(whole), len(kept), j.count()-before, err)
		}
	}
	if err := os.WriteFile(file, append([]byte("{\"key\":\n"), whole...), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := judge.OpenStore(judge.StoreConfig{Dir: dir}); err == nil || !strings.Contains(err.Error(), "judgments.jsonl: line 1:") {
		t.Errorf("a line that is whole and wrong: %v", err)
	}
	if _, err := judge.ReadStore(dir); err == nil {
		t.Error("a line that is whole and wrong is read")
	}
}

func TestOverwrite(t *testing.T) {
	dir := t.TempDir()
	keep(t, judge.StoreConfig{Dir: dir}, &scripted{id: "a"}, subjects(3))
	severe := &scripted{id: "a", answer: func(int, judge.Subject) (judge.Judgment, error) { return all("a", false), nil }}
	twice := append(subjects(3), subjects(3)...)
	anew := keep(t, judge.StoreConfig{Dir: dir, Overwrite: true}, severe, twice)
	if severe.count() != 3 || strings.Contains(anew, `"pass":true`) {
		t.Errorf("%d calls: %s", severe.count(), anew)
	}
	if after := keep(t, judge.StoreConfig{Dir: dir}, severe, twice); severe.count() != 3 || after != anew {
		t.Errorf("%d calls: %s", severe.count(), after)
	}
	if kept, err := judge.ReadStore(dir); err != nil || len(kept) != 3 || kept[0].Judgment.Verdicts[judge.Overall].Pass {
		t.Errorf("%+v, %v", kept, err)
	}
}

func TestOneProcessHasTheStore(t *testing.T) {
	cfg := judge.StoreConfig{Dir: t.TempDir()}
	s := openStore(t, cfg)
	if _, err := judge.OpenStore(cfg); !errors.Is(err, filelock.ErrLocked) {
		t.Errorf("a second store opens: %v", err)
	}
	closeAll(t, s)
	closeAll(t, openStore(t, cfg))
}

// Pages that are equal are judged once, also at the same time. An error is kept by nobody,
// and who asked pays for it.
func TestEqualPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := openStore(t, judge.StoreConfig{Dir: t.TempDir()})
		defer closeAll(t, store)
		same := make([]judge.Subject, 40)
		for i := range same {
			same[i] = subject(1)
		}
		j := &scripted{id: "a", answer: func(n int, _ judge.Subject) (judge.Judgment, error) {
			<-time.After(time.Second)
			if n == 1 {
				return judge.Judgment{CostUSD: .5}, errBusy
			}
			return all("a", true), nil
		}}
		cached := judge.NewCached(j, store)
		if out, err := cached.Judge(t.Context(), same[0]); !errors.Is(err, errBusy) || out.CostUSD != .5 || out.Cached {
			t.Errorf("%+v, %v", out, err)
		}
		var last judge.Progress
		cfg := judge.DefaultRunConfig()
		cfg.Progress = func(p judge.Progress) { last = p }
		if _, err := judge.RunPages(t.Context(), cfg, cached, same); err != nil {
			t.Fatal(err)
		}
		if j.count() != 2 || last != (judge.Progress{Done: 40, Of: 40, Cached: 39, CostUSD: .01}) {
			t.Errorf("%d calls, %+v", j.count(), last)
		}
	})
}

func TestCachedPairs(t *testing.T) {
	dir := t.TempDir()
	a, b := subject(1), subject(1)
	b.Page.Notice = "other"
	j := &chooser{id: "a", choose: func(first, _ judge.Subject) judge.Choice {
		if first.Page.Notice == "" {
			return judge.First
		}
		return judge.Second
	}}
	var outcomes []string
	for range 2 {
		store := openStore(t, judge.StoreConfig{Dir: dir})
		c, err := judge.Compare(t.Context(), judge.NewCachedPairs(j, store), a, b)
		if err != nil || c.Outcome != judge.First {
			t.Errorf("%+v, %v", c, err)
		}
		outcomes = append(outcomes, asJSON(t, c))
		closeAll(t, store)
	}
	kept, err := judge.ReadStore(dir)
	if j.calls != 2 || outcomes[0] != outcomes[1] || err != nil || len(kept) != 2 || kept[0].Hash != kept[1].Other {
		t.Errorf("%d calls, %v, %+v, %v", j.calls, outcomes, kept, err)
	}
}

func TestRecords(t *testing.T) {
	var b bytes.Buffer
	var want []judge.Record
	for _, s := range subjects(3) {
		r, err := judge.NewRecord("pfr", s)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, r)
	}
	if err := judge.WriteRecords(&b, want); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	got, err := judge.ReadRecords(&b)
	if err != nil || asJSON(t, got) != asJSON(t, want) {
		t.Errorf("%v, %v", got, err)
	}
	_, err = judge.ReadRecords(strings.NewReader(strings.Replace(text, "Slow Hands", "Slow Hand", 1)))
	if err == nil || !strings.Contains(err.Error(), "record 1, case c0") {
		t.Errorf("a page that was changed: %v", err)
	}
	if _, err := judge.ReadRecords(strings.NewReader(text + "{")); err == nil {
		t.Error("half a record is read")
	}
}
