package posttraining

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/parallel-fusion/pfr/internal/journal"
)

// ErrStale says that the outputs of a run are not those of its journal.
var ErrStale = errors.New("outputs differ from the journal")

// Check reads the run in a folder without changing it, derives its outputs again and
// compares. A torn last line of the journal is as if it were not there. The error wraps
// [ErrJournal] where the journal is damaged and [ErrStale] where a file differs, as it does
// while a run goes on.
func Check(dir string) (Stats, error) {
	var s Settings
	raw, err := os.ReadFile(filepath.Join(dir, fileSettings))
	if err == nil {
		err = json.Unmarshal(raw, &s)
	}
	if err != nil {
		return Stats{}, fmt.Errorf("check run: %w", err)
	}
	queries, records, err := readRun(dir, s)
	if err != nil {
		return Stats{}, fmt.Errorf("check run %s: %w", dir, err)
	}
	all := byQuery(queries, records)
	if err := checkAttempts(all, len(records)); err != nil {
		return Stats{}, fmt.Errorf("check run %s: %w", dir, err)
	}
	o := derive(s, all)
	return o.stats, compare(dir, o)
}

func readRun(dir string, s Settings) ([]Query, []Attempt, error) {
	if s.Format != format {
		return nil, nil, fmt.Errorf("its format is %q, want %q", s.Format, format)
	}
	queries, err := readLines[Query](filepath.Join(dir, fileQueries))
	if err != nil {
		return nil, nil, err
	}
	raw, err := lines(queries)
	if err != nil {
		return nil, nil, err
	}
	if digest(raw) != s.Queries {
		return nil, nil, errors.New("its queries are not those that it began with")
	}
	var records attempts
	err = journal.Read(filepath.Join(dir, fileJournal), records.add)
	return queries, records.list, err
}

// compare names the files that differ from what they should be.
func compare(dir string, o outputs) error {
	files, err := o.files()
	if err != nil {
		return err
	}
	var differ []string
	for name, want := range files {
		if got, err := os.ReadFile(filepath.Join(dir, name)); err != nil || !bytes.Equal(got, want) {
			differ = append(differ, name)
		}
	}
	if len(differ) == 0 {
		return nil
	}
	slices.Sort(differ)
	return fmt.Errorf("%w: %v; run the sampling again to write them", ErrStale, differ)
}
