// Package producers is the Go client for frontends: publish a query, follow its sections,
// await its page.
//
// A query travels over Kafka and its page comes back twice: section by section over NATS,
// which is fast and may lose things, and as one record on the SERP topic, which loses
// nothing. The client takes whichever comes first.
package producers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/internal/telemetry"
	"github.com/parallel-fusion/pfr/schemas"
)

// Errors of a [Client] beside those of its ports and its context.
var (
	// ErrInvalid marks a request that can not be searched for. It wraps what is wrong.
	ErrInvalid = errors.New("invalid search")
	// ErrUnavailable marks a query that the brokers did not confirm. It may still have been
	// accepted; the same request with the same correlation id may be sent again, and gets
	// one page.
	ErrUnavailable = errors.New("the pipeline does not accept queries now")
	// ErrKafka and ErrNATS say which broker is away. Every ErrUnavailable comes with
	// ErrKafka, which takes queries; an ErrNoPage comes with ErrNATS, which carries calls and
	// progress, if it could not be reached when the search began.
	ErrKafka = errors.New("kafka is away")
	ErrNATS  = errors.New("nats is away")
	// ErrNoPage marks an accepted query whose page did not come in time. It may still come:
	// ask the archive for its correlation id.
	ErrNoPage = errors.New("the page did not come in time")
)

// Queries accepts queries.
type Queries interface {
	// Publish returns nil once the query is durable.
	Publish(ctx context.Context, q schemas.Query) error
}

// Steps delivers the progress of one query.
type Steps interface {
	// Follow returns a bounded channel of steps from now on. Steps may be lost. The caller
	// calls stop when it is done, after which the channel delivers nothing more.
	Follow(correlationID string) (steps <-chan schemas.Progress, stop func(), err error)
}

// Archive holds finished pages.
type Archive interface {
	// Await returns the page, now or when it is there.
	Await(ctx context.Context, correlationID string) (schemas.SERP, error)
}

// Ports is what a [Client] works with.
type Ports struct {
	Queries Queries
	Steps   Steps
	Archive Archive
	// Interactions is for [Client.Interact]; nil for a client that only searches.
	Interactions Interactions
}

// Config configures a [Client]. See [DefaultConfig].
type Config struct {
	Deadline    time.Duration `yaml:"deadline"`     // of a query that names none
	MinDeadline time.Duration `yaml:"min_deadline"` // shorter ones are refused
	MaxDeadline time.Duration `yaml:"max_deadline"` // longer ones are refused
	// Grace is how long after its deadline a page is still waited for.
	Grace time.Duration `yaml:"grace"`
	// PublishTimeout is how long the brokers have to take a query.
	PublishTimeout time.Duration `yaml:"publish_timeout"`
}

// DefaultConfig returns the settings for pages in under half a second.
func DefaultConfig() Config {
	return Config{
		Deadline: 450 * time.Millisecond, MinDeadline: 50 * time.Millisecond, MaxDeadline: 30 * time.Second,
		Grace: 2 * time.Second, PublishTimeout: 2 * time.Second,
	}
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	var errs []error
	if c.MinDeadline <= 0 || c.MinDeadline > c.Deadline || c.Deadline > c.MaxDeadline {
		errs = append(errs, fmt.Errorf("deadlines: want 0 < min_deadline %v <= deadline %v <= max_deadline %v", c.MinDeadline, c.Deadline, c.MaxDeadline))
	}
	if c.Grace < 0 {
		errs = append(errs, fmt.Errorf("grace %v: must not be negative", c.Grace))
	}
	if c.PublishTimeout <= 0 {
		errs = append(errs, fmt.Errorf("publish_timeout %v: must be positive", c.PublishTimeout))
	}
	return errors.Join(errs...)
}

// Client searches through the pipeline. It is safe for concurrent use.
type Client struct {
	cfg   Config
	ports Ports
	log   *slog.Logger
	m     *metrics
}

// New returns a Client.
func New(cfg Config, ports Ports, log *slog.Logger, reg prometheus.Registerer) (*Client, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("producers config: %w", err)
	}
	return &Client{cfg: cfg, ports: ports, log: log, m: newMetrics(reg)}, nil
}

// Request is a search as a frontend asks for it. Text is required.
type Request struct {
	CorrelationID string // UUIDv7; made here when empty
	Text          string
	Market        string // "" means US
	Locale        string // "" means en-US
	Platform      string
	ClientID      string
	SessionID     string
	Mode          schemas.Mode
	Deadline      time.Duration // 0: the configured one
	Experiments   map[string]string
	User          *schemas.User
	Probe         bool // a health check, counted in no metric of listeners
}

