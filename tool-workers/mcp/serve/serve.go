// Package serve offers tools over MCP, so that agents can call them.
//
// Each tool with a [tools.Spec] becomes an MCP tool of the same name, with the schema of its
// parameters plus query and limit, and answers with the items as structured content and as
// text. Calls are anonymous: there is no way to say who listens. Everything only reads.
package serve

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/prometheus/client_golang/prometheus"

	tools "github.com/parallel-fusion/pfr/tool-workers"
)

// Config configures a [Server]. The zero value is not valid; see [DefaultConfig].
type Config struct {
	Version string        `yaml:"version"` // of the program, as agents see it
	Timeout time.Duration `yaml:"timeout"` // of a call
	Calls   int           `yaml:"calls"`   // at once, over all sessions; more wait
	Limit   int           `yaml:"limit"`   // items of a call that does not say how many
	Market  string        `yaml:"market"`  // ISO 3166-1, of every call
	Locale  string        `yaml:"locale"`  // BCP 47, of every call
}

// DefaultConfig returns a Config for agents on this machine.
func DefaultConfig() Config {
	return Config{Version: "1.0.0", Timeout: 5 * time.Second, Calls: 8, Limit: 10, Market: "US", Locale: "en-US"}
}

// Bounds of a session over HTTP.
const (
	maxRequestBytes = 64 << 10
	idleSession     = 10 * time.Minute
	maxHeaderBytes  = 16 << 10
	stopTimeout     = 5 * time.Second
)

// Validate reports every problem at once.
func (c Config) Validate() error {
	var errs []error
	if c.Timeout <= 0 {
		errs = append(errs, fmt.Errorf("timeout %v: must be positive", c.Timeout))
	}
	if c.Calls < 1 {
		errs = append(errs, fmt.Errorf("calls %d: must be positive", c.Calls))
	}
	if c.Limit < 1 || c.Limit > maxItems {
		errs = append(errs, fmt.Errorf("limit %d: must lie between 1 and %d", c.Limit, maxItems))
	}
	if len(c.Market) != 2 || c.Version == "" {
		errs = append(errs, errors.New("market and version: must be given"))
	}
	return errors.Join(errs...)
}

// Server offers tools. It owns none of them.
type Server struct {
	cfg   Config
	log   *slog.Logger
	mcp   *mcp.Server
	slots chan struct{} // one for each call at once
	m     *metrics
}

// New returns a Server of the tools, each of which must have a [tools.Spec].
func New(cfg Config, all []tools.Tool, log *slog.Logger, reg prometheus.Registerer) (*Server, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("mcp config: %w", err)
	}
	s := &Server{cfg: cfg, log: log, slots: make(chan struct{}, cfg.Calls), m: newMetrics(reg)}
	s.mcp = mcp.NewServer(&mcp.Implementation{Name: "pfr", Title: "Music and podcast search", Version: cfg.Version}, &mcp.ServerOptions{
		Capabilities: &mcp.ServerCapabilities{Tools: &mcp.ToolCapabilities{}},
		Instructions: "Tools over one catalogue of music and podcasts. They find what is there and change nothing.",
	})
	var errs []error
	for _, tool := range all {
		if err := s.add(tool); err != nil {
			errs = append(errs, fmt.Errorf("tool %s: %w", tool.Name(), err))
		}
	}
	return s, errors.Join(errs...)
}

// ServeStdio speaks over two streams until the client ends the session or ctx ends. It
// writes nothing but the protocol to out. It returns when ctx ends even if in still blocks;
// closing in is up to the caller.
func (s *Server) ServeStdio(ctx context.Context, in io.Reader, out io.Writer) error {
	transport := &mcp.IOTransport{Reader: io.NopCloser(in), Writer: stream{out}, MaxLineLength: maxRequestBytes}
	err := s.mcp.Run(ctx, transport)
	if err != nil && ctx.Err() == nil && !errors.Is(err, mcp.ErrConnectionClosed) && !errors.Is(err, io.EOF) {
		return fmt.Errorf("serve mcp over stdio: %w", err)
	}
	return nil
}

// stream is a writer that nobody closes.
type stream struct{ io.Writer }

func (stream) Close() error { return nil }

// Handler speaks streamable HTTP. Requests must come from programs or from pages of the
// same origin: others are refused.
func (s *Server) Handler() http.Handler {
	h := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return s.mcp }, &mcp.StreamableHTTPOptions{
		JSONResponse: true, Stateless: true, SessionTimeout: idleSession, MaxRequestBodyBytes: maxRequestBytes,
	})
	return http.NewCrossOriginProtection().Handler(h)
}

// ServeHTTP serves [Server.Handler] on l until ctx ends, and finishes the calls that it
// has. It closes l.
func (s *Server) ServeHTTP(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: s.Handler(), MaxHeaderBytes: maxHeaderBytes, ReadHeaderTimeout: stopTimeout, ReadTimeout: 2 * stopTimeout,
		WriteTimeout: s.cfg.Timeout + 2*stopTimeout, IdleTimeout: idleSession,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve mcp on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	err := server.Shutdown(stop)
	if err != nil {
		err = errors.Join(err, server.Close())
	}
	<-served //nolint:errcheck // it says that the server was shut down
	if err != nil {
		return fmt.Errorf("stop mcp on %s: %w", l.Addr(), err)
	}
	return nil
}
