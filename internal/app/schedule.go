package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/parallel-fusion/pfr/consumers/popular"
	"github.com/parallel-fusion/pfr/internal/stream"
	"github.com/parallel-fusion/pfr/internal/supervise"
	"github.com/parallel-fusion/pfr/producers/precompute"
	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/schemas"
)

// PrecomputeConfig says when popular queries are decided ahead of time, and which. One
// process of the consumers role at a time does this work. It must have the settings of the
// routers: decisions of others would be stale for them.
type PrecomputeConfig struct {
	Every  time.Duration `yaml:"every"`  // from run to run; 0: there are none, and nothing is counted
	Window time.Duration `yaml:"window"` // in which queries are popular
	// TopPerMarket are queries taken up for each market, beside the Top of all markets.
	TopPerMarket int `yaml:"top_per_market"`
	// MaxUSDPerDay is what the runs of a day of UTC may spend together; MaxUSD is for each.
	MaxUSDPerDay float64 `yaml:"max_usd_per_day"`
	// Market is the one whose limits on the language model count for queries of markets that
	// are too small to be told apart. Others count for the market that asks them most.
	Market string `yaml:"market"`
	// Journal is a file that remembers what was refused. Without one it is forgotten with the
	// process.
	Journal           string `yaml:"journal"`
	precompute.Config `yaml:",inline"`
	Popular           popular.Config `yaml:"popular"` // how popular queries are counted
}

func defaultPrecomputeConfig() PrecomputeConfig {
	return PrecomputeConfig{
		Window: 24 * time.Hour, TopPerMarket: 1000, MaxUSDPerDay: 5, Market: "US",
		Config: precompute.DefaultConfig(), Popular: popular.DefaultConfig(),
	}
}

// counter returns the settings of the counter.
func (c PrecomputeConfig) counter() popular.Config {
	p := c.Popular
	p.Window = c.Window
	return p
}

// schedule returns the settings of the runs.
func (c PrecomputeConfig) schedule() precompute.ScheduleConfig {
	return precompute.ScheduleConfig{Every: c.Every, MaxUSDPerDay: c.MaxUSDPerDay, Batch: c.Config}
}

// Validate reports every problem at once.
func (c PrecomputeConfig) Validate() error {
	on := c.schedule()
	if c.Every == 0 {
		on.Every = time.Hour // it is off: whatever
	}
	errs := []error{on.Validate(), c.counter().Validate()}
	if c.TopPerMarket < 0 || !schemas.IsMarket(c.Market) {
		errs = append(errs, fmt.Errorf("top_per_market %d, market %q: the first must not be negative, the second two upper-case letters", c.TopPerMarket, c.Market))
	}
	return errors.Join(errs...)
}

// consumersRole: what came of searches, and what is popular.
func consumersRole(in *infra, cfg Config, know knowledge) ([]supervise.Part, error) {
	parts, err := consumersParts(in, cfg)
	if err != nil || cfg.Precompute.Every == 0 {
		return parts, err
	}
	ahead, err := aheadParts(in, cfg, know)
	return append(parts, ahead...), err
}

// groupPrecompute is the group of which one member decides ahead of time.
const groupPrecompute = "pfr-precompute"

// ahead counts what is popular and has it decided ahead of time, again and again.
type ahead struct {
	*Precomputer
	in      *infra
	cfg     PrecomputeConfig
	counter *popular.Counter
	runs    *precompute.Schedule

	mu      sync.Mutex
	markets map[string]string // that ask a text most
}

