package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/parallel-fusion/pfr/consumers/experiments"
	"github.com/parallel-fusion/pfr/consumers/export"
	"github.com/parallel-fusion/pfr/consumers/metrics"
	"github.com/parallel-fusion/pfr/consumers/outcome"
	"github.com/parallel-fusion/pfr/internal/stream"
	"github.com/parallel-fusion/pfr/internal/supervise"
	"github.com/parallel-fusion/pfr/schemas"
)

// ConsumersConfig is the join of pages and interactions, and what stands on it. One process
// at a time does this work; others of the role wait to take it over.
type ConsumersConfig struct {
	// StateDir keeps snapshots of the state. Without one the state is made anew at start, from
	// what the topics retain.
	StateDir      string        `yaml:"state_dir"`
	SnapshotEvery time.Duration `yaml:"snapshot_every"`
	PublishEvery  time.Duration `yaml:"publish_every"` // what has changed of the online metrics
	// TakeOver is how long the process that works may be silent before another one takes its
	// place: the session timeout of their group. Kafka allows no less than 6 s by default.
	TakeOver time.Duration `yaml:"take_over"`

	Outcomes    outcome.Config     `yaml:"outcomes"`
	Online      metrics.Config     `yaml:"online"`
	Experiments experiments.Config `yaml:"experiments"`
	// Export writes Parquet files as well, if it has a folder.
	Export export.Config `yaml:"export"`
}

func defaultConsumersConfig() ConsumersConfig {
	off := export.DefaultConfig()
	off.Dir = ""
	return ConsumersConfig{
		SnapshotEvery: 30 * time.Second, PublishEvery: time.Second, TakeOver: stream.DefaultConsumerConfig().SessionTimeout,
		Outcomes: outcome.DefaultConfig(), Online: metrics.DefaultConfig(), Experiments: experiments.DefaultConfig(),
		Export: off,
	}
}

// Validate reports every problem at once.
func (c ConsumersConfig) Validate() error {
	errs := []error{c.Outcomes.Validate(), c.Online.Validate(), c.Experiments.Validate()}
	if c.TakeOver < time.Second {
		errs = append(errs, fmt.Errorf("take_over %v: must be at least a second", c.TakeOver))
	}
	if c.SnapshotEvery <= 0 || c.PublishEvery <= 0 {
		errs = append(errs, errors.New("snapshot_every and publish_every must be positive"))
	}
	if c.Export.Dir != "" {
		errs = append(errs, c.Export.Validate())
	}
	return errors.Join(errs...)
}

// analysis is the work of the consumers role.
type analysis struct {
	in    *infra
	cfg   ConsumersConfig
	log   *slog.Logger
	store *outcome.Store // nil: no snapshots
	join  *outcome.Join

	saving sync.Mutex // one snapshot at a time

	windows *metrics.Windows
	trials  *trials
	clock   recordClock
}

// groupConsumers is the group of which one member works.
const groupConsumers = "pfr-consumers"

func newAnalysis(in *infra, cfg Config) (*analysis, error) {
	a := &analysis{in: in, cfg: cfg.Consumers, log: in.log}
	if cfg.Embedded.Enabled && cfg.Embedded.DataDir != "" && a.cfg.StateDir == "" {
		a.cfg.StateDir = filepath.Join(cfg.Embedded.DataDir, "consumers")
	}
	var err error
	if a.join, err = outcome.New(a.cfg.Outcomes, in.reg); err != nil {
		return nil, err
	}
	if a.windows, err = metrics.New(a.cfg.Online, in.reg); err != nil {
		return nil, err
	}
	if a.trials, err = newTrials(in, cfg); err != nil {
		return nil, err
	}
	a.join.Subscribe(a.windows)
	a.join.Subscribe(a.trials.counts)
	if a.cfg.StateDir != "" {
		a.store, err = outcome.NewStore(a.cfg.StateDir, in.log, in.reg)
	}
	return a, err
}

