package app

import (
	"context"
	"log/slog"
	"sync"

	"github.com/parallel-fusion/pfr/internal/codec"
	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/schemas"
)

// Decider decides routes without brokers.
type Decider struct {
	r      *router.Router
	models *models
	routes []string

	stop    context.CancelFunc // of the parts that watch models and roll-out
	running sync.WaitGroup
}

// NewDecider returns a Decider with the settings that a router worker has. The caller
// closes it.
func NewDecider(cfg Config, log *slog.Logger) (*Decider, error) {
	know, err := newKnowledge(cfg.Tools)
	if err != nil {
		return nil, err
	}
	return newDecider(cfg.Router, know, log)
}

// newDecider returns a Decider with what the process knows already.
func newDecider(cfg RouterConfig, know knowledge, log *slog.Logger) (*Decider, error) {
	if err := codec.Warm(schemas.Decision{}); err != nil {
		return nil, err
	}
	r, ms, err := newRouter(cfg, know, log, nil)
	if err != nil {
		return nil, err
	}
	d := &Decider{r: r, models: ms, routes: know.manifest.Names()}
	ctx, stop := context.WithCancel(context.Background())
	d.stop = stop
	for _, part := range ms.parts() {
		d.running.Go(func() { _ = part.Run(ctx, func() {}) }) // until stop
	}
	return d, nil
}

// Decide returns the decision for a query.
func (d *Decider) Decide(ctx context.Context, q schemas.PublicQuery) schemas.Decision {
	return d.r.Decide(ctx, q)
}

// Routes lists the routes that a decision can have.
func (d *Decider) Routes() []string { return d.routes }

// Through returns what one tier makes of a query; see [router.Router.Through].
func (d *Decider) Through(ctx context.Context, source schemas.Source, q schemas.PublicQuery) (schemas.Decision, error) {
	return d.r.Through(ctx, source, q)
}

// Close lets go of the cache and the connections.
func (d *Decider) Close() {
	d.stop()
	d.running.Wait()
	_ = d.r.Close()
	d.models.close()
}
