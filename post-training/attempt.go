package posttraining

import (
	"encoding/json"
	"errors"
	"fmt"
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
	// Unfinished is that of an attempt that was paid for and came to nothing, since somebody
	// could not be asked. It is made again, and counts for what it cost alone.
	Unfinished Outcome = "unfinished"
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

// Attempt is a record of the journal. Whatever a row, a rejection or a hard query says comes
// from here.
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

// attempts are the records of a journal while it is read: each attempt is finished once.
type attempts struct {
	list     []Attempt
	finished map[string]bool
}

// add reads a line of the journal.
func (all *attempts) add(line []byte) error {
	var a Attempt
	if err := json.Unmarshal(line, &a); err != nil || a.Query == "" || a.Attempt < 1 {
		return fmt.Errorf("%w: it is no attempt", ErrJournal)
	}
	if a.Outcome != Unfinished {
		if all.finished == nil {
			all.finished = map[string]bool{}
		}
		key := fmt.Sprintf("%d %s", a.Attempt, a.Query)
		if all.finished[key] {
			return fmt.Errorf("%w: attempt %d of %s is there twice", ErrJournal, a.Attempt, a.Query)
		}
		all.finished[key] = true
	}
	all.list = append(all.list, a)
	return nil
}
