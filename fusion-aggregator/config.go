package fusion

import (
	"errors"
	"fmt"
	"time"
)

// Config configures an [Aggregator]. The zero value is not valid; see [DefaultConfig].
type Config struct {
	// Reserve is kept back from the query's deadline for publishing the page.
	Reserve time.Duration `yaml:"reserve"`
	// PublishTimeout bounds one attempt to make a page durable.
	PublishTimeout time.Duration `yaml:"publish_timeout"`
	// LateGrace is how long an answer may come late and still be counted.
	LateGrace time.Duration `yaml:"late_grace"`
	// Remember is how many finished pages are remembered against replays.
	Remember int `yaml:"remember"`
	// RebuildTail is how many pages of a partition are read back to fill that memory when
	// the partition is taken over.
	RebuildTail int `yaml:"rebuild_tail"`
	// Features of the user that pages keep for analytics, by name; no others are.
	Features []string `yaml:"features"`
	// Hedge is about calls that are repeated because their worker is slow.
	Hedge HedgeConfig `yaml:"hedge"`
}

// DefaultConfig returns the settings for pages of half a second.
func DefaultConfig() Config {
	return Config{
		Reserve: 20 * time.Millisecond, PublishTimeout: 10 * time.Second, LateGrace: 500 * time.Millisecond,
		Remember: 100_000, RebuildTail: 2_000, Hedge: DefaultHedgeConfig(),
	}
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	errs := []error{c.Hedge.Validate()}
	if c.Reserve < 0 {
		errs = append(errs, fmt.Errorf("reserve %v: must not be negative", c.Reserve))
	}
	if c.PublishTimeout <= 0 {
		errs = append(errs, fmt.Errorf("publish_timeout %v: must be positive", c.PublishTimeout))
	}
	if c.LateGrace < 0 {
		errs = append(errs, fmt.Errorf("late_grace %v: must not be negative", c.LateGrace))
	}
	if c.Remember <= 0 {
		errs = append(errs, fmt.Errorf("remember %d: must be positive", c.Remember))
	}
	if c.RebuildTail < 0 || c.RebuildTail > c.Remember {
		errs = append(errs, fmt.Errorf("rebuild_tail %d: must lie between 0 and remember", c.RebuildTail))
	}
	return errors.Join(errs...)
}
