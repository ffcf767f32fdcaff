package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/parallel-fusion/pfr/evaluation/routing"
	"github.com/parallel-fusion/pfr/internal/app"
	"github.com/parallel-fusion/pfr/schemas"
)

type evaluateCmd struct {
	Routes    evaluateRoutesCmd    `cmd:"" help:"Accuracy, parameters, calibration, time and cost of the router on labelled queries."`
	Recs      evaluateRecsCmd      `cmd:"" help:"Recall, nDCG, coverage and novelty of the recommenders on what listeners played."`
	SERPs     evaluateSERPsCmd     `cmd:"" name:"serps" help:"How much better pages are than those of regular search, as judges see it."`
	Diff      evaluateDiffCmd      `cmd:"" help:"What changed between two reports of pages."`
	TREC      evaluateTRECCmd      `cmd:"" name:"trec" help:"The measures of trec_eval and ndeval on runs, and how two runs differ."`
	Testset   evaluateTestsetCmd   `cmd:"" name:"testset" help:"Look at, check and make the cases that routers and pages are measured on."`
	Label     evaluateLabelCmd     `cmd:"" help:"Say what you think of pages, to find out what a judge is worth."`
	Agreement evaluateAgreementCmd `cmd:"" help:"How far judges agree with people, and what their pass rates are worth."`
}

type evaluateRoutesCmd struct {
	model
	deciding
	JSON     bool   `name:"json" help:"The report as JSON."`
	Mistakes int    `default:"20" help:"How many mistakes to list."`
	File     string `arg:"" type:"existingfile" help:"Lines of query, tab, routes with commas between, and if known tab, parameters as JSON."`
}

// Run decides every query of the file without brokers and without a cache that is warm.
func (c *evaluateRoutesCmd) Run(ctx context.Context, p *program) error {
	cfg, err := p.settings(c.overrides()...)
	if err != nil {
		return err
	}
	decider, err := app.NewDecider(cfg, p.log)
	if err != nil {
		return err
	}
	defer decider.Close()
	f, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer f.Close()
	cases, err := routing.Read(f, decider.Routes())
	if err != nil {
		return fmt.Errorf("%s:\n%w", c.File, err)
	}
	report, err := routing.Evaluate(ctx, cases, func(ctx context.Context, query string) (schemas.Decision, error) {
		return c.decide(ctx, decider, query)
	})
	if err != nil {
		return err
	}
	if c.JSON {
		out := json.NewEncoder(p.out)
		out.SetIndent("", "  ")
		return out.Encode(report)
	}
	return report.Write(p.out, c.Mistakes)
}
