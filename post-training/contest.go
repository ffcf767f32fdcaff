package posttraining

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"time"

	"github.com/parallel-fusion/pfr/evaluation/stats"
	"github.com/parallel-fusion/pfr/evaluation/testset"
	"github.com/parallel-fusion/pfr/internal/filelock"
	"github.com/parallel-fusion/pfr/schemas"
)

// Contestant is a router that is compared with others, under the name that a table shows.
type Contestant struct {
	Name   string
	Router Teacher
}

// Contest compares routers on the same queries, as the article's Table 1 does. The first
// contestant is the teacher, which the others are measured against. Contestants take turns
// query by query, so that a busy moment of the machine hits them alike.
type Contest struct {
	Contestants []Contestant
	Judge       Judge
	// HourUSD is what an hour of the machine that decides costs. It is charged for the time of
	// a decision, beside what tokens cost by the price list.
	HourUSD float64
	// Answers is a file that keeps what was answered; a contest that was interrupted goes on
	// from it. The same file serves one machine alone, since times are kept too.
	Answers string
	Seen    func(done, of int)
}

// Turn is the answer of a contestant to a query.
type Turn struct {
	Name       string         `json:"name"`       // of the contestant, which is its own
	Contestant string         `json:"contestant"` // its ID, which those with equal models share
	Query      string         `json:"query"`
	Market     string         `json:"market,omitempty"`
	Route      string         `json:"route,omitempty"`
	Params     schemas.Params `json:"params,omitempty"`
	Invalid    string         `json:"invalid,omitempty"` // why it is no decision
	Model      string         `json:"model,omitempty"`
	TookMS     float64        `json:"took_ms"`
	Tokens     schemas.Tokens `json:"tokens"`
	CostUSD    float64        `json:"cost_usd,omitempty"` // of tokens
}

// Run has every contestant decide for every query, and every decision judged. The error
// says why it stopped, an [ErrSilent] for a judge that says nothing; what was answered until
// then is kept.
func (c Contest) Run(ctx context.Context, queries []Query) (Table, error) {
	if err := c.check(queries); err != nil {
		return Table{}, err
	}
	book, err := openTurns(c.Answers)
	if err != nil {
		return Table{}, err
	}
	tallies := make([]tally, len(c.Contestants))
	for i, q := range queries {
		for k, one := range c.Contestants {
			t, err := book.turn(ctx, one, q)
			if err == nil {
				err = tallies[k].add(ctx, c, q, t)
			}
			if err != nil {
				return Table{}, errors.Join(fmt.Errorf("%s on %q: %w", one.Name, q.Text, err), book.close())
			}
		}
		c.Seen(i+1, len(queries))
	}
	return c.table(queries, tallies), book.close()
}

