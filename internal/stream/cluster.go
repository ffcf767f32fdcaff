package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"
)

// DialFunc opens a network connection to a broker.
type DialFunc func(ctx context.Context, network, addr string) (net.Conn, error)

// Config configures a Cluster. The zero value is not valid; see [DefaultConfig].
type Config struct {
	Brokers  []string `yaml:"brokers"`   // host:port of one or more brokers
	ClientID string   `yaml:"client_id"` // shown in broker logs
	// DialTimeout bounds opening one connection.
	DialTimeout time.Duration `yaml:"dial_timeout"`
	// RequestTimeout bounds one administrative request.
	RequestTimeout time.Duration `yaml:"request_timeout"`
	// MetadataTTL is the longest time that a moved leader stays unnoticed by producers.
	MetadataTTL time.Duration `yaml:"metadata_ttl"`
	// Dial opens connections; nil means TCP. It is where TLS, proxies and tests come in.
	Dial DialFunc `yaml:"-"`
}

// DefaultConfig returns settings for a broker on this machine.
func DefaultConfig() Config {
	return Config{
		Brokers:        []string{"127.0.0.1:9092"},
		ClientID:       "pfr",
		DialTimeout:    3 * time.Second,
		RequestTimeout: 10 * time.Second,
		MetadataTTL:    time.Second,
	}
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	var errs []error
	if len(c.Brokers) == 0 {
		errs = append(errs, errors.New("brokers: at least one address is needed"))
	}
	for _, b := range c.Brokers {
		if _, _, err := net.SplitHostPort(b); err != nil {
			errs = append(errs, fmt.Errorf("broker %q: %w", b, err))
		}
	}
	for name, d := range map[string]time.Duration{
		"dial_timeout": c.DialTimeout, "request_timeout": c.RequestTimeout, "metadata_ttl": c.MetadataTTL,
	} {
		if d <= 0 {
			errs = append(errs, fmt.Errorf("%s %v: must be positive", name, d))
		}
	}
	return errors.Join(errs...)
}

// Cluster is the connection to the brokers that producers, consumers and readers share. It is
// safe for concurrent use.
type Cluster struct {
	cfg       Config
	log       *slog.Logger
	m         *metrics
	transport *kafka.Transport
	client    *kafka.Client
}

// Dial returns a Cluster. It validates cfg and opens no connection yet: an unreachable broker
// shows in the first call. reg may be nil. Clusters on one registerer share their metrics.
func Dial(cfg Config, log *slog.Logger, reg prometheus.Registerer) (*Cluster, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("stream config: %w", err)
	}
	m, err := newMetrics(reg)
	if err != nil {
		return nil, fmt.Errorf("stream metrics: %w", err)
	}
	if cfg.Dial == nil {
		cfg.Dial = (&net.Dialer{Timeout: cfg.DialTimeout, KeepAlive: 15 * time.Second}).DialContext
	}
	t := &kafka.Transport{
		Dial:        cfg.Dial,
		DialTimeout: cfg.DialTimeout,
		IdleTimeout: 5 * time.Minute,
		MetadataTTL: cfg.MetadataTTL,
		ClientID:    cfg.ClientID,
	}
	client := &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Timeout: cfg.RequestTimeout, Transport: t}
	return &Cluster{cfg: cfg, log: log, m: m, transport: t, client: client}, nil
}

// Close closes the connections of the cluster itself. Close producers and end consumers and
// tails before it. It always returns nil.
func (c *Cluster) Close() error {
	c.transport.CloseIdleConnections()
	return nil
}

// dialer returns a dialer for the Conn half of kafka-go. Its connections die with ctx, so a
// long poll ends at once and not after its wait time.
func (c *Cluster) dialer(ctx context.Context) *kafka.Dialer {
	return &kafka.Dialer{
		ClientID: c.cfg.ClientID,
		Timeout:  c.cfg.DialTimeout,
		DialFunc: func(dctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := c.cfg.Dial(dctx, network, addr)
			if err != nil {
				return nil, err
			}
			stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
			return &mortalConn{Conn: conn, stop: stop}, nil
		},
	}
}

// mortalConn is a connection that is closed when a context ends.
type mortalConn struct {
	net.Conn
	stop func() bool
}

func (c *mortalConn) Close() error {
	c.stop()
	return c.Conn.Close()
}
