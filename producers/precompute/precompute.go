// Package precompute decides popular queries ahead of time, so that live traffic finds them
// decided.
//
// The vocabulary: the demand is a list of queries with their weight in the traffic; a run
// takes the heaviest through one tier of the router; the gate judges each decision, and
// those that pass are published as entries of a compacted topic that every router holds.
// An entry is current while routers take it; entries that are stale or expired are
// withdrawn. Texts are normalised throughout: equal texts are one query.
//
// A run can be killed at any time. What is there says where to go on: a query with a
// current entry is skipped, one that was refused is skipped if a [Journal] is kept. Only
// requests that were in flight are asked once more.
//
// A [Schedule] runs again and again on what is popular then, within a cap on what a day may
// cost.
package precompute

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/parallel-fusion/pfr/schemas"
)

// ErrBusy marks a tier that can not be asked now and may be asked later: over a limit, or
// no server available.
var ErrBusy = errors.New("the tier cannot be asked now")

// Router decides. It is safe for concurrent use.
type Router interface {
	// Through returns what one tier makes of a text. What an attempt cost is in the
	// decision, with an error too. An error that wraps ErrBusy has cost nothing.
	Through(ctx context.Context, tier schemas.Source, text string) (schemas.Decision, error)
	// Ahead returns the record that makes routers take d for text until ttl is over.
	Ahead(text string, d schemas.Decision, ttl time.Duration) schemas.PrecomputedRoute
	// Versions returns what decisions depend on now.
	Versions() Versions
}

// Store is the compacted topic.
type Store interface {
	// Entries returns what is there: one entry a key.
	Entries(ctx context.Context) ([]Entry, error)
	// Publish returns nil once the record is durable.
	Publish(ctx context.Context, p schemas.PrecomputedRoute) error
	// Withdraw returns nil once it is durable that the key is gone.
	Withdraw(ctx context.Context, key string) error
}

// Journal remembers what was refused, so that a run that is repeated does not pay for the
// same refusals. It is safe for concurrent use.
type Journal interface {
	// Refused returns why a text was refused under equal circumstances, "" if it was not.
	Refused(circumstances, text string) (reason string)
	Refuse(circumstances, text, reason string) error
}

// Ports is what a [Batch] works with.
type Ports struct {
	Router  Router
	Store   Store
	Journal Journal // nil: refusals are forgotten
}

// Config configures a [Batch]. See [DefaultConfig].
type Config struct {
	Tier          schemas.Source `yaml:"tier"` // SourceStudent or SourceLLM
	Top           int            `yaml:"top"`  // queries taken up, the heaviest; 0: all
	TTL           time.Duration  `yaml:"ttl"`  // of an entry
	Gate          Gate           `yaml:"gate"`
	MinConfidence float64        `yaml:"min_confidence"` // of a decision that passes the gates but GateNone
	// MaxUSD is what a run may spend. Requests that might go beyond wait for those in
	// flight, so that it is exceeded by one request at most, as long as none costs more
	// than twice the dearest before it.
	MaxUSD      float64       `yaml:"max_usd"`
	Concurrency int           `yaml:"concurrency"` // queries in hand
	Timeout     time.Duration `yaml:"timeout"`     // of one request, and of one record's way to the topic
	// Patience is how long the tier may be busy for every query. When it is over the run ends.
	Patience time.Duration `yaml:"patience"`
	// KeepStale leaves entries that no router takes. By default a run begins by withdrawing
	// them.
	KeepStale bool `yaml:"keep_stale"`
	DryRun    bool `yaml:"-"` // ask nobody, publish and withdraw nothing
}

// DefaultConfig returns settings for a nightly run through the student.
func DefaultConfig() Config {
	return Config{
		Tier: schemas.SourceStudent, Top: 10_000, TTL: 7 * 24 * time.Hour, Gate: GateConfidence, MinConfidence: 0.7,
		MaxUSD: 1, Concurrency: 4, Timeout: time.Minute, Patience: 2 * time.Minute,
	}
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	var errs []error
	if c.Tier != schemas.SourceStudent && c.Tier != schemas.SourceLLM {
		errs = append(errs, fmt.Errorf("tier %q: must be %s or %s", c.Tier, schemas.SourceStudent, schemas.SourceLLM))
	}
	if c.Gate != GateNone && c.Gate != GateConfidence && c.Gate != GateAgree {
		errs = append(errs, fmt.Errorf("gate %q: must be %s, %s or %s", c.Gate, GateNone, GateConfidence, GateAgree))
	}
	if !(c.MinConfidence >= 0 && c.MinConfidence <= 1) {
		errs = append(errs, fmt.Errorf("min_confidence %v: must lie between 0 and 1", c.MinConfidence))
	}
	if !(c.MaxUSD > 0) {
		errs = append(errs, fmt.Errorf("max_usd %v: must be positive", c.MaxUSD))
	}
	if c.Top < 0 || c.Concurrency < 1 {
		errs = append(errs, fmt.Errorf("top %d, concurrency %d: the first must not be negative, the second positive", c.Top, c.Concurrency))
	}
	if min(c.TTL, c.Timeout) <= 0 || c.Patience < 0 {
		errs = append(errs, fmt.Errorf("ttl %v, timeout %v, patience %v: the last must not be negative, the others positive", c.TTL, c.Timeout, c.Patience))
	}
	return errors.Join(errs...)
}

// Batch decides ahead of time.
type Batch struct {
	cfg   Config
	ports Ports
	log   *slog.Logger
}

// New returns a Batch.
func New(cfg Config, ports Ports, log *slog.Logger) (*Batch, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("precompute config: %w", err)
	}
	if cfg.Tier == schemas.SourceLLM && ports.Router.Versions().Model == "" {
		return nil, errors.New("precompute through a language model: none is configured")
	}
	return &Batch{cfg: cfg, ports: ports, log: log}, nil
}

// WithdrawStale withdraws every entry that routers do not take, and returns how many.
func (b *Batch) WithdrawStale(ctx context.Context) (int, error) {
	entries, err := b.ports.Store.Entries(ctx)
	if err != nil {
		return 0, fmt.Errorf("read entries: %w", err)
	}
	return b.withdraw(ctx, entries)
}

func (b *Batch) withdraw(ctx context.Context, entries []Entry) (int, error) {
	versions, now, n := b.ports.Router.Versions(), time.Now(), 0
	var g errgroup.Group
	g.SetLimit(b.cfg.Concurrency)
	for _, e := range entries {
		if e.State(versions, now) == Current || ctx.Err() != nil {
			continue
		}
		n++
		if !b.cfg.DryRun {
			g.Go(func() error { return b.tombstone(ctx, e) })
		}
	}
	if err := errors.Join(g.Wait(), ctx.Err()); err != nil {
		return 0, err
	}
	return n, nil
}

func (b *Batch) tombstone(ctx context.Context, e Entry) error {
	ctx, cancel := context.WithTimeout(ctx, b.cfg.Timeout)
	defer cancel()
	if err := b.ports.Store.Withdraw(ctx, e.Key); err != nil {
		return fmt.Errorf("withdraw %s: %w", e.Key, err)
	}
	return nil
}
