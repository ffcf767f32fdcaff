package app

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"github.com/parallel-fusion/pfr/consumers"
	"github.com/parallel-fusion/pfr/internal/mailbox"
	"github.com/parallel-fusion/pfr/internal/stream"
	"github.com/parallel-fusion/pfr/internal/telemetry"
	"github.com/parallel-fusion/pfr/producers"
	"github.com/parallel-fusion/pfr/schemas"
)

// Client is a frontend's connection to a pipeline: it publishes queries and awaits pages
// without a gateway between.
type Client struct {
	*producers.Client
	in      *infra
	archive *liveArchive
	stop    context.CancelFunc
	running sync.WaitGroup
}

// NewClient connects to the brokers of cfg, which must not be embedded, and follows the
// SERP topic from now on. The caller closes the Client.
func NewClient(ctx context.Context, cfg Config, log *slog.Logger) (*Client, error) {
	if cfg.Embedded.Enabled {
		return nil, errors.New("a client joins brokers; it brings none")
	}
	in, err := connect(ctx, cfg, log, telemetry.NewRegistry())
	if err != nil {
		return nil, err
	}
	archive := &liveArchive{}
	searches, err := producers.New(cfg.Producers,
		producers.Ports{Queries: publish(in, queries), Steps: steps{in.conn}, Archive: archive, Interactions: publish(in, interactions)}, log, in.reg)
	if err != nil {
		return nil, errors.Join(err, in.close())
	}
	c := &Client{Client: searches, in: in, archive: archive}
	following, failed := make(chan struct{}), make(chan error, 1)
	life, stop := context.WithCancel(context.WithoutCancel(ctx))
	c.stop = stop
	c.running.Go(func() {
		err := stream.Tail(life, in.cluster, pages, stream.TailConfig{From: stream.FromEnd(), CaughtUp: func() { close(following) }}, archive.put)
		if failed <- err; err != nil {
			log.Error("following pages", "err", err)
		}
	})
	select {
	case <-following:
		return c, nil
	case err := <-failed:
		return nil, errors.Join(err, c.Close())
	case <-ctx.Done():
		return nil, errors.Join(ctx.Err(), c.Close())
	}
}

// Close ends the connection. Searches in hand fail.
func (c *Client) Close() error {
	c.stop()
	c.running.Wait()
	return c.in.close()
}

// liveArchive brings pages to whoever waits when they come; it keeps none.
type liveArchive struct{ arrived mailbox.Mailbox[schemas.SERP] }

func (a *liveArchive) put(_ context.Context, page schemas.SERP, _ stream.Meta) error {
	a.arrived.Deliver(page.CorrelationID, page)
	return nil
}

// Await implements [producers.Archive].
func (a *liveArchive) Await(ctx context.Context, correlationID string) (schemas.SERP, error) {
	arrived, stop := a.arrived.Wait(correlationID)
	defer stop()
	select {
	case page := <-arrived:
		return page, nil
	case <-ctx.Done():
		return schemas.SERP{}, ctx.Err()
	}
}

// remembered is how many pages back a repeat is recognised.
const remembered = 1_000_000

// ReadPages reads the SERP topic from its start and hands each page to handle once, until
// ctx ends or handle returns an error.
func ReadPages(ctx context.Context, cfg Config, log *slog.Logger, handle func(context.Context, schemas.SERP) error) error {
	once, err := consumers.Pages(remembered, handle)
	if err != nil {
		return err
	}
	return read(ctx, cfg, log, pages, once)
}

// ReadInteractions is [ReadPages] for what listeners did.
func ReadInteractions(ctx context.Context, cfg Config, log *slog.Logger, handle func(context.Context, schemas.Interaction) error) error {
	once, err := consumers.Interactions(remembered, handle)
	if err != nil {
		return err
	}
	return read(ctx, cfg, log, interactions, once)
}

// ReadOnlineMetrics is [ReadPages] for online metrics: the latest record of each key, and
// then corrections and new ones.
func ReadOnlineMetrics(ctx context.Context, cfg Config, log *slog.Logger, handle func(context.Context, schemas.OnlineMetrics) error) error {
	return read(ctx, cfg, log, online, handle)
}

// read follows a topic from its start.
//
//nolint:revive // Five arguments: those of its callers, and the topic.
func read[T any](ctx context.Context, cfg Config, log *slog.Logger, topic stream.Topic[T], handle func(context.Context, T) error) error {
	cluster, err := stream.Dial(cfg.Kafka, log, nil)
	if err != nil {
		return err
	}
	err = stream.Tail(ctx, cluster, topic, stream.TailConfig{}, func(ctx context.Context, v T, _ stream.Meta) error { return handle(ctx, v) })
	return errors.Join(err, cluster.Close())
}
