package recommend

import (
	"context"
	"errors"
	"fmt"
)

// defaultMaxHistory bounds the work of one heavy user, which grows with the square of the
// history.
const defaultMaxHistory = 1000

// Config configures Train. Zero values of the fields that say so are chosen by the data.
type Config struct {
	Neighbours int        `json:"neighbours"`  // predictors of each item, > 0
	Shrink     float64    `json:"shrink"`      // of the cosine that picks neighbours, >= 0
	MaxHistory int        `json:"max_history"` // items of a user that count in training, > 1
	ExactItems int        `json:"exact_items"` // up to this many items the autoencoder is solved in closed form
	Saturation Saturation `json:"saturation"`  // empty: chosen on a validation split
	Lambda     float64    `json:"lambda"`      // of the autoencoder; 0: chosen, with Dropout
	Dropout    float64    `json:"dropout"`     // share of an item's own weight added to its λ
	Rank       int        `json:"rank"`        // of ALS, 1 to 1024
	Alpha      float64    `json:"alpha"`       // of ALS; 0: chosen, with Reg
	Reg        float64    `json:"reg"`
	Sweeps     int        `json:"sweeps"` // of ALS, > 0
	Mix        Mix        `json:"mix"`    // all zero: chosen
	Validation int        `json:"validation_users"`
	Histories  bool       `json:"histories"` // keep the users' histories, for ForUser
	Seed       uint64     `json:"seed"`
}

// DefaultConfig lets the data choose what depends on it.
func DefaultConfig() Config {
	return Config{
		Neighbours: 100, Shrink: 10, MaxHistory: defaultMaxHistory, ExactItems: 1000,
		Rank: 64, Sweeps: 8, Validation: 2000, Histories: true, Seed: 42,
	}
}

// Validate reports every bad field.
func (c Config) Validate() error {
	var errs []error
	bad := func(wrong bool, format string, args ...any) {
		if wrong {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	bad(c.Neighbours <= 0, "neighbours %d: must be positive", c.Neighbours)
	bad(!(c.Shrink >= 0), "shrink %v: must not be negative", c.Shrink)
	bad(c.MaxHistory < 2, "max_history %d: must be at least 2", c.MaxHistory)
	bad(c.ExactItems < 0, "exact_items %d: must not be negative", c.ExactItems)
	bad(!(c.Lambda >= 0), "lambda %v: must not be negative", c.Lambda)
	bad(!(c.Dropout >= 0), "dropout %v: must not be negative", c.Dropout)
	bad(c.Rank < 1 || c.Rank > maxRank, "rank %d: must be 1 to %d", c.Rank, maxRank)
	bad(!(c.Alpha >= 0), "alpha %v: must not be negative", c.Alpha)
	bad(!(c.Reg >= 0) || c.Alpha > 0 && c.Reg == 0, "reg %v: must be positive where alpha is given", c.Reg)
	bad(c.Sweeps <= 0, "sweeps %d: must be positive", c.Sweeps)
	bad(c.Mix.Linear < 0 || c.Mix.Factors < 0 || c.Mix.Popularity < 0, "mix %+v: must not be negative", c.Mix)
	bad(c.Validation <= 0, "validation_users %d: must be positive", c.Validation)
	if c.Saturation != "" {
		errs = append(errs, c.Saturation.validate())
	}
	return errors.Join(errs...)
}

// maxRank bounds the factors of ALS.
const maxRank = 1024

// ErrNoData is returned when there is nothing to learn from.
var ErrNoData = errors.New("no user has two items")

// trainer is one run of Train.
type trainer struct {
	cfg    Config
	all    *Interactions
	report func(stage string, done, of int)
}

// Train fits a model. It hides a part of the data to choose what the config leaves open,
// then fits all of it. report, which may be nil, is told how far it is, from the calling
// goroutine. Equal data and config give an equal model. Train fails with ErrNoData when no
// user has two items, and with the context's error when it ends.
func Train(ctx context.Context, cfg Config, x *Interactions, report func(stage string, done, of int)) (*Model, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("recommender config: %w", err)
	}
	if x.Len() <= x.Users() && !x.anyPair() {
		return nil, fmt.Errorf("train recommender: %w", ErrNoData)
	}
	if report == nil {
		report = func(string, int, int) {}
	}
	t := &trainer{cfg: cfg, all: x, report: report}
	c, err := t.choose(ctx)
	if err != nil {
		return nil, fmt.Errorf("choose parameters: %w", err)
	}
	m, err := t.fit(ctx, c)
	if err != nil {
		return nil, fmt.Errorf("fit model: %w", err)
	}
	return m, nil
}

// anyPair reports whether a user has two items.
func (x *Interactions) anyPair() bool {
	for u := range x.Users() {
		if x.cells.ptr[u+1]-x.cells.ptr[u] > 1 {
			return true
		}
	}
	return false
}

// fit trains on all data with what was chosen. ALS goes on from the factors of the trial,
// which saw nearly the same data.
func (t *trainer) fit(ctx context.Context, c choice) (*Model, error) {
	t.report("item-item", 0, 1)
	d := twoWay(preferences(&t.all.cells, c.saturation, t.cfg.MaxHistory))
	linear, err := fitter{cfg: t.cfg, data: d}.fit(ctx, c.ridge)
	if err != nil {
		return nil, fmt.Errorf("autoencoder: %w", err)
	}
	if linear[0].shared == nil { // the closed form does not count them
		if err := linear[0].countShared(ctx, d); err != nil {
			return nil, err
		}
	}
	t.report("item-item", 1, 1)
	p := c.als
	p.Sweeps = max(2, t.cfg.Sweeps/2)
	for s := range p.Sweeps {
		t.report("factors", s, p.Sweeps)
		one := p
		one.Sweeps = 1
		if err := one.improve(ctx, d, c.sides); err != nil {
			return nil, fmt.Errorf("factors: %w", err)
		}
	}
	t.report("factors", p.Sweeps, p.Sweeps)
	m := &Model{
		items: t.all.items, saturation: c.saturation, mix: c.mix, listeners: t.all.Listeners(),
		predictors: linear[0], factors: c.sides.items, alpha: p.Alpha, reg: p.Reg,
	}
	if t.cfg.Histories {
		m.users, m.histories = t.all.users, &t.all.cells
	}
	return m, m.seal()
}

// fitter fits the autoencoder to one matrix, with several regularisations.
type fitter struct {
	cfg     Config
	data    both
	targets []bool // nil for all
}

// fit solves in closed form for few items and over neighbours for many.
func (f fitter) fit(ctx context.Context, rs ...ridge) ([]*lists, error) {
	if f.data.items() > f.cfg.ExactItems {
		near, err := knn(ctx, f.data, nearest{k: f.cfg.Neighbours, shrink: float32(f.cfg.Shrink), targets: f.targets})
		if err != nil {
			return nil, err
		}
		return localRidge(ctx, f.data, rs, near)
	}
	var out []*lists
	for _, r := range rs {
		l, err := byItems(ctx, f.data, r, exactNeighbours*f.cfg.Neighbours)
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, nil
}

// exactNeighbours is how many times more predictors the closed form keeps: its weights are
// spread over all items.
const exactNeighbours = 4
