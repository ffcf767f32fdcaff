package remote

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/parallel-fusion/pfr/tool-workers/adapter"
)

// terminate is how long a command may take to end by itself, and then to end when told.
const terminate = time.Second

// maxSilent is how many calls in a row may run out of time before the session counts as
// broken.
const maxSilent = 3

// errClosed says that the tool is closed.
var errClosed = errors.New("the tool is closed")

// sessions keeps one session and makes another when it breaks.
type sessions struct {
	cfg     Config
	env     []string
	client  *adapter.Client // nil for a command
	timeout time.Duration

	mu      sync.Mutex
	now     *session
	closed  bool
	working sync.WaitGroup // sessions that open and that end
}

// session is one that is open, or opens.
type session struct {
	ready  chan struct{}      // closed when it is open or is not going to be
	mcp    *mcp.ClientSession // nil if it did not open
	err    error
	silent int // calls in a row that ran out of time; under the lock of sessions
}

func newSessions(cfg Config) (*sessions, error) {
	s := &sessions{cfg: cfg, timeout: cmp.Or(cfg.Timeout, adapter.DefaultHTTPConfig().Timeout)}
	var err error
	if cfg.URL == "" {
		s.env, err = cfg.environment()
		return s, err
	}
	base, err := adapter.BaseURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	s.client, err = adapter.NewClient(cfg.HTTPConfig, base)
	return s, err
}

// call calls the tool. A session that turns out to be broken is replaced, and the call made
// once more: tools only read.
func (s *sessions) call(ctx context.Context, params *mcp.CallToolParams) (*mcp.CallToolResult, error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	for again := range 2 {
		session, err := s.get(ctx)
		if err != nil {
			return nil, plain(ctx, err)
		}
		answer, err := session.mcp.CallTool(ctx, params)
		s.note(ctx, session, err)
		if err == nil {
			return answer, nil
		}
		if again == 1 || ctx.Err() != nil || !broken(err) {
			return nil, plain(ctx, err)
		}
	}
	return nil, errClosed // not reached
}

// broken says whether another session may answer where this one did not.
func broken(err error) bool {
	for _, sign := range []error{mcp.ErrConnectionClosed, mcp.ErrSessionMissing, io.EOF, os.ErrClosed, syscall.EPIPE} {
		if errors.Is(err, sign) {
			return true
		}
	}
	return false
}

// plain prefers the end of the context, and leaves out what the server says: it may quote
// the call.
func plain(ctx context.Context, err error) error {
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, errClosed):
		return err
	case broken(err):
		return mcp.ErrConnectionClosed
	default:
		return errors.New("no answer by the protocol")
	}
}

// get waits for the session, and begins one if there is none. One that opens too late for
// this call is there for the next.
func (s *sessions) get(ctx context.Context) (*session, error) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil, errClosed
	}
	if s.now == nil {
		s.now = &session{ready: make(chan struct{})}
		fresh := s.now
		s.working.Go(func() { s.open(context.WithoutCancel(ctx), fresh) })
	}
	now := s.now
	s.mu.Unlock()
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-now.ready:
		return now, now.err
	}
}

// open opens a session. If it does not open, the next call begins another.
func (s *sessions) open(ctx context.Context, fresh *session) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	client := mcp.NewClient(&mcp.Implementation{Name: "pfr", Version: "1.0.0"}, &mcp.ClientOptions{Capabilities: &mcp.ClientCapabilities{}})
	fresh.mcp, fresh.err = client.Connect(ctx, s.transport(), nil)
	if fresh.err != nil {
		fresh.mcp = nil
		s.mu.Lock()
		if s.now == fresh {
			s.now = nil
		}
		s.mu.Unlock()
	}
	close(fresh.ready)
}

func (s *sessions) transport() mcp.Transport {
	if s.client != nil {
		return &mcp.StreamableClientTransport{
			Endpoint: s.cfg.URL, HTTPClient: s.client.HTTP(), MaxRetries: -1, DisableStandaloneSSE: true, MaxEventSize: maxContent,
		}
	}
	// The command outlives the call that starts it; close ends it.
	command := exec.Command(s.cfg.Command[0], s.cfg.Command[1:]...) //nolint:gosec,noctx // the operator names it
	command.Env = s.env
	return &mcp.CommandTransport{Command: command, TerminateDuration: terminate}
}

// note drops a session that is broken or has been silent for too long.
func (s *sessions) note(ctx context.Context, used *session, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now != used {
		return
	}
	switch {
	case err == nil:
		used.silent = 0
		return
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		used.silent++
	}
	if used.silent < maxSilent && (ctx.Err() != nil || !broken(err)) {
		return
	}
	s.now = nil
	s.working.Go(func() { _ = used.mcp.Close() }) // it is broken: nobody needs to know how it ends
}

// close ends the session and waits for those that broke.
func (s *sessions) close() error {
	s.mu.Lock()
	s.closed = true
	last := s.now
	s.now = nil
	s.mu.Unlock()
	err := last.close()
	s.working.Wait()
	if s.client != nil {
		err = errors.Join(err, s.client.Close())
	}
	if err != nil {
		return fmt.Errorf("close session: %w", err)
	}
	return nil
}

// close ends a session that nobody uses any more; nil is none.
func (s *session) close() error {
	if s == nil {
		return nil
	}
	<-s.ready
	if s.mcp == nil {
		return nil
	}
	// How a command ends is its own affair, and so is that it ended just before it was told to.
	var exit *exec.ExitError
	if err := s.mcp.Close(); !broken(err) && !errors.As(err, &exit) && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}
