package gateway

import (
	"errors"
	"fmt"
	"time"
)

// Config configures a [Gateway]. See [DefaultConfig].
type Config struct {
	Addr         string        `yaml:"addr"`          // host:port; port 0 takes a free one
	DrainTimeout time.Duration `yaml:"drain_timeout"` // for open requests, once the gateway stops

	ReadHeaderTimeout time.Duration `yaml:"read_header_timeout"`
	ReadTimeout       time.Duration `yaml:"read_timeout"`  // for a whole request with its body
	WriteTimeout      time.Duration `yaml:"write_timeout"` // for one write, so that streams may last
	IdleTimeout       time.Duration `yaml:"idle_timeout"`  // between requests of a connection
	Heartbeat         time.Duration `yaml:"heartbeat"`     // between signs of life on a quiet stream
	MaxHeaderBytes    int           `yaml:"max_header_bytes"`

	MaxSearches    int           `yaml:"max_searches"`    // at once; more are shed
	RecentEvents   int           `yaml:"recent_events"`   // event ids remembered against duplicates
	PublishTimeout time.Duration `yaml:"publish_timeout"` // for the interactions of one request

	CanaryQuery    string        `yaml:"canary_query"`    // the text that proves the pipeline works
	CanaryEvery    time.Duration `yaml:"canary_every"`    // after one that passed
	CanaryRetry    time.Duration `yaml:"canary_retry"`    // after one that failed
	CanaryDeadline time.Duration `yaml:"canary_deadline"` // of one canary query
	// CanaryFailures in a row make a gateway that was ready not ready.
	CanaryFailures int `yaml:"canary_failures"`
}

// DefaultConfig returns the settings of a gateway for this machine alone.
func DefaultConfig() Config {
	return Config{
		Addr: "127.0.0.1:8080", DrainTimeout: 8 * time.Second,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second,
		IdleTimeout: 2 * time.Minute, Heartbeat: 10 * time.Second, MaxHeaderBytes: 16 << 10,
		MaxSearches: 256, RecentEvents: 100_000, PublishTimeout: 5 * time.Second,
		CanaryQuery: "hello", CanaryEvery: 30 * time.Second, CanaryRetry: 250 * time.Millisecond,
		CanaryDeadline: 5 * time.Second, CanaryFailures: 3,
	}
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	var errs []error
	if c.Addr == "" {
		errs = append(errs, errors.New("addr: must be host:port, such as 127.0.0.1:8080"))
	}
	if c.CanaryQuery == "" {
		errs = append(errs, errors.New("canary_query: must not be empty"))
	}
	for _, d := range []struct {
		name string
		d    time.Duration
	}{
		{"drain_timeout", c.DrainTimeout},
		{"read_header_timeout", c.ReadHeaderTimeout},
		{"read_timeout", c.ReadTimeout},
		{"write_timeout", c.WriteTimeout},
		{"idle_timeout", c.IdleTimeout},
		{"heartbeat", c.Heartbeat},
		{"publish_timeout", c.PublishTimeout},
		{"canary_every", c.CanaryEvery},
		{"canary_retry", c.CanaryRetry},
		{"canary_deadline", c.CanaryDeadline},
	} {
		if d.d <= 0 {
			errs = append(errs, fmt.Errorf("%s %v: must be positive", d.name, d.d))
		}
	}
	for _, n := range []struct {
		name string
		n    int
	}{
		{"max_header_bytes", c.MaxHeaderBytes},
		{"max_searches", c.MaxSearches},
		{"recent_events", c.RecentEvents},
		{"canary_failures", c.CanaryFailures},
	} {
		if n.n <= 0 {
			errs = append(errs, fmt.Errorf("%s %d: must be positive", n.name, n.n))
		}
	}
	return errors.Join(errs...)
}
