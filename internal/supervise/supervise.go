// Package supervise runs the parts of a process: started in order, each once the one
// before it is ready, and stopped in reverse order.
package supervise

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"
)

// Part is one long-running piece of a process.
type Part struct {
	Name string
	// Run works until ctx ends, finishes what it has in hand and returns. It calls ready
	// once others may depend on it. Returning before ctx ends, with an error or without,
	// stops the whole process.
	Run func(ctx context.Context, ready func()) error
}

// errStopped is what a part that returned nil too early is reported as.
var errStopped = errors.New("stopped by itself")

// Config bounds the waits of [Run].
type Config struct {
	StartTimeout time.Duration `yaml:"start_timeout"` // for one part to become ready
	StopTimeout  time.Duration `yaml:"stop_timeout"`  // for one part to return after its context ended
	Started      func()        `yaml:"-"`             // called once every part is ready
}

// DefaultConfig suits parts that recover state at start and drain at the end.
func DefaultConfig() Config {
	return Config{StartTimeout: 30 * time.Second, StopTimeout: 10 * time.Second, Started: func() {}}
}

// Run starts the parts and calls cfg.Started when all are ready. It returns when ctx ends
// or a part fails, after every part has stopped; the error joins what went wrong.
func Run(ctx context.Context, cfg Config, log *slog.Logger, parts ...Part) error {
	s := supervisor{cfg: cfg, log: log, failed: make(chan error, len(parts))}
	err := s.start(ctx, parts)
	if err == nil && ctx.Err() == nil {
		cfg.Started()
		select {
		case <-ctx.Done():
		case err = <-s.failed:
		}
	}
	return errors.Join(err, s.stop())
}

type supervisor struct {
	cfg     Config
	log     *slog.Logger
	running []*running
	failed  chan error // one slot a part: never blocks
}

type running struct {
	name   string
	cancel context.CancelFunc
	done   chan error // receives what Run returned
}

func (s *supervisor) start(ctx context.Context, parts []Part) error {
	for _, p := range parts {
		ready := s.launch(ctx, p)
		select {
		case <-ready:
			s.log.Debug("part is ready", "part", p.Name)
		case err := <-s.failed:
			return err
		case <-ctx.Done():
			return nil
		case <-time.After(s.cfg.StartTimeout):
			return fmt.Errorf("%s: not ready after %v", p.Name, s.cfg.StartTimeout)
		}
	}
	return nil
}

// launch starts one part. Its context ends only when stop says so, not with ctx: that is
// what keeps the order.
func (s *supervisor) launch(ctx context.Context, p Part) <-chan struct{} {
	pctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	r := &running{name: p.Name, cancel: cancel, done: make(chan error, 1)}
	s.running = append(s.running, r)
	ready := make(chan struct{}, 1)
	go func() {
		err := p.Run(pctx, func() {
			select {
			case ready <- struct{}{}:
			default: // said before
			}
		})
		if pctx.Err() == nil {
			if err == nil {
				err = errStopped
			}
			s.failed <- fmt.Errorf("%s: %w", p.Name, err)
			err = nil // reported once
		}
		r.done <- err
	}()
	return ready
}

func (s *supervisor) stop() error {
	var errs []error
	for _, r := range slices.Backward(s.running) {
		r.cancel()
		select {
		case err := <-r.done:
			if err != nil && !errors.Is(err, context.Canceled) {
				errs = append(errs, fmt.Errorf("stop %s: %w", r.name, err))
			}
			s.log.Debug("part has stopped", "part", r.name)
		case <-time.After(s.cfg.StopTimeout):
			errs = append(errs, fmt.Errorf("stop %s: still running after %v", r.name, s.cfg.StopTimeout))
		}
	}
	return errors.Join(errs...)
}
