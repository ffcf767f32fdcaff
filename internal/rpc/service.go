package rpc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"time"

	"github.com/nats-io/nats.go/micro"
)

// Handler answers one request. Its context ends at the caller's deadline, at MaxDuration,
// or when a drain has taken too long; it carries the caller's trace. The handler owns
// payload, and gives away what it returns. Handlers run in parallel. An error made with
// [Errorf] reaches the caller with its code, any other one with [CodeInternal].
type Handler func(ctx context.Context, payload []byte) ([]byte, error)

// ServiceConfig configures one service. Start from [DefaultServiceConfig].
type ServiceConfig struct {
	// Name is the service in discovery and metrics: letters, digits, '-', '_'.
	Name string
	// Version is semantic, as 1.2.3.
	Version string
	// Subject is where requests arrive. It has no wildcard.
	Subject string
	// QueueGroup shares the requests among equal workers; empty means Name. It has no
	// version on purpose: two groups on one subject would each get every request, and an
	// upgrade in steps would do all work twice.
	QueueGroup string
	// Description and Metadata are for people who look at [Conn.Discover].
	Description string
	Metadata    map[string]string
	// Data names the data or model behind the service, which may change while it serves;
	// nil for none.
	Data func() string
	// Workers is how many handlers run at once, Backlog how many requests may wait for
	// one of them. A request beyond both is refused at once with [CodeOverloaded].
	Workers, Backlog int
	// MaxDuration bounds a handler whatever its caller's deadline says.
	MaxDuration time.Duration
	// DrainTimeout is how long accepted requests may take to finish when Serve ends.
	// After it their contexts are cancelled.
	DrainTimeout time.Duration
}

// version is a semantic version without build metadata.
var version = regexp.MustCompile(`^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)

// DefaultServiceConfig returns a ServiceConfig for a tool. Set Name and Subject.
func DefaultServiceConfig() ServiceConfig {
	return ServiceConfig{
		Version: "1.0.0", Workers: 16, Backlog: 64,
		MaxDuration: 10 * time.Second, DrainTimeout: 5 * time.Second,
	}
}

// Validate reports every problem at once.
func (c ServiceConfig) Validate() error {
	var errs []error
	if !connName.MatchString(c.Name) {
		errs = append(errs, fmt.Errorf("name %q: must be 1 to 64 letters, digits, '-' or '_'", c.Name))
	}
	if !version.MatchString(c.Version) {
		errs = append(errs, fmt.Errorf("version %q: must be semantic, as 1.2.3", c.Version))
	}
	if err := checkSubject(c.Subject); err != nil {
		errs = append(errs, fmt.Errorf("subject: %w", err))
	}
	if strings.ContainsAny(c.QueueGroup, " \t\r\n*>") {
		errs = append(errs, fmt.Errorf("queue_group %q: must have no white space or wildcard", c.QueueGroup))
	}
	if c.Workers <= 0 {
		errs = append(errs, fmt.Errorf("workers %d: must be positive", c.Workers))
	}
	if c.Backlog < 0 {
		errs = append(errs, fmt.Errorf("backlog %d: must not be negative", c.Backlog))
	}
	if c.MaxDuration <= 0 {
		errs = append(errs, fmt.Errorf("max_duration %v: must be positive", c.MaxDuration))
	}
	if c.DrainTimeout <= 0 {
		errs = append(errs, fmt.Errorf("drain_timeout %v: must be positive", c.DrainTimeout))
	}
	return errors.Join(errs...)
}

// Serve answers the requests of one subject with h until ctx ends, then stops taking
// requests, finishes the accepted ones and returns nil. It calls ready, which may be nil,
// once the server knows of the service. It returns an error when the service cannot be
// registered, when the connection is closed under it, or when handlers outlive the drain;
// those handlers are left behind with a cancelled context.
func (c *Conn) Serve(ctx context.Context, cfg ServiceConfig, h Handler, ready func()) error {
	if err := cfg.Validate(); err != nil {
		return fmt.Errorf("service config: %w", err)
	}
	if cfg.QueueGroup == "" {
		cfg.QueueGroup = cfg.Name
	}
	p := newPool(context.WithoutCancel(ctx), cfg, h, c)
	svc, err := c.register(cfg, p)
	if err != nil {
		return errors.Join(fmt.Errorf("serve %s: %w", cfg.Name, err), p.stop())
	}
	if ready != nil {
		ready()
	}
	select {
	case <-ctx.Done():
	case <-c.closed:
		err = ErrDisconnected
	}
	if err := errors.Join(err, c.retire(svc), p.stop(), c.flush(cfg.DrainTimeout)); err != nil {
		return fmt.Errorf("serve %s: %w", cfg.Name, err)
	}
	return nil
}

// The limit of requests received and not yet offered to the pool. Offering takes
// microseconds, so this is only reached when the process has no time at all.
const (
	serviceMessages = 8 << 10
	serviceBytes    = 64 << 20
)

// register makes the service known and returns when the server has its subscriptions.
func (c *Conn) register(cfg ServiceConfig, p *pool) (micro.Service, error) {
	svc, err := micro.AddService(c.nc, micro.Config{
		Name: cfg.Name, Version: cfg.Version, Description: cfg.Description,
		Metadata:     maps.Clone(cfg.Metadata),
		StatsHandler: func(*micro.Endpoint) any { return p.stats() },
	})
	if err != nil {
		return nil, fmt.Errorf("register: %w", err)
	}
	err = svc.AddEndpoint("call", micro.HandlerFunc(p.accept),
		micro.WithEndpointSubject(cfg.Subject),
		micro.WithEndpointQueueGroup(cfg.QueueGroup),
		micro.WithEndpointPendingLimits(serviceMessages, serviceBytes))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("subscribe to %s: %w", cfg.Subject, err), svc.Stop())
	}
	if err := c.flush(c.cfg.ConnectTimeout); err != nil {
		return nil, errors.Join(err, svc.Stop())
	}
	return svc, nil
}

// retire stops the flow of requests and returns when every one that the server sent here
// has been offered to the pool.
func (c *Conn) retire(svc micro.Service) error {
	if err := svc.Stop(); err != nil {
		return fmt.Errorf("stop service: %w", err)
	}
	// The server's answer to the flush comes after the last request, and the barrier
	// after the last request in the subscription's queue.
	if err := c.flush(c.cfg.DrainTimeout); err != nil {
		return err
	}
	passed := make(chan struct{})
	if err := c.nc.Barrier(func() { close(passed) }); err != nil {
		return nil // closed: nothing more can arrive
	}
	select {
	case <-passed:
		return nil
	case <-time.After(c.cfg.DrainTimeout):
		return errors.New("requests were still arriving")
	}
}

// flush waits until the server has seen everything sent so far. A connection that is down
// has nothing to flush.
func (c *Conn) flush(timeout time.Duration) error {
	if !c.Connected() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := c.nc.FlushWithContext(ctx); err != nil && c.Connected() {
		return fmt.Errorf("flush: %w", err)
	}
	return nil
}
