package precompute

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/parallel-fusion/pfr/internal/codec"
)

// FileJournal is a [Journal] in a file of JSON lines. What is in it survives the end of the
// process, however it ends; a power cut may take the last lines.
type FileJournal struct {
	mu      sync.Mutex
	file    *os.File
	reasons map[refusal]string
}

type refusal struct{ circumstances, text string }

// journalLine is one line of the file.
type journalLine struct {
	Circumstances string `json:"circumstances"`
	Query         string `json:"query"`
	Reason        string `json:"reason"`
}

// OpenJournal opens the journal at path, or makes one. The caller closes it.
func OpenJournal(path string) (*FileJournal, error) {
	const private = 0o600
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, private)
	if err != nil {
		return nil, fmt.Errorf("open journal: %w", err)
	}
	j := &FileJournal{file: f, reasons: map[refusal]string{}}
	if err := j.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("read journal %s: %w", path, err), f.Close())
	}
	return j, nil
}

// load reads what is there. A line that a crash has cut off is ended and passed over.
func (j *FileJournal) load() error {
	in := bufio.NewReader(j.file)
	for {
		data, err := in.ReadBytes('\n')
		switch {
		case errors.Is(err, io.EOF) && len(data) > 0:
			_, err = j.file.WriteString("\n")
			return err
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		var l journalLine
		if codec.Unmarshal(data, &l) == nil {
			j.reasons[refusal{l.Circumstances, l.Query}] = l.Reason
		}
	}
}

// Refused implements [Journal].
func (j *FileJournal) Refused(circumstances, text string) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.reasons[refusal{circumstances, text}]
}

// Refuse implements [Journal].
func (j *FileJournal) Refuse(circumstances, text, reason string) error {
	data, err := codec.Marshal(journalLine{circumstances, text, reason})
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, err := j.file.Write(append(data, '\n')); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	j.reasons[refusal{circumstances, text}] = reason
	return nil
}

// Close closes the file.
func (j *FileJournal) Close() error { return j.file.Close() }
