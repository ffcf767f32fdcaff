package router

import (
	"errors"
	"fmt"
	"time"

	"github.com/parallel-fusion/pfr/internal/cache"
)

// Config configures a [Router]. See [DefaultConfig].
type Config struct {
	// MinConfidence is how sure the student must be to be believed when nobody else can be
	// asked; below it the query takes the fallback route.
	MinConfidence float64 `yaml:"min_confidence"`
	// AskBelow is how sure the student must be for its answer to stand when there is a
	// language model; below it the language model is asked. It is chosen on held-out queries
	// for a stated error, see the student's data/README.md.
	AskBelow float64 `yaml:"ask_below"`
	// Reserve is the part of a query's deadline that is kept for tools: the router stops
	// waiting for a language model when it is all that is left. The answer is kept for the
	// next equal query.
	Reserve  time.Duration `yaml:"reserve"`
	CacheTTL time.Duration `yaml:"cache_ttl"` // of a decision
	Cache    cache.Config  `yaml:"cache"`
	// MaxDecoded bounds the popular decisions that are kept decoded beside the cache, at some
	// 5 KB each.
	MaxDecoded int `yaml:"max_decoded"`
	// MaxPrecomputed bounds the precomputed decisions held in memory.
	MaxPrecomputed int `yaml:"max_precomputed"`
	// ShadowQueue bounds the queries that wait for a candidate router; more are not compared.
	ShadowQueue int `yaml:"shadow_queue"`
}

// DefaultConfig returns the settings for a search of half a second.
func DefaultConfig() Config {
	decisions := cache.DefaultConfig()
	decisions.Stale = time.Hour // better than no decision while a new one is made
	return Config{
		MinConfidence: 0.3, AskBelow: 0.7, Reserve: 150 * time.Millisecond,
		CacheTTL: 15 * time.Minute, Cache: decisions, MaxDecoded: 4096, MaxPrecomputed: 200_000, ShadowQueue: 256,
	}
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	errs := []error{c.Cache.Validate()}
	for _, share := range []struct {
		name  string
		value float64
	}{{"min_confidence", c.MinConfidence}, {"ask_below", c.AskBelow}} {
		if !(share.value >= 0 && share.value <= 1) {
			errs = append(errs, fmt.Errorf("%s %v: must lie between 0 and 1", share.name, share.value))
		}
	}
	if c.Reserve < 0 {
		errs = append(errs, fmt.Errorf("reserve %v: must not be negative", c.Reserve))
	}
	if c.CacheTTL <= 0 {
		errs = append(errs, fmt.Errorf("cache_ttl %v: must be positive", c.CacheTTL))
	}
	if c.MaxDecoded < 1 {
		errs = append(errs, fmt.Errorf("max_decoded %d: must be positive", c.MaxDecoded))
	}
	if c.MaxPrecomputed < 0 || c.ShadowQueue < 0 {
		errs = append(errs, errors.New("max_precomputed and shadow_queue: must not be negative"))
	}
	return errors.Join(errs...)
}
