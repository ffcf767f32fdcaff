package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"text/tabwriter"

	"github.com/parallel-fusion/pfr/internal/app"
	"github.com/parallel-fusion/pfr/schemas"
)

type shadowCmd struct {
	JSON bool `name:"json" help:"Every comparison as a JSON line, instead of the table."`
	brokers
}

// agreement counts what a candidate made of the queries that were served with one route.
type agreement struct {
	candidate, live       string
	n, sameRoute, sameAll int
	cost, took            float64
}

// Run reads every comparison that is retained.
func (c *shadowCmd) Run(ctx context.Context, p *program) error {
	cfg, err := p.settings(c.overrides()...)
	if err != nil {
		return err
	}
	admin, err := app.NewAdmin(cfg, p.log)
	if err != nil {
		return err
	}
	defer admin.Close()
	if c.JSON {
		out := json.NewEncoder(p.out)
		return admin.ShadowDecisions(ctx, func(d schemas.ShadowDecision) error { return out.Encode(d) })
	}
	rows := map[[2]string]*agreement{}
	err = admin.ShadowDecisions(ctx, func(d schemas.ShadowDecision) error {
		for _, route := range []string{d.Live.Route, "all"} {
			count(rows, route, d)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.print(p, rows)
}

func count(rows map[[2]string]*agreement, route string, d schemas.ShadowDecision) {
	key := [2]string{d.Candidate.Arm, route}
	row := rows[key]
	if row == nil {
		row = &agreement{candidate: d.Candidate.Arm, live: route}
		rows[key] = row
	}
	row.n++
	row.cost += d.Candidate.Cost
	row.took += d.Candidate.TookMS
	switch d.Agreement {
	case schemas.AgreeParams:
		row.sameAll++
		row.sameRoute++
	case schemas.AgreeRoute:
		row.sameRoute++
	}
}

func (c *shadowCmd) print(p *program, rows map[[2]string]*agreement) error {
	if len(rows) == 0 {
		fmt.Fprintln(p.out, "No comparisons. A roll-out file with a shadow section makes some: see docs/rollout.md.")
		return nil
	}
	list := make([]*agreement, 0, len(rows))
	for _, row := range rows {
		list = append(list, row)
	}
	slices.SortFunc(list, func(a, b *agreement) int {
		return cmp.Or(cmp.Compare(a.candidate, b.candidate), cmp.Compare(b.n, a.n), cmp.Compare(a.live, b.live))
	})
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "candidate\tserved route\tn\tsame route\tsame parameters\tmean ms\tUSD")
	for _, r := range list {
		n := float64(r.n)
		fmt.Fprintf(w, "%s\t%s\t%d\t%.1f %%\t%.1f %%\t%.2f\t%.6f\n", r.candidate, r.live, r.n,
			100*float64(r.sameRoute)/n, 100*float64(r.sameAll)/n, r.took/n, r.cost)
	}
	return w.Flush()
}
