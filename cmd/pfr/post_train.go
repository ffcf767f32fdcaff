package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/parallel-fusion/pfr/internal/app"
	posttraining "github.com/parallel-fusion/pfr/post-training"
)

type postTrainCmd struct {
	Sample postTrainSampleCmd `cmd:"" help:"Ask teachers, reject what does not pass, keep the rest as rows; run it again to go on."`
	Export postTrainExportCmd `cmd:"" help:"Write the rows of a run in the formats of trainers."`
	Report postTrainReportCmd `cmd:"" help:"Quality, latency and cost of routers, relative to a teacher."`
	Stats  postTrainStatsCmd  `cmd:"" help:"What a run came to."`
	Check  postTrainCheckCmd  `cmd:"" help:"Whether the journal of a run is whole and its files follow from it."`
}

type postTrainSampleCmd struct {
	model
	Dir string `name:"run" required:"" help:"Folder of the run; one that is not finished goes on." placeholder:"DIR"`

	Testset  []string `type:"existingfile" help:"Cases to sample for: those of the split train. Can be repeated." placeholder:"FILE"`
	Own      bool     `help:"Sample for the cases that come with the product, likewise."`
	Student  bool     `name:"student-queries" help:"Sample for the queries that the student was trained on, with names in their slots."`
	Data     string   `type:"existingdir" help:"Folder of such queries (default: the embedded ones)." placeholder:"DIR"`
	Public   string   `type:"existingdir" env:"PFR_QUERY_DATA" help:"Folder of the public query sets: sample for the half to learn from." placeholder:"DIR"`
	Log      []string `type:"existingfile" help:"Queries that were asked, one a line; after tabs, if they are known, routes that suit and parameters of the first as JSON. Can be repeated." placeholder:"FILE"`
	Fillings int      `default:"1" help:"How often a query with slots is filled with names."`

	Teacher     []string `default:"student" help:"Who decides: student (in the process), llm (that of --llm), or a name of router.models. Several are asked in turn. With gold among them, what people noted is the last attempt at a query that nothing passed for." placeholder:"NAME"`
	Temperature float64  `default:"2" help:"Of the teachers."`
	Judge       string   `default:"labels" help:"Who rejects: labels (what is known of the query), llm, or a name of router.models." placeholder:"NAME"`
	Evaluation  string   `name:"evaluation-judge" required:"" help:"Who will judge the trained router: rules, people, labels, llm, or a name of router.models; it must be another model than rejects." placeholder:"NAME"`
	Resolvable  bool     `help:"Reject names of artists and shows that the catalogue does not have."`

	Attempts int     `default:"8" help:"At most, for a query."`
	Keep     int     `default:"1" help:"Distinct decisions of a query, at most."`
	Seed     uint64  `default:"1" help:"Equal seeds ask for the same."`
	MaxCalls int     `help:"Stop after so many samples in all; 0: no limit."`
	MaxCost  float64 `help:"Stop after so many US dollars in all; 0: no limit."`
	Parallel int     `default:"2" help:"Queries at once."`
}

// Run samples until all is done, a limit is reached, or it is interrupted.
func (c *postTrainSampleCmd) Run(ctx context.Context, p *program) error {
	cfg, err := p.settings(c.overrides()...)
	if err != nil {
		return err
	}
	t := app.NewPostTraining()
	t.Dir, t.EvaluationJudge, t.Seed, t.Attempts, t.Keep = c.Dir, c.Evaluation, c.Seed, c.Attempts, c.Keep
	t.MaxCalls, t.MaxCostUSD, t.Parallel = c.MaxCalls, c.MaxCost, c.Parallel
	t.Teachers, t.Temperature, t.Judge, t.Resolvable = c.Teacher, c.Temperature, c.Judge, c.Resolvable
	t.Queries = app.QuerySources{
		TestSets: c.Testset, Own: c.Own, Student: c.Student, Data: c.Data, Public: c.Public, Logs: c.Log, Fillings: c.Fillings, Seed: c.Seed,
	}
	bar := &progress{out: p.err}
	stats, err := t.Sample(ctx, cfg, p.log, func(s posttraining.Progress) {
		bar.show(fmt.Sprintf("%d samples, %.2f USD", s.Calls, s.CostUSD), int64(s.Done), int64(s.Queries))
	})
	bar.end()
	if stats.Queries > 0 {
		if err := stats.Write(p.out); err != nil {
			return err
		}
	}
	if errors.Is(err, context.Canceled) {
		return fmt.Errorf("interrupted; run the same again to go on: %w", err)
	}
	return err
}

