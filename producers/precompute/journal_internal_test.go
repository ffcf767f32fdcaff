package precompute

import (
	"fmt"
	"path/filepath"
	"testing"
)

// A journal that is full begins anew, in memory and in its file.
func TestJournalIsBounded(t *testing.T) {
	const full = 100
	memory := NewMemoryJournal()
	path := filepath.Join(t.TempDir(), "refused.jsonl")
	file, err := OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	memory.limit, file.known.limit = full, full
	for i := range full + 1 {
		for _, j := range []Journal{memory, file} {
			if err := j.Refuse("c", fmt.Sprint("text ", i), "no"); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := OpenJournal(path)
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	for _, j := range []Journal{memory, file, again} {
		if j.Refused("c", "text 0") != "" || j.Refused("c", fmt.Sprint("text ", full)) != "no" {
			t.Errorf("%T has not begun anew", j)
		}
	}
}
