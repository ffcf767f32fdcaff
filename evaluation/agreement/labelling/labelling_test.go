package labelling_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/evaluation/agreement"
	"github.com/parallel-fusion/pfr/evaluation/agreement/labelling"
	"github.com/parallel-fusion/pfr/evaluation/judge"
	"github.com/parallel-fusion/pfr/evaluation/testset"
)

// records are pages of so many cases by two systems. Every third case has equal pages.
func records(t *testing.T, cases int) []judge.Record {
	t.Helper()
	var out []judge.Record
	for i := range cases {
		for n, system := range []string{"pfr", "regular search"} {
			s := judge.Subject{Case: testset.Case{ID: fmt.Sprint("c", i), Query: fmt.Sprint("q", i), UseCase: testset.BroadMusic}, Today: "2026-03-02"}
			if i%3 > 0 {
				s.Page.Notice = fmt.Sprint(n)
			}
			r, err := judge.NewRecord(system, s)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, r)
		}
	}
	return out
}

func tasks(t *testing.T, cfg labelling.Config, records []judge.Record) []labelling.Task {
	t.Helper()
	out, err := labelling.Tasks(cfg, records)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func items(tasks []labelling.Task) string {
	var b strings.Builder
	for _, t := range tasks {
		fmt.Fprintln(&b, t.Item)
	}
	return b.String()
}

func TestTasks(t *testing.T) {
	all := records(t, 30)
	ada, bo := labelling.DefaultConfig(), labelling.DefaultConfig()
	ada.Rater, bo.Rater = "ada", "bo"
	ada.Dimensions = []string{"relevance", "overall"}
	got := tasks(t, ada, all)
	if len(got) != 2*(10+20*2) || items(got) != items(tasks(t, ada, all)) || got[0].Dimension != "relevance" || got[1].Dimension != "overall" || got[0].Hash != got[1].Hash {
		t.Errorf("%d tasks: %+v", len(got), got[:2])
	}
	// The order says nothing of the system, and differs by rater.
	ada.Dimensions = bo.Dimensions
	order := items(tasks(t, ada, all))
	early := 0
	for i := 0; i < len(all); i += 2 {
		if strings.Index(order, all[i].Hash) < strings.Index(order, all[i+1].Hash) {
			early++
		}
	}
	if early < 4 || early > 16 || order == items(tasks(t, bo, all)) {
		t.Errorf("one system comes before the other %d times of 20", early)
	}
	ada.Dimensions = nil
	compared := tasks(t, ada, all)
	if len(compared) != 20 {
		t.Fatalf("%d pairs", len(compared))
	}
	first := 0
	for _, task := range compared {
		if task.Subjects[0].Case.ID != task.Subjects[1].Case.ID || task.Hash == task.Other || len(task.Labels()) != 3 {
			t.Errorf("%+v", task)
		}
		if task.Subjects[0].Page.Notice == "0" {
			first++
		}
	}
	if first < 4 || first > 16 {
		t.Errorf("one system comes first %d times of 20", first)
	}
	if _, err := labelling.Tasks(labelling.Config{Dimensions: []string{"beauty"}}, all); err == nil || !strings.Contains(err.Error(), "rater") || !strings.Contains(err.Error(), "beauty") {
		t.Errorf("%v", err)
	}
}

func open(t *testing.T, path, rater string, tasks []labelling.Task) *labelling.Session {
	t.Helper()
	s, err := labelling.Open(path, rater, tasks)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// labels are what holds in a file, as "hash label" for a rater.
func labels(t *testing.T, path, rater string) string {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	all, err := agreement.ReadLabels(f)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, l := range agreement.Latest(all) {
		if l.Rater == rater {
			if l.At.IsZero() || l.UseCase != "broad_music" {
				t.Errorf("%+v", l)
			}
			out = append(out, l.Case+" "+l.Label)
		}
	}
	return strings.Join(out, ", ")
}

func say(t *testing.T, s *labelling.Session, label string) string {
	t.Helper()
	task, _ := s.Task()
	if err := s.Label(label); err != nil {
		t.Fatal(err)
	}
	return task.Subjects[0].Case.ID + " " + label
}

func undo(t *testing.T, s *labelling.Session, want bool) {
	t.Helper()
	if ok, err := s.Undo(); ok != want || err != nil {
		t.Errorf("undo: %v, %v", ok, err)
	}
}

// What was said is in the file at once; what was skipped or taken back is asked again; and
// a session that is opened again goes on.
func TestSession(t *testing.T) {
	path := filepath.Join(t.TempDir(), "labels.jsonl")
	cfg := labelling.DefaultConfig()
	cfg.Rater = "ada"
	all := tasks(t, cfg, records(t, 4)) // six pages
	s := open(t, path, "ada", all)
	undo(t, s, false)
	first := say(t, s, agreement.Pass)
	say(t, s, agreement.NoPass)
	if got := labels(t, path, "ada"); !strings.HasPrefix(got, first+", ") || !strings.HasSuffix(got, agreement.NoPass) {
		t.Errorf("%q", got)
	}
	undo(t, s, true)
	if got := labels(t, path, "ada"); got != first {
		t.Errorf("%q after undo", got)
	}
	second := say(t, s, agreement.Pass)
	s.Skip()
	undo(t, s, true) // of a task that was skipped: nothing to take back
	s.Skip()
	fourth := say(t, s, agreement.NoPass)
	if done, of := s.Progress(); done != 3 || of != 6 {
		t.Errorf("%d of %d", done, of)
	}
	if err := s.Label("maybe"); err == nil {
		t.Error("a label that does not exist is written")
	}

	again := open(t, path, "ada", all)
	if task, ok := again.Task(); !ok || task.Item != all[2].Item {
		t.Errorf("goes on with %+v, not with what was skipped", task.Item)
	}
	third := say(t, again, agreement.Pass)
	if task, _ := again.Task(); task.Item != all[4].Item {
		t.Errorf("asks what was said: %+v", task.Item)
	}
	fifth, sixth := say(t, again, agreement.Pass), say(t, again, agreement.Pass)
	if _, ok := again.Task(); ok {
		t.Error("there is more at the end")
	}
	if err := again.Label(agreement.Pass); err == nil {
		t.Error("a label after the end is written")
	}
	if got, want := labels(t, path, "ada"), strings.Join([]string{first, second, fourth, third, fifth, sixth}, ", "); got != want {
		t.Errorf("%q, want %q", got, want)
	}
	other := open(t, path, "bo", all)
	if done, of := other.Progress(); done != 0 || of != 6 {
		t.Errorf("another rater: %d of %d", done, of)
	}
}

func TestSessionOfPairs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "labels.jsonl")
	cfg := labelling.Config{Rater: "ada"}
	all := tasks(t, cfg, records(t, 9))
	s := open(t, path, "ada", all)
	want := map[string]bool{}
	for range all {
		task, _ := s.Task()
		want[task.Subjects[0].Page.Notice] = true
		say(t, s, agreement.First)
	}
	if len(want) != 2 {
		t.Fatal("one system always comes first: the test is broken")
	}
	if done, of := open(t, path, "ada", all).Progress(); done != 6 || of != 6 {
		t.Errorf("%d of %d", done, of)
	}
	f, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	held, err := agreement.ReadLabels(bytes.NewReader(f))
	if held = agreement.Latest(held); err != nil || len(held) != 6 {
		t.Fatalf("%+v, %v", held, err)
	}
	for _, l := range held { // whichever came first, the label stands for the same page
		for _, task := range all {
			if task.Hash == l.Hash && task.Other == l.Other && l.Label != agreement.First || task.Hash == l.Other && task.Other == l.Hash && l.Label != agreement.Second {
				t.Errorf("%+v for %+v", l, task.Item)
			}
		}
	}
}

