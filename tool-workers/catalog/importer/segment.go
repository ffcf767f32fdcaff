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
	"slices"

	"github.com/klauspost/compress/zstd"
)

// A segment is a file of staged records: zstd, and in it records with their length before
// them. It is written once, under a temporary name, and gets its own when it is whole.

// maxRecord bounds a staged record, so that damage cannot ask for all memory.
const maxRecord = 256 << 20

type segmentWriter struct {
	name string
	file *os.File
	z    *zstd.Encoder
	buf  *bufio.Writer
	rec  []byte
}

func createSegment(name string) (*segmentWriter, error) {
	f, err := os.Create(name + ".part")
	if err != nil {
		return nil, err
	}
	z, err := zstd.NewWriter(f, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(true))
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("compress %s: %w", name, err)
	}
	return &segmentWriter{name: name, file: f, z: z, buf: bufio.NewWriterSize(z, 64<<10)}, nil
}

func (w *segmentWriter) add(line int64, r record) error {
	w.rec = appendRecord(w.rec[:0], line, r)
	var size [binary.MaxVarintLen64]byte
	if _, err := w.buf.Write(size[:binary.PutUvarint(size[:], uint64(len(w.rec)))]); err != nil {
		return fmt.Errorf("stage %s: %w", w.name, err)
	}
	if _, err := w.buf.Write(w.rec); err != nil {
		return fmt.Errorf("stage %s: %w", w.name, err)
	}
	return nil
}

// commit makes the segment durable and gives it its name.
func (w *segmentWriter) commit() error {
	err := errors.Join(w.buf.Flush(), w.z.Close(), w.file.Sync(), w.file.Close())
	if err == nil {
		err = os.Rename(w.name+".part", w.name)
	}
	if err != nil {
		return fmt.Errorf("commit %s: %w", w.name, err)
	}
	return nil
}

// abandon removes what was written. After commit it does nothing.
func (w *segmentWriter) abandon() {
	_ = w.z.Close()
	w.file.Close()
	_ = os.Remove(w.name + ".part") // what is left of it would be overwritten
}

// entry is a record of a segment, or why there are no more.
type entry struct {
	line int64
	rec  record
}

// readSegment returns the records of a segment whose tags are wanted, in order. No wanted
// tags stands for all.
func readSegment(name string, wanted ...tag) iter.Seq2[entry, error] {
	return func(yield func(entry, error) bool) {
		f, err := os.Open(name)
		if err != nil {
			yield(entry{}, err)
			return
		}
		defer f.Close()
		z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1))
		if err != nil {
			yield(entry{}, fmt.Errorf("read %s: %w", name, err))
			return
		}
		defer z.Close()
		s := segmentReader{in: bufio.NewReaderSize(z, 64<<10)}
		for _, t := range wanted {
			s.wanted |= 1 << t
		}
		for {
			e, err := s.next()
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				err = fmt.Errorf("read %s: %w", filepath.Base(name), err)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
	}
}

type segmentReader struct {
	in     *bufio.Reader
	buf    []byte
	wanted uint // bits; 0: all
}

func (s *segmentReader) next() (entry, error) {
	for {
		size, err := binary.ReadUvarint(s.in)
		if err != nil {
			return entry{}, err
		}
		if size == 0 || size > maxRecord {
			return entry{}, errStaged
		}
		first, err := s.in.Peek(1)
		if err != nil {
			return entry{}, errStaged
		}
		if s.wanted != 0 && s.wanted&(1<<first[0]) == 0 {
			if _, err := s.in.Discard(int(size)); err != nil {
				return entry{}, errStaged
			}
			continue
		}
		s.buf = slices.Grow(s.buf[:0], int(size))[:size]
		if _, err := io.ReadFull(s.in, s.buf); err != nil {
			return entry{}, errStaged
		}
		line, rec, err := parseRecord(s.buf)
		return entry{line, rec}, err
	}
}
