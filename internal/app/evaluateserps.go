package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/parallel-fusion/pfr/evaluation/rules"
	"github.com/parallel-fusion/pfr/evaluation/serps"
	"github.com/parallel-fusion/pfr/evaluation/testset"
	"github.com/parallel-fusion/pfr/producers"
	"github.com/parallel-fusion/pfr/schemas"
)

// startLimit is how long a pipeline may take until its first page.
const startLimit = 2 * time.Minute

// WithPipeline calls fn with a client of the pipeline at the brokers of cfg. Where those are
// embedded, it starts a pipeline for fn, and stops it after.
func WithPipeline(ctx context.Context, cfg Config, log *slog.Logger, fn func(context.Context, *Client) error) error {
	if !cfg.Embedded.Enabled {
		return withClient(ctx, cfg, log, fn)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	started, ended := make(chan Running, 1), make(chan error, 1)
	go func() {
		ended <- Run(ctx, cfg, Process{Roles: []string{RoleTools, RoleFusion, RoleRouter}, Started: func(r Running) { started <- r }}, log)
	}()
	select {
	case err := <-ended:
		return err
	case r := <-started:
		joined := cfg
		joined.Embedded.Enabled, joined.Kafka.Brokers, joined.NATS.URL = false, r.Kafka, r.NATS
		err := withClient(ctx, joined, log, fn)
		cancel()
		return errors.Join(err, <-ended)
	}
}

func withClient(ctx context.Context, cfg Config, log *slog.Logger, fn func(context.Context, *Client) error) error {
	c, err := NewClient(ctx, cfg, log)
	if err != nil {
		return err
	}
	if err = awaitPage(ctx, c); err == nil {
		err = fn(ctx, c)
	}
	return errors.Join(err, c.Close())
}

// awaitPage returns once a query has gone all the way through the pipeline.
func awaitPage(ctx context.Context, c *Client) error {
	ctx, cancel := context.WithTimeoutCause(ctx, startLimit, errors.New("no page came out of the pipeline"))
	defer cancel()
	for {
		page, err := c.Search(ctx, producers.Request{Text: "ready", Market: "US", Locale: "en", Probe: true, Deadline: time.Second})
		if err == nil && page.Coverage > 0 {
			return nil
		}
		if ctx.Err() != nil {
			return errors.Join(context.Cause(ctx), err)
		}
	}
}

// PageSystem is a pipeline that is asked in one mode. It implements [serps.System]; its
// searches count in no metric of listeners.
type PageSystem struct {
	name     string
	mode     schemas.Mode
	client   *Client
	deadline time.Duration // of a page
}

var _ serps.System = PageSystem{}

// NewPageSystem returns the system of a client, asked in a mode.
func NewPageSystem(name string, mode schemas.Mode, client *Client, deadline time.Duration) PageSystem {
	return PageSystem{name, mode, client, deadline}
}

// Name implements [serps.System].
func (s PageSystem) Name() string { return s.name }

// Page implements [serps.System]. A page that is not complete is asked for again, and then an
// error: what a tool did not answer in time says nothing about its quality.
func (s PageSystem) Page(ctx context.Context, c testset.Case) (page schemas.SERP, err error) {
	r := producers.Request{Text: c.Query, Market: c.Market, Locale: "en", Platform: "evaluation", Mode: s.mode, Deadline: s.deadline, Probe: true}
	if c.Profile != nil {
		r.User = &schemas.User{ID: c.Profile.ID, Features: c.Profile.Features}
	}
	return whole(ctx, func() (schemas.SERP, error) { return s.client.Search(ctx, r) })
}

// whole asks for a page until every tool has answered, a few times at most.
func whole(ctx context.Context, ask func() (schemas.SERP, error)) (page schemas.SERP, err error) {
	const attempts = 3
	for range attempts {
		if page, err = ask(); err == nil && page.Coverage == 1 || ctx.Err() != nil {
			return page, err
		}
	}
	if err == nil {
		err = fmt.Errorf("page of %q: is %s; some tools did not answer", page.Query, page.Status)
	}
	return page, err
}

// RuleJudge returns the judge without a model, with the genres of the taxonomy.
func RuleJudge() (*rules.Judge, error) {
	genres, err := newKinds()
	if err != nil {
		return nil, err
	}
	return rules.New(rules.DefaultConfig(), genres)
}

// CatalogueDay returns the day of the catalogue in a folder, "" for the sample, that dates
// are read against.
func CatalogueDay(dir string) (string, error) {
	cfg := DefaultConfig().Tools
	cfg.Catalog = dir
	known, err := newKnowledge(cfg)
	if err != nil {
		return "", err
	}
	c, err := known.catalog()
	if err != nil {
		return "", err
	}
	return c.AsOf.Format(time.DateOnly), nil
}
