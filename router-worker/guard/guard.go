// Package guard stands between the router and its language models, so that a model that is
// slow, down, wrong or dear costs no page.
//
// The vocabulary: a model is one choice of the router, served by one or more replicas; an
// attempt is one call to one replica; a hedge is a second attempt, at another replica,
// while the first is late. Each replica has a circuit breaker, which counts failures and
// invalid answers alike, and an adaptive limit of attempts in flight. A breaker that is
// open closes when the replica has passed a probe: no query is spent on finding out. Each
// market has limits of requests, tokens and money.
package guard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/failsafe-go/failsafe-go"
	"github.com/failsafe-go/failsafe-go/hedgepolicy"
	"github.com/prometheus/client_golang/prometheus"

	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/schemas"
)

// Replica is one server of a model.
type Replica interface {
	router.LLM
	// Probe asks the replica something whose answer is known. It returns nil if the replica
	// can be used.
	Probe(ctx context.Context) error
}

// Config configures a [Guard]. See [DefaultConfig].
type Config struct {
	Timeout      time.Duration `yaml:"-"` // of one attempt
	ProbeTimeout time.Duration `yaml:"-"` // of one probe
	// HedgeQuantile is how late an attempt must be, as a quantile of recent ones, before a
	// second replica is asked too; 0 never hedges.
	HedgeQuantile float64 `yaml:"hedge_quantile"`
	HedgeBudget   float64 `yaml:"hedge_budget"` // hedges ÷ requests, at most
	// A breaker opens when Failures of the last Of attempts failed.
	Failures      uint          `yaml:"failures"`
	Of            uint          `yaml:"of"`
	ProbeEvery    time.Duration `yaml:"probe_every"`    // of a replica whose breaker is open
	MaxConcurrent uint          `yaml:"max_concurrent"` // attempts in flight, of one replica
	// Limits are those of each market, until a roll-out says otherwise.
	Limits Limits `yaml:"limits"`
}

// DefaultConfig returns settings for a model that answers within a second or two.
func DefaultConfig() Config {
	return Config{
		Timeout: 2 * time.Second, ProbeTimeout: 30 * time.Second, HedgeQuantile: 0.95, HedgeBudget: 0.1,
		Failures: 5, Of: 10, ProbeEvery: 5 * time.Second, MaxConcurrent: 64,
		Limits: Limits{RequestsPerMinute: 6000, TokensPerMinute: 10_000_000, USDPerDay: 50},
	}
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	errs := []error{c.Limits.Validate()}
	if c.Timeout <= 0 || c.ProbeEvery <= 0 || c.ProbeTimeout <= 0 {
		errs = append(errs, errors.New("timeout, probe_timeout and probe_every: must be positive"))
	}
	if c.HedgeQuantile < 0 || c.HedgeQuantile >= 1 || c.HedgeBudget < 0 || c.HedgeBudget > 1 {
		errs = append(errs, errors.New("hedge_quantile must lie in [0, 1), hedge_budget in [0, 1]"))
	}
	if c.Failures < 1 || c.Of < c.Failures {
		errs = append(errs, fmt.Errorf("failures %d of %d: the first must be positive and no larger than the second", c.Failures, c.Of))
	}
	if c.MaxConcurrent < 1 {
		errs = append(errs, errors.New("max_concurrent: must be positive"))
	}
	return errors.Join(errs...)
}

// Guard asks one model. It is safe for concurrent use.
type Guard struct {
	cfg      Config
	name     string
	replicas []*replica
	next     atomic.Uint64 // replica of the next first attempt
	hedged   failsafe.Executor[router.Answer]
	hedges   tokens
	limits   *limiter
	m        *metrics
	log      *slog.Logger
}

// hedgeBurst is how many hedges can be saved up.
const hedgeBurst = 5

// New returns a Guard for the model called name, whose replicas must have equal versions.
func New(name string, cfg Config, replicas []Replica, log *slog.Logger, reg prometheus.Registerer) (*Guard, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("model %s: guard config: %w", name, err)
	}
	if len(replicas) == 0 {
		return nil, fmt.Errorf("model %s: no replicas", name)
	}
	if reg != nil {
		reg = prometheus.WrapRegistererWith(prometheus.Labels{"model": name}, reg)
	}
	g := &Guard{
		cfg: cfg, name: name, log: log, m: newMetrics(reg), limits: newLimiter(cfg.Limits),
		hedges: tokens{max: hedgeBurst},
	}
	for _, r := range replicas {
		if r.Version() != replicas[0].Version() {
			return nil, fmt.Errorf("model %s: replicas have different versions, %s and %s: give each a model of its own", name, replicas[0].Version(), r.Version())
		}
		g.replicas = append(g.replicas, newReplica(r, cfg))
	}
	if len(replicas) > 1 && cfg.HedgeQuantile > 0 {
		const age, threshold = 100, 20 // attempts remembered, and needed before the first hedge
		g.hedged = failsafe.With[router.Answer](hedgepolicy.NewWithDelayQuantile[router.Answer](cfg.HedgeQuantile, age, threshold))
	}
	return g, nil
}

