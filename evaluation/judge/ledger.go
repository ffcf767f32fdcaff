package judge

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/parallel-fusion/pfr/internal/journal"
)

// failuresFile is where a ledger notes what failed, in its folder.
const failuresFile = "failures.jsonl"

// Failure is a question that a judge did not answer.
type Failure struct {
	Asked
	Error string    `json:"error,omitempty"`
	At    time.Time `json:"at"`
	// Resolved says that the question was answered after all, at At.
	Resolved bool `json:"resolved,omitempty"`
}

// Ledger is a [Guard] that notes what failed, and what of it was answered later, in the
// folder of a [Store]. Failures are asked anew with the next run, since a store keeps
// answers alone. It is safe for concurrent use.
type Ledger struct {
	mu      sync.Mutex // guards the rest
	journal *journal.Journal
	open    map[Asked]Failure
}

// OpenLedger opens the ledger in a folder that a [Store] has locked. The caller closes it.
func OpenLedger(dir string) (*Ledger, error) {
	l := &Ledger{open: map[Asked]Failure{}}
	var err error
	l.journal, err = journal.Open(filepath.Join(dir, failuresFile), everyLine, func(line []byte) error {
		var f Failure
		if err := json.Unmarshal(line, &f); err != nil {
			return err
		}
		l.note(f)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("open ledger: %w", err)
	}
	return l, nil
}

func (l *Ledger) note(f Failure) {
	if f.Resolved {
		delete(l.open, f.Asked)
		return
	}
	l.open[f.Asked] = f
}

// Close closes the file. No question is under way.
func (l *Ledger) Close() error { return l.journal.Close() }

// Open returns the failures that were not made good, those of this and of earlier runs,
// by case.
func (l *Ledger) Open() []Failure {
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []Failure
	for _, f := range l.open {
		out = append(out, f)
	}
	slices.SortFunc(out, func(a, b Failure) int {
		return cmp.Or(cmp.Compare(a.Case, b.Case), cmp.Compare(a.Judge, b.Judge), cmp.Compare(a.Hash, b.Hash), cmp.Compare(a.Other, b.Other))
	})
	return out
}

// Do implements [Guard]. That nothing was asked, or that the caller left, is no failure.
func (l *Ledger) Do(ctx context.Context, q Asked, ask Ask) (float64, error) {
	cost, err := ask(ctx)
	if _, spent := errors.AsType[*SpentError](err); spent || ctx.Err() != nil {
		return cost, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	f := Failure{Asked: q, At: time.Now().UTC()}
	if _, failed := l.open[q]; err == nil && !failed {
		return cost, nil
	}
	if f.Resolved = err == nil; err != nil {
		f.Error = err.Error()
	}
	l.note(f)
	if noteErr := l.journal.Append(f); noteErr != nil {
		return cost, errors.Join(err, fmt.Errorf("note failure: %w", noteErr))
	}
	return cost, err
}
