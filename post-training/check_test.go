package posttraining_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	posttraining "github.com/parallel-fusion/pfr/post-training"
)

// A run checks out when its outputs are those of its journal, and changes nothing.
func TestCheck(t *testing.T) {
	s := manyQueries(t, 5)
	cfg := config(t.TempDir())
	want, err := sample(t, cfg, parts(t, s))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := posttraining.Check(cfg.Dir); err != nil || got.Calls != want.Calls || got.Accepted != want.Accepted {
		t.Errorf("%d calls, want %d: %v", got.Calls, want.Calls, err)
	}
	journal := filepath.Join(cfg.Dir, "journal.jsonl")
	whole := read(t, journal)
	for _, c := range []struct {
		file, text string
		want       error
	}{
		{journal, whole + `{"query":"q0`, nil}, // torn
		{journal, "x\n" + whole, posttraining.ErrJournal},
		{journal, whole, nil},
		{filepath.Join(cfg.Dir, "rows.jsonl"), "", posttraining.ErrStale},
	} {
		if err := os.WriteFile(c.file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := posttraining.Check(cfg.Dir); !errors.Is(err, c.want) {
			t.Errorf("%.20q in %s: %v, want %v", c.text, filepath.Base(c.file), err, c.want)
		}
		if got := read(t, c.file); got != c.text {
			t.Errorf("the check changed %s", c.file)
		}
	}
	queries := filepath.Join(cfg.Dir, "queries.jsonl")
	if err := os.WriteFile(queries, []byte(strings.Replace(read(t, queries), "number 1", "number 9", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := posttraining.Check(cfg.Dir); err == nil || errors.Is(err, posttraining.ErrStale) {
		t.Errorf("other queries: %v", err)
	}
}