// aheadParts counts queries live, and decides the popular ones on schedule. The models are
// those of the routers, with clients of their own.
func aheadParts(in *infra, cfg Config, know knowledge) ([]supervise.Part, error) {
	decider, err := newDecider(cfg.Router, know, in.log)
	if err != nil {
		return nil, err
	}
	in.closers = append(in.closers, func() error { decider.Close(); return nil })
	a := &ahead{in: in, cfg: cfg.Precompute}
	a.Precomputer = &Precomputer{
		Admin: &Admin{cfg: cfg, cluster: in.cluster, log: in.log}, decider: decider, producer: in.producer, market: a.marketOf,
	}
	if a.counter, err = popular.New(a.cfg.counter(), router.Normalise, in.reg); err != nil {
		return nil, err
	}
	journal, err := a.journal(cfg)
	if err != nil {
		return nil, err
	}
	a.runs, err = precompute.NewSchedule(a.cfg.schedule(), precompute.ScheduledPorts{
		Ports: precompute.Ports{Router: a, Store: a, Journal: journal}, Demander: a,
	}, in.log, in.reg)
	if err != nil {
		return nil, err
	}
	mc := member(in, groupPrecompute, 1)
	parts := []supervise.Part{
		{Name: "consumers/ladder", Run: tail(in, control, stream.TailConfig{}, func(_ context.Context, c schemas.Control, _ stream.Meta) error {
			if c.Arm == "" { // operators switch language models off for this work too
				decider.models.rollout.Limit(router.Rung(c.Ladder))
			}
			return nil
		})},
		{Name: "consumers/precompute", Run: func(ctx context.Context, ready func()) error {
			ready()
			return in.cluster.Lease(ctx, schemas.TopicControl, mc, a.work)
		}},
	}
	c, err := know.collection()
	if err == nil && c.built() {
		parts = append(parts, supervise.Part{Name: "consumers/names", Run: decider.models.names.follow(in, cfg.Tools, c.from[0])})
	}
	return parts, err
}

// journal returns the journal of refusals. Where brokers are embedded it is kept beside the
// topics.
func (a *ahead) journal(cfg Config) (precompute.Journal, error) {
	path := a.cfg.Journal
	if path == "" && cfg.Embedded.Enabled && cfg.Embedded.DataDir != "" {
		path = filepath.Join(cfg.Embedded.DataDir, "precompute-refused.jsonl")
	}
	if path == "" {
		return precompute.NewMemoryJournal(), nil
	}
	file, err := precompute.OpenJournal(path)
	if err != nil {
		return nil, err
	}
	a.in.closers = append(a.in.closers, file.Close)
	return file, nil
}

// work counts what was asked in the window, goes on with what comes, and runs on schedule.
func (a *ahead) work(ctx context.Context) error {
	began := time.Now()
	a.counter.Reset() // others did this work meanwhile
	w := window{a.in.cluster, a.in.log, began.Add(-a.cfg.Window - a.cfg.Popular.Step)}
	read := make(chan struct{})
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		cfg := stream.TailConfig{From: w.from(gctx, queries.Name), CaughtUp: func() {
			a.log.Info("popular queries are counted", "took", time.Since(began))
			close(read)
		}}
		return stream.Tail(gctx, a.in.cluster, queries, cfg, counted(a.counter))
	})
	g.Go(func() error { // successes of searches that are known
		if !awaited(gctx, read) {
			return nil
		}
		return stream.Tail(gctx, a.in.cluster, interactions, stream.TailConfig{From: w.from(gctx, interactions.Name)}, succeeded(a.counter))
	})
	g.Go(func() error {
		if awaited(gctx, read) {
			a.runs.Run(gctx)
		}
		return nil
	})
	return ended(ctx, g.Wait())
}

// awaited returns false when ctx ends before a channel is closed.
func awaited(ctx context.Context, c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	case <-ctx.Done():
		return false
	}
}

// Demand implements [precompute.Demander]: what is asked most in all markets, and in each.
func (a *ahead) Demand(ctx context.Context) (precompute.Demand, error) {
	if err := a.Probe(ctx, a.cfg.Patience); err != nil {
		return precompute.Demand{}, err
	}
	now := time.Now()
	s := a.counter.Snapshot(now, popular.View{})
	d := demandOf(s)
	d.Also = map[string]bool{}
	if a.cfg.TopPerMarket > 0 {
		for _, market := range a.counter.Markets(now, a.cfg.Window) {
			for _, q := range a.counter.Snapshot(now, popular.View{Market: market, Top: a.cfg.TopPerMarket}).Queries {
				d.Also[q.Text] = true
			}
		}
	}
	markets := make(map[string]string, len(s.Queries))
	for _, q := range s.Queries {
		markets[q.Text] = q.Market
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.markets = markets
	return d, nil
}

// marketOf returns the market whose limits count for a text.
func (a *ahead) marketOf(text string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return cmp.Or(a.markets[text], a.cfg.Market)
}
