package rpc

import (
	"errors"
	"fmt"
	"regexp"
	"time"
)

// Config configures a [Conn]. The zero value is not valid; see [DefaultConfig].
type Config struct {
	// URL is where the servers are: nats://host:port, or several of them separated by
	// commas. Use tls:// for an encrypted connection.
	URL string `yaml:"url"`
	// Name tells this connection from others in logs, metrics and on the server. Its
	// replies arrive under _INBOX_<name>, so that server permissions can keep one role
	// from reading another's replies. Letters, digits, '-' and '_' only.
	Name string `yaml:"name"`
	// ConnectTimeout is how long Dial tries, and how long one attempt may take later.
	ConnectTimeout time.Duration `yaml:"connect_timeout"`
	// ReconnectWait is the pause between attempts to reconnect, which never end. Half of
	// it is added as jitter at most.
	ReconnectWait time.Duration `yaml:"reconnect_wait"`
	// PingInterval is how often a silent server is asked for a sign of life. It counts as
	// lost after two unanswered pings.
	PingInterval time.Duration `yaml:"ping_interval"`
	// WriteTimeout bounds one write to the socket. A server that stops reading costs a
	// caller no more than this.
	WriteTimeout time.Duration `yaml:"write_timeout"`
	// DrainTimeout bounds Close.
	DrainTimeout time.Duration `yaml:"drain_timeout"`
}

// connName is what is safe in a metric label and in a subject.
var connName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// DefaultConfig returns a Config for a server on this machine. Set Name.
func DefaultConfig() Config {
	return Config{
		URL:            "nats://127.0.0.1:4222",
		Name:           "pfr",
		ConnectTimeout: 5 * time.Second,
		ReconnectWait:  150 * time.Millisecond,
		PingInterval:   10 * time.Second,
		WriteTimeout:   time.Second,
		DrainTimeout:   5 * time.Second,
	}
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	var errs []error
	if c.URL == "" {
		errs = append(errs, errors.New("url: must not be empty"))
	}
	if !connName.MatchString(c.Name) {
		errs = append(errs, fmt.Errorf("name %q: must be 1 to 64 letters, digits, '-' or '_'", c.Name))
	}
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"connect_timeout", c.ConnectTimeout},
		{"reconnect_wait", c.ReconnectWait},
		{"ping_interval", c.PingInterval},
		{"write_timeout", c.WriteTimeout},
		{"drain_timeout", c.DrainTimeout},
	} {
		if d.value <= 0 {
			errs = append(errs, fmt.Errorf("%s %v: must be positive", d.name, d.value))
		}
	}
	return errors.Join(errs...)
}
