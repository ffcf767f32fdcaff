package posttraining

import (
	"os"
	"path/filepath"
	"testing"
)

// After a write that may have left half a line nothing is recorded behind it: a journal with
// damage in its middle is refused, and all that was paid for with it.
func TestJournalEndsAtAFailedWrite(t *testing.T) {
	name := filepath.Join(t.TempDir(), "journal.jsonl")
	j, _, err := openJournal(name, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := j.append(Attempt{Query: "a", Attempt: 1}); err != nil {
		t.Fatal(err)
	}
	whole := j.file
	if j.file, err = os.Open(name); err != nil { // to read alone: writes fail
		t.Fatal(err)
	}
	first := j.append(Attempt{Query: "b", Attempt: 1})
	if err := j.file.Close(); err != nil {
		t.Fatal(err)
	}
	j.file = whole
	if again := j.append(Attempt{Query: "c", Attempt: 1}); first == nil || again == nil || again.Error() != first.Error() {
		t.Errorf("failed with %v, then %v", first, again)
	}
	if err := j.close(); err != nil {
		t.Fatal(err)
	}
	j, records, err := openJournal(name, 1)
	if err != nil || len(records) != 1 {
		t.Fatalf("%d records: %v", len(records), err)
	}
	if err := j.close(); err != nil {
		t.Error(err)
	}
}
