package tools

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/parallel-fusion/pfr/schemas"
)

// ErrClosed is what calls of a closed [Swappable] get.
var ErrClosed = errors.New("the tool is closed")

// Swappable is a tool whose inside is replaced while it serves, as for a new catalogue or
// model. A call runs on one inside from its start to its end, and its result says which
// version that was. It is safe for concurrent use.
type Swappable struct {
	name string
	mu   sync.Mutex
	now  *inside // nil once closed
}

// inside is a tool with those that use it.
type inside struct {
	tool    Tool
	version string
	users   int           // calls that run, and one for being the current inside
	closed  chan struct{} // closed after the tool
	err     error         // of closing the tool; read it once closed is
}

// NewSwappable returns a tool that answers as inner does. version names the data or model
// behind inner. If inner is an [io.Closer], it belongs to the Swappable from here on.
func NewSwappable(inner Tool, version string) *Swappable {
	return &Swappable{name: inner.Name(), now: newInside(inner, version)}
}

func newInside(tool Tool, version string) *inside {
	return &inside{tool: tool, version: version, users: 1, closed: make(chan struct{})}
}

// Swap warms next, lets it answer the calls from now on, and waits until the last call of
// its predecessor has ended and that is closed, if it is an [io.Closer]. An error before
// the change leaves all as it was, and next with the caller. The error of closing the
// predecessor is returned too, and so is that of ctx if it ends first: then the last call
// closes it.
func (s *Swappable) Swap(ctx context.Context, next Tool, version string) error {
	if next.Name() != s.name {
		return fmt.Errorf("swap %s: a tool called %s cannot take its place", s.name, next.Name())
	}
	if err := Warm(ctx, next); err != nil {
		return fmt.Errorf("swap %s: %w", s.name, err)
	}
	old, err := s.replace(newInside(next, version))
	if err == nil {
		err = old.wait(ctx)
	}
	if err != nil {
		return fmt.Errorf("swap %s: %w", s.name, err)
	}
	return nil
}

// Close ends the tool: calls from now on fail with [ErrClosed]. It waits for those that run
// and closes the inside. Only the first Close does anything.
func (s *Swappable) Close() error {
	old, _ := s.replace(nil) // its only error is that it is closed already
	if old == nil {
		return nil
	}
	return old.wait(context.Background())
}

// replace makes next the current inside and gives up its predecessor.
func (s *Swappable) replace(next *inside) (*inside, error) {
	s.mu.Lock()
	old := s.now
	if old == nil {
		s.mu.Unlock()
		return nil, ErrClosed
	}
	s.now = next
	s.mu.Unlock()
	s.release(old)
	return old, nil
}

// acquire returns the current inside, which the caller releases.
func (s *Swappable) acquire() (*inside, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now == nil {
		return nil, fmt.Errorf("%s: %w", s.name, ErrClosed)
	}
	s.now.users++
	return s.now, nil
}

// release closes an inside that nobody uses any more.
func (s *Swappable) release(i *inside) {
	s.mu.Lock()
	i.users--
	last := i.users == 0
	s.mu.Unlock()
	if !last {
		return
	}
	if c, ok := i.tool.(io.Closer); ok {
		if err := c.Close(); err != nil {
			i.err = fmt.Errorf("close version %s: %w", i.version, err)
		}
	}
	close(i.closed)
}

// wait returns when the inside is closed or ctx ends.
func (i *inside) wait(ctx context.Context) error {
	select {
	case <-i.closed:
		return i.err
	case <-ctx.Done():
		return fmt.Errorf("calls still use version %s: %w", i.version, ctx.Err())
	}
}

// Name implements [Tool].
func (s *Swappable) Name() string { return s.name }

// Version implements [Versioned] with the version of the current inside.
func (s *Swappable) Version() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now == nil {
		return ""
	}
	return s.now.version
}

// Spec implements [Describer] with the Spec of the current inside, which may have none.
func (s *Swappable) Spec() Spec {
	i, err := s.acquire()
	if err != nil {
		return Spec{}
	}
	defer s.release(i)
	spec, _ := SpecOf(i.tool)
	return spec
}

// Warm implements [Warmer] for the current inside.
func (s *Swappable) Warm(ctx context.Context) error {
	i, err := s.acquire()
	if err != nil {
		return err
	}
	defer s.release(i)
	if w, ok := i.tool.(Warmer); ok {
		return w.Warm(ctx)
	}
	return nil
}

// Run implements [Tool].
func (s *Swappable) Run(ctx context.Context, req schemas.ToolRequest) (Result, error) {
	i, err := s.acquire()
	if err != nil {
		return Result{}, err
	}
	defer s.release(i)
	result, err := i.tool.Run(ctx, req)
	if result.Version == "" {
		result.Version = i.version
	}
	return result, err
}
