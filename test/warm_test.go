package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/internal/app"
	"github.com/parallel-fusion/pfr/internal/stream"
	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/schemas"
)

// TestWarmRestart starts a router on 100,000 precomputed routes, and one on 100,000
// decisions, and says how long it takes until it holds them.
func TestWarmRestart(t *testing.T) {
	if os.Getenv("PFR_TEST_RATIOS") == "" {
		t.Skip("PFR_TEST_RATIOS is not set: this takes a quiet machine, and half a minute")
	}
	const n, limit = 100_000, 3 * time.Second
	for line, decisions := range map[string]bool{"precomputed routes are here": false, "cache is warm": true} {
		t.Run(line, func(t *testing.T) {
			kafka, nats := embedded(t)
			p := &pipeline{kafka: kafka, nats: nats}
			p.run(t, "tools").stop(t, startTimeout) // it makes the topics
			fillTopic(t, kafka, n, decisions)
			r := p.run(t, "router", "--set", fmt.Sprint("router.warm_tail=", n))
			var took time.Duration
			eventually(t, line, func() bool {
				for l := range strings.Lines(r.logged()) {
					if strings.Contains(l, line) {
						_, after, _ := strings.Cut(l, "took=")
						took, _ = time.ParseDuration(strings.Fields(after)[0])
						t.Log(strings.TrimSpace(l))
					}
				}
				return took > 0
			})
			if took > 2*limit { // on a machine that others may share
				t.Errorf("%s after %v", line, took)
			}
		})
	}
}

// fillTopic publishes n decisions, or n precomputed routes.
func fillTopic(t *testing.T, kafka string, n int, decisions bool) {
	t.Helper()
	decider, err := app.NewDecider(app.DefaultConfig(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer decider.Close()
	producer, err := stream.NewProducer(dial(t, kafka), stream.DefaultProducerConfig())
	if err != nil {
		t.Fatal(err)
	}
	ahead := stream.NewPublisher(producer, topic(schemas.TopicPrecomputedRoutes, schemas.PrecomputedRoute.Key))
	decided := stream.NewPublisher(producer, topic(schemas.TopicRouteDecisions, schemas.RouteDecision.Key))
	var wg sync.WaitGroup
	for lane := range 64 {
		wg.Go(func() {
			for i := lane; i < n; i += 64 {
				q := anyQuery(t, 4).PublicQuery // of a name that nobody knows
				q.Text = fmt.Sprint("artists similar to number ", i)
				d := decider.Decide(t.Context(), q)
				var err error
				if decisions {
					err = decided.Publish(t.Context(), schemas.RouteDecision{SchemaVersion: schemas.Version, Query: q, Decision: d, DecidedAt: time.Now().UTC()})
				} else {
					err = ahead.Publish(t.Context(), router.Ahead(q.Text, d, time.Now(), time.Hour))
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := producer.Close(ctx); err != nil {
		t.Fatal(err)
	}
}