// check makes sure that there is something to compare, under names that tell it apart.
func (c Contest) check(queries []Query) error {
	if len(c.Contestants) < 2 || len(queries) == 0 {
		return fmt.Errorf("contest of %d contestants on %d queries: wants a teacher, another and a query", len(c.Contestants), len(queries))
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

func (t *tally) add(ctx context.Context, c Contest, q Query, turn Turn) error {
	pass, routed, none := false, false, false
	if turn.Invalid == "" {
		verdict, err := c.Judge.Judge(ctx, q, Decision{Route: turn.Route, Params: turn.Params})
		if err != nil {
			return fmt.Errorf("judge: %w", err)
		}
		pass, none = verdict.Pass, verdict.None
		if t.silent++; !none {
			t.silent = 0
		}
		if t.silent >= mostSilent {
			return fmt.Errorf("%w: %d in a row, the last: %s", ErrSilent, t.silent, verdict.Reason)
		}
		for _, g := range q.Gold {
			routed = routed || g.Route == turn.Route
		}
	}
	const msPerHour = 3.6e6
	t.passed, t.routed = append(t.passed, number(pass)), append(t.routed, number(routed))
	t.unjudged = append(t.unjudged, none)
	t.valid = append(t.valid, number(turn.Invalid == ""))
	t.took = append(t.took, turn.TookMS)
	t.costs = append(t.costs, turn.CostUSD+turn.TookMS/msPerHour*c.HourUSD)
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

// turns is the book of a contest: an append-only file of turns, one JSON object a line.
type turns struct {
	file *os.File
	lock *filelock.Lock
	had  map[string]Turn
}

// key is what an answer is found by. The ID is part of it, so that another version of a router
// is asked again.
func (t Turn) key() string {
	return t.Name + "\x00" + t.Contestant + "\x00" + t.Query + "\x00" + t.Market
}

// openTurns reads the turns of a file. A line that was cut off while it was written is
// dropped. Without a name nothing is kept.
func openTurns(name string) (*turns, error) {
	b := &turns{had: map[string]Turn{}}
	if name == "" {
		return b, nil
	}
	var err error
	if b.lock, err = filelock.Take(name + ".lock"); err != nil {
		return nil, fmt.Errorf("answers %s: %w", name, err)
	}
	if b.file, err = os.OpenFile(name, os.O_RDWR|os.O_CREATE, 0o644); err != nil { //nolint:gosec // answers are no secret
		return nil, errors.Join(fmt.Errorf("answers: %w", err), b.lock.Release())
	}
	whole, err := b.read()
	if err == nil {
		err = b.file.Truncate(whole)
	}
	if err == nil {
		_, err = b.file.Seek(whole, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("answers %s: %w", name, err), b.close())
	}
	return b, nil
}

// read reads the whole lines and returns where they end.
func (b *turns) read() (whole int64, err error) {
	for r := bufio.NewReader(b.file); ; {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			return whole, nil
		}
		if err != nil {
			return whole, err
		}
		var t Turn
		if err := json.Unmarshal(line, &t); err != nil {
			return whole, fmt.Errorf("at byte %d: %w", whole, err)
		}
		whole += int64(len(line))
		b.had[t.key()] = t
	}
}

// turn returns the answer that is in the book, or asks for it. An answer that is no valid
// decision is an answer; a contestant that cannot be asked is an error.
func (b *turns) turn(ctx context.Context, c Contestant, q Query) (Turn, error) {
	t := Turn{Name: c.Name, Contestant: c.Router.ID(), Query: q.Text, Market: q.Market}
	if had, ok := b.had[t.key()]; ok {
		return had, nil
	}
	begin := time.Now()
	s, err := c.Router.Sample(ctx, Ask{Query: q, Attempt: 1})
	t.TookMS = float64(time.Since(begin).Microseconds()) / 1000
	t.Route, t.Params, t.Model, t.Tokens, t.CostUSD = s.Route, s.Params, s.Model, s.Tokens, s.CostUSD
	switch {
	case errors.Is(err, ErrInvalid):
		t.Invalid, t.Route, t.Params = err.Error(), "", nil
	case err != nil:
		return t, err
	}
	b.had[t.key()] = t
	if b.file == nil {
		return t, nil
	}
	line, err := json.Marshal(t)
	if err == nil {
		_, err = b.file.Write(append(line, '\n'))
	}
	return t, err
}

func (b *turns) close() error {
	if b.file == nil {
		return nil
	}
	return errors.Join(b.file.Close(), b.lock.Release())
}

// Table is the outcome of a contest.
type Table struct {
	Judge   string  `json:"judge"`
	HourUSD float64 `json:"hour_usd"`
	N       int     `json:"n"`
	// Unjudged is how many queries count for no quality: the judge said nothing of the decision
	// of a contestant.
	Unjudged int     `json:"unjudged"`
	Rows     []Entry `json:"rows"` // the teacher's first
}

// Entry is a contestant in a table. What is compared is compared with the teacher.
type Entry struct {
	Name  string `json:"name"`
	ID    string `json:"id"`
	Model string `json:"model"`

	Quality        stats.Paired   `json:"quality"` // share of decisions that the judge passes
	Routed         stats.Paired   `json:"routed"`  // share whose route suits by the labels
	RoutedInterval stats.Interval `json:"routed_wilson_95"`
	Valid          int            `json:"valid"` // decisions that were valid
	ValidInterval  stats.Interval `json:"valid_wilson_95"`

	Latency stats.Paired `json:"latency_ms"` // mean
	P50     float64      `json:"p50_ms"`
	P75     float64      `json:"p75_ms"`
	Cost    stats.Paired `json:"cost_usd"` // mean of a decision

	PromptTokens     float64 `json:"prompt_tokens"` // mean of a decision
	CachedTokens     float64 `json:"cached_tokens"`
	CompletionTokens float64 `json:"completion_tokens"`
}

func (c Contest) table(queries []Query, tallies []tally) Table {
	groups := make([]string, len(queries))
	for i, q := range queries {
		if groups[i] = q.Cluster; groups[i] == "" {
			groups[i] = testset.Normalise(q.Text)
		}
	}
	judged := judgedByAll(tallies)
	out := Table{Judge: c.Judge.ID(), HourUSD: c.HourUSD, N: len(queries), Unjudged: len(queries) - len(judged)}
	teacher, n := tallies[0], float64(len(queries))
	for i, t := range tallies {
		const seed = 1
		e := Entry{
			Name: c.Contestants[i].Name, ID: c.Contestants[i].Router.ID(), Model: t.model,
			Quality: stats.Compare(at(t.passed, judged), at(teacher.passed, judged), at(groups, judged), seed), Routed: stats.Compare(t.routed, teacher.routed, groups, seed),
			Latency: stats.Compare(t.took, teacher.took, groups, seed), Cost: stats.Compare(t.costs, teacher.costs, groups, seed),
			P50: stats.Quantile(append([]float64{}, t.took...), .5), P75: stats.Quantile(append([]float64{}, t.took...), .75),
			Valid: count(t.valid), ValidInterval: stats.Wilson(count(t.valid), len(queries)), RoutedInterval: stats.Wilson(count(t.routed), len(queries)),
			PromptTokens: float64(t.tokens.Prompt) / n, CachedTokens: float64(t.tokens.Cached) / n, CompletionTokens: float64(t.tokens.Completion) / n,
		}
		out.Rows = append(out.Rows, e)
	}
	return out
}

// judgedByAll returns the queries, by index, of which every decision has a verdict or is none.
func judgedByAll(tallies []tally) []int {
	var out []int
	for i := range tallies[0].unjudged {
		if !slices.ContainsFunc(tallies, func(t tally) bool { return t.unjudged[i] }) {
			out = append(out, i)
		}
	}
	return out
}

func at[T any](list []T, indices []int) []T {
	out := make([]T, len(indices))
	for k, i := range indices {
		out[k] = list[i]
	}
	return out
}

func count(list []float64) int {
	sum := 0.0
	for _, x := range list {
		sum += x
	}
	return int(math.Round(sum))
}
