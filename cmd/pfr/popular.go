package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/parallel-fusion/pfr/consumers/popular"
	"github.com/parallel-fusion/pfr/internal/app"
	"github.com/parallel-fusion/pfr/schemas"
)

type popularCmd struct {
	brokers
	counting
	Market string `placeholder:"CODE" help:"Only what this market asks, such as SE."`
	Top    int    `default:"20" help:"How many to list; 0 for all."`
	JSON   bool   `name:"json" help:"As JSON."`
}

// Run counts the queries that are retained.
func (c *popularCmd) Run(ctx context.Context, p *program) error {
	if c.Market != "" && !schemas.IsMarket(c.Market) {
		return fmt.Errorf("market %q: must be two upper-case letters, such as SE", c.Market)
	}
	cfg, err := p.settings(c.overrides()...)
	if err != nil {
		return err
	}
	admin, err := app.NewAdmin(cfg, p.log)
	if err != nil {
		return err
	}
	defer admin.Close()
	found, err := admin.Popular(ctx, c.config(), popular.View{Market: c.Market, Top: c.Top})
	if err != nil {
		return err
	}
	if c.JSON {
		out := json.NewEncoder(p.out)
		out.SetEscapeHTML(false)
		out.SetIndent("", "  ")
		return out.Encode(found)
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "QUERY\tMARKET\tSEARCHES\tAT MOST\tSUCCESSES")
	for _, q := range found.Queries {
		fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\n", q.Text, q.Market, q.Searches, q.AtMost, q.Successes)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%d searches since %s; no count is too high or too low by more than %d; %d queries withheld, asked by fewer than %d clients\n",
		found.Searches, found.From.Format(time.DateTime), found.Bound, found.Withheld, c.MinClients)
	return nil
}
