package main

import (
	"context"
	"encoding/json"
	"fmt"
	"text/tabwriter"

	"github.com/parallel-fusion/pfr/internal/app"
)

type popularCmd struct {
	brokers
	counting
	Top  int  `default:"20" help:"How many to list; 0 for all."`
	JSON bool `name:"json" help:"As JSON."`
}

// Run counts the queries that are retained.
func (c *popularCmd) Run(ctx context.Context, p *program) error {
	cfg, err := p.settings(c.overrides()...)
	if err != nil {
		return err
	}
	admin, err := app.NewAdmin(cfg, p.log)
	if err != nil {
		return err
	}
	defer admin.Close()
	found, err := admin.Popular(ctx, c.config(), c.Top)
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
	fmt.Fprintln(w, "QUERY\tSEARCHES\tSUCCESSES\tWEIGHT")
	for _, q := range found.Queries {
		fmt.Fprintf(w, "%s\t%d\t%d\t%.1f\n", q.Text, q.Searches, q.Successes, q.Weight)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(p.out, "%d searches, weight %.1f; no weight is too high by more than %.1f; %d queries withheld, asked by fewer than %d clients\n",
		found.Searches, found.Weight, found.Bound, found.Withheld, c.MinClients)
	return nil
}