// Query returns the message that r stands for, submitted now. Its error wraps ErrInvalid
// and names every problem.
func (c *Client) Query(r Request) (schemas.Query, error) {
	deadline := r.Deadline
	if deadline == 0 {
		deadline = c.cfg.Deadline
	}
	if deadline < c.cfg.MinDeadline || deadline > c.cfg.MaxDeadline {
		return schemas.Query{}, fmt.Errorf("%w: deadline must lie between %v and %v", ErrInvalid, c.cfg.MinDeadline, c.cfg.MaxDeadline)
	}
	id := r.CorrelationID
	if id == "" {
		v7, err := uuid.NewV7()
		if err != nil {
			return schemas.Query{}, fmt.Errorf("make correlation id: %w", err)
		}
		id = v7.String()
	}
	now := time.Now().UTC()
	q := schemas.Query{
		PublicQuery: schemas.PublicQuery{
			SchemaVersion: schemas.Version, CorrelationID: id, Text: r.Text,
			Market: orElse(r.Market, "US"), Locale: orElse(r.Locale, "en-US"), Platform: r.Platform,
			ClientID: r.ClientID, SessionID: r.SessionID, Mode: r.Mode,
			SubmittedAt: now, Deadline: now.Add(deadline), Experiments: r.Experiments, Probe: r.Probe,
		},
		User: r.User,
	}
	if err := q.Validate(); err != nil {
		return schemas.Query{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	return q, nil
}

func orElse(s, other string) string {
	if s == "" {
		return other
	}
	return s
}

// Search publishes a query and returns its page. See [Client.Follow] for the errors.
func (c *Client) Search(ctx context.Context, r Request) (schemas.SERP, error) {
	q, err := c.Query(r)
	if err != nil {
		return schemas.SERP{}, err
	}
	return c.Follow(ctx, q, func(schemas.Progress) {})
}

// Follow publishes q, hands the route and each section to onStep as they come, from this
// goroutine, and returns the page. It waits until the query's deadline and the configured
// grace have passed, or ctx ends. The page is complete even when steps were lost.
func (c *Client) Follow(ctx context.Context, q schemas.Query, onStep func(schemas.Progress)) (page schemas.SERP, err error) {
	ctx, end := telemetry.Start(ctx, "search", telemetry.Internal)
	defer func() { end(err); c.m.outcome(err) }()
	ctx, cancel := context.WithDeadline(ctx, q.Deadline.Add(c.cfg.Grace))
	defer cancel()
	return c.follow(ctx, q.CorrelationID, onStep, func() error {
		ctx, cancel := context.WithTimeout(ctx, c.cfg.PublishTimeout)
		defer cancel()
		if err := c.ports.Queries.Publish(ctx, q); err != nil {
			return fmt.Errorf("%w: %w: %w", ErrUnavailable, ErrKafka, err)
		}
		return nil
	})
}

// Resume is Follow for a query that was published before, here or elsewhere: it publishes
// nothing. Steps before now are lost to it. It waits until deadline or until ctx ends, and
// returns an error that wraps ErrNoPage if there was no page by then, also if there never
// was such a query.
func (c *Client) Resume(ctx context.Context, correlationID string, deadline time.Time, onStep func(schemas.Progress)) (page schemas.SERP, err error) {
	ctx, end := telemetry.Start(ctx, "resume", telemetry.Internal)
	defer func() { end(err); c.m.resumed(err) }()
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	return c.follow(ctx, correlationID, onStep, func() error { return nil })
}

// follow listens for the page by both ways, calls start, and waits until ctx ends.
func (c *Client) follow(ctx context.Context, id string, onStep func(schemas.Progress), start func() error) (schemas.SERP, error) {
	steps, stop, away := c.ports.Steps.Follow(id)
	if away != nil {
		// Without the fast copy the page still comes from the archive.
		c.log.Warn("following a query over the archive only", "correlation_id", id, "err", away)
		steps, stop, away = nil, func() {}, fmt.Errorf("%w: %w", ErrNATS, away)
	}
	defer stop()
	archived, leave := c.waitForArchive(ctx, id) // before the page can be there
	defer leave()
	if err := start(); err != nil {
		return schemas.SERP{}, err
	}
	for {
		select {
		case step, ok := <-steps:
			switch {
			case !ok:
				steps = nil // the connection is gone; the archive is not
			case step.Kind == schemas.ProgressSERP:
				c.m.pages.WithLabelValues("steps").Inc()
				return *step.SERP, nil
			default:
				onStep(step)
			}
		case r := <-archived:
			if r.err != nil {
				return schemas.SERP{}, fmt.Errorf("%w: query %s: %w", ErrNoPage, id, errors.Join(r.err, away))
			}
			c.m.pages.WithLabelValues("archive").Inc()
			return r.page, nil
		}
	}
}

// archived is what the archive says of a page.
type archived struct {
	page schemas.SERP
	err  error
}

// waitForArchive asks the archive for a page in the background. leave ends that and waits
// for its end.
func (c *Client) waitForArchive(ctx context.Context, id string) (answer <-chan archived, leave func()) {
	ctx, cancel := context.WithCancel(ctx)
	ch := make(chan archived, 1)
	done := make(chan struct{})
	go func() {
		defer close(done)
		page, err := c.ports.Archive.Await(ctx, id)
		ch <- archived{page, err}
	}()
	return ch, func() { cancel(); <-done }
}
