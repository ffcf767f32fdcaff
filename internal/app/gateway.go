package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/parallel-fusion/pfr/consumers/serpstore"
	"github.com/parallel-fusion/pfr/internal/stream"
	"github.com/parallel-fusion/pfr/internal/supervise"
	"github.com/parallel-fusion/pfr/producers"
	"github.com/parallel-fusion/pfr/producers/gateway"
	"github.com/parallel-fusion/pfr/schemas"
)

// gatewayParts: HTTP in, queries out; pages come back over NATS and from the SERP topic,
// which the page store follows.
func gatewayParts(in *infra, cfg Config, know knowledge, running *Running) ([]supervise.Part, error) {
	about, err := know.about(cfg.Tools)
	if err != nil {
		return nil, err
	}
	store, err := openStore(in, cfg)
	if err != nil {
		return nil, err
	}
	client, err := producers.New(cfg.Producers,
		producers.Ports{Queries: publish(in, queries), Steps: steps{in.conn}, Archive: store}, in.log, in.reg)
	if err != nil {
		return nil, err
	}
	ops, err := newOperations(in)
	if err != nil {
		return nil, err
	}
	suggest, err := newSuggester(know.examples())
	if err != nil {
		return nil, err
	}
	series, err := gateway.NewSeries(cfg.Gateway.Online, in.reg)
	if err != nil {
		return nil, err
	}
	exps := newExperimentsView(in)
	g, err := gateway.New(cfg.Gateway, gateway.Ports{
		Searches: client, Pages: pageReader{store}, Decisions: pageReader{store},
		Interactions: publish(in, interactions), Online: series, Gatherer: in.reg, About: about, Details: in.detail,
		Suggestions: suggest, Operations: ops, Experiments: exps,
	}, in.log, in.reg)
	if err != nil {
		return nil, err
	}
	forget, err := erasureParts(in, cfg, store, g)
	if err != nil {
		return nil, err
	}
	parts := slices.Concat(storeParts(in, store, ops), forget, controlParts(in, ops, exps), insightsParts(in, series, exps))
	return append(parts,
		suggest.part(in),
		supervise.Part{Name: "gateway", Run: func(ctx context.Context, ready func()) error {
			return g.Run(ctx, func(addr string) {
				running.HTTP = addr
				ready()
			})
		}}), nil
}

// openStore opens the page store: beside the embedded brokers' data if there is some, or
// else in a folder that goes with the process.
func openStore(in *infra, cfg Config) (*serpstore.Store, error) {
	pages := cfg.Pages
	switch {
	case cfg.Embedded.Enabled && cfg.Embedded.DataDir != "":
		pages.Path = filepath.Join(cfg.Embedded.DataDir, "pages.db")
	case cfg.Embedded.Enabled:
		dir, err := os.MkdirTemp("", "pfr-pages-")
		if err != nil {
			return nil, fmt.Errorf("page store: %w", err)
		}
		in.closers = append(in.closers, func() error { return os.RemoveAll(dir) })
		pages.Path = filepath.Join(dir, "pages.db")
	}
	store, err := serpstore.Open(pages, in.log, in.reg)
	if err != nil {
		return nil, err
	}
	in.closers = append(in.closers, store.Close)
	return store, nil
}

// storeParts feed the page store, from where it stopped reading.
func storeParts(in *infra, store *serpstore.Store, ops *operations) []supervise.Part {
	return []supervise.Part{
		{Name: "gateway/sweeper", Run: func(ctx context.Context, ready func()) error {
			ready()
			store.Run(ctx)
			return nil
		}},
		{Name: "gateway/decisions", Run: follow(in, store, decisions, store.PutDecision)},
		{Name: "gateway/pages", Run: follow(in, store, pages, func(page schemas.SERP, at serpstore.Position) error {
			ops.page(page)
			return store.Put(page, at)
		})},
	}
}

// follow stores every record of a topic, together with its position. A record that cannot
// be stored is given up: the store is a copy, and whoever waits for the page has it.
func follow[T any](in *infra, store *serpstore.Store, topic stream.Topic[T], put func(T, serpstore.Position) error) func(context.Context, func()) error {
	return func(ctx context.Context, ready func()) error {
		next, err := store.Offsets(topic.Name)
		if err != nil {
			return err
		}
		ready()
		return stream.Tail(ctx, in.cluster, topic, stream.TailConfig{From: stream.FromOffsets(next)},
			func(_ context.Context, v T, m stream.Meta) error {
				if err := put(v, serpstore.Position{Topic: m.Topic, Partition: m.Partition, Offset: m.Offset}); err != nil {
					in.log.Error("page store", "err", err)
				}
				return nil
			})
	}
}

// pageReader is the page store as the gateway sees it.
type pageReader struct{ store *serpstore.Store }

// Get implements [gateway.Pages].
func (r pageReader) Get(correlationID string) (schemas.SERP, error) {
	page, err := r.store.Get(correlationID)
	return page, notFound(err)
}

// Explain implements [gateway.Decisions].
func (r pageReader) Explain(correlationID string) (gateway.Explained, error) {
	e, err := r.store.Decision(correlationID)
	return gateway.Explained{Query: e.Query, Decision: e.Decision, DecidedAt: e.DecidedAt}, notFound(err)
}

func notFound(err error) error {
	if errors.Is(err, serpstore.ErrNotFound) {
		return gateway.ErrNotFound
	}
	return err
}
