package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/mcp/serve"
)

// MCPProcess is how a process offers its tools over MCP.
type MCPProcess struct {
	HTTP  string            // address to listen on; "" means the streams
	In    io.Reader         // of the client
	Out   io.Writer         // nothing but the protocol is written there
	Ready func(addr string) // called when it listens; may be nil
}

// ServeMCP offers the tools of cfg to agents, over one catalogue, until ctx ends or the
// client leaves. No broker is needed.
func ServeMCP(ctx context.Context, cfg Config, p MCPProcess, log *slog.Logger) (err error) {
	reg := prometheus.NewRegistry()
	c, err := openCollection(cfg.Tools)
	if err != nil {
		return err
	}
	all, err := buildTools(c, nil)
	if err != nil {
		return err
	}
	if err := cfg.Tools.Extra.apart(all); err != nil {
		return fmt.Errorf("tools: %w", err)
	}
	extra, closeExtra, err := cfg.Tools.Extra.open(reg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, closeExtra()) }()
	all = append(all, extra...)
	all = slices.DeleteFunc(all, func(t tools.Tool) bool { return !cfg.Tools.serves(t.Name()) })
	server, err := serve.New(serve.DefaultConfig(), all, log, reg)
	if err != nil {
		return err
	}
	for _, t := range all {
		if err := tools.Warm(ctx, t); err != nil {
			return err
		}
	}
	if p.HTTP == "" {
		return server.ServeStdio(ctx, p.In, p.Out)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", p.HTTP)
	if err != nil {
		return fmt.Errorf("serve mcp: %w", err)
	}
	if p.Ready != nil {
		p.Ready(l.Addr().String())
	}
	return server.ServeHTTP(ctx, l)
}

// serves says whether the settings want a tool served.
func (c ToolsConfig) serves(name string) bool {
	return len(c.Only) == 0 || slices.Contains(c.Only, name)
}

// Loopback reports an address that other machines can reach.
func Loopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("address: %w", err)
	}
	if ip := net.ParseIP(host); host == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return errors.New("address: is not of this machine alone")
}
