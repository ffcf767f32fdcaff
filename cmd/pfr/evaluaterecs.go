package main

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/parallel-fusion/pfr/evaluation/recs"
	"github.com/parallel-fusion/pfr/internal/app"
)

type evaluateRecsCmd struct {
	Interactions string  `required:"" type:"existingfile" help:"CSV of user,item,weight[,timestamp]." placeholder:"FILE"`
	Holdout      float64 `default:"0.2" help:"Share of each user's items that is hidden and looked for."`
	Seed         uint64  `default:"42" help:"Equal seeds hide equal items."`
	JSON         bool    `name:"json" help:"The report as JSON."`
}

// recsReport is what --json prints.
type recsReport struct {
	recs.Report
	Ratios []recs.Ratio `json:"ratios"` // of recall, ours to the baselines
}

// Run trains on what is shown and measures on what is hidden.
func (c *evaluateRecsCmd) Run(ctx context.Context, p *program) error {
	bar := &progress{out: p.err}
	report, err := app.RecsEvaluation{Interactions: c.Interactions, Holdout: c.Holdout, Seed: c.Seed}.Run(ctx, func(stage string, done, of int) { bar.show(stage, int64(done), int64(of)) })
	bar.end()
	if err != nil {
		return err
	}
	out := recsReport{Report: report}
	for _, ours := range []string{"item-item", "blend"} {
		for _, baseline := range []string{"popularity", "cosine-item-knn"} {
			if ratio, ok := report.Compare(ours, baseline); ok {
				out.Ratios = append(out.Ratios, ratio)
			}
		}
	}
	if c.JSON {
		e := json.NewEncoder(p.out)
		e.SetIndent("", "  ")
		return e.Encode(out)
	}
	fmt.Fprint(p.out, report)
	for _, r := range out.Ratios {
		fmt.Fprintf(p.out, "%s recalls %.2f times as much as %s (95 %%: %s)\n", r.Model, r.Ratio, r.Over, r.Interval)
	}
	return nil
}
