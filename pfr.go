// Package pfr connects Go programs to a running pipeline.
//
// A frontend publishes queries and awaits pages:
//
//	c, err := pfr.Connect(ctx, pfr.Config{Kafka: []string{"127.0.0.1:9092"}, NATS: "nats://127.0.0.1:4222"})
//	...
//	page, err := c.Search(ctx, producers.Request{Text: "artists similar to Khruangbin"})
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
)

// Config says where the pipeline is.
type Config struct {
	Kafka  []string     // host:port of one or more brokers
	NATS   string       // URL of the servers
	Name   string       // of this program, in the brokers' logs; "" means pfr-client
	Logger *slog.Logger // nil discards
}

func (c Config) settings() (app.Config, *slog.Logger, error) {
	if len(c.Kafka) == 0 || c.NATS == "" {
		return app.Config{}, nil, errors.New("pfr: kafka and NATS addresses are needed")
	}
	cfg := app.DefaultConfig()
	cfg.Kafka.Brokers, cfg.NATS.URL = c.Kafka, c.NATS
	cfg.NATS.Name = "pfr-client"
	if c.Name != "" {
		cfg.NATS.Name, cfg.Kafka.ClientID = c.Name, c.Name
	}
	log := c.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return cfg, log, cfg.Validate()
}

// Client searches through the pipeline. It is safe for concurrent use.
type Client interface {
	// Search publishes a query and returns its page; the context and the query's deadline
	// bound the wait. Errors wrap those of package producers.
	Search(ctx context.Context, r producers.Request) (schemas.SERP, error)
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
