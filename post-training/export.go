package posttraining

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Format is the form of an exported file.
type Format string

// Formats. All but the last are lines of JSON, and their JSON Schemas are in schemas/.
const (
	TRLCompletion Format = "trl-sft"     // TRL prompt-completion, conversational; the loss is on the completion alone
	TRLPreference Format = "trl-dpo"     // TRL preference: prompt, chosen, rejected
	TRLUnpaired   Format = "trl-kto"     // TRL unpaired preference: prompt, completion, label
	OpenAIChat    Format = "openai-chat" // OpenAI supervised fine-tuning
	OpenAIDPO     Format = "openai-dpo"  // OpenAI direct preference optimisation
	StudentTSV    Format = "student"     // lines of query, routes and parameters for the in-process student
)

// Formats lists all.
func Formats() []Format {
	return []Format{TRLCompletion, TRLPreference, TRLUnpaired, OpenAIChat, OpenAIDPO, StudentTSV}
}

// File returns the name that a file of the format has.
func (f Format) File() string {
	if f == StudentTSV {
		return "student.tsv"
	}
	return string(f) + ".jsonl"
}

// ErrLeak says that training rows hold queries that are to be tested on.
var ErrLeak = errors.New("training rows overlap with the test queries")

// Export says what is made of the outputs of a run.
type Export struct {
	Format    Format
	Form      Form // of the run, or the rows are not for this model
	Selection Selection
	// Leaks returns the queries that are too much like those to test on; nil does not look.
	Leaks func(queries []Query) []Leak
	// DropLeaks leaves such queries out. Otherwise they are an [ErrLeak].
	DropLeaks bool
}

// Leak is a query of a run that is too much like one to test on.
type Leak struct {
	QueryID string
	Why     string // names both; one line
}

// message is a turn of a chat.
type message struct {
	Role    string `json:"role"`
	Content string `json:"content"`
	Weight  *int   `json:"weight,omitempty"` // OpenAI: 0 or 1, whether it is learnt
}

// Write writes an export and returns how many lines it has. Equal outputs give equal bytes.
// Overlap with the test queries is an [ErrLeak], before anything is written.
func (e Export) Write(w io.Writer, r Results) (int, error) {
	if err := e.check(r); err != nil {
		return 0, fmt.Errorf("export %s: %w", e.Format, err)
	}
	r, _, err := e.Clean(r)
	if err != nil {
		return 0, fmt.Errorf("export %s: %w", e.Format, err)
	}
	rows := e.Selection.Of(r.Rows)
	var out []any
	switch e.Format {
	case TRLCompletion:
		out = e.completions(rows)
	case OpenAIChat:
		out = e.chats(rows)
	case TRLUnpaired:
		out = e.unpaired(rows, r.Rejections)
	case TRLPreference:
		out = e.preferences(rows, r.Rejections, preferenceTRL)
	case OpenAIDPO:
		out = e.preferences(rows, r.Rejections, preferenceOpenAI)
	case StudentTSV:
		return e.student(w, rows)
	default:
		return 0, fmt.Errorf("export: there is no format %q", e.Format)
	}
	data, err := lines(out)
	if err == nil {
		_, err = w.Write(data)
	}
	if err != nil {
		return 0, fmt.Errorf("export %s: %w", e.Format, err)
	}
	return len(out), nil
}

// check makes sure that the selection is sound and fits the rows, and that they are for
// this form.
func (e Export) check(r Results) error {
	if err := e.Selection.Validate(); err != nil {
		return err
	}
	if err := e.Selection.fits(r.Rows); err != nil {
		return err
	}
	if e.Form.Version() != r.Stats.Settings.Form {
		return fmt.Errorf("the rows are for form %s, and what is served has %s: sample again", r.Stats.Settings.Form, e.Form.Version())
	}
	return nil
}

// Clean returns the rows and rejections of queries that are not too much like those to test
// on, and which queries were left out. It changes nothing of r. Unless leaks are to be
// dropped, one is an [ErrLeak].
func (e Export) Clean(r Results) (Results, []Leak, error) {
	if e.Leaks == nil {
		return r, nil, nil
	}
	leaks := e.Leaks(r.queries())
	if len(leaks) == 0 {
		return r, nil, nil
	}
	if !e.DropLeaks {
		var why []string
		for _, l := range leaks[:min(len(leaks), maxProblems)] {
			why = append(why, l.Why)
		}
		return r, leaks, fmt.Errorf("%w: %d queries, such as %s", ErrLeak, len(leaks), strings.Join(why, "; "))
	}
	out := map[string]bool{}
	for _, l := range leaks {
		out[l.QueryID] = true
	}
	r.Rows = slices.DeleteFunc(slices.Clone(r.Rows), func(row Row) bool { return out[row.QueryID] })
	r.Rejections = slices.DeleteFunc(slices.Clone(r.Rejections), func(row Rejection) bool { return out[row.QueryID] })
	return r, leaks, nil
}

