package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/parallel-fusion/pfr/internal/app"
)

type postTrainReportCmd struct {
	model
	Teacher string   `required:"" help:"Who the others are measured against: student, student:DIR, llm (that of --llm), or a name of router.models; NAME= in front says what the table calls it." placeholder:"[NAME=]ROUTER"`
	Router  []string `required:"" help:"Who is measured, likewise. Can be repeated." placeholder:"[NAME=]ROUTER"`
	Judge   string   `default:"labels" help:"Who judges decisions: labels (routes and parameters that people noted), rules (the page that a decision leads to; --own alone), llm, or a name of router.models. It should not be who rejected." placeholder:"NAME"`

	Own    bool     `help:"Test on the cases that come with pfr and are to test on."`
	Public string   `type:"existingdir" help:"Test on the half to test on of the public query sets in this folder." placeholder:"DIR"`
	Test   []string `type:"existingfile" help:"Test on these lines of query, tab, routes that suit. Can be repeated." placeholder:"FILE"`
	Learnt []string `type:"existingdir" help:"Folder of a run whose rows were learnt: queries like one of them are left out. Can be repeated." placeholder:"DIR"`
	Limit  int      `help:"At most so many queries, spread evenly; 0: all."`

	HourUSD float64 `name:"hour-usd" help:"What an hour of the machine that decides costs, beside the price list of tokens (router.llm.prices)."`
	Out     string  `required:"" help:"Folder for answers.jsonl, table.md and table.json; a contest that was interrupted goes on there." placeholder:"DIR"`
}

// Run compares routers and writes the table.
func (c *postTrainReportCmd) Run(ctx context.Context, p *program) error {
	if !c.Own && c.Public == "" && len(c.Test) == 0 {
		return errors.New("say what to test on: --own, --public DIR or --test FILE")
	}
	cfg, err := p.settings(c.overrides()...)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(c.Out, 0o750); err != nil {
		return err
	}
	bar := &progress{out: p.err}
	contest := app.Contest{
		Teacher: c.Teacher, Routers: c.Router, Judge: c.Judge, Own: c.Own, Public: c.Public, Files: c.Test, Learnt: c.Learnt,
		Limit: c.Limit, HourUSD: c.HourUSD, Answers: filepath.Join(c.Out, "answers.jsonl"),
	}
	table, leaks, err := contest.Run(ctx, cfg, p.log, func(done, of int) { bar.show("queries", int64(done), int64(of)) })
	bar.end()
	if err != nil {
		if errors.Is(err, context.Canceled) {
			return fmt.Errorf("interrupted; run the same again to go on: %w", err)
		}
		return err
	}
	if len(c.Learnt) > 0 {
		fmt.Fprintf(p.out, "%d queries are too much like what was learnt and are left out\n\n", leaks)
	}
	return errors.Join(
		writeFile(filepath.Join(c.Out, "table.json"), table.WriteJSON),
		writeFile(filepath.Join(c.Out, "table.md"), table.Write),
		table.Write(p.out),
	)
}
