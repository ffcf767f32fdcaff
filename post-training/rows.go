package posttraining

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/parallel-fusion/pfr/evaluation/testset"
	"github.com/parallel-fusion/pfr/schemas"
)

// Provenance says where something in a run comes from. Both judges are in it: who rejected,
// and who will examine what is trained.
type Provenance struct {
	Query           string         `json:"query"`
	QueryID         string         `json:"query_id"`
	Template        string         `json:"template,omitempty"`
	Source          Source         `json:"source"`
	Split           testset.Split  `json:"split"`
	Market          string         `json:"market,omitempty"`
	Cluster         string         `json:"cluster,omitempty"`
	Route           string         `json:"route,omitempty"`
	Decision        string         `json:"decision,omitempty"` // see [Decision.Text]
	Form            string         `json:"form"`               // version, see [Form]
	Teacher         string         `json:"teacher"`
	Model           string         `json:"model,omitempty"`
	TeacherPrompt   string         `json:"teacher_prompt,omitempty"`
	Temperature     float64        `json:"temperature"`
	Attempt         int            `json:"attempt"`
	Seed            uint64         `json:"seed"`
	Gates           []string       `json:"gates,omitempty"` // passed
	Judge           string         `json:"judge"`
	JudgePrompt     string         `json:"judge_prompt,omitempty"`
	EvaluationJudge string         `json:"evaluation_judge"`
	Tokens          schemas.Tokens `json:"tokens"`
	JudgeTokens     schemas.Tokens `json:"judge_tokens"`
	CostUSD         float64        `json:"cost_usd"`
}

// Row is a decision that passed.
type Row struct {
	Provenance
	Verdict   string `json:"verdict"` // always PASS
	Rationale string `json:"rationale,omitempty"`
}

// Rejection is an attempt that did not pass.
type Rejection struct {
	Provenance
	Stage  Stage  `json:"stage"`
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
}

// Hard is a query that no attempt passed, though there were as many as allowed.
type Hard struct {
	Query           Query     `json:"query"`
	Attempts        []Failure `json:"attempts"`
	Judge           string    `json:"judge"`
	EvaluationJudge string    `json:"evaluation_judge"`
}

// Failure is what became of one attempt at a hard query.
type Failure struct {
	Attempt  int     `json:"attempt"`
	Teacher  string  `json:"teacher"`
	Outcome  Outcome `json:"outcome"`
	Stage    Stage   `json:"stage,omitempty"`
	By       string  `json:"by,omitempty"`
	Reason   string  `json:"reason,omitempty"`
	Decision string  `json:"decision,omitempty"`
}

// Verdicts.
const (
	pass   = "PASS" // that of rows
	noPass = "NO PASS"
)

// outputs are the files that follow from settings, queries and journal. They are in the order
// of the queries' ids and of the attempts, whatever order the attempts were made in.
type outputs struct {
	rows       []Row
	hard       []Hard
	rejections []Rejection
	stats      Stats
}

func derive(s Settings, queries []progress) outputs {
	o := outputs{stats: newStats(s)}
	for i := range queries {
		p := &queries[i]
		o.stats.add(s, p)
		for _, a := range p.attempts {
			from := provenance(s, p.query, a)
			switch a.Outcome {
			case Accepted:
				o.rows = append(o.rows, Row{from, pass, a.Reason})
			case Rejected:
				o.rejections = append(o.rejections, Rejection{from, a.Stage, a.By, a.Reason})
			case Repeated, Unfinished: // the first attempt is there; unfinished ones are not among these
			}
		}
		if p.accepted() == 0 && len(p.attempts) >= s.Attempts {
			o.hard = append(o.hard, hard(s, p))
		}
	}
	return o
}

func provenance(s Settings, q Query, a Attempt) Provenance {
	return Provenance{
		Query: q.Text, QueryID: q.ID, Template: q.Template, Source: q.Source, Split: q.Split, Market: q.Market, Cluster: q.Cluster,
		Route: a.Route, Decision: a.Decision, Form: s.Form,
		Teacher: a.Teacher, Model: a.Model, TeacherPrompt: a.Prompt, Temperature: a.Temperature, Attempt: a.Attempt, Seed: a.Seed,
		Gates: a.Gates, Judge: s.Judge, JudgePrompt: a.JudgePrompt, EvaluationJudge: s.EvaluationJudge,
		Tokens: a.Tokens, JudgeTokens: a.JudgeTokens, CostUSD: a.CostUSD,
	}
}

func hard(s Settings, p *progress) Hard {
	h := Hard{Query: p.query, Judge: s.Judge, EvaluationJudge: s.EvaluationJudge}
	for _, a := range p.attempts {
		h.Attempts = append(h.Attempts, Failure{a.Attempt, a.Teacher, a.Outcome, a.Stage, a.By, a.Reason, a.Decision})
	}
	return h
}

// files returns the outputs by name.
func (o outputs) files() (map[string][]byte, error) {
	out := map[string][]byte{}
	var err error
	if out[fileRows], err = lines(o.rows); err != nil {
		return nil, err
	}
	if out[fileHard], err = lines(o.hard); err != nil {
		return nil, err
	}
	if out[fileRejections], err = lines(o.rejections); err != nil {
		return nil, err
	}
	out[fileStats], err = indented(o.stats)
	return out, err
}

// write derives the outputs and writes them.
func (r *Run) write() (Stats, error) {
	o := derive(r.settings, r.queries)
	files, err := o.files()
	if err != nil {
		return o.stats, fmt.Errorf("write outputs: %w", err)
	}
	for name, data := range files {
		if err := writeFile(filepath.Join(r.dir, name), data); err != nil {
			return o.stats, fmt.Errorf("write outputs: %w", err)
		}
	}
	return o.stats, nil
}

// Results are the outputs of a run as they are read.
type Results struct {
	Rows       []Row
	Hard       []Hard
	Rejections []Rejection
	Stats      Stats
}

// Read returns the outputs of the run in a folder, whether or not it is finished.
func Read(dir string) (Results, error) {
	var (
		r   Results
		err error
	)
	if r.Rows, err = readLines[Row](filepath.Join(dir, fileRows)); err != nil {
		return r, err
	}
	if r.Hard, err = readLines[Hard](filepath.Join(dir, fileHard)); err != nil {
		return r, err
	}
	if r.Rejections, err = readLines[Rejection](filepath.Join(dir, fileRejections)); err != nil {
		return r, err
	}
	raw, err := os.ReadFile(filepath.Join(dir, fileStats))
	if err == nil {
		err = json.Unmarshal(raw, &r.Stats)
	}
	if err != nil {
		return r, fmt.Errorf("read outputs: %w", err)
	}
	return r, nil
}

// ReadRows reads a file of rows.
func ReadRows(path string) ([]Row, error) { return readLines[Row](path) }

func readLines[T any](path string) ([]T, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read outputs: %w", err)
	}
	var out []T
	n := 0
	for line := range bytes.Lines(raw) {
		n++
		var v T
		if err := json.Unmarshal(line, &v); err != nil {
			return nil, fmt.Errorf("%s line %d: %w", path, n, err)
		}
		out = append(out, v)
	}
	return out, nil
}
