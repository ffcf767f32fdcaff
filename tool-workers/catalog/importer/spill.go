package importer

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
)

// spill is records on their way into another order: they are thrown into files by where
// they belong, and each file is small enough to be sorted in memory. Its owner closes it.
type spill struct {
	dir   string
	files []*os.File
	bufs  []*bufio.Writer
	rec   []byte
}

// maxSpillFiles bounds the files that a spill has open.
const maxSpillFiles = 256

// newSpill makes a spill for about so many records in parts of at most so many.
func newSpill(dir string, records, part int64) (*spill, error) {
	if err := os.RemoveAll(dir); err != nil {
		return nil, fmt.Errorf("clear %s: %w", dir, err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	s := &spill{dir: dir}
	for i := range min(maxSpillFiles, 1+records/part) {
		f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%03d.tmp", i)))
		if err != nil {
			s.close()
			return nil, err
		}
		s.files, s.bufs = append(s.files, f), append(s.bufs, bufio.NewWriterSize(f, 64<<10))
	}
	return s, nil
}

func (s *spill) parts() int { return len(s.files) }

// add appends a record to a part.
func (s *spill) add(part int, line int64, r record) error {
	s.rec = appendRecord(s.rec[:0], line, r)
	var size [binary.MaxVarintLen64]byte
	_, err := s.bufs[part].Write(size[:binary.PutUvarint(size[:], uint64(len(s.rec)))])
	if err == nil {
		_, err = s.bufs[part].Write(s.rec)
	}
	if err != nil {
		return fmt.Errorf("spill to %s: %w", s.dir, err)
	}
	return nil
}

// read returns the records of a part in the order in which they were added.
func (s *spill) read(part int) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		if err := s.rewind(part); err != nil {
			yield(entry{}, err)
			return
		}
		in := segmentReader{in: bufio.NewReaderSize(s.files[part], 256<<10)}
		for {
			e, err := in.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

func (s *spill) rewind(part int) error {
	if err := s.bufs[part].Flush(); err != nil {
		return fmt.Errorf("spill to %s: %w", s.dir, err)
	}
	_, err := s.files[part].Seek(0, io.SeekStart)
	return err
}

// reset empties a part.
func (s *spill) reset(part int) error {
	s.bufs[part].Reset(s.files[part])
	_, err := s.files[part].Seek(0, io.SeekStart)
	return errors.Join(err, s.files[part].Truncate(0))
}

// close removes the files.
func (s *spill) close() {
	for _, f := range s.files {
		f.Close()
	}
	os.RemoveAll(s.dir)
}
