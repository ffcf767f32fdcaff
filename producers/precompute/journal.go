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

// maxRefusals bounds a journal. One that is full begins anew: what was refused is asked once
// more, within what a run may spend.
const maxRefusals = 200_000

// MemoryJournal is a [Journal] that ends with the process.
type MemoryJournal struct {
	limit int

	mu      sync.Mutex
	reasons map[refusal]string
}

type refusal struct{ circumstances, text string }

// NewMemoryJournal returns an empty journal.
func NewMemoryJournal() *MemoryJournal {
	return &MemoryJournal{limit: maxRefusals, reasons: map[refusal]string{}}
}

// Refused implements [Journal].
func (j *MemoryJournal) Refused(circumstances, text string) string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.reasons[refusal{circumstances, text}]
}

// Refuse implements [Journal].
func (j *MemoryJournal) Refuse(circumstances, text, reason string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.reasons) >= j.limit {
		clear(j.reasons)
	}
	j.reasons[refusal{circumstances, text}] = reason
	return nil
}

// FileJournal is a [Journal] in a file of JSON lines. What is in it survives the end of the
// process, however it ends; a power cut may take the last lines.
type FileJournal struct {
	known *MemoryJournal

	mu    sync.Mutex // of what follows
	file  *os.File
	lines int
}

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
	j := &FileJournal{file: f, known: NewMemoryJournal()}
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
		j.lines++
		if codec.Unmarshal(data, &l) == nil {
			if err := j.known.Refuse(l.Circumstances, l.Query, l.Reason); err != nil {
				return err
			}
		}
	}
}

// Refused implements [Journal].
func (j *FileJournal) Refused(circumstances, text string) string {
	return j.known.Refused(circumstances, text)
}

// Refuse implements [Journal].
func (j *FileJournal) Refuse(circumstances, text, reason string) error {
	data, err := codec.Marshal(journalLine{circumstances, text, reason})
	if err != nil {
		return err
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.lines >= j.known.limit {
		if err := j.file.Truncate(0); err != nil {
			return fmt.Errorf("begin journal anew: %w", err)
		}
		j.lines = 0
	}
	if _, err := j.file.Write(append(data, '\n')); err != nil {
		return fmt.Errorf("write journal: %w", err)
	}
	j.lines++
	return j.known.Refuse(circumstances, text, reason)
}

// Close closes the file.
func (j *FileJournal) Close() error { return j.file.Close() }
