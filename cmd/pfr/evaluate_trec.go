package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/parallel-fusion/pfr/evaluation/trec"
)

type evaluateTRECCmd struct {
	Qrels string `arg:"" type:"existingfile" help:"Judgments: lines of topic, iteration, document, level; with --subtopics the iteration is the subtopic."`
	Run1  string `arg:"" name:"run" type:"existingfile" help:"Lines of topic, Q0, document, rank, score, name of the run."`
	Run2  string `arg:"" name:"run2" optional:"" type:"existingfile" help:"Another run, to compare the first with."`

	Measures []string `short:"m" name:"measure" sep:"none" help:"What to compute, as trec_eval takes it: map, P.5,10, ndcg_cut_10, official, all_trec, all. Can be repeated (default: official, recall, ndcg, ndcg_cut)." placeholder:"NAME"`
	Topics   bool     `short:"q" name:"topics" help:"Values of every topic, too."`
	Complete bool     `short:"c" help:"Topics that the run lacks count, with 0."`
	Level    int      `short:"l" default:"1" help:"Level from which a document is relevant."`
	Depth    int      `short:"M" help:"Look only at the first so many documents of each topic (default: at all)." placeholder:"N"`

	Subtopics bool    `help:"The judgments are of subtopics: the measures and the form of ndeval."`
	Alpha     float64 `default:"0.5" help:"With --subtopics, how much less is gained by what is covered already."`
	Beta      float64 `default:"0.5" help:"With --subtopics, how patient people are, for NRBP."`

	Dates   string  `type:"existingfile" help:"Lines of document and date, for measures of freshness." placeholder:"FILE"`
	AsOf    string  `help:"With --dates, the day on which the runs were made." placeholder:"YYYY-MM-DD"`
	Days    float64 `default:"28" help:"With --dates, how old what is fresh may be."`
	Recency float64 `default:"0.5" help:"With --dates, the probability that a query asks for what is new."`

	Seed uint64 `default:"1" help:"Of the comparison: equal seeds give equal intervals."`
	JSON bool   `name:"json" help:"The report as JSON."`
}

// trecReport is what --json prints.
type trecReport struct {
	Runs       []trec.Report    `json:"runs"`
	Comparison *trec.Comparison `json:"comparison,omitempty"`
}

// Run measures one run, or measures and compares two.
func (c *evaluateTRECCmd) Run(p *program) error {
	evaluate, err := c.evaluator()
	if err != nil {
		return err
	}
	files := []string{c.Run1}
	if c.Run2 != "" {
		files = append(files, c.Run2)
	}
	var evaluations []trec.Evaluation
	for _, file := range files {
		run, err := readFile(file, trec.ReadRun)
		if err != nil {
			return err
		}
		e, err := evaluate(run)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		evaluations = append(evaluations, e)
	}
	var comparison *trec.Comparison
	if len(evaluations) > 1 {
		made, err := trec.Compare(evaluations[0], evaluations[1], c.Seed)
		if err != nil {
			return err
		}
		comparison = &made
	}
	if c.JSON {
		return c.writeJSON(p.out, evaluations, comparison)
	}
	return c.write(p.out, evaluations, comparison)
}

// evaluator reads the judgments and says how runs are measured with them.
func (c *evaluateTRECCmd) evaluator() (func(trec.Run) (trec.Evaluation, error), error) {
	if c.Subtopics {
		judgments, err := readFile(c.Qrels, trec.ReadSubtopics)
		cfg := trec.DiversityConfig{Alpha: c.Alpha, Beta: c.Beta, Complete: c.Complete, Depth: c.Depth}
		return func(run trec.Run) (trec.Evaluation, error) {
			return trec.EvaluateDiversity(cfg, judgments, run)
		}, err
	}
	measures, err := trec.Measures(c.Measures...)
	if err != nil {
		return nil, err
	}
	cfg := trec.DefaultConfig()
	cfg.Level, cfg.Complete, cfg.Depth = c.Level, c.Complete, c.Depth
	if c.Dates != "" {
		cfg.FreshDays, cfg.Recency = c.Days, c.Recency
		if cfg.Dates, err = readFile(c.Dates, trec.ReadDates); err != nil {
			return nil, err
		}
		if cfg.AsOf, err = time.Parse(time.DateOnly, c.AsOf); err != nil {
			return nil, fmt.Errorf("--as-of: %w", err)
		}
	}
	judgments, err := readFile(c.Qrels, trec.ReadQrels)
	return func(run trec.Run) (trec.Evaluation, error) {
		return trec.Evaluate(cfg, judgments, run, measures)
	}, err
}

func readFile[T any](name string, read func(io.Reader) (T, error)) (out T, err error) {
	f, err := os.Open(name)
	if err != nil {
		return out, err
	}
	defer f.Close()
	if out, err = read(f); err != nil {
		return out, fmt.Errorf("%s: %w", name, err)
	}
	return out, nil
}

func (c *evaluateTRECCmd) write(w io.Writer, evaluations []trec.Evaluation, comparison *trec.Comparison) error {
	for _, e := range evaluations {
		if c.Subtopics {
			if err := e.WriteCSV(w); err != nil {
				return err
			}
			continue
		}
		if c.Topics {
			if err := e.WriteTopics(w); err != nil {
				return err
			}
		}
		if err := e.Write(w); err != nil {
			return err
		}
	}
	if comparison == nil {
		return nil
	}
	return comparison.Write(w)
}

func (c *evaluateTRECCmd) writeJSON(w io.Writer, evaluations []trec.Evaluation, comparison *trec.Comparison) error {
	report := trecReport{Comparison: comparison}
	for _, e := range evaluations {
		r := e.Report()
		if !c.Topics {
			r.Topics = nil
		}
		report.Runs = append(report.Runs, r)
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(report)
}
