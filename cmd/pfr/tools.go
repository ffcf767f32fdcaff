package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/parallel-fusion/pfr/internal/app"
)

type toolsCmd struct {
	NATS    string        `name:"nats" help:"Address of the NATS servers." placeholder:"URL"`
	JSON    bool          `name:"json" help:"As JSON, with the schema of the parameters."`
	Timeout time.Duration `default:"5s" help:"How long to wait for the tools."`
}

// Run lists the tools that are served now, with what they take and how busy they are.
func (c *toolsCmd) Run(ctx context.Context, p *program) error {
	cfg, err := p.settings(brokers{NATS: c.NATS}.overrides()...)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	states, err := app.ToolStates(ctx, cfg, p.log)
	if err != nil {
		return err
	}
	if c.JSON {
		out := json.NewEncoder(p.out)
		out.SetEscapeHTML(false)
		out.SetIndent("", "  ")
		return out.Encode(states)
	}
	if len(states) == 0 {
		fmt.Fprintln(p.out, "no tool is served")
		return nil
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TOOL\tVERSION\tDATA\tREPLICAS\tBUSY\tWAITING\tHANDLED\tFAILED\tEXPIRED\tSHED\tPARAMETERS")
	for _, t := range states {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%d of %d\t%d\t%d\t%d\t%d\t%d\t%s\n", t.Name, t.Version, strings.Join(t.Data, ","), t.Replicas,
			t.Busy, t.Workers, t.Waiting, t.Handled, t.Failed, t.Expired, t.Overloaded, strings.Join(t.Parameters(), ", "))
	}
	return w.Flush()
}
