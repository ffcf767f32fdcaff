package posttraining

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/parallel-fusion/pfr/internal/filelock"
	"github.com/parallel-fusion/pfr/internal/journal"
	"github.com/parallel-fusion/pfr/schemas"
)

// Turn is the answer of a contestant to a query.
type Turn struct {
	Name       string         `json:"name"`       // of the contestant, which is its own
	Contestant string         `json:"contestant"` // its ID, which those with equal models share
	Query      string         `json:"query"`
	Market     string         `json:"market,omitempty"`
	Route      string         `json:"route,omitempty"`
	Params     schemas.Params `json:"params,omitempty"`
	Decision   string         `json:"decision,omitempty"` // see [Decision.Text]
	Invalid    string         `json:"invalid,omitempty"`  // why it is no decision
	Model      string         `json:"model,omitempty"`
	TookMS     float64        `json:"took_ms"`
	Tokens     schemas.Tokens `json:"tokens"`
	CostUSD    float64        `json:"cost_usd,omitempty"` // of tokens
}

// key is what an answer is found by. The ID is part of it, so that another version of a router
// is asked again.
func (t Turn) key() string {
	return t.Name + "\x00" + t.Contestant + "\x00" + t.Query + "\x00" + t.Market
}

// Ruling is what a language model said of a decision, whoever came to it.
type Ruling struct {
	Judge    string         `json:"judge"` // ID
	Query    string         `json:"query"`
	Decision string         `json:"decision"` // see [Decision.Text]
	Pass     bool           `json:"pass"`
	None     bool           `json:"none,omitempty"` // it gave no verdict
	Reason   string         `json:"reason,omitempty"`
	Prompt   string         `json:"prompt"`
	Tokens   schemas.Tokens `json:"tokens"`
	CostUSD  float64        `json:"cost_usd,omitempty"`
}

func (r Ruling) key() string { return r.Judge + "\x00" + r.Query + "\x00" + r.Decision }

func (r Ruling) verdict() Verdict {
	return Verdict{Pass: r.Pass, None: r.None, Reason: r.Reason, Prompt: r.Prompt, Tokens: r.Tokens, CostUSD: r.CostUSD}
}

// kept is a record of a book: one of the two.
type kept struct {
	Turn   *Turn   `json:"turn,omitempty"`
	Ruling *Ruling `json:"ruling,omitempty"`
}

// book keeps what contestants answered and what a language model said of it. One contest has
// it at a time.
type book struct {
	turns   map[string]Turn
	rulings map[string]Ruling
	journal *journal.Journal // nil: nothing is kept
	lock    *filelock.Lock
}

// openBook opens a file, or makes it; without a name nothing is kept. The caller closes the
// book.
func openBook(name string) (*book, error) {
	b := &book{turns: map[string]Turn{}, rulings: map[string]Ruling{}}
	if name == "" {
		return b, nil
	}
	var err error
	if b.lock, err = filelock.Take(name + ".lock"); err != nil {
		return nil, fmt.Errorf("answers %s: %w", name, err)
	}
	if b.journal, err = journal.Open(name, 1, b.add); err != nil {
		return nil, errors.Join(fmt.Errorf("answers: %w", err), b.lock.Release())
	}
	return b, nil
}

// add reads a line.
func (b *book) add(line []byte) error {
	var k kept
	if err := json.Unmarshal(line, &k); err != nil {
		return err
	}
	switch {
	case k.Turn != nil:
		b.turns[k.Turn.key()] = *k.Turn
	case k.Ruling != nil:
		b.rulings[k.Ruling.key()] = *k.Ruling
	default:
		return errors.New("it is neither a turn nor a ruling: choose another folder")
	}
	return nil
}

func (b *book) keepTurn(t Turn) error {
	b.turns[t.key()] = t
	return b.keep(kept{Turn: &t})
}

func (b *book) keepRuling(r Ruling) error {
	b.rulings[r.key()] = r
	return b.keep(kept{Ruling: &r})
}

func (b *book) keep(k kept) error {
	if b.journal == nil {
		return nil
	}
	return b.journal.Append(k)
}

func (b *book) close() error {
	if b.journal == nil {
		return nil
	}
	return errors.Join(b.journal.Close(), b.lock.Release())
}
