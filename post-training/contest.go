package posttraining

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/parallel-fusion/pfr/evaluation/testset"
	"github.com/parallel-fusion/pfr/schemas"
)

// Contestant is a router that is compared with others, under the name that a table shows.
type Contestant struct {
	Name   string
	Router Teacher
	// JudgesItself says that the judge is the model that decides; the table warns of it.
	JudgesItself bool
}

// Warmer is a router whose first answer takes longer than the others, such as one behind a
// server that reads its prompt once. A contest warms it before it takes its first time.
type Warmer interface {
	// Warm returns when the next answer will take as long as those after it.
	Warm(ctx context.Context) error
}

// Contest compares routers on the same queries, as the article's Table 1 does. The first
// contestant is the teacher, which the others are measured against. Contestants take turns
// query by query, so that a busy moment of the machine hits them alike.
type Contest struct {
	Contestants []Contestant
	Judge       Judge
	Form        Form // decisions are judged as they are written in it
	Retry       Retry
	// HourUSD is what an hour of the machine that decides costs. It is charged for the time of
	// a decision, beside what tokens cost by the price list.
	HourUSD float64
	// Answers is a file that keeps what was answered, and what a language model said of it; a
	// contest that was interrupted goes on from it. The same file serves one machine alone,
	// since times are kept too.
	Answers string
	Seen    func(done, of int)
}

// Run has every contestant decide for every query, and every decision judged. The error
// says why it stopped, an [ErrSilent] for a judge that says nothing; what was answered until
// then is kept.
func (c Contest) Run(ctx context.Context, queries []Query) (Table, error) {
	if err := c.check(queries); err != nil {
		return Table{}, err
	}
	b, err := openBook(c.Answers)
	if err != nil {
		return Table{}, err
	}
	run := contesting{c, b, map[string]bool{}}
	tallies := make([]tally, len(c.Contestants))
	for i, q := range queries {
		for k, one := range c.Contestants {
			if err := run.turn(ctx, one, q, &tallies[k]); err != nil {
				return Table{}, errors.Join(fmt.Errorf("%s on %q: %w", one.Name, q.Text, err), b.close())
			}
		}
		c.Seen(i+1, len(queries))
	}
	return c.table(queries, tallies), b.close()
}

// contesting is one call of Run.
type contesting struct {
	Contest
	book *book
	warm map[string]bool // contestants that are, by name
}

// turn has a contestant decide for a query and its decision judged, unless the book has both.
func (c contesting) turn(ctx context.Context, one Contestant, q Query, sums *tally) error {
	t, err := c.decide(ctx, one, q)
	if err != nil {
		return err
	}
	var v Verdict
	if t.Invalid == "" {
		if v, err = c.judge(ctx, q, t); err != nil {
			return fmt.Errorf("judge: %w", err)
		}
	}
	return sums.add(q, t, v, c.HourUSD)
}

// decide returns the answer that is in the book, or asks for it. An answer that is no valid
// decision is an answer; a contestant that cannot be asked is an error.
func (c contesting) decide(ctx context.Context, one Contestant, q Query) (Turn, error) {
	t := Turn{Name: one.Name, Contestant: one.Router.ID(), Query: q.Text, Market: q.Market}
	if had, ok := c.book.turns[t.key()]; ok {
		return had, nil
	}
	if err := c.warmUp(ctx, one); err != nil {
		return t, err
	}
	var s Sample
	err := c.Retry.do(ctx, nil, func() (err error) {
		began := time.Now()
		s, err = one.Router.Sample(ctx, Ask{Query: q, Attempt: 1})
		t.TookMS = float64(time.Since(began).Microseconds()) / 1000
		if errors.Is(err, ErrInvalid) {
			t.Invalid = err.Error()
			return nil
		}
		return err
	}, nil)
	if err != nil {
		return t, err
	}
	t.Model, t.Tokens, t.CostUSD = s.Model, s.Tokens, s.CostUSD
	if t.Invalid == "" {
		t.Route, t.Params = s.Route, s.Params
		if t.Decision, err = c.Form.Answer(s.Route, s.Params); err != nil {
			t.Invalid = err.Error()
		}
	}
	return t, c.book.keepTurn(t)
}

