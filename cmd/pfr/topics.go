package main

import (
	"context"
	"fmt"
	"text/tabwriter"

	"github.com/parallel-fusion/pfr/internal/app"
)

type topicsCmd struct {
	Create bool `help:"Create what is missing; a topic that is there with other settings is an error."`
	brokers
}

// Run lists the topics of the pipeline with what they hold.
func (c *topicsCmd) Run(ctx context.Context, p *program) error {
	cfg, err := p.settings(c.overrides()...)
	if err != nil {
		return err
	}
	admin, err := app.NewAdmin(cfg, p.log)
	if err != nil {
		return err
	}
	defer admin.Close()
	if c.Create {
		if err := admin.CreateTopics(ctx); err != nil {
			return err
		}
	}
	topics, err := admin.Topics(ctx)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TOPIC\tPARTITIONS\tRECORDS")
	for _, t := range topics {
		if t.Partitions == 0 {
			fmt.Fprintf(w, "%s\tmissing\t\n", t.Name)
			continue
		}
		fmt.Fprintf(w, "%s\t%d\t%d\n", t.Name, t.Partitions, t.Records)
	}
	return w.Flush()
}
