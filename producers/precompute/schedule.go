package precompute

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/schemas"
)

// ScheduleConfig configures a [Schedule].
type ScheduleConfig struct {
	Every time.Duration // from the beginning of a run to that of the next
	// MaxUSDPerDay is what the runs of a day of UTC may spend together. Each run has its own
	// cap besides.
	MaxUSDPerDay float64
	Batch        Config
}

// Validate reports every problem at once.
func (c ScheduleConfig) Validate() error {
	errs := []error{c.Batch.Validate()}
	if c.Every <= 0 {
		errs = append(errs, fmt.Errorf("every %v: must be positive", c.Every))
	}
	if !(c.MaxUSDPerDay > 0) {
		errs = append(errs, fmt.Errorf("max_usd_per_day %v: must be positive", c.MaxUSDPerDay))
	}
	return errors.Join(errs...)
}

// Demander says what is asked now.
type Demander interface {
	// Demand returns nil once the versions of the [Router] are known.
	Demand(ctx context.Context) (Demand, error)
}

// Schedule runs a [Batch] from time to time, one run after the other. A run that takes longer
// than the time between two makes the next one wait.
type Schedule struct {
	cfg    ScheduleConfig
	ports  Ports
	demand Demander
	log    *slog.Logger
	m      *metrics

	day    time.Time // that spent is of
	spent  float64
	seeded bool // spent has what others spent before this term
}

// ScheduledPorts is what a [Schedule] works with.
type ScheduledPorts struct {
	Ports
	Demander Demander
}

// NewSchedule returns a Schedule.
func NewSchedule(cfg ScheduleConfig, ports ScheduledPorts, log *slog.Logger, reg prometheus.Registerer) (*Schedule, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("schedule config: %w", err)
	}
	return &Schedule{cfg: cfg, ports: ports.Ports, demand: ports.Demander, log: log, m: newMetrics(reg)}, nil
}

// Run runs at once and then on schedule, until ctx ends. What goes wrong in a run is logged
// and counted; the next run tries again. Calls of Run must not overlap.
func (s *Schedule) Run(ctx context.Context) {
	s.seeded = false // others may have spent meanwhile
	tick := time.NewTicker(s.cfg.Every)
	defer tick.Stop()
	for ctx.Err() == nil {
		s.run(ctx)
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}

// run is one run and what is said of it.
func (s *Schedule) run(ctx context.Context) {
	r, outcome, err := s.once(ctx)
	if ctx.Err() != nil && outcome == outcomeError {
		return // nothing was done yet, or others go on
	}
	s.m.observe(&r, outcome)
	s.spent += r.CostUSD
	s.m.today.Set(s.spent)
	if err != nil {
		s.log.Error("popular queries could not be decided ahead of time", "tier", s.cfg.Batch.Tier, "published", r.Published, "left", r.Left, "err", err)
		return
	}
	s.m.coverage.Set(r.Covered())
	s.log.Info("popular queries are decided ahead of time", "tier", s.cfg.Batch.Tier, "queries", r.Queries, "published", r.Published,
		"refused", len(r.Refusals), "failed", len(r.Failures), "left", r.Left, "stopped", r.Stopped, "withdrawn", r.Withdrawn,
		"cost_usd", r.CostUSD, "coverage", r.Covered(), "took_ms", r.TookMS)
}

// once takes up what is asked now, for what is left of the day's money.
func (s *Schedule) once(ctx context.Context) (r Report, outcome string, err error) {
	demand, err := s.demand.Demand(ctx)
	if err != nil {
		return r, outcomeError, err
	}
	if err := s.today(ctx, time.Now()); err != nil {
		return r, outcomeError, err
	}
	cfg := s.cfg.Batch
	left := s.cfg.MaxUSDPerDay - s.spent
	cfg.MaxUSD = min(cfg.MaxUSD, left)
	if left <= 0 { // entries that no router takes are withdrawn all the same
		cfg.MaxUSD = s.cfg.Batch.MaxUSD
		demand.Queries = nil
	}
	b, err := New(cfg, s.ports, s.log)
	if err != nil {
		return r, outcomeError, err
	}
	r, err = b.Run(ctx, demand)
	switch {
	case err != nil:
		return r, outcomeError, err
	case left <= 0:
		return r, outcomeSpent, nil
	case r.Stopped != "":
		return r, outcomeStopped, nil
	}
	return r, outcomeDone, nil
}

// today begins a new day, and at the beginning of a term finds out what was spent on it
// before: what the entries cost that were made since midnight. What was spent on refused
// queries is not known any more.
func (s *Schedule) today(ctx context.Context, now time.Time) error {
	if day := now.UTC().Truncate(24 * time.Hour); !s.day.Equal(day) {
		s.day, s.spent = day, 0
	}
	if s.seeded || s.cfg.Batch.Tier != schemas.SourceLLM {
		return nil
	}
	entries, err := s.ports.Store.Entries(ctx)
	if err != nil {
		return fmt.Errorf("read entries: %w", err)
	}
	spent := 0.0
	for _, e := range entries {
		if !e.ComputedAt.Before(s.day) {
			spent += e.CostUSD
		}
	}
	s.spent, s.seeded = max(s.spent, spent), true
	return nil
}
