package app

import (
	"context"
	"log/slog"

	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/schemas"
)

// Decider decides routes without brokers.
type Decider struct{ r *router.Router }

// NewDecider returns a Decider with the settings that a router worker has. The caller
// closes it.
func NewDecider(cfg Config, log *slog.Logger) (*Decider, error) {
	know, err := newKnowledge(cfg.Tools)
	if err != nil {
		return nil, err
	}
	model, err := know.student()
	if err != nil {
		return nil, err
	}
	r, err := router.New(cfg.Router.Config, know.manifest, model, log, nil)
	if err != nil {
		return nil, err
	}
	return &Decider{r}, nil
}

// Decide returns the decision for a query text.
func (d *Decider) Decide(ctx context.Context, text string) schemas.Decision {
	return d.r.Decide(ctx, schemas.PublicQuery{Text: text})
}

// Close stops the router's cache.
func (d *Decider) Close() { _ = d.r.Close() }
