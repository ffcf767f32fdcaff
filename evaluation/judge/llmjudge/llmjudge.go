// Package llmjudge lets a language model judge pages.
//
// The vocabulary: the items of a page have numbers, in the order in which the model reads
// them, and evidence is numbers. The sections of a page come in an order that its bytes
// decide, each cut to the same number of items, so that place and length say less. How new
// the items are is counted here and told to the model, which judges only whether the query
// asks for new ones.
//
// Titles are written by strangers. They are data in the one JSON object of the user turn;
// an answer is numbers, verdicts out of a closed set and a line that nobody obeys, and an
// answer that is anything else is none.
package llmjudge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net"

	"github.com/parallel-fusion/pfr/evaluation/judge"
	"github.com/parallel-fusion/pfr/internal/llm"
)

// Asker asks a language model; an [llm.Client] is one.
type Asker interface {
	Ask(ctx context.Context, q llm.Question) (llm.Usage, error)
}

// Config configures a [Judge] and [Pairs]. Every field is part of their ID. See
// [DefaultConfig].
type Config struct {
	// Model is the name that answers are kept by: that of the model with its version.
	Model string
	// Settings say how the model is asked, such as its temperature; part of the ID.
	Settings string
	Items    int    // of each section that are shown, the first ones
	Pair     int    // items of the longer page of a pair that are shown at least; see [Pairs]
	Attempts int    // at an answer that is no use
	Cards    bool   // show what listeners did with the items, where that is known
	Titles   bool   // show the titles of sections, which may tell one system from another
	Seed     uint64 // of the order of sections
	Fresh    Fresh
}

// Fresh says when a page is new enough for a query that asks for new things.
type Fresh struct {
	Weeks int // what was released at most so long ago is new
	// Share of the items with a date that must be new where a query asks for new things. Where it
	// asks for the newest of something that it names, one is enough.
	Share float64
}

// DefaultConfig returns settings for a capable model. The model is left to name. Titles of
// sections are not shown: each system has its own, so that they would tell which one made a
// page.
func DefaultConfig() Config {
	return Config{Items: 10, Pair: 5, Attempts: 3, Cards: true, Seed: 1, Fresh: Fresh{Weeks: 52, Share: .5}}
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	var errs []error
	if c.Model == "" {
		errs = append(errs, errors.New("model: must be named, since answers are kept by it"))
	}
	if min(c.Items, c.Pair, c.Attempts, c.Fresh.Weeks) < 1 {
		errs = append(errs, errors.New("items, pair, attempts and weeks: must be positive"))
	}
	if c.Items > maxItems {
		errs = append(errs, fmt.Errorf("items %d: must be at most %d", c.Items, maxItems))
	}
	if !(c.Fresh.Share > 0 && c.Fresh.Share <= 1) {
		errs = append(errs, fmt.Errorf("share %v: must lie above 0 and not above 1", c.Fresh.Share))
	}
	return errors.Join(errs...)
}

// id names a judge with all that its answers depend on.
func (c Config) id(kind, system, schema string) string {
	data, _ := json.Marshal(c) // of numbers and strings: it cannot go wrong
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%d\x00%s", kind, system, schema, turnVersion, data))
	return "llm/" + c.Model + "/" + kind + "-" + hex.EncodeToString(sum[:6])
}

// Judge is a [judge.Absolute] that asks a language model. It is safe for concurrent use.
type Judge struct {
	cfg   Config
	asker Asker
	id    string
}

// New returns a Judge. Requests and their time are counted by asker.
func New(cfg Config, asker Asker) (*Judge, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("judge config: %w", err)
	}
	return &Judge{cfg, asker, cfg.id("page", pageSystem, pageSchema)}, nil
}

// ID implements [judge.Absolute].
func (j *Judge) ID() string { return j.id }

// Judge implements [judge.Absolute]. An error that may pass is a [judge.PassingError]; that
// of a model that gave no valid answer in all attempts is an [llm.ErrOutput].
func (j *Judge) Judge(ctx context.Context, s judge.Subject) (judge.Judgment, error) {
	seen := j.cfg.look(s.Page)
	out := judge.Judgment{Judge: j.id}
	fresh, err := j.cfg.Fresh.count(seen, s.Today)
	if err != nil {
		return out, fmt.Errorf("judge case %s: %w", s.Case.ID, err)
	}
	cost, err := j.cfg.ask(ctx, j.asker, question{
		operation: "judge", task: pageTask, turn: pageTurn(s, seen, fresh),
		read: func(content string) error {
			a, err := parsePage(content, seen)
			if err == nil {
				out.Verdicts, out.Raw = j.cfg.verdicts(a, fresh), content
			}
			return err
		},
	})
	out.CostUSD = cost
	if err != nil {
		return out, fmt.Errorf("judge case %s: %w", s.Case.ID, err)
	}
	return out, nil
}

// question is what is asked, again if the answer is no use.
type question struct {
	operation string
	task      func(llm.Profile) llm.Task
	turn      turn
	read      func(content string) error
}

// ask asks until an answer is of use, and returns what that has cost. A model that samples
// without chance would repeat itself: from the second attempt on the turn says what was
// wrong.
func (c Config) ask(ctx context.Context, asker Asker, q question) (cost float64, err error) {
	for n := range c.Attempts {
		q.turn.Attempt = n
		if bad, ok := errors.AsType[llm.BadOutput](err); ok {
			q.turn.Mistake = string(bad)
		}
		user, encodeErr := llm.Turn(q.turn)
		if encodeErr != nil {
			return cost, encodeErr
		}
		var used llm.Usage
		used, err = asker.Ask(ctx, llm.Question{
			Operation: q.operation, Task: q.task, User: user,
			Read: func(r llm.Reply) error { return q.read(r.Content) },
		})
		cost += used.CostUSD
		if !errors.Is(err, llm.ErrOutput) {
			return cost, passing(ctx, err)
		}
	}
	return cost, err
}

// passing marks an error that may pass.
func passing(ctx context.Context, err error) error {
	var status *llm.StatusError
	var network net.Error
	switch {
	case err == nil || ctx.Err() != nil:
		return err
	case errors.As(err, &status):
		if status.Temporary() {
			return &judge.PassingError{After: status.RetryAfter, Err: err}
		}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network):
		return &judge.PassingError{Err: err}
	}
	return err
}
