package stream

import (
	"context"
	"errors"
	"sync"
)

// Lease runs work in one member of a group at a time: the one that holds the first partition
// of a topic. It takes part in the group until ctx ends (nil) or work returns while it holds
// the lease (the error of work, or one that says so). The context of work ends when the lease
// is lost; the next holder may begin when work has returned, unless this process hangs for
// longer than the session timeout. What work publishes must therefore say how new it is.
//
// Records of the topic are passed over: cfg.DeadLetterTopic and cfg.Producer are required
// all the same.
func (c *Cluster) Lease(ctx context.Context, topic string, cfg ConsumerConfig, work func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	l := &lease{parent: ctx, lost: func() {}, failed: cancel, work: work}
	cfg.OnAssigned = func(_ context.Context, partition int) error {
		if partition == 0 {
			l.take()
		}
		return nil
	}
	cfg.OnRevoked = func(partition int) {
		if partition == 0 {
			l.leave()
		}
	}
	consumer, err := NewConsumer(c, Topic[struct{}]{Name: topic, Decode: func([]byte) (v struct{}, err error) { return v, nil }},
		cfg, func(context.Context, struct{}, Meta) error { return nil })
	if err != nil {
		return err
	}
	err = consumer.Run(ctx)
	l.leave()
	if cause := context.Cause(ctx); errors.Is(cause, errWorkEnded) {
		return cause
	}
	return err
}

// errWorkEnded is why a lease is given up by its holder.
var errWorkEnded = errors.New("the work of the lease has ended")

// lease is the work of a Lease while it is held.
type lease struct {
	parent context.Context
	failed context.CancelCauseFunc
	work   func(context.Context) error

	mu      sync.Mutex
	lost    context.CancelFunc
	running sync.WaitGroup
}

func (l *lease) take() {
	l.mu.Lock()
	defer l.mu.Unlock()
	ctx, lost := context.WithCancel(l.parent)
	l.lost = lost
	l.running.Go(func() {
		if err := l.work(ctx); err != nil || ctx.Err() == nil {
			l.failed(errors.Join(errWorkEnded, err))
		}
	})
}

// leave ends the work and waits for it.
func (l *lease) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lost()
	l.running.Wait()
}