type postTrainExportCmd struct {
	Dir     string         `name:"run" required:"" type:"existingdir" help:"Folder of the run." placeholder:"DIR"`
	Out     string         `required:"" help:"Folder for the files." placeholder:"DIR"`
	Format  []string       `help:"What to write (default: all): trl-sft, trl-dpo, trl-kto, openai-chat, openai-dpo, student. Can be repeated." placeholder:"NAME"`
	Cap     int            `help:"Queries of a route, at most; 0: all." placeholder:"N"`
	Caps    map[string]int `name:"route-cap" mapsep:"," help:"Queries of this route, at most, in place of --cap; 0: all. Can be repeated." placeholder:"ROUTE=N,..."`
	Balance float64        `default:"0.5" help:"How far the weights make the routes count alike: 0 not at all, 1 fully."`
	Seed    uint64         `default:"1" help:"Of what a cap leaves out."`
	Test    []string       `type:"existingfile" help:"Queries to test on: cases, or lines of a query up to the first tab. Rows that are the same, names left aside, are an error. Can be repeated." placeholder:"FILE"`
	Own     bool           `name:"own-test" help:"Compare with the cases that come with the product and are not to train on, likewise."`
	Public  string         `name:"public-test" type:"existingdir" help:"Compare with the half to test on of the public query sets in this folder, likewise." placeholder:"DIR"`
	Drop    bool           `name:"drop-leaks" help:"Leave such rows out instead."`
}

// Run writes a file for each format.
func (c *postTrainExportCmd) Run(p *program) error {
	cfg, err := p.settings()
	if err != nil {
		return err
	}
	e, err := app.NewExport(cfg, app.Tested{Own: c.Own, Public: c.Public, Files: c.Test})
	if err != nil {
		return err
	}
	e.Selection, e.DropLeaks = posttraining.Selection{Cap: c.Cap, Caps: c.Caps, Balance: c.Balance, Seed: c.Seed}, c.Drop
	stats, err := posttraining.Check(c.Dir) // files of a run that was killed may be of two states
	if err != nil {
		return err
	}
	if stats.Waiting > 0 {
		fmt.Fprintf(p.out, "the run is not finished: %d of %d queries wait for attempts\n", stats.Waiting, stats.Queries)
	}
	results, err := posttraining.Read(c.Dir)
	if err != nil {
		return err
	}
	results, leaks, err := e.Clean(results)
	if err != nil {
		return fmt.Errorf("%w; --drop-leaks leaves them out", err)
	}
	if c.Own || c.Public != "" || len(c.Test) > 0 {
		fmt.Fprintf(p.out, "%d queries are too much like those to test on and are left out\n", len(leaks))
	}
	e.Leaks = nil // once is enough
	if err := os.MkdirAll(c.Out, 0o750); err != nil {
		return err
	}
	formats := posttraining.Formats()
	if len(c.Format) > 0 {
		formats = nil
		for _, name := range c.Format {
			formats = append(formats, posttraining.Format(name))
		}
	}
	for _, e.Format = range formats {
		var b bytes.Buffer
		n, err := e.Write(&b, results)
		if err != nil {
			return err
		}
		file := filepath.Join(c.Out, e.Format.File())
		if err := os.WriteFile(file, b.Bytes(), 0o644); err != nil { //nolint:gosec // rows are no secret
			return err
		}
		fmt.Fprintf(p.out, "%d lines in %s\n", n, file)
	}
	return nil
}

type postTrainStatsCmd struct {
	Dir string `name:"run" required:"" type:"existingdir" help:"Folder of the run." placeholder:"DIR"`
}

// Run prints the figures of a run.
func (c *postTrainStatsCmd) Run(p *program) error {
	results, err := posttraining.Read(c.Dir)
	if err != nil {
		return err
	}
	return results.Stats.Write(p.out)
}

type postTrainCheckCmd struct {
	Dir string `name:"run" required:"" type:"existingdir" help:"Folder of the run." placeholder:"DIR"`
}

// Run checks a run and changes nothing.
func (c *postTrainCheckCmd) Run(p *program) error {
	stats, err := posttraining.Check(c.Dir)
	if err == nil {
		fmt.Fprintf(p.out, "%d samples of %d queries; the files follow from the journal\n", stats.Calls, stats.Queries)
	}
	return err
}
