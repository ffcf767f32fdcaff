package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/parallel-fusion/pfr/consumers/serpstore"
	"github.com/parallel-fusion/pfr/internal/supervise"
	"github.com/parallel-fusion/pfr/producers/gateway"
	"github.com/parallel-fusion/pfr/schemas"
)

// forget makes the consumers' state forget subjects. What was counted stays. The snapshots
// that know them are replaced.
func (a *analysis) forget(ctx context.Context, s subjects) error {
	searches := a.join.Erase(s.all()...)
	clients := a.trials.counts.Erase(s.all()...)
	a.log.Info("the consumers' state has forgotten", "searches", searches, "clients_of_experiments", clients)
	if a.store == nil {
		return nil
	}
	return insistOn(ctx, a.log, "snapshot without who was erased", func() error {
		a.saving.Lock()
		defer a.saving.Unlock()
		if err := a.store.Save(a.join); err != nil {
			return err
		}
		return a.store.DropPrevious()
	})
}

// forgetAgain is how long it waits after an error.
const forgetAgain = 10 * time.Second

// insistOn does something until it succeeds, or ctx ends.
func insistOn(ctx context.Context, log *slog.Logger, what string, do func() error) error {
	for {
		err := do()
		if err == nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		log.Error("erasing will be tried again", "what", what, "err", err, "again_in", forgetAgain)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(forgetAgain):
		}
	}
}

// erasureParts make a gateway forget: what its page store has, and what is in its memory.
func erasureParts(in *infra, cfg Config, store *serpstore.Store, g *gateway.Gateway) ([]supervise.Part, error) {
	names, err := in.names(cfg)
	if err != nil {
		return nil, err
	}
	if names == nil {
		in.log.Warn("privacy.salt_file is not set: decisions in the page store cannot be told by client, and are kept for pages.retention after an erasure")
	}
	read := func(topic string) map[int]int64 {
		next, err := store.Offsets(topic)
		if err != nil {
			in.log.Error("page store", "err", err) // nothing was read, then
		}
		return next
	}
	f := forgetting{cluster: in.cluster, after: []string{schemas.TopicSERPs, schemas.TopicRouteDecisions}, next: read, log: in.log}
	f.forget = func(ctx context.Context, s subjects) error {
		theirs := serpstore.Theirs{
			Page:     s.asked,
			Decision: func(e serpstore.Explained) bool { return s.queried(names, e.Query) },
		}
		g.Forget(s.asked)
		return insistOn(ctx, in.log, "page store", func() error {
			_, err := store.Erase(ctx, theirs)
			return err
		})
	}
	f.done = func(next int64) error {
		return store.Done(serpstore.Position{Topic: schemas.TopicErasures, Offset: next - 1})
	}
	return []supervise.Part{{Name: "gateway/erasures", Run: func(ctx context.Context, ready func()) error {
		next, err := store.Offsets(schemas.TopicErasures)
		if err != nil {
			return fmt.Errorf("page store: %w", err)
		}
		f.from = next[0]
		ready()
		return f.follow(ctx)
	}}}, nil
}

// followErasures makes the consumers' state forget whom the topic names: all that it has,
// from the start. It takes up no time to find out that somebody is forgotten already.
func (a *analysis) followErasures(ctx context.Context) error {
	f := forgetting{cluster: a.in.cluster, after: []string{schemas.TopicSERPs}, next: a.join.Next, forget: a.forget, log: a.log}
	return f.follow(ctx)
}
