package main

import (
	"context"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/parallel-fusion/pfr/internal/app"
)

type eraseCmd struct {
	User     []string `help:"Id of a user to forget. Can be repeated." placeholder:"ID"`
	Client   []string `help:"Id of a client (device or browser) of that user. Can be repeated." placeholder:"ID"`
	SaltFile string   `name:"salt-file" help:"File with the salt that pages are made with: DIR/salt of 'pfr up --data DIR'." placeholder:"FILE"`
	Parquet  []string `help:"Folder of Parquet files to erase from at once. Can be repeated." placeholder:"DIR"`
	brokers
}

// Run asks every process to forget somebody, and says what that means.
func (c *eraseCmd) Run(ctx context.Context, p *program) error {
	cfg, err := p.settings(saltOverride(c.overrides(), c.SaltFile)...)
	if err != nil {
		return err
	}
	admin, err := app.NewAdmin(cfg, p.log)
	if err != nil {
		return err
	}
	defer admin.Close()
	done, err := admin.Erase(ctx, app.EraseRequest{Users: c.User, Clients: c.Client, Parquet: c.Parquet})
	if err != nil {
		return err
	}
	if done.Known {
		fmt.Fprintf(p.out, "erasure %s was asked for a moment ago\n", done.ID)
	} else {
		fmt.Fprintf(p.out, "erasure %s of %d users and %d clients is on its way\n", done.ID, len(c.User), len(c.Client))
	}
	for _, f := range done.Folders {
		if f.Held {
			fmt.Fprintf(p.out, "%s: an exporter has it open, and does it\n", f.Dir)
			continue
		}
		fmt.Fprintf(p.out, "%s: %d searches and %d events are gone\n", f.Dir, f.Report.Searches.Rows, f.Report.Interactions.Rows)
	}
	fmt.Fprint(p.out, `
Every process does it within seconds of reading it, also one that is down now and comes back:
  gateways   the page store and pages in memory
  consumers  the join's state and its snapshots, experiments; what was counted stays
  exporters  Parquet files that they write; name others with --parquet

Topics are not rewritten. What they hold until now goes with their retention:
`)
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	for _, t := range done.Retained {
		fmt.Fprintf(w, "  %s\t%s\tuntil %s\n", t.Topic, t.What, t.Until.Format(time.RFC3339))
	}
	return w.Flush()
}