// consumersParts joins interactions to pages, publishes what came of them, and reads the
// experiments out.
func consumersParts(in *infra, cfg Config) ([]supervise.Part, error) {
	a, err := newAnalysis(in, cfg)
	if err != nil {
		return nil, err
	}
	mc := member(in, groupConsumers, 1)
	mc.SessionTimeout = cfg.Consumers.TakeOver
	mc.HeartbeatInterval, mc.DrainTimeout = min(mc.HeartbeatInterval, mc.SessionTimeout/4), min(mc.DrainTimeout, mc.SessionTimeout/2)
	exports, err := exportParts(in, cfg)
	if err != nil {
		return nil, err
	}
	return append(exports, []supervise.Part{
		{Name: "consumers/rollout", Run: a.trials.live.Run},
		{Name: "consumers", Run: func(ctx context.Context, ready func()) error {
			ready()
			return in.cluster.Lease(ctx, schemas.TopicControl, mc, a.work)
		}},
	}...), nil
}

// work does everything from a known state on, until ctx ends.
func (a *analysis) work(ctx context.Context) error {
	began := time.Now()
	if err := a.restore(ctx); err != nil {
		return ended(ctx, err)
	}
	a.log.Info("online metrics go on", "searches", first(a.join.Held()), "watermark", a.join.Watermark(), "took", time.Since(began))
	g, gctx := errgroup.WithContext(ctx)
	read := newCatchUp(schemas.TopicSERPs, schemas.TopicInteractions)
	g.Go(func() error {
		return stream.Tail(gctx, a.in.cluster, pages, a.from(schemas.TopicSERPs, read), func(_ context.Context, p schemas.SERP, m stream.Meta) error {
			a.clock.note(m.Time, time.Now())
			a.join.Page(p, recordOf(m))
			return nil
		})
	})
	g.Go(func() error {
		return stream.Tail(gctx, a.in.cluster, interactions, a.from(schemas.TopicInteractions, read), func(ctx context.Context, i schemas.Interaction, m stream.Meta) error {
			if err := a.join.AwaitPages(ctx, recordOf(m)); err != nil {
				return err
			}
			a.clock.note(m.Time, time.Now())
			a.join.Interaction(i, recordOf(m))
			return nil
		})
	})
	g.Go(func() error { return a.trials.follow(gctx) })
	g.Go(func() error { return a.followErasures(gctx) })
	g.Go(func() error { return every(gctx, idleEvery, a.idle) }) // also before everything was read: events wait for pages
	if a.store != nil {
		g.Go(func() error { return every(gctx, a.cfg.SnapshotEvery, a.keep) })
	}
	g.Go(func() error { // half a count is not published
		if !read.wait(gctx) {
			return nil
		}
		if at := a.windows.Begun(); !at.IsZero() {
			a.log.Warn("the topics do not hold all that was counted before: what was published of earlier windows stands, and the sums of all time begin anew", "from", at)
		}
		g.Go(func() error { return every(gctx, a.cfg.Experiments.Every, a.trials.publish) })
		return every(gctx, a.cfg.PublishEvery, a.publish)
	})
	err := g.Wait()
	if a.store != nil {
		err = errors.Join(err, a.save())
	}
	return ended(ctx, err)
}

// ended hides an error that the end of ctx itself has caused.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return nil
	}
	return err
}

func first[A, B any](a A, _ B) A { return a }

func recordOf(m stream.Meta) outcome.Record {
	return outcome.Record{Topic: m.Topic, Partition: m.Partition, Offset: m.Offset, Time: m.Time}
}

// restore brings the state to where the last holder left it, or to the beginning.
func (a *analysis) restore(ctx context.Context) error {
	if err := a.load(); err != nil {
		return fmt.Errorf("state of the consumers: %w", err)
	}
	if err := a.meetTopics(ctx); err != nil {
		return err
	}
	if at := a.join.Watermark(); !at.IsZero() {
		a.clock.note(at, time.Now())
	}
	return a.seed(ctx)
}

// meetTopics looks whether the topics are those that the state was made from, and drops it
// if they end before what it has read: they were made anew.
func (a *analysis) meetTopics(ctx context.Context) error {
	partitions, shrunk := map[string]int{}, false
	for _, topic := range []string{schemas.TopicSERPs, schemas.TopicInteractions} {
		ends, err := a.offsets(ctx, topic)
		if err != nil {
			return fmt.Errorf("partitions of %s: %w", topic, err)
		}
		next := make(map[int]int64, len(ends))
		for p, end := range ends {
			next[p] = end.Next
		}
		partitions[topic] = len(ends)
		shrunk = a.join.Shrunk(topic, next) || shrunk
	}
	if shrunk {
		a.log.Warn("the topics end before what the consumers' state has read: it is dropped, and they are read from their start")
		if err := a.join.Reset(); err != nil {
			return fmt.Errorf("drop the consumers' state: %w", err)
		}
	}
	for topic, n := range partitions {
		a.join.Expect(topic, n)
	}
	return nil
}