// A line that was being written when the process was killed does not spoil the next one.
func TestTornLabel(t *testing.T) {
	path := filepath.Join(t.TempDir(), "labels.jsonl")
	cfg := labelling.DefaultConfig()
	cfg.Rater = "ada"
	all := tasks(t, cfg, records(t, 3))
	s := open(t, path, "ada", all)
	first := say(t, s, agreement.Pass)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(whole, whole[:len(whole)/2]...), 0o600); err != nil {
		t.Fatal(err)
	}
	again := open(t, path, "ada", all)
	second := say(t, again, agreement.NoPass)
	if got := labels(t, path, "ada"); got != first+", "+second {
		t.Errorf("%q", got)
	}
	if err := os.WriteFile(path, []byte("no label\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := labelling.Open(path, "ada", all); err == nil {
		t.Error("a file that holds something else is written to")
	}
}

// A last label that only lacks its end, as an editor may leave it, is kept, and the next one
// begins a line of its own.
func TestLabelWithoutEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "labels.jsonl")
	all := tasks(t, labelling.Config{Rater: "ada", Dimensions: []string{"overall"}, Seed: 1}, records(t, 2))
	s := open(t, path, "ada", all)
	say(t, s, agreement.Pass)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, bytes.TrimSuffix(raw, []byte("\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, path, "ada", all)
	if done, _ := s.Progress(); done != 1 {
		t.Errorf("%d labels are there, want 1", done)
	}
	say(t, s, agreement.NoPass)
	if done, _ := open(t, path, "ada", all).Progress(); done != 2 {
		t.Errorf("%d labels are there after another, want 2", done)
	}
}
