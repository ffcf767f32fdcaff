// Package journal keeps records in a file of JSON lines that only grows: what was recorded is
// there after the process was killed, and a record that was being written then is as if it had
// never begun.
package journal

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
)

// Journal is an open file of records, each a JSON object on a line of its own. One process
// writes it at a time. It is safe for concurrent use.
type Journal struct {
	mu        sync.Mutex
	file      *os.File
	syncEvery int
	unsynced  int
	broken    error // after a write that may have left half a line nothing more is written
}

// Open opens a file, or makes it, and gives record every line of it, as [Lines] does. The last
// line is ended or cut off, so that the next record is a line of its own. When the machine
// dies, and not the process, fewer than syncEvery records are lost. The caller closes the
// journal.
func Open(path string, syncEvery int, record func(line []byte) error) (*Journal, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	if err := mend(f, record); err != nil {
		return nil, errors.Join(fmt.Errorf("journal %s: %w", path, err), f.Close())
	}
	return &Journal{file: f, syncEvery: max(syncEvery, 1)}, nil
}

// mend reads a file and makes it one of whole lines.
func mend(f *os.File, record func([]byte) error) error {
	whole, ended, err := lines(f, record)
	if err != nil {
		return err
	}
	if !ended {
		_, err := f.Write([]byte{'\n'})
		return err
	}
	return f.Truncate(whole)
}

// Read gives record every line of a file, as [Lines] does. A file that is not there has none.
// It takes nothing away from a process that is writing.
func Read(path string, record func(line []byte) error) error {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read journal: %w", err)
	}
	defer f.Close()
	if err := Lines(f, record); err != nil {
		return fmt.Errorf("journal %s: %w", path, err)
	}
	return nil
}

// Lines gives record every line of r, without its end. A last line that has no end counts if
// it is whole, and is passed over if it is torn. An error of record ends it and is returned
// with the number of the line.
func Lines(r io.Reader, record func(line []byte) error) error {
	_, _, err := lines(r, record)
	return err
}

// lines also returns how many bytes the lines take, and whether the last of them has its end.
func lines(r io.Reader, record func([]byte) error) (whole int64, ended bool, err error) {
	in := bufio.NewReader(r)
	for n := 1; ; n++ {
		line, err := in.ReadBytes('\n')
		last := errors.Is(err, io.EOF)
		if err != nil && !last {
			return whole, true, err
		}
		if last && !json.Valid(line) {
			return whole, true, nil
		}
		if err := record(bytes.TrimSuffix(line, []byte{'\n'})); err != nil {
			return whole, true, fmt.Errorf("line %d: %w", n, err)
		}
		if whole += int64(len(line)); last {
			return whole, false, nil
		}
	}
}

// Append records a value by one call of the system. After an error nothing more is recorded:
// it may have left half a line, and what came behind it would be damage in the middle.
func (j *Journal) Append(record any) error {
	line, err := json.Marshal(record)
	if err != nil {
		return fmt.Errorf("encode record: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken != nil {
		return j.broken
	}
	_, err = j.file.Write(append(line, '\n'))
	if j.unsynced++; err == nil && j.unsynced >= j.syncEvery {
		j.unsynced = 0
		err = j.file.Sync()
	}
	if err != nil {
		j.broken = fmt.Errorf("append record: %w", err)
	}
	return j.broken
}

// Close makes sure that everything is on disk and closes the file. No record is under way.
func (j *Journal) Close() error { return errors.Join(j.file.Sync(), j.file.Close()) }