// warmUp makes a contestant ready, once.
func (c contesting) warmUp(ctx context.Context, one Contestant) error {
	w, cold := one.Router.(Warmer)
	if !cold || c.warm[one.Name] {
		return nil
	}
	c.warm[one.Name] = true
	return c.Retry.do(ctx, nil, func() error { return w.Warm(ctx) }, nil)
}

// judge returns the verdict that is in the book, or asks for it. What no language model says
// is not kept: labels, and pages that are judged by rules, may be others the next time.
func (c contesting) judge(ctx context.Context, q Query, t Turn) (Verdict, error) {
	r := Ruling{Judge: c.Judge.ID(), Query: q.Text, Decision: t.Decision}
	if had, ok := c.book.rulings[r.key()]; ok {
		return had.verdict(), nil
	}
	var v Verdict
	err := c.Retry.do(ctx, nil, func() (err error) {
		v, err = c.Judge.Judge(ctx, q, Decision{Route: t.Route, Params: t.Params, Text: t.Decision})
		return err
	}, nil)
	if err != nil || v.Prompt == "" {
		return v, err
	}
	r.Pass, r.None, r.Reason, r.Prompt, r.Tokens, r.CostUSD = v.Pass, v.None, v.Reason, v.Prompt, v.Tokens, v.CostUSD
	return v, c.book.keepRuling(r)
}

// check makes sure that there is something to compare, under names that tell it apart.
func (c Contest) check(queries []Query) error {
	if len(c.Contestants) < 2 || len(queries) == 0 {
		return fmt.Errorf("contest of %d contestants on %d queries: wants a teacher, another and a query", len(c.Contestants), len(queries))
	}
	if c.Judge == nil || c.Form == nil {
		return errors.New("contest: wants a judge, and a form that decisions are judged in")
	}
	names := map[string]bool{}
	for _, one := range c.Contestants {
		if names[one.Name] {
			return fmt.Errorf("contest: %q is there twice: give one of them another name", one.Name)
		}
		names[one.Name] = true
	}
	return nil
}

// tally collects the turns of a contestant, in the order of the queries.
type tally struct {
	model                              string
	passed, routed, valid, took, costs []float64
	tokens                             schemas.Tokens

	unjudged []bool // decisions that the judge said nothing of
	silent   int    // of these, how many in a row at the end
}

// add counts a turn and, of a valid one, its verdict. The error is an [ErrSilent].
func (t *tally) add(q Query, turn Turn, v Verdict, hourUSD float64) error {
	valid := turn.Invalid == ""
	if valid {
		if t.silent++; !v.None {
			t.silent = 0
		}
		if t.silent >= mostSilent {
			return fmt.Errorf("judge: %w: %d in a row, the last: %s", ErrSilent, t.silent, v.Reason)
		}
	}
	routed := slices.ContainsFunc(q.Gold, func(g testset.Gold) bool { return valid && g.Route == turn.Route })
	const msPerHour = 3.6e6
	t.passed, t.routed = append(t.passed, number(v.Pass)), append(t.routed, number(routed))
	t.unjudged = append(t.unjudged, v.None)
	t.valid = append(t.valid, number(valid))
	t.took = append(t.took, turn.TookMS)
	t.costs = append(t.costs, turn.CostUSD+turn.TookMS/msPerHour*hourUSD)
	t.tokens.Prompt += turn.Tokens.Prompt
	t.tokens.Cached += turn.Tokens.Cached
	t.tokens.Completion += turn.Tokens.Completion
	if turn.Model != "" {
		t.model = turn.Model
	}
	return nil
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
