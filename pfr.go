// Package pfr connects Go programs to a running pipeline.
//
// A frontend publishes queries and awaits pages:
//
//	c, err := pfr.Connect(ctx, pfr.Config{Kafka: []string{"127.0.0.1:9092"}, NATS: "nats://127.0.0.1:4222"})
//	...
//	page, err := c.Search(ctx, producers.Request{Text: "artists similar to Khruangbin"})
//
// A team that has a tool of its own makes it with package tools and serves it from its own
// program:
//
//	err := pfr.ServeTool(ctx, pfr.Config{NATS: "nats://127.0.0.1:4222"}, tool)
//
// The messages are in package schemas, the client's methods in package producers, and
// readers that pass each record on once in package consumers.
package pfr

import (
	"context"
	"errors"
	"log/slog"

	"github.com/parallel-fusion/pfr/internal/app"
	"github.com/parallel-fusion/pfr/producers"
	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
)

// Config says where the pipeline is.
type Config struct {
	Kafka  []string     // host:port of one or more brokers; ServeTool needs none
	NATS   string       // URL of the servers
	Name   string       // of this program, in the brokers' logs; "" means pfr-client
	Logger *slog.Logger // nil discards
}

func (c Config) settings() (app.Config, *slog.Logger, error) {
	if len(c.Kafka) == 0 || c.NATS == "" {
		return app.Config{}, nil, errors.New("pfr: kafka and NATS addresses are needed")
	}
	cfg, log := c.defaults()
	return cfg, log, cfg.Validate()
}

func (c Config) defaults() (app.Config, *slog.Logger) {
	cfg := app.DefaultConfig()
	cfg.NATS.URL = c.NATS
	if len(c.Kafka) > 0 {
		cfg.Kafka.Brokers = c.Kafka
	}
	cfg.NATS.Name = "pfr-client"
	if c.Name != "" {
		cfg.NATS.Name, cfg.Kafka.ClientID = c.Name, c.Name
	}
	log := c.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return cfg, log
}

// Client searches through the pipeline and reports what came of it. It is safe for concurrent use.
type Client interface {
	// Search publishes a query and returns its page; the context and the query's deadline
	// bound the wait. Errors wrap those of package producers.
	Search(ctx context.Context, r producers.Request) (schemas.SERP, error)
	// Interact reports what listeners did with pages, and returns nil once that is durable.
	Interact(ctx context.Context, events ...schemas.Interaction) error
	// Close ends the connection. Searches in hand fail.
	Close() error
}

// Connect returns a Client. The caller closes it.
func Connect(ctx context.Context, c Config) (Client, error) {
	cfg, log, err := c.settings()
	if err != nil {
		return nil, err
	}
	client, err := app.NewClient(ctx, cfg, log)
	if err != nil {
		return nil, err
	}
	return client, nil
}

// ReadPages hands every retained page to handle, each once, and then those that come,
// until ctx ends or handle returns an error. Calls of handle do not overlap.
func ReadPages(ctx context.Context, c Config, handle func(context.Context, schemas.SERP) error) error {
	cfg, log, err := c.settings()
	if err != nil {
		return err
	}
	return app.ReadPages(ctx, cfg, log, handle)
}

// ReadInteractions is [ReadPages] for what listeners did.
func ReadInteractions(ctx context.Context, c Config, handle func(context.Context, schemas.Interaction) error) error {
	cfg, log, err := c.settings()
	if err != nil {
		return err
	}
	return app.ReadInteractions(ctx, cfg, log, handle)
}

// ReadOnlineMetrics is [ReadPages] for online metrics. A record replaces earlier ones of its
// key and of lower revisions; docs/metrics.md defines what it counts.
func ReadOnlineMetrics(ctx context.Context, c Config, handle func(context.Context, schemas.OnlineMetrics) error) error {
	cfg, log, err := c.settings()
	if err != nil {
		return err
	}
	return app.ReadOnlineMetrics(ctx, cfg, log, handle)
}

// ServeTool serves tool to the pipeline at c.NATS until ctx ends; then it finishes the
// calls that it has and returns nil. A [tools.Warmer] is warmed first. Any number of
// processes may serve one tool: they share its calls.
func ServeTool(ctx context.Context, c Config, tool tools.Tool) error {
	if c.NATS == "" {
		return errors.New("pfr: the NATS address is needed")
	}
	cfg, log := c.defaults()
	return app.ServeTool(ctx, cfg, app.ToolProcess{
		Tool: tool, Ready: func() { log.Info("tool is served", "tool", tool.Name()) },
	}, log)
}
