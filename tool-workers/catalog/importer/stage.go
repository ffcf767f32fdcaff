package importer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// stagingFormat changes whenever the meaning of staged bytes does.
const stagingFormat = 2

// state is the checkpoint of a source: what of it is staged. It is replaced as a whole,
// after the segment it tells of.
type state struct {
	Format   int              `json:"format"`
	Source   string           `json:"source"`
	Size     int64            `json:"size"`
	Modified time.Time        `json:"modified"`
	Params   string           `json:"params"` // what else decides its rows
	Segments int              `json:"segments"`
	At       position         `json:"at"`
	Done     bool             `json:"done"`
	Rows     int64            `json:"rows"`
	Rejects  int64            `json:"rejects"`
	Skipped  map[string]int64 `json:"skipped,omitempty"`
}

// same reports whether both are checkpoints of the same bytes, read in the same way.
func (s state) same(other state) bool {
	return s.Format == other.Format && s.Source == other.Source && s.Size == other.Size &&
		s.Modified.Equal(other.Modified) && s.Params == other.Params
}

// staged is a source and where its rows are kept.
type staged struct {
	source   source
	dir      string
	state    state
	restaged bool // what was staged before was damaged
}

func (s *staged) segment(n int) string { return filepath.Join(s.dir, fmt.Sprintf("%06d.seg", n)) }

// resume loads the checkpoint, or begins anew where there is none that fits what is staged.
func (s *staged) resume(ctx context.Context) error {
	fresh := state{
		Format: stagingFormat, Source: s.source.name, Size: s.source.size,
		Modified: s.source.modified, Params: s.source.params, Skipped: map[string]int64{},
	}
	data, err := os.ReadFile(s.checkpoint())
	if err == nil && json.Unmarshal(data, &s.state) == nil && s.state.same(fresh) {
		if s.state.Skipped == nil {
			s.state.Skipped = map[string]int64{}
		}
		damaged := s.verify(ctx) != nil
		if err := ctx.Err(); err != nil || !damaged {
			return err
		}
		s.restaged = true
	}
	s.state = fresh
	if err := os.RemoveAll(s.dir); err != nil {
		return fmt.Errorf("clear %s: %w", s.dir, err)
	}
	return os.MkdirAll(s.dir, 0o755)
}

// verify reads what is staged, and returns an error if that is not what was written.
func (s *staged) verify(ctx context.Context) error {
	n := int64(0)
	for segment := range s.state.Segments {
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, err := range readSegment(s.segment(segment)) {
			if err != nil {
				return err
			}
			n++
		}
	}
	if n != s.state.Rows+s.state.Rejects {
		return errStaged
	}
	return nil
}

func (s *staged) checkpoint() string { return filepath.Join(s.dir, "state.json") }

func (s *staged) save() error {
	data, err := json.MarshalIndent(s.state, "", "  ")
	if err != nil {
		return fmt.Errorf("checkpoint %s: %w", s.source.name, err)
	}
	return replaceFile(s.checkpoint(), data)
}

// replaceFile writes a file so that it is there either as it was or as it is to be.
func replaceFile(name string, data []byte) error {
	f, err := os.Create(name + ".part")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return os.Rename(name+".part", name)
}

// units is a source that is being read.
type units interface {
	// next returns io.EOF after the last unit.
	next(ctx context.Context) (unit, error)
	// progress returns where the next unit begins, and how much of the source is read.
	progress() (at position, done int64)
	close()
}

// parse turns a unit into records. Its error is the reason of a reject or a [skip]; what it
// emitted before counts nevertheless. It keeps nothing of the unit.
type parse func(u unit, emit func(record) error) error

// skip is the reason for which a unit is left out although nothing is wrong with it.
type skip string

func (s skip) Error() string { return string(s) }

// stage reads what is not staged yet. When ctx ends, what was read up to then is kept.
func (s *staged) stage(ctx context.Context, report func(done int64)) error {
	if s.state.Done {
		return nil
	}
	in, parse, err := s.source.open(ctx, s.state.At)
	if err != nil {
		return err
	}
	defer in.close()
	for !s.state.Done {
		if err := s.stageSegment(ctx, &reading{units: in, parse: parse, report: report}); err != nil {
			return fmt.Errorf("read %s: %w", s.source.name, err)
		}
	}
	return nil
}

// reading is what stageSegment reads from.
type reading struct {
	units  units
	parse  parse
	report func(done int64)
}

// reportEvery is after how many units progress is told.
const reportEvery = 2000

// stageSegment fills one segment and makes it durable.
func (s *staged) stageSegment(ctx context.Context, r *reading) error {
	w, err := createSegment(s.segment(s.state.Segments))
	if err != nil {
		return err
	}
	defer w.abandon()
	next := s.state
	var stop error
	for n := 1; n <= s.source.segmentUnits; n++ {
		u, err := r.units.next(ctx)
		if err != nil {
			next.Done = errors.Is(err, io.EOF)
			if !next.Done {
				stop = err
			}
			break
		}
		if err := next.put(w, u, r.parse); err != nil {
			return err
		}
		if n%reportEvery == 0 {
			_, done := r.units.progress()
			r.report(done)
		}
	}
	at, done := r.units.progress()
	if stop == nil || ctx.Err() != nil && at != s.state.At {
		next.At, next.Segments = at, next.Segments+1
		err = errors.Join(w.commit(), s.commit(next))
	}
	r.report(done)
	return errors.Join(stop, err)
}

func (s *staged) commit(next state) error {
	s.state = next
	return s.save()
}

// put stages what a unit holds.
func (s *state) put(w *segmentWriter, u unit, parse parse) error {
	var failed error
	err := u.err
	if err == nil {
		err = parse(u, func(r record) error {
			if r.tag() == tagReject {
				s.Rejects++
			} else {
				s.Rows++
			}
			failed = errors.Join(failed, w.add(u.line, r))
			return failed
		})
	}
	var left skip
	switch {
	case failed != nil:
		return failed
	case err == nil:
		return nil
	case errors.As(err, &left):
		s.Skipped[string(left)]++
		return nil
	default:
		s.Rejects++
		return w.add(u.line, &reject{of: u.name, reason: err.Error()})
	}
}