// queries returns the queries of rows and rejections, each once.
func (r Results) queries() []Query {
	var out []Query
	seen := map[string]bool{}
	add := func(p Provenance) {
		if !seen[p.QueryID] {
			seen[p.QueryID] = true
			out = append(out, Query{ID: p.QueryID, Text: p.Query, Source: p.Source, Split: p.Split, Template: p.Template, Cluster: p.Cluster})
		}
	}
	for _, row := range r.Rows {
		add(row.Provenance)
	}
	for _, rejection := range r.Rejections {
		add(rejection.Provenance)
	}
	return out
}

// turns is the prompt that the trained router will be served with.
func (e Export) turns(query string) []message {
	system, user := e.Form.Turns(query)
	return []message{{Role: "system", Content: system}, {Role: "user", Content: user}}
}

func says(decision string) []message { return []message{{Role: "assistant", Content: decision}} }

type completion struct {
	Prompt     []message `json:"prompt"`
	Completion []message `json:"completion"`
	Weight     float64   `json:"weight"`
}

func (e Export) completions(rows []Weighted) []any {
	out := make([]any, len(rows))
	for i, r := range rows {
		out[i] = completion{e.turns(r.Query), says(r.Decision), r.Weight}
	}
	return out
}

type chat struct {
	Messages []message `json:"messages"`
}

func (e Export) chats(rows []Weighted) []any {
	learnt := 1
	out := make([]any, len(rows))
	for i, r := range rows {
		answer := message{Role: "assistant", Content: r.Decision, Weight: &learnt}
		out[i] = chat{append(e.turns(r.Query), answer)}
	}
	return out
}

type labelled struct {
	Prompt     []message `json:"prompt"`
	Completion []message `json:"completion"`
	Label      bool      `json:"label"`
	Weight     float64   `json:"weight"`
}

// bad reports whether a decision was rejected by somebody who knew.
func (r Rejection) bad() bool { return r.Decision != "" && r.Stage != StageUnjudged }

// unpaired has every row as good, and every rejected decision as bad, those at hard queries
// too. A bad one weighs as much as the rows do on average.
func (e Export) unpaired(rows []Weighted, rejections []Rejection) []any {
	var out []any
	for _, r := range rows {
		out = append(out, labelled{e.turns(r.Query), says(r.Decision), true, r.Weight})
	}
	for _, r := range rejections {
		if r.bad() {
			out = append(out, labelled{e.turns(r.Query), says(r.Decision), false, 1})
		}
	}
	return out
}

// pair is a decision that passed and one at the same query that did not.
type pair struct {
	query            string
	chosen, rejected string
	weight           float64
}

type preference struct {
	Prompt   []message `json:"prompt"`
	Chosen   []message `json:"chosen"`
	Rejected []message `json:"rejected"`
	Weight   float64   `json:"weight"`
}

func preferenceTRL(prompt []message, p pair) any {
	return preference{prompt, says(p.chosen), says(p.rejected), p.weight}
}

type openAIPreference struct {
	Input        chat      `json:"input"`
	Preferred    []message `json:"preferred_output"`
	NonPreferred []message `json:"non_preferred_output"`
}

func preferenceOpenAI(prompt []message, p pair) any {
	return openAIPreference{chat{prompt}, says(p.chosen), says(p.rejected)}
}

// preferences pairs the first row of each query with each decision that was rejected there.
func (e Export) preferences(rows []Weighted, rejections []Rejection, write func([]message, pair) any) []any {
	bad := map[string][]string{}
	for _, r := range rejections {
		if r.bad() {
			bad[r.QueryID] = append(bad[r.QueryID], r.Decision)
		}
	}
	var out []any
	last := ""
	for _, r := range rows {
		if r.QueryID == last {
			continue
		}
		last = r.QueryID
		for _, d := range bad[r.QueryID] {
			out = append(out, write(e.turns(r.Query), pair{r.Query, r.Decision, d, r.Weight}))
		}
	}
	return out
}

// student writes a line for each example. Weights are left out: the student balances its
// routes itself.
func (e Export) student(w io.Writer, rows []Weighted) (int, error) {
	plain := make([]Row, len(rows))
	for i, r := range rows {
		plain[i] = r.Row
	}
	var b bytes.Buffer
	examples := Examples(plain)
	for _, e := range examples {
		params, err := json.Marshal(e.Params)
		if err != nil {
			return 0, fmt.Errorf("export student: %w", err)
		}
		fmt.Fprintf(&b, "%s\t%s\t%s\n", e.Text, strings.Join(e.Routes, ","), params)
	}
	_, err := w.Write(b.Bytes())
	return len(examples), err
}
