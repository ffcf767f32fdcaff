package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/parallel-fusion/pfr/internal/app"
)

type runCmd struct {
	Roles  []string `arg:"" name:"role" help:"gateway, router, tools, fusion or consumers; several share the process."`
	HTTP   string   `name:"http" help:"Address of the gateway (default 127.0.0.1:8080)." placeholder:"ADDR"`
	Access string   `help:"File of the API keys and tokens that may use the gateway (docs/gateway.md); without it everybody may." placeholder:"FILE"`
	brokers
	model
}

// Run runs the named roles until it is told to stop.
func (c *runCmd) Run(ctx context.Context, p *program) error {
	if err := app.CheckRoles(c.Roles); err != nil {
		return err
	}
	set := append(c.brokers.overrides(), c.model.overrides()...)
	if c.HTTP != "" {
		set = append(set, "gateway.addr="+c.HTTP)
	}
	if c.Access != "" {
		set = append(set, "gateway.access.file="+c.Access)
	}
	cfg, err := p.settings(set...)
	if err != nil {
		return err
	}
	return app.Run(ctx, cfg, app.Process{Roles: c.Roles, Started: func(r app.Running) {
		fmt.Fprintf(p.out, "pfr runs %s%s\n", strings.Join(c.Roles, ", "), at(r.HTTP))
	}}, p.log)
}

func at(addr string) string {
	if addr == "" {
		return ""
	}
	return " on http://" + addr
}