// askAgain is how long it waits after brokers did not answer.
const askAgain = time.Second

// offsets asks the brokers until they answer, or ctx ends: those that have much to do must not
// end the consumers.
func (a *analysis) offsets(ctx context.Context, topic string) ([]stream.PartitionOffsets, error) {
	for {
		ends, err := a.in.cluster.Offsets(ctx, topic)
		if err == nil || ctx.Err() != nil {
			return ends, errors.Join(err, ctx.Err())
		}
		a.log.Warn("the brokers do not say how far a topic is", "topic", topic, "err", err, "again_in", askAgain)
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(askAgain):
		}
	}
}

// load reads the last snapshot; without one the topics are read from their start.
func (a *analysis) load() error {
	if a.store != nil {
		_, err := a.store.Load(a.join)
		return err
	}
	if err := a.join.Load(strings.NewReader("")); !errors.Is(err, outcome.ErrDamaged) { // it empties the state
		return err
	}
	return nil
}

// seed tells which revisions were published, so that later ones are higher.
func (a *analysis) seed(ctx context.Context) error {
	a.windows.Seeded()
	return stream.Tail(ctx, a.in.cluster, online, stream.TailConfig{UntilEnd: true},
		func(_ context.Context, m schemas.OnlineMetrics, _ stream.Meta) error {
			a.windows.Seed(m.Key(), m.Revision)
			return nil
		})
}

func (a *analysis) from(topic string, read *catchUp) stream.TailConfig {
	return stream.TailConfig{From: stream.FromOffsets(a.join.Next(topic)), CaughtUp: func() { read.done(topic) }}
}

// every does something from time to time until ctx ends or it fails. What takes longer than
// its time holds up nothing but itself.
func every(ctx context.Context, d time.Duration, do func(context.Context) error) error {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := do(ctx); err != nil {
				return err
			}
		}
	}
}

// keep saves the state, also while the topics are read anew. If it cannot be saved the last
// snapshot still stands.
func (a *analysis) keep(context.Context) error {
	if err := a.save(); err != nil {
		a.log.Error("snapshot of the consumers' state", "err", err)
	}
	return nil
}

func (a *analysis) save() error {
	a.saving.Lock()
	defer a.saving.Unlock()
	return a.store.Save(a.join)
}

// idleEvery is how often it is looked for topics on which nothing happens.
const idleEvery = time.Second

// idle moves the watermark of topics that were read to the end that they have now. The end
// that they had when their reading began would not do: what came since may be older than
// what was read of the other topic.
func (a *analysis) idle(ctx context.Context) error {
	for _, topic := range []string{schemas.TopicSERPs, schemas.TopicInteractions} {
		at, known := a.clock.now(time.Now()) // before the ends: what is written later is not older by much
		ends, err := a.in.cluster.Offsets(ctx, topic)
		if err != nil || !known {
			continue // brokers that are away hold the watermark
		}
		if !behind(a.join.Next(topic), ends) {
			a.join.Idle(topic, at)
		}
	}
	return nil
}

// publishAtOnce is how many records are on their way to the brokers at a time.
const publishAtOnce = 64

// publish sends what has changed until now; what changes meanwhile is for the next time.
// Brokers that are away make it wait.
func (a *analysis) publish(ctx context.Context) error {
	out := insist[schemas.OnlineMetrics]{publish(a.in, online)}
	for range a.windows.Cells()/a.cfg.Online.Batch + 1 {
		changed := a.windows.Dirty(time.Now())
		if len(changed) == 0 {
			return nil
		}
		g, gctx := errgroup.WithContext(ctx)
		g.SetLimit(publishAtOnce)
		for _, m := range changed {
			g.Go(func() error { return out.Publish(gctx, m) })
		}
		if err := g.Wait(); err != nil {
			return fmt.Errorf("publish online metrics: %w", err)
		}
	}
	return nil
}
