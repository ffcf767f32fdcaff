package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sort"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/parallel-fusion/pfr/consumers/popular"
	"github.com/parallel-fusion/pfr/internal/stream"
	"github.com/parallel-fusion/pfr/producers/precompute"
	"github.com/parallel-fusion/pfr/schemas"
)

// counted counts queries by the time of their record.
func counted(c *popular.Counter) stream.Handler[schemas.Query] {
	return func(_ context.Context, q schemas.Query, m stream.Meta) error {
		c.Query(q.PublicQuery, m.Time)
		return nil
	}
}

// succeeded counts the successes of queries that were counted.
func succeeded(c *popular.Counter) stream.Handler[schemas.Interaction] {
	return func(_ context.Context, i schemas.Interaction, _ stream.Meta) error {
		c.Interaction(i)
		return nil
	}
}

// demandOf returns what is asked, by the number of searches that is certain.
func demandOf(s popular.Snapshot) precompute.Demand {
	d := precompute.Demand{Total: float64(s.Searches)}
	for _, q := range s.Queries {
		d.Queries = append(d.Queries, precompute.Query{Text: q.Text, Weight: float64(q.Searches)})
	}
	return d
}

// Demand returns what is asked in the last window of cfg, as far as the topics are retained.
func (a *Admin) Demand(ctx context.Context, cfg popular.Config) (precompute.Demand, error) {
	s, err := a.Popular(ctx, cfg, popular.View{})
	return demandOf(s), err
}

// window finds where in a topic a time begins.
type window struct {
	cluster *stream.Cluster
	log     *slog.Logger
	begins  time.Time
}

// from returns offsets before which no record of the window lies. Where that cannot be found
// out the topic is read from its start.
func (w window) from(ctx context.Context, topic string) stream.From {
	ends, err := w.cluster.Offsets(ctx, topic)
	if err != nil {
		return stream.FromStart() // the tail meets the same error, or waits until it is over
	}
	offsets := make([]int64, len(ends))
	g, gctx := errgroup.WithContext(ctx)
	const atOnce = 8
	g.SetLimit(atOnce)
	for p, end := range ends {
		g.Go(func() error {
			var err error
			offsets[p], err = w.search(gctx, topic, p, end)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		if ctx.Err() == nil {
			w.log.Warn("the beginning of a window cannot be found, everything is read", "topic", topic, "err", err)
		}
		return stream.FromStart()
	}
	next := map[int]int64{}
	for p, offset := range offsets {
		next[p] = offset
	}
	return stream.FromOffsets(next)
}

// search returns the offset in a partition at which the window begins. Records lie in the
// order of their times, but for the differences of a few clocks.
func (w window) search(ctx context.Context, topic string, partition int, end stream.PartitionOffsets) (int64, error) {
	begins := w.begins.Add(-time.Minute) // clocks differ
	var failed error
	n := sort.Search(int(end.Next-end.First), func(i int) bool {
		if failed != nil {
			return true
		}
		m, err := w.cluster.ReadAt(ctx, topic, partition, end.First+int64(i))
		if errors.Is(err, stream.ErrNotFound) {
			return true // gone, or no record: look before it
		}
		failed = err
		return err != nil || !m.Time.Before(begins)
	})
	if failed != nil {
		return 0, fmt.Errorf("partition %d: %w", partition, failed)
	}
	return end.First + int64(n), nil
}
