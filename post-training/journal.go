package posttraining

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// Outcome says what came of an attempt.
type Outcome string

// Outcomes.
const (
	Accepted Outcome = "accepted"
	Rejected Outcome = "rejected"
	Repeated Outcome = "repeated" // a decision that an earlier attempt came to
)

// Stage is where an attempt was rejected.
type Stage string

// Stages, in their order.
const (
	StageTeacher Stage = "teacher" // its answer was no valid decision
	StageGate    Stage = "gate"
	StageJudge   Stage = "judge"
	// StageUnjudged is that of a decision that the judge was asked about and said nothing of:
	// whether it is good or bad is not known.
	StageUnjudged Stage = "unjudged"
)

// Attempt is a record of the journal: one finished attempt. Whatever a row, a rejection or a
// hard query says comes from here.
type Attempt struct {
	Query       string         `json:"query"` // id
	Attempt     int            `json:"attempt"`
	Seed        uint64         `json:"seed"`
	Teacher     string         `json:"teacher"`
	Model       string         `json:"model,omitempty"`
	Temperature float64        `json:"temperature"`
	Prompt      string         `json:"teacher_prompt,omitempty"`
	Outcome     Outcome        `json:"outcome"`
	Stage       Stage          `json:"stage,omitempty"` // of a rejection
	By          string         `json:"by,omitempty"`    // the gate or the judge that rejected
	Reason      string         `json:"reason,omitempty"`
	Route       string         `json:"route,omitempty"`
	Decision    string         `json:"decision,omitempty"` // [Decision.Text]; "" without a valid one
	Gates       []string       `json:"gates,omitempty"`    // that it passed
	Judge       string         `json:"judge,omitempty"`    // that was asked
	JudgePrompt string         `json:"judge_prompt,omitempty"`
	Tokens      schemas.Tokens `json:"tokens"`       // of the teacher
	JudgeTokens schemas.Tokens `json:"judge_tokens"` // of the judge
	CostUSD     float64        `json:"cost_usd"`     // of both
	// At and TookMS are in the journal alone: rows hold nothing that differs from run to run.
	At     time.Time `json:"at"`
	TookMS float64   `json:"took_ms"`
}

// ErrJournal says that a journal is not one that this run can go on from.
var ErrJournal = errors.New("journal is damaged")

// journal is the append-only file of finished attempts. A record is one line, written by one
// call of the system: a process that is killed loses nothing that it has recorded. What a
// machine that dies may lose is bounded by syncEvery, and is asked for again.
type journal struct {
	mu        sync.Mutex
	file      *os.File
	unsynced  int
	syncEvery int
	broken    error // after a write that may have left half a line nothing more is written
}

// openJournal reads the records of a journal, which it makes. A last line that is torn is
// cut off; damage anywhere else is an [ErrJournal].
func openJournal(path string, syncEvery int) (*journal, []Attempt, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, fmt.Errorf("open journal: %w", err)
	}
	records, err := recoverJournal(f)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("journal %s: %w", path, err), f.Close())
	}
	return &journal{file: f, syncEvery: syncEvery}, records, nil
}

func recoverJournal(f *os.File) ([]Attempt, error) {
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	whole := data[:bytes.LastIndexByte(data, '\n')+1]
	records, err := parseJournal(whole)
	if err != nil {
		return nil, err
	}
	if len(whole) < len(data) {
		if err := f.Truncate(int64(len(whole))); err != nil {
			return nil, err
		}
	}
	_, err = f.Seek(int64(len(whole)), io.SeekStart)
	return records, err
}

// parseJournal reads whole lines. Each attempt is there once.
func parseJournal(data []byte) ([]Attempt, error) {
	type key struct {
		query   string
		attempt int
	}
	seen := map[key]bool{}
	var out []Attempt
	n := 0
	for line := range bytes.Lines(data) {
		n++
		var a Attempt
		if err := json.Unmarshal(line, &a); err != nil || a.Query == "" || a.Attempt < 1 {
			return nil, fmt.Errorf("%w: line %d is no attempt", ErrJournal, n)
		}
		k := key{a.Query, a.Attempt}
		if seen[k] {
			return nil, fmt.Errorf("%w: line %d: attempt %d of %s is there twice", ErrJournal, n, a.Attempt, a.Query)
		}
		seen[k] = true
		out = append(out, a)
	}
	return out, nil
}

// append records an attempt. After an error nothing more is recorded.
func (j *journal) append(a Attempt) error {
	line, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("record attempt: %w", err)
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.broken != nil {
		return j.broken
	}
	if _, err := j.file.Write(append(line, '\n')); err != nil {
		j.broken = fmt.Errorf("record attempt: %w", err)
		return j.broken
	}
	if j.unsynced++; j.unsynced >= j.syncEvery {
		j.unsynced = 0
		if err := j.file.Sync(); err != nil {
			j.broken = fmt.Errorf("sync journal: %w", err)
		}
	}
	return j.broken
}

func (j *journal) close() error {
	return errors.Join(j.file.Sync(), j.file.Close())
}
