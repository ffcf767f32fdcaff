package streamtest

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
)

// testLease: of three members one works; when it leaves, and when the next one is cut off
// from the brokers, another goes on. Nobody begins before who worked has ended, but for the
// member that is cut off: it does not know.
func testLease(t *testing.T, b *bench) {
	topic, dead := b.topic(t, "lease", 1), b.topic(t, "lease-dead", 1)
	cfg := b.config(b.producer(t), dead)
	var mu sync.Mutex
	var working []int // members, in the order they began
	var atOnce, most atomic.Int32
	begun := func(n int) func() bool {
		return func() bool {
			mu.Lock()
			defer mu.Unlock()
			return len(working) == n
		}
	}
	last := func() int {
		mu.Lock()
		defer mu.Unlock()
		return working[len(working)-1]
	}
	links := []*link{newLink(), newLink(), newLink()}
	stops := make([]func(), len(links))
	for i, l := range links {
		member := b.over(t, l)
		ctx, cancel := context.WithCancel(b.ctx)
		var done sync.WaitGroup
		done.Go(func() {
			err := member.cluster.Lease(ctx, topic, cfg, func(ctx context.Context) error {
				mu.Lock()
				working = append(working, i)
				mu.Unlock()
				most.Store(max(most.Load(), atOnce.Add(1)))
				<-ctx.Done()
				atOnce.Add(-1)
				return nil
			})
			if err != nil {
				t.Errorf("member %d: %v", i, err)
			}
		})
		stops[i] = func() { cancel(); done.Wait() }
		t.Cleanup(stops[i])
		if i == 0 { // the others come to a group that has a holder
			b.eventually(t, "the first member works", begun(1))
		}
	}
	stops[last()]()
	b.eventually(t, "another one works", func() bool { return atOnce.Load() == 1 })
	if most.Load() != 1 {
		t.Errorf("%d at once", most.Load())
	}
	before := last()
	links[before].cut()
	b.eventually(t, "the last one works", func() bool { return last() != before })
}

// testLeaseEnds: work that ends gives the lease up, with its error.
func testLeaseEnds(t *testing.T, b *bench) {
	topic, dead := b.topic(t, "work", 1), b.topic(t, "work-dead", 1)
	broken := errors.New("broken")
	err := b.cluster.Lease(b.ctx, topic, b.config(b.producer(t), dead), func(context.Context) error { return broken })
	if !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}