// Version names the model, its prompt and its settings.
func (g *Guard) Version() string { return g.replicas[0].llm.Version() }

// SetLimits replaces the limits. What has been used counts on.
func (g *Guard) SetLimits(everywhere Limits, markets map[string]Limits) {
	g.limits.set(everywhere, markets)
}

// Ask returns the model's answer, what all attempts together cost, and where the answer
// failed an error that one of [router.Outcome]'s cases knows.
func (g *Guard) Ask(ctx context.Context, q router.Ask) (router.Answer, error) {
	booking, err := g.limits.book(q.Market, time.Now())
	if err != nil {
		g.m.refused.WithLabelValues("limit").Inc()
		return router.Answer{}, fmt.Errorf("model %s, market %s: %w", g.name, q.Market, err)
	}
	bill := &bill{}
	answer, err := g.attempts(ctx, q, bill)
	answer.Tokens, answer.CostUSD = bill.total()
	g.limits.settle(booking, answer.Tokens.Prompt+answer.Tokens.Completion, answer.CostUSD, !errors.Is(err, router.ErrUnavailable))
	if err != nil {
		return answer, fmt.Errorf("model %s: %w", g.name, err)
	}
	return answer, nil
}

// attempts asks one replica, and another if the first is late. Batch work can wait.
func (g *Guard) attempts(ctx context.Context, q router.Ask, bill *bill) (router.Answer, error) {
	first := g.next.Add(1)
	if g.hedged == nil || q.Batch {
		return g.attempt(ctx, q, bill, first)
	}
	g.hedges.add(g.cfg.HedgeBudget)
	r := &race{first: newRun(), second: newRun()}
	return g.hedged.WithContext(ctx).GetWithExecution(func(exec failsafe.Execution[router.Answer]) (router.Answer, error) {
		if !exec.IsHedge() {
			r.first.finish(g.attempt(exec.Context(), q, bill, first))
			return r.result(r.first, r.second)
		}
		if !g.hedges.take() || len(g.replicas) == g.open()+1 { // there is no other to ask
			return r.first.wait()
		}
		r.second.start()
		g.m.hedges.Inc()
		r.second.finish(g.attempt(exec.Context(), q, bill, first+1))
		return r.result(r.second, r.first)
	})
}

// attempt asks the n-th replica, or the next one that admits it.
func (g *Guard) attempt(ctx context.Context, q router.Ask, bill *bill, n uint64) (router.Answer, error) {
	for i := range g.replicas {
		r := g.replicas[(n+uint64(i))%uint64(len(g.replicas))]
		permit, ok := r.admits(q.Batch)
		if !ok {
			continue
		}
		bill.start()
		attempt, cancel := context.WithTimeout(ctx, g.cfg.Timeout)
		defer cancel()
		answer, err := r.ask(attempt, q, permit)
		if ctx.Err() == nil {
			bill.add(answer)
		}
		return answer, err
	}
	g.m.refused.WithLabelValues("unavailable").Inc()
	return router.Answer{}, router.ErrUnavailable
}

// Run probes the replicas at the start, and from then on those whose breaker is open, until
// ctx ends.
func (g *Guard) Run(ctx context.Context, ready func()) error {
	for _, r := range g.replicas {
		g.probe(ctx, r)
	}
	ready()
	tick := time.NewTicker(g.cfg.ProbeEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		for _, r := range g.replicas {
			if r.breaker.IsOpen() {
				g.probe(ctx, r)
			}
		}
		g.observe()
	}
}

func (g *Guard) probe(ctx context.Context, r *replica) {
	ctx, cancel := context.WithTimeout(ctx, g.cfg.ProbeTimeout)
	defer cancel()
	if err := r.llm.Probe(ctx); err != nil {
		if !errors.Is(err, context.DeadlineExceeded) { // a server that is slow to warm up is not down
			r.breaker.Open()
		}
		g.log.Warn("language model does not answer", "model", g.name, "err", err)
	} else if !r.breaker.IsClosed() {
		r.breaker.Close()
		g.log.Info("language model answers again", "model", g.name)
	}
	g.observe()
}

func (g *Guard) observe() {
	g.m.open.Set(float64(g.open()))
	g.m.use(g.limits.used(time.Now()))
}

// open counts the replicas that are left alone.
func (g *Guard) open() int {
	n := 0
	for _, r := range g.replicas {
		if r.breaker.IsOpen() {
			n++
		}
	}
	return n
}

// Status says how the model is, for people.
type Status struct {
	Version   string            `json:"version"`
	Replicas  int               `json:"replicas"`
	Available int               `json:"available"` // replicas whose breaker is closed
	Used      map[string]Limits `json:"used"`      // of the limits, by market
}

// Status returns the state of the model.
func (g *Guard) Status() Status {
	return Status{Version: g.Version(), Replicas: len(g.replicas), Available: len(g.replicas) - g.open(), Used: g.limits.used(time.Now())}
}

// call asks in the mode of the query.
func call(ctx context.Context, llm router.LLM, q router.Ask) (router.Answer, error) {
	if q.Mode == schemas.PostFusion {
		return llm.Compose(ctx, q.Text)
	}
	return llm.Route(ctx, q.Text)
}
