package app

import (
	"context"
	"fmt"
	"time"

	fusion "github.com/parallel-fusion/pfr/fusion-aggregator"
	"github.com/parallel-fusion/pfr/internal/stream"
	"github.com/parallel-fusion/pfr/internal/supervise"
	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/schemas"
)

// Consumer groups of the roles that share work.
const (
	groupRouter = "pfr-router"
	groupFusion = "pfr-fusion"
)

// member returns the settings of a consumer in a group of this pipeline.
func member(in *infra, group string, handlers int) stream.ConsumerConfig {
	cfg := stream.DefaultConsumerConfig()
	cfg.Group, cfg.HandlersPerPartition = group, handlers
	cfg.DeadLetterTopic, cfg.Producer, cfg.Redact = schemas.TopicDeadLetters, in.producer, schemas.Redact
	return cfg
}

// routerParts: queries in, decisions out; precomputed decisions are followed on the side. No
// query is decided before it is known what operators have set: a kill switch outlives the
// routers that it was pulled on.
func routerParts(in *infra, cfg Config, know knowledge) ([]supervise.Part, error) {
	r, ms, err := newRouter(cfg.Router, know, in.log, in.reg)
	if err != nil {
		return nil, err
	}
	in.closers = append(in.closers, func() error { ms.close(); return r.Close() })
	in.details["router"] = func() any { return ms.status(r) }
	see, err := newSemantic(in, cfg.Router, know)
	if err != nil {
		return nil, err
	}
	shadow := router.NewShadow(r, publish(in, shadows), see, in.log, in.reg)
	stage := r.Stage(insist[schemas.RouteDecision]{publish(in, decisions)}, shadow.Offer)
	consumer, err := stream.NewConsumer(in.cluster, queries, member(in, groupRouter, cfg.Router.Handlers),
		func(ctx context.Context, q schemas.Query, _ stream.Meta) error { return stage(ctx, q) })
	if err != nil {
		return nil, err
	}
	c, err := know.collection()
	if err != nil {
		return nil, err
	}
	limited := make(chan struct{}) // closed once it is known what operators have set
	parts := ms.parts()
	if c.built() {
		parts = append(parts, supervise.Part{Name: "router/names", Run: ms.names.follow(in, cfg.Tools, c.from[0])})
	}
	return append(parts, []supervise.Part{
		{Name: "router/shadow", Run: shadow.Run},
		{Name: "router/warm", Run: warm(in, r, ms, cfg.Router.WarmTail)},
		{Name: "router/precomputed", Run: followPrecomputed(in, r)},
		{Name: "router/control", Run: tail(in, control, stream.TailConfig{CaughtUp: func() { close(limited) }},
			func(_ context.Context, c schemas.Control, _ stream.Meta) error {
				if c.Arm != "" {
					ms.rollout.Stop(c.Arm, c.Off)
				} else {
					ms.rollout.Limit(router.Rung(c.Ladder))
				}
				return nil
			})},
		{Name: "router", Run: after(limited, consume(consumer))},
	}...), nil
}

// followPrecomputed keeps the decisions made ahead of time in memory, live.
func followPrecomputed(in *infra, r *router.Router) func(context.Context, func()) error {
	began, n := time.Now(), 0
	caughtUp := func() { in.log.Info("precomputed routes are here", "records", n, "took", time.Since(began)) }
	return tail(in, precomputed, stream.TailConfig{CaughtUp: caughtUp},
		func(_ context.Context, p schemas.PrecomputedRoute, m stream.Meta) error {
			n++
			if p.RouteKey == "" {
				r.Withdraw(string(m.Key))
			} else {
				r.Precompute(p)
			}
			return nil
		})
}

