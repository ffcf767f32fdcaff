package analytics

import (
	"context"
	"maps"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/consumers/metrics"
	"github.com/parallel-fusion/pfr/consumers/outcome"
	"github.com/parallel-fusion/pfr/internal/codec"
	"github.com/parallel-fusion/pfr/internal/stream"
	"github.com/parallel-fusion/pfr/schemas"
)

// The product's own consumer makes of a world what one pass makes of it.
func TestConsumerCountsTheSame(t *testing.T) {
	w := newWorld(7, 2000, time.Now().UTC().Add(-60*time.Hour).Truncate(time.Hour))
	c := newConsumer(t)
	c.join.Expect(schemas.TopicSERPs, 1)
	c.join.Expect(schemas.TopicInteractions, 1)
	for i, page := range w.pages {
		c.join.Page(page, outcome.Record{Topic: schemas.TopicSERPs, Offset: int64(i), Time: page.CreatedAt})
	}
	for i, e := range w.events {
		c.join.Interaction(e, outcome.Record{Topic: schemas.TopicInteractions, Offset: int64(i), Time: e.ReceivedAt})
	}
	c.compare(t, reference(w), w)
}

// consumer is the product's: the join, and the windows that hear of its outcomes.
type consumer struct {
	join    *outcome.Join
	windows *metrics.Windows
}

func newConsumer(t *testing.T) consumer {
	t.Helper()
	join, err := outcome.New(outcome.DefaultConfig(), nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg := metrics.DefaultConfig()
	cfg.Cuts = []string{"", "route", "market", "arm", "route+market", "route+arm"}
	cfg.Minutes, cfg.Stages = cfg.Cuts, nil
	windows, err := metrics.New(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	join.Subscribe(windows)
	return consumer{join, windows}
}

// published returns what the consumer would write to the topic of online metrics, by key,
// but for the sums of all time.
func (c consumer) published() map[string]schemas.SearchCounts {
	out := map[string]schemas.SearchCounts{}
	for {
		some := c.windows.Dirty(time.Now())
		for _, m := range some {
			if m.Window != schemas.WindowAll {
				out[m.Key()] = m.Counts
			}
		}
		if len(some) == 0 {
			return out
		}
	}
}

// consume reads both topics to their end.
func (s *topics) consume(t *testing.T) consumer {
	t.Helper()
	c := newConsumer(t)
	c.join.Expect(s.pages, partitions)
	c.join.Expect(s.events, partitions)
	until := stream.TailConfig{UntilEnd: true} // what means nothing is passed over
	at := func(m stream.Meta) outcome.Record {
		return outcome.Record{Topic: m.Topic, Partition: m.Partition, Offset: m.Offset, Time: m.Time}
	}
	pages := stream.Topic[schemas.SERP]{Name: s.pages, Decode: codec.Decode[schemas.SERP]}
	err := stream.Tail(t.Context(), s.cluster, pages, until, func(_ context.Context, v schemas.SERP, m stream.Meta) error {
		c.join.Page(v, at(m))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	events := stream.Topic[schemas.Interaction]{Name: s.events, Decode: codec.Decode[schemas.Interaction]}
	err = stream.Tail(t.Context(), s.cluster, events, until, func(_ context.Context, v schemas.Interaction, m stream.Meta) error {
		c.join.Interaction(v, at(m))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// compare wants the consumer to have counted the same, with the same bins of latency. It
// keeps no exact times, and so does not know which pages were slow.
func (c consumer) compare(t *testing.T, want map[string]tally, w world) {
	t.Helper()
	published := c.published()
	if len(published) != len(want) {
		t.Errorf("the consumer has %d windows and cuts, want %d", len(published), len(want))
	}
	exceptSlow := maps.Clone(want)
	for key, sum := range exceptSlow {
		sum.Slow = 0
		exceptSlow[key] = sum
	}
	compare(t, exceptSlow, func(key string) (tally, bool) {
		counts, ok := published[key]
		return tallyOf(counts), ok
	})
	for key, bins := range binsByRoute(w) {
		if got := published[key].Latency["total"].Bins; !maps.Equal(got, bins) {
			t.Errorf("%s: latency bins %v of the consumer, want %v", key, got, bins)
		}
	}
}

func tallyOf(c schemas.SearchCounts) tally {
	return tally{
		Searches: c.Searches, Clicks: c.Clicks, Streams: c.Streams, Successes: c.Successes, SuccessRate: c.SuccessRate,
		Typed: c.Typed, Flooded: c.Flooded, Rescues: c.Rescues, Abandoned: c.Abandoned, BadAbandoned: c.BadAbandoned,
		Reformulated: c.Reformulated, Fallbacks: c.Fallbacks, ZeroResults: c.ZeroResults, CostNanoUSD: c.CostNanoUSD,
	}
}
