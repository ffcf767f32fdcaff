package judge

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// journal is a file of JSON lines that only grows. Each line is on disk before append
// returns.
type journal struct {
	file   *os.File
	broken error // after a write that may have left half a line nothing more is written
}

// openJournal opens a file, or makes it, and gives the caller every whole line. A last line
// that was being written when its process ended is cut off.
func openJournal(path string, line func([]byte) error) (*journal, error) {
	whole, err := readLines(path, line)
	if err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	if err := f.Truncate(whole); err != nil {
		return nil, errors.Join(fmt.Errorf("cut off torn line: %w", err), f.Close())
	}
	return &journal{file: f}, nil
}

// readLines gives the caller every whole line of a file, which need not exist, and returns
// how many bytes they take. A line that is whole and yet no use is an error.
func readLines(path string, line func([]byte) error) (whole int64, err error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read: %w", err)
	}
	for n := 1; ; n++ {
		end := bytes.IndexByte(data[whole:], '\n')
		if end < 0 {
			return whole, nil
		}
		if err := line(data[whole : whole+int64(end)]); err != nil {
			return 0, fmt.Errorf("%s:%d: %w", path, n, err)
		}
		whole += int64(end) + 1
	}
}

// append writes a value as a line. It is not safe for concurrent use.
func (j *journal) append(v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode line: %w", err)
	}
	if j.broken != nil {
		return j.broken
	}
	_, err = j.file.Write(append(data, '\n'))
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		j.broken = fmt.Errorf("append line: %w", err)
	}
	return j.broken
}

func (j *journal) close() error { return j.file.Close() }
