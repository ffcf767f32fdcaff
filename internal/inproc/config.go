package inproc

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"
)

// Config configures the embedded brokers. Start from [DefaultConfig].
type Config struct {
	// DataDir keeps the Kafka log, and is created when it is missing. Empty means that
	// everything is in memory and gone at the end.
	DataDir string `yaml:"data_dir"`
	// SyncWrites makes every produced batch and committed offset wait for the disk. It
	// matters for power failures only, and costs throughput.
	SyncWrites bool `yaml:"sync_writes"`
	// KafkaAddr and NATSAddr are loopback addresses with a port. Empty means the port of
	// the last run in DataDir if it is free, else any free one.
	KafkaAddr string `yaml:"kafka_addr"`
	NATSAddr  string `yaml:"nats_addr"`
	// CleanInterval is how often retention and compaction run. Both stop the Kafka broker
	// for the moment that they take.
	CleanInterval time.Duration `yaml:"clean_interval"`
	// MaxPayload bounds one NATS message in bytes, headers included.
	MaxPayload int32 `yaml:"max_payload"`
	// StartTimeout bounds the start of the NATS server.
	StartTimeout time.Duration `yaml:"start_timeout"`
}

// Limits of Config.MaxPayload, in bytes. The server itself warns above the upper one.
const (
	minPayload = 1 << 10
	maxPayload = 8 << 20
)

// DefaultConfig returns brokers in memory on free ports.
func DefaultConfig() Config {
	return Config{CleanInterval: 5 * time.Minute, MaxPayload: 1 << 20, StartTimeout: 10 * time.Second}
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	var errs []error
	for name, addr := range map[string]string{"kafka_addr": c.KafkaAddr, "nats_addr": c.NATSAddr} {
		if err := checkLoopback(addr); addr != "" && err != nil {
			errs = append(errs, fmt.Errorf("%s %q: %w", name, addr, err))
		}
	}
	if c.CleanInterval <= 0 {
		errs = append(errs, fmt.Errorf("clean_interval %v: must be positive", c.CleanInterval))
	}
	if c.StartTimeout <= 0 {
		errs = append(errs, fmt.Errorf("start_timeout %v: must be positive", c.StartTimeout))
	}
	if c.MaxPayload < minPayload || c.MaxPayload > maxPayload {
		errs = append(errs, fmt.Errorf("max_payload %d: must be %d to %d bytes", c.MaxPayload, minPayload, maxPayload))
	}
	return errors.Join(errs...)
}

// checkLoopback keeps the brokers, which ask nobody for a password, off the network.
func checkLoopback(addr string) error {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return errors.New("must have a port number")
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return errors.New("must be a loopback address such as 127.0.0.1")
	}
	return nil
}
