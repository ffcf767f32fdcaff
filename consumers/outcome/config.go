package outcome

import (
	"errors"
	"fmt"
	"time"
)

// Bounds that are part of the definitions in docs/metrics.md.
const (
	maxEvents      = 64              // distinct events of a search; with one more it is flooded
	maxEarly       = time.Minute     // an event may lie this much before its search
	maxNeighbours  = 16              // searches of a client that are looked at, each way
	reformulatedIn = 5 * time.Minute // another wording comes within this time
	typedIn        = 2 * time.Second // the next text comes within this time while somebody types
	similarFrom    = 0.5             // Jaccard index of two wordings of one wish
	skewFrom       = time.Minute     // a clock that is off by more is counted
	maxText        = 256             // bytes of a normalised text that are compared
)

// Config configures a [Join]. See [DefaultConfig].
type Config struct {
	Attribution time.Duration `yaml:"attribution"` // an event belongs to a search for this long
	Lateness    time.Duration `yaml:"lateness"`    // between an event and its arrival at the edge
	Slack       time.Duration `yaml:"slack"`       // more time that searches are held, for slow topics
	Searches    int           `yaml:"searches"`    // held at most; some 260 bytes each
	Waiting     int           `yaml:"waiting"`     // events that wait for their page, at most; some 150 bytes each
}

// DefaultConfig holds searches for a little over a day, in at most 550 MB.
func DefaultConfig() Config {
	return Config{
		Attribution: 30 * time.Minute, Lateness: 24 * time.Hour, Slack: time.Hour,
		Searches: 2_000_000, Waiting: 200_000,
	}
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	var errs []error
	if c.Attribution <= 0 || c.Lateness <= 0 || c.Slack < 0 {
		errs = append(errs, errors.New("attribution and lateness must be positive, slack not negative"))
	}
	if c.Searches <= 0 || c.Waiting <= 0 {
		errs = append(errs, fmt.Errorf("searches %d, waiting %d: must be positive", c.Searches, c.Waiting))
	}
	return errors.Join(errs...)
}

// Horizon is how long after its query a search is held.
func (c Config) Horizon() time.Duration { return c.Attribution + c.Lateness + c.Slack }
