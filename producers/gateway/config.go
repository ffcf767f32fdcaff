package gateway

import (
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/parallel-fusion/pfr/producers/gateway/access"
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
	Linger         time.Duration `yaml:"linger"`          // a search that nobody follows is kept in hand so long
	RecentPages    int           `yaml:"recent_pages"`    // pages kept until the archive has them
	ResumeWait     time.Duration `yaml:"resume_wait"`     // for a sign of a search that this gateway does not know
	RecentEvents   int           `yaml:"recent_events"`   // event ids remembered against duplicates
	PublishTimeout time.Duration `yaml:"publish_timeout"` // for the interactions of one request

	Access          access.Config `yaml:"access"`            // who may do what
	OperatorKeyFile string        `yaml:"operator_key_file"` // holds a key that may do everything; "": none
	OperatorKey     string        `yaml:"-"`                 // such a key, instead of the file
	Limits          LimitsConfig  `yaml:"limits"`
	CORS            CORSConfig    `yaml:"cors"`
	// TrustedProxies are the networks, such as 10.0.0.0/8, whose X-Forwarded-For is believed.
	TrustedProxies []string `yaml:"trusted_proxies"`

	Online SeriesConfig `yaml:"online"` // which online metrics are kept for who asks

	// Peers are other gateways that pages can be compared with, by name.
	Peers       map[string]string `yaml:"peers"`
	PeerTimeout time.Duration     `yaml:"peer_timeout"` // for a page of a peer

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
		Linger: 5 * time.Second, PeerTimeout: 10 * time.Second, RecentPages: 512, ResumeWait: 2 * time.Second,
		Online: DefaultSeriesConfig(),
		Access: access.DefaultConfig(), Limits: LimitsConfig{Clients: 10_000}, CORS: CORSConfig{MaxAge: 10 * time.Minute},
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
		{"linger", c.Linger},
		{"peer_timeout", c.PeerTimeout},
		{"resume_wait", c.ResumeWait},
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
		{"recent_pages", c.RecentPages},
		{"canary_failures", c.CanaryFailures},
	} {
		if n.n <= 0 {
			errs = append(errs, fmt.Errorf("%s %d: must be positive", n.name, n.n))
		}
	}
	_, err := c.proxies()
	return errors.Join(append(errs, err, validPeers(c.Peers), prefixed("online", c.Online.Validate()), c.access().Validate(), c.Limits.validate(), c.CORS.validate())...)
}

// prefixed says in front of an error which part of the settings it is about.
func prefixed(part string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", part, err)
}

// access returns the configuration of who may do what, with the operator's key.
func (c Config) access() access.Config {
	a := c.Access
	a.OperatorKeyFile, a.OperatorKey = c.OperatorKeyFile, c.OperatorKey
	return a
}

// proxies returns the networks that are trusted.
func (c Config) proxies() ([]netip.Prefix, error) {
	var errs []error
	nets := make([]netip.Prefix, 0, len(c.TrustedProxies))
	for _, s := range c.TrustedProxies {
		n, err := netip.ParsePrefix(s)
		if err != nil {
			errs = append(errs, fmt.Errorf("trusted_proxies: %q is no network, such as 10.0.0.0/8", s))
			continue
		}
		nets = append(nets, n.Masked())
	}
	return nets, errors.Join(errs...)
}

// LimitsConfig bounds how often one client may ask. A client is a principal, or else an
// address.
type LimitsConfig struct {
	PerSecond float64 `yaml:"per_second"` // requests, over time; 0: no limit
	Burst     int     `yaml:"burst"`      // requests at once
	Clients   int     `yaml:"clients"`    // remembered; the one that asked longest ago is forgotten first
}

func (c LimitsConfig) validate() error {
	var errs []error
	if !(c.PerSecond >= 0 && c.PerSecond <= math.MaxFloat64) || c.Burst < 0 || (c.PerSecond > 0) != (c.Burst > 0) {
		errs = append(errs, fmt.Errorf("limits: per_second %v and burst %d must both be positive, or both 0", c.PerSecond, c.Burst))
	}
	if c.Clients <= 0 {
		errs = append(errs, fmt.Errorf("limits.clients %d: must be positive", c.Clients))
	}
	return errors.Join(errs...)
}

// CORSConfig says which web pages of other origins may use the interface. They never send
// cookies: that of the web page is for its own origin.
type CORSConfig struct {
	Origins []string      `yaml:"origins"` // such as https://example.com; "*" alone is all; none: no other origin
	MaxAge  time.Duration `yaml:"max_age"` // of what a browser learns by asking first
}

func (c CORSConfig) validate() error {
	var errs []error
	if c.MaxAge < 0 {
		errs = append(errs, fmt.Errorf("cors.max_age %v: must not be negative", c.MaxAge))
	}
	for _, o := range c.Origins {
		scheme, host, ok := strings.Cut(o, "://")
		if o != "*" && (!ok || scheme != "http" && scheme != "https" || host == "" || strings.ContainsAny(host, "/*?# ")) {
			errs = append(errs, fmt.Errorf("cors.origins: %q is no origin, such as https://example.com", o))
		}
	}
	if slices.Contains(c.Origins, "*") && len(c.Origins) > 1 {
		errs = append(errs, errors.New(`cors.origins: "*" stands alone`))
	}
	return errors.Join(errs...)
}
