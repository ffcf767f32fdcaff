package app

import (
	"context"
	"sync"
	"time"

	"github.com/parallel-fusion/pfr/internal/stream"
	"github.com/parallel-fusion/pfr/producers/gateway"
	"github.com/parallel-fusion/pfr/producers/gateway/traffic"
	"github.com/parallel-fusion/pfr/schemas"
)

// operations is the pipeline as operators see it at a gateway. It implements
// [gateway.Operations].
type operations struct {
	cluster *stream.Cluster
	ladders publisher[schemas.Control]
	window  *traffic.Window

	mu     sync.Mutex // of the ladder
	ladder gateway.LadderState

	lagMu sync.Mutex // of what follows
	lag   []gateway.Lag
	lagAt time.Time
}

func newOperations(in *infra) (*operations, error) {
	window, err := traffic.New(traffic.DefaultConfig(), time.Now())
	if err != nil {
		return nil, err
	}
	return &operations{
		cluster: in.cluster, ladders: publish(in, control), window: window,
		ladder: gateway.LadderState{InForce: schemas.LadderLLM}, lag: []gateway.Lag{},
	}, nil
}

// page counts a page when it was made.
func (o *operations) page(p schemas.SERP) {
	at := time.Now()
	if p.CreatedAt.Before(at) { // it may be read late, after a restart
		at = p.CreatedAt
	}
	o.window.Page(p, at)
}

// control takes what operators set, here or at another gateway.
func (o *operations) control(c schemas.Control) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.ladder = gateway.LadderState{InForce: c.Ladder, Reason: c.Reason, By: c.By, SetAt: c.SetAt}
}

// SetLadder implements [gateway.Operations].
func (o *operations) SetLadder(ctx context.Context, c schemas.Control) error {
	return o.ladders.Publish(ctx, c)
}

// State implements [gateway.Operations].
func (o *operations) State(ctx context.Context) gateway.OperatorState {
	lag := o.lags(ctx)
	o.mu.Lock()
	defer o.mu.Unlock()
	return gateway.OperatorState{Snapshot: o.window.Snapshot(time.Now()), Lag: lag, Ladder: o.ladder}
}

const (
	lagEvery   = time.Second            // brokers are asked no more often
	lagTimeout = 500 * time.Millisecond // an operator looks at the rest meanwhile
)

// lags returns how far the groups are behind, as it was a second ago at most. What the
// brokers do not say in time is left out.
func (o *operations) lags(ctx context.Context) []gateway.Lag {
	o.lagMu.Lock()
	defer o.lagMu.Unlock()
	if time.Since(o.lagAt) < lagEvery {
		return o.lag
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lagTimeout) // the answer is for others too
	defer cancel()
	o.lag, o.lagAt = []gateway.Lag{}, time.Now()
	for _, group := range []struct{ topic, name string }{
		{schemas.TopicQueries, groupRouter}, {schemas.TopicRouteDecisions, groupFusion},
	} {
		if n, err := groupLag(ctx, o.cluster, group.name, group.topic); err == nil {
			o.lag = append(o.lag, gateway.Lag{Topic: group.topic, Group: group.name, Lag: n})
		}
	}
	return o.lag
}

// groupLag sums the records of a topic that a group has not committed.
func groupLag(ctx context.Context, c *stream.Cluster, group, topic string) (lag int64, err error) {
	bounds, err := c.Offsets(ctx, topic)
	if err != nil {
		return 0, err
	}
	committed, err := c.Committed(ctx, group, topic)
	if err != nil {
		return 0, err
	}
	for p, b := range bounds[:min(len(bounds), len(committed))] { // a new partition may show in one of them
		lag += b.Next - max(committed[p], b.First)
	}
	return lag, nil
}
