package main

import (
	"context"
	"fmt"

	"github.com/parallel-fusion/pfr/internal/app"
)

type mcpCmd struct {
	Catalog string `help:"Folder with a catalogue, built or in text form, instead of the sample." placeholder:"DIR"`
	HTTP    string `name:"http" help:"Address for streamable HTTP, instead of the standard streams." placeholder:"ADDR"`
	Public  bool   `help:"Let other machines reach the address. There is no login: put a proxy in front."`
}

// Run offers the tools of this process to agents. Over the standard streams nothing but the
// protocol is written to stdout.
func (c *mcpCmd) Run(ctx context.Context, p *program) error {
	if c.HTTP != "" && !c.Public {
		if err := app.Loopback(c.HTTP); err != nil {
			return fmt.Errorf("--http %s: %w; say --public if it may be reached from elsewhere", c.HTTP, err)
		}
	}
	var set []string
	if c.Catalog != "" {
		set = append(set, "tools.catalog="+c.Catalog)
	}
	cfg, err := p.settings(set...)
	if err != nil {
		return err
	}
	return app.ServeMCP(ctx, cfg, app.MCPProcess{HTTP: c.HTTP, In: p.in, Out: p.out, Ready: func(addr string) {
		fmt.Fprintf(p.err, "pfr offers its tools over MCP on http://%s\n", addr)
	}}, p.log)
}
