package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/parallel-fusion/pfr/consumers/popular"
	"github.com/parallel-fusion/pfr/internal/stream"
	"github.com/parallel-fusion/pfr/producers/precompute"
	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/schemas"
)

// Normalise returns the form of a query text under which equal searches are equal.
func Normalise(text string) string { return router.Normalise(text) }

// readTimeout bounds the reading of a topic to its end.
const readTimeout = 5 * time.Minute

// readAll hands every retained record of a topic, from some offsets on, to h. Unlike a tail it
// fails when ctx ends before the end is reached.
//
//nolint:revive // Five arguments: methods cannot be generic, so the admin is one of them.
func readAll[T any](ctx context.Context, a *Admin, topic stream.Topic[T], from stream.From, h stream.Handler[T]) error {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	unreadable := func(m stream.Message, err error) {
		a.log.Warn("unreadable record", "topic", m.Topic, "partition", m.Partition, "offset", m.Offset, "err", err)
	}
	if err := stream.Tail(ctx, a.cluster, topic, stream.TailConfig{From: from, UntilEnd: true, Bad: unreadable}, h); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("read %s: %w", topic.Name, context.Cause(ctx))
	}
	return nil
}

// Popular returns what is asked most in the last window of cfg, as far as the topics of
// queries and interactions are retained.
func (a *Admin) Popular(ctx context.Context, cfg popular.Config, view popular.View) (popular.Snapshot, error) {
	counter, err := popular.New(cfg, router.Normalise, nil)
	if err != nil {
		return popular.Snapshot{}, err
	}
	now := time.Now()
	w := window{a.cluster, a.log, now.Add(-cfg.Window - cfg.Step)}
	err = readAll(ctx, a, queries, w.from(ctx, queries.Name), counted(counter))
	if err == nil {
		err = readAll(ctx, a, interactions, w.from(ctx, interactions.Name), succeeded(counter))
	}
	if err != nil {
		return popular.Snapshot{}, err
	}
	return counter.Snapshot(now, view), nil
}

// Precomputer decides queries ahead of time and keeps the topic of such decisions. It has
// the settings of a router worker: decisions of others would be stale for the routers.
type Precomputer struct {
	*Admin
	decider  *Decider
	producer *stream.Producer
	market   func(text string) string // whose limits the language model's work counts against
}

// NewPrecomputer returns a Precomputer for the brokers and models of cfg. The caller closes
// it.
func NewPrecomputer(cfg Config, market string, log *slog.Logger) (*Precomputer, error) {
	admin, err := NewAdmin(cfg, log)
	if err != nil {
		return nil, err
	}
	p := &Precomputer{Admin: admin, market: func(string) string { return market }}
	if p.producer, err = stream.NewProducer(admin.cluster, cfg.Produce); err == nil {
		p.decider, err = NewDecider(cfg, log)
	}
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// Close sends what is on its way and closes the connections.
func (p *Precomputer) Close() error {
	var err error
	if p.producer != nil {
		ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
		defer cancel()
		err = p.producer.Close(ctx)
	}
	if p.decider != nil {
		p.decider.Close()
	}
	p.Admin.Close()
	return err
}

// Batch returns a batch on the topic. journal may be nil.
func (p *Precomputer) Batch(cfg precompute.Config, journal precompute.Journal) (*precompute.Batch, error) {
	if cfg.Tier == schemas.SourceLLM && len(p.cfg.Router.LLM.Prices) == 0 {
		p.log.Warn("router.llm.prices is empty: the language model costs nothing, and no cap on spending can bind")
	}
	return precompute.New(cfg, precompute.Ports{Router: p, Store: p, Journal: journal}, p.log)
}

// probeEvery is how often Probe looks whether the language model answers.
const probeEvery = 50 * time.Millisecond

// Probe waits until the default language model answers, if there is one: until then nobody
// may know its version, and every decision of it would look stale.
func (p *Precomputer) Probe(ctx context.Context, patience time.Duration) error {
	g := p.decider.models.guards[""]
	if g == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(probeEvery)
	defer tick.Stop()
	for !p.decider.models.probed(ctx) || g.Status().Available == 0 {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("language model at %s: no answer within %v", p.cfg.Router.LLM.URL, patience)
		}
	}
	return nil
}

// Through implements [precompute.Router].
func (p *Precomputer) Through(ctx context.Context, tier schemas.Source, text string) (schemas.Decision, error) {
	d, err := p.decider.Through(ctx, tier, schemas.PublicQuery{Text: text, Market: p.market(text)})
	if outcome := router.Outcome(err); outcome == schemas.OutcomeLimited || outcome == schemas.OutcomeOpen {
		err = fmt.Errorf("%w: %w", precompute.ErrBusy, err)
	}
	return d, err
}

// Ahead implements [precompute.Router].
func (p *Precomputer) Ahead(text string, d schemas.Decision, ttl time.Duration) schemas.PrecomputedRoute {
	return router.Ahead(text, d, time.Now(), ttl)
}

// Versions implements [precompute.Router].
func (p *Precomputer) Versions() precompute.Versions {
	v := p.decider.r.Versions()
	return precompute.Versions{Manifest: v.Manifest, Student: v.Student, Model: v.Models[""]}
}

// Entries implements [precompute.Store].
func (p *Precomputer) Entries(ctx context.Context) ([]precompute.Entry, error) {
	byKey := map[string]precompute.Entry{}
	err := readAll(ctx, p.Admin, precomputed, stream.FromStart(), func(_ context.Context, rec schemas.PrecomputedRoute, m stream.Meta) error {
		if rec.RouteKey == "" {
			delete(byKey, string(m.Key))
		} else {
			byKey[string(m.Key)] = precompute.EntryOf(rec)
		}
		return nil
	})
	entries := make([]precompute.Entry, 0, len(byKey))
	for _, e := range byKey {
		entries = append(entries, e)
	}
	return entries, err
}

// Publish implements [precompute.Store].
func (p *Precomputer) Publish(ctx context.Context, rec schemas.PrecomputedRoute) error {
	return stream.NewPublisher(p.producer, precomputed).Publish(ctx, rec)
}

// Withdraw implements [precompute.Store].
func (p *Precomputer) Withdraw(ctx context.Context, key string) error {
	_, _, err := p.producer.Produce(ctx, stream.Message{Topic: precomputed.Name, Key: []byte(key)})
	return err
}

// WithdrawQuery withdraws every entry of a query, of any version, and returns how many
// there were.
func (p *Precomputer) WithdrawQuery(ctx context.Context, text string) (int, error) {
	entries, err := p.Entries(ctx)
	if err != nil {
		return 0, err
	}
	n, normalised := 0, router.Normalise(text)
	for _, e := range entries {
		if e.Query != normalised {
			continue
		}
		if err := p.Withdraw(ctx, e.Key); err != nil {
			return n, fmt.Errorf("withdraw %s: %w", e.Key, err)
		}
		n++
	}
	return n, nil
}
