package importer

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"strconv"
)

// Report is what came of an import.
type Report struct {
	Sources      []SourceReport   // in the order in which they were read
	Entries      map[string]int64 // accepted by the target, by type
	Listeners    int64            // users with at least one listen of something in the catalogue
	Interactions int64            // handed out
	Unmatched    int64            // interactions with entries that the target refused
	Rejects      int64
	First        []Reject // the first ten
	RejectsFile  string   // all of them: CSV with source, line and reason
}

// SourceReport is what came of a source.
type SourceReport struct {
	Name     string
	Kind     string
	Rows     int64
	Rejects  int64
	Skipped  map[string]int64 // by reason
	Restaged bool             // what an earlier import had staged was damaged: it was dropped, and the source read anew
}

// Reject is something that is not in the catalogue, and why. Line counts from 1; for a feed
// it is its place in the list.
type Reject struct {
	Source string
	Line   int64
	Reason string
}

func (r Reject) String() string { return fmt.Sprintf("%s:%d: %s", r.Source, r.Line, r.Reason) }

// shownRejects is how many rejects a report holds itself.
const shownRejects = 10

// rejects is the file that lists them.
type rejects struct {
	name  string
	file  *os.File
	buf   *bufio.Writer
	out   *csv.Writer
	count int64
	first []Reject
}

func newRejects(name string) (*rejects, error) {
	f, err := os.Create(name)
	if err != nil {
		return nil, err
	}
	buf := bufio.NewWriter(f)
	r := &rejects{name: name, file: f, buf: buf, out: csv.NewWriter(buf)}
	return r, r.out.Write([]string{"source", "line", "reason"})
}

func (r *rejects) add(reject Reject) error {
	r.count++
	if len(r.first) < shownRejects {
		r.first = append(r.first, reject)
	}
	if err := r.out.Write([]string{reject.Source, strconv.FormatInt(reject.Line, 10), reject.Reason}); err != nil {
		return fmt.Errorf("write %s: %w", r.name, err)
	}
	return nil
}

func (r *rejects) close() error {
	r.out.Flush()
	return errors.Join(r.out.Error(), r.buf.Flush(), r.file.Close())
}

// finish closes the file of rejects and completes the report.
func (a *assembly) finish() (Report, error) {
	r := a.report
	var err error
	if a.rejects != nil {
		err = a.rejects.close()
		r.Rejects, r.First, r.RejectsFile = a.rejects.count, a.rejects.first, a.rejects.name
	}
	for _, s := range a.sources {
		skipped := map[string]int64{}
		for _, counts := range []map[string]int64{s.state.Skipped, a.skipped[s]} {
			for reason, n := range counts {
				skipped[reason] += n
			}
		}
		r.Sources = append(r.Sources, SourceReport{
			Name: s.source.name, Kind: s.source.kind.String(), Rows: s.state.Rows,
			Rejects: s.state.Rejects + a.refused[s], Skipped: skipped, Restaged: s.restaged,
		})
	}
	return r, err
}
