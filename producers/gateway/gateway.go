// Package gateway is the HTTP interface of the pipeline, and its web page.
//
// The vocabulary:
//
//   - A search is one query followed until its page: as one JSON answer, or as a stream of
//     server-sent events (route, section, serp) that fill the page as sections land.
//   - A flight is a search in hand. Requests watch it; one that comes back after its stream
//     broke watches the same flight and publishes nothing.
//   - An interaction is what a listener did with a page. Each event of a request gets its
//     own verdict: accepted, duplicate or rejected.
//   - The reasons of a decision are its tiers, in numbers and in words: on the page, in the
//     route event of a stream, and in /v1/explain.
//   - The canary is a search of the gateway's own. The gateway is ready while it passes.
//   - A problem is an error as RFC 9457 problem JSON. It says what to do about it.
package gateway

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/cors"

	"github.com/parallel-fusion/pfr/producers"
	"github.com/parallel-fusion/pfr/producers/gateway/access"
	"github.com/parallel-fusion/pfr/schemas"
)

// ErrNotFound is what [Pages] and [Decisions] return for an id that they do not have: not
// yet, or no longer.
var ErrNotFound = errors.New("not found")

// Searcher runs searches. [producers.Client] is one, and documents the errors.
type Searcher interface {
	Query(r producers.Request) (schemas.Query, error)
	Follow(ctx context.Context, q schemas.Query, onStep func(schemas.Progress)) (schemas.SERP, error)
	// Resume follows a search that was published before and publishes nothing.
	Resume(ctx context.Context, correlationID string, deadline time.Time, onStep func(schemas.Progress)) (schemas.SERP, error)
}

// Pages holds finished pages.
type Pages interface {
	// Get returns the page of a correlation id, or ErrNotFound.
	Get(correlationID string) (schemas.SERP, error)
}

// Decisions holds what the router decided.
type Decisions interface {
	// Explain returns the decision of a correlation id, or ErrNotFound.
	Explain(correlationID string) (Explained, error)
}

// Explained is a query with its decision, without the user.
type Explained struct {
	Query     schemas.PublicQuery `json:"query"`
	Decision  schemas.Decision    `json:"decision"`
	DecidedAt time.Time           `json:"decided_at"`
}

// Interactions accepts what listeners did.
type Interactions interface {
	// Publish returns nil once the event is durable.
	Publish(ctx context.Context, i schemas.Interaction) error
}

// Ports is what a [Gateway] works with. All are required.
type Ports struct {
	Searches     Searcher
	Pages        Pages
	Decisions    Decisions
	Interactions Interactions
	Online       Online
	Suggestions  Suggestions           // nil: nothing is suggested
	Operations   Operations            // nil: operators see and do nothing here
	Experiments  Experiments           // nil: there are none
	Gatherer     prometheus.Gatherer   // of /metrics
	About        About                 // may be empty
	Details      func() map[string]any // what other parts of the process say in /readyz; nil: nothing
}

// About is what the web page says of itself.
type About struct {
	AsOf     string   // the day that stands for today in the catalogue, as YYYY-MM-DD; "" for none
	Note     string   // on the origin of the data
	Examples []string // queries to try
	Routes   []Legend // in manifest order
}

// Legend explains one route.
type Legend struct {
	Name string
	For  string
}

func (p Ports) validate() error {
	var errs []error
	for name, missing := range map[string]bool{
		"searches": p.Searches == nil, "pages": p.Pages == nil, "decisions": p.Decisions == nil,
		"interactions": p.Interactions == nil, "online": p.Online == nil, "gatherer": p.Gatherer == nil,
	} {
		if missing {
			errs = append(errs, fmt.Errorf("port %s: must not be nil", name))
		}
	}
	return errors.Join(errs...)
}

// Gateway serves HTTP. Its methods are safe for concurrent use; Run is called once.
type Gateway struct {
	cfg      Config
	ports    Ports
	log      *slog.Logger
	m        *metrics
	web      *web
	handler  http.Handler
	guard    *access.Guard
	limits   *limiter
	cors     *cors.Cors // nil: no other origin may do anything
	compress func(http.Handler) http.HandlerFunc
	flights  *flights
	recent   *lru.Cache[string, struct{}] // ids of interactions
	canary   canary
	drain    *drain
	stopping chan struct{}  // closed when requests in hand must end
	active   sync.WaitGroup // requests in hand, of every kind

	sayStopping func() // closes stopping, once
}

// New returns a Gateway.
func New(cfg Config, ports Ports, log *slog.Logger, reg prometheus.Registerer) (*Gateway, error) {
	if err := errors.Join(cfg.Validate(), ports.validate()); err != nil {
		return nil, fmt.Errorf("gateway config: %w", err)
	}
	stopping := make(chan struct{})
	g := &Gateway{
		cfg: cfg, ports: ports, log: log, m: newMetrics(reg), cors: newCORS(cfg.CORS),
		canary: canary{first: make(chan struct{})}, drain: newDrain(),
		stopping: stopping, sayStopping: sync.OnceFunc(func() { close(stopping) }),
	}
	var errs [6]error
	g.web, errs[0] = newWeb(ports.About)
	g.recent, errs[1] = lru.New[string, struct{}](cfg.RecentEvents)
	g.flights, errs[2] = newFlights(cfg, g.m)
	g.guard, errs[3] = access.New(cfg.access(), log, reg)
	g.limits, errs[4] = newLimiter(cfg)
	g.compress, errs[5] = newCompressor()
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fmt.Errorf("gateway: %w", err)
	}
	g.handler = g.routes()
	return g, nil
}

// Handler returns the whole interface, without the limits of connections that Run sets.
func (g *Gateway) Handler() http.Handler { return g.handler }

// Ready returns a channel that is closed once a canary has passed for the first time.
func (g *Gateway) Ready() <-chan struct{} { return g.canary.first }

// Run listens and serves until ctx ends, then finishes the open requests and returns nil.
// It calls ready with the address once it listens. Requests that last longer than the
// drain timeout end with a problem that says where their page will be.
func (g *Gateway) Run(ctx context.Context, ready func(addr string)) error {
	defer g.Close()
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", g.cfg.Addr)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", g.cfg.Addr, err)
	}
	requests, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	srv := g.server(requests)
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()

	probing, stopProbing := context.WithCancel(ctx)
	probed := make(chan struct{})
	go func() { defer close(probed); g.probe(probing) }()
	defer func() { stopProbing(); <-probed }()

	ready(ln.Addr().String())
	select {
	case err := <-served:
		return fmt.Errorf("serve %s: %w", ln.Addr(), err)
	case <-ctx.Done():
	}
	g.stop(srv, cancel)
	<-served //nolint:errcheck // it says that the server was closed
	return nil
}

func (g *Gateway) server(requests context.Context) *http.Server {
	return &http.Server{
		Handler:           g.handler,
		BaseContext:       func(net.Listener) context.Context { return requests },
		ReadHeaderTimeout: g.cfg.ReadHeaderTimeout,
		ReadTimeout:       g.cfg.ReadTimeout,
		IdleTimeout:       g.cfg.IdleTimeout,
		MaxHeaderBytes:    g.cfg.MaxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(g.log.Handler(), slog.LevelDebug),
	}
}
