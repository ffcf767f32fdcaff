package journal

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

type entry struct {
	Text string `json:"text"`
}

// open opens a journal and returns the texts that it has.
func open(t interface{ Fatal(...any) }, path string) (*Journal, []string) {
	var had []string
	j, err := Open(path, 1, func(line []byte) error {
		var e entry
		err := json.Unmarshal(line, &e)
		had = append(had, e.Text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return j, had
}

// Wherever the end of the file is lost, every record before it is there, none is there in
// part, and what is recorded afterwards is read again.
func TestJournalSurvivesATornEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	rapid.Check(t, func(rt *rapid.T) {
		if err := os.RemoveAll(path); err != nil {
			rt.Fatal(err)
		}
		texts := rapid.SliceOfN(rapid.String(), 1, 8).Draw(rt, "texts")
		j, _ := open(rt, path)
		var ends []int64 // of the records, without the end of their lines
		for _, text := range texts {
			if err := j.Append(entry{text}); err != nil {
				rt.Fatal(err)
			}
			info, err := os.Stat(path)
			if err != nil {
				rt.Fatal(err)
			}
			ends = append(ends, info.Size()-1)
		}
		if err := j.Close(); err != nil {
			rt.Fatal(err)
		}
		kept := rapid.Int64Range(0, ends[len(ends)-1]+1).Draw(rt, "kept")
		if err := os.Truncate(path, kept); err != nil {
			rt.Fatal(err)
		}
		whole := 0
		for whole < len(ends) && ends[whole] <= kept {
			whole++
		}
		want := slices.Clone(texts[:whole])
		for i := range want { // JSON has no other way to write what is no UTF-8
			want[i] = strings.ToValidUTF8(want[i], "\ufffd")
		}
		j, had := open(rt, path)
		if !slices.Equal(had, want) {
			rt.Fatalf("of %q cut off at %d there is %q", texts, kept, had)
		}
		if err := errors.Join(j.Append(entry{"after"}), j.Close()); err != nil {
			rt.Fatal(err)
		}
		j, had = open(rt, path)
		if !slices.Equal(had, append(want, "after")) {
			rt.Fatalf("then there is %q", had)
		}
		if err := j.Close(); err != nil {
			rt.Fatal(err)
		}
	})
}

// A line that is whole and yet no record is never passed over, and says where it is.
func TestJournalRefusesDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	if err := os.WriteFile(path, []byte("{\"text\":\"a\"}\nx\n{\"text\":\"b\"}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	no := errors.New("no record")
	record := func(line []byte) error {
		if string(line) == "x" {
			return no
		}
		return nil
	}
	for name, err := range map[string]error{
		"read": Read(path, record),
		"open": func() error { _, err := Open(path, 1, record); return err }(),
	} {
		if want := fmt.Sprintf("journal %s: line 2: no record", path); !errors.Is(err, no) || err.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	if data, err := os.ReadFile(path); err != nil || strings.Count(string(data), "\n") != 3 {
		t.Errorf("then it holds %q: %v", data, err)
	}
	if err := Read(path+"x", record); err != nil {
		t.Errorf("one that is not there: %v", err)
	}
}

// After a write that may have left half a line nothing is recorded behind it: a journal with
// damage in its middle is refused, and all that was paid for with it.
func TestJournalEndsAtAFailedWrite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "journal.jsonl")
	j, _ := open(t, path)
	if err := j.Append(entry{"a"}); err != nil {
		t.Fatal(err)
	}
	whole := j.file
	var err error
	if j.file, err = os.Open(path); err != nil { // to read alone: writes fail
		t.Fatal(err)
	}
	first := j.Append(entry{"b"})
	if err := j.file.Close(); err != nil {
		t.Fatal(err)
	}
	j.file = whole
	if again := j.Append(entry{"c"}); first == nil || again == nil || again.Error() != first.Error() {
		t.Errorf("failed with %v, then %v", first, again)
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	j, had := open(t, path)
	if !slices.Equal(had, []string{"a"}) {
		t.Errorf("there is %q", had)
	}
	if err := j.Close(); err != nil {
		t.Error(err)
	}
}