// warm fills the cache with what was decided before the restart, as soon as the language
// models are known by name, and ends. Queries that come meanwhile are decided afresh.
func warm(in *infra, r *router.Router, ms *models, last int) func(context.Context, func()) error {
	return func(ctx context.Context, ready func()) error {
		ready()
		if last > 0 && ms.probed(ctx) {
			began, kept := time.Now(), 0
			err := stream.Tail(ctx, in.cluster, decisions, stream.TailConfig{From: stream.FromLast(int64(last)), UntilEnd: true},
				func(_ context.Context, d schemas.RouteDecision, _ stream.Meta) error {
					if r.Warm(d, time.Now()) {
						kept++
					}
					return nil
				})
			in.log.Info("cache is warm", "decisions", kept, "took", time.Since(began), "err", err)
		}
		<-ctx.Done()
		return nil
	}
}

// fusionParts: decisions in, tools asked over NATS, pages out.
func fusionParts(in *infra, cfg Config) ([]supervise.Part, error) {
	refiner, parts, err := newRefiner(in, cfg)
	if err != nil {
		return nil, err
	}
	names, err := in.names(cfg)
	if err != nil {
		return nil, err
	}
	agg, err := fusion.New(cfg.Fusion.Config, fusion.Ports{
		Tools: toolCaller{in.conn}, Pages: insist[schemas.SERP]{publish(in, pages)}, Feed: steps{in.conn}, Refiner: refiner, Pseudonyms: names,
	}, in.log, in.reg)
	if err != nil {
		return nil, err
	}
	mc := member(in, groupFusion, cfg.Fusion.Handlers)
	mc.OnAssigned = func(ctx context.Context, partition int) error {
		tail := stream.TailConfig{From: stream.FromLast(int64(cfg.Fusion.RebuildTail)), Partitions: []int{partition}, UntilEnd: true}
		return rememberPages(ctx, in, agg, tail)
	}
	consumer, err := stream.NewConsumer(in.cluster, decisions, mc,
		func(ctx context.Context, d schemas.RouteDecision, _ stream.Meta) error { return agg.Handle(ctx, d) })
	if err != nil {
		return nil, err
	}
	return append(parts, supervise.Part{Name: "fusion", Run: func(ctx context.Context, ready func()) error {
		defer agg.Close()
		return consume(consumer)(ctx, ready)
	}}), nil
}

// rememberPages tells the aggregator which pages of a partition are out already. Queries,
// decisions and pages of one correlation id have the same partition number.
func rememberPages(ctx context.Context, in *infra, agg *fusion.Aggregator, tail stream.TailConfig) error {
	err := stream.Tail(ctx, in.cluster, keys(schemas.TopicSERPs), tail, func(_ context.Context, _ struct{}, m stream.Meta) error {
		agg.Remember(string(m.Key))
		return nil
	})
	if err != nil {
		return fmt.Errorf("remember pages of partitions %v: %w", tail.Partitions, err)
	}
	return nil
}

// consume runs a consumer as a part. It is ready at once: the group hands out partitions
// in its own time, and a member may get none.
func consume[T any](c *stream.Consumer[T]) func(context.Context, func()) error {
	return func(ctx context.Context, ready func()) error {
		ready()
		return c.Run(ctx)
	}
}

// after runs a part once a channel is closed. It is ready at once all the same: what it waits
// for may be as long away as the brokers are.
func after(known <-chan struct{}, run func(context.Context, func()) error) func(context.Context, func()) error {
	return func(ctx context.Context, ready func()) error {
		ready()
		select {
		case <-known:
			return run(ctx, ready)
		case <-ctx.Done():
			return nil
		}
	}
}

// tail follows a topic as a part. It is ready at once: what a topic retains may take
// minutes to read, and nobody has to wait for it.
func tail[T any](in *infra, topic stream.Topic[T], cfg stream.TailConfig, h stream.Handler[T]) func(context.Context, func()) error {
	return func(ctx context.Context, ready func()) error {
		ready()
		return stream.Tail(ctx, in.cluster, topic, cfg, h)
	}
}
