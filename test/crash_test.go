package e2e

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/parallel-fusion/pfr/consumers"
	"github.com/parallel-fusion/pfr/internal/codec"
	"github.com/parallel-fusion/pfr/internal/stream"
	"github.com/parallel-fusion/pfr/schemas"
)

// kill -9 of the whole pipeline while queries pour in, then a restart on the same data:
// every accepted query has exactly one page for whoever reads through consumers.
func TestNothingAcceptedIsLostBySIGKILL(t *testing.T) {
	const rounds, perRound = 3, 1050 // 2,100 before the kills, the rest during them
	dir := t.TempDir()
	accepted := map[string]bool{}
	type kill struct {
		at  time.Time
		ids []string // accepted since the one before
	}
	var kills []kill
	var killed time.Time
	for round := range rounds {
		p := up(t, dir)
		ids := publishWhile(t, p.kafka, perRound, func(done int) bool {
			if done == perRound*2/3 {
				p.procs[0].kill(t)
				killed = time.Now()
			}
			return done < perRound*2/3
		})
		for _, id := range ids {
			accepted[id] = true
		}
		kills = append(kills, kill{killed, ids})
		t.Logf("round %d: %d queries were accepted before the kill", round, len(ids))
	}
	p := up(t, dir)
	t.Cleanup(func() { p.procs[0].stop(t, 10*time.Second) })
	eventually(t, "a page for every accepted query", func() bool {
		pages, _, _ := readPages(t, p.kafka)
		for id := range accepted {
			if pages[id] == 0 {
				return false
			}
		}
		return true
	})
	pages, made, repeats := readPages(t, p.kafka)
	inFlight := 0 // at a kill: their page is younger
	for _, k := range kills {
		for _, id := range k.ids {
			if made[id].After(k.at) {
				inFlight++
			}
		}
	}
	if inFlight == 0 {
		t.Error("every page was out before the kill: nothing was tested")
	}
	for id, n := range pages {
		if accepted[id] && n != 1 {
			t.Errorf("query %s has %d pages", id, n)
		}
	}
	t.Logf("%d accepted, %d of them in flight at a kill, %d pages, %d repeated records on the topic after %d crashes", len(accepted), inFlight, len(pages), repeats, rounds)
}

// publishWhile publishes up to n queries from a few goroutines for as long as more, which
// is called after each, says so. It returns the ids that the broker has acknowledged.
func publishWhile(t *testing.T, kafka string, n int, more func(done int) bool) (acked []string) {
	t.Helper()
	cluster := dial(t, kafka)
	cfg := stream.DefaultProducerConfig()
	cfg.DeliveryTimeout, cfg.AttemptTimeout = time.Second, 500*time.Millisecond
	producer, err := stream.NewProducer(cluster, cfg)
	if err != nil {
		t.Fatal(err)
	}
	publisher := stream.NewPublisher(producer, topic(schemas.TopicQueries, func(q schemas.Query) string { return q.Key() }))
	defer func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = producer.Close(ctx) // the broker is dead
	}()

	var (
		mu   sync.Mutex
		done int
		wg   sync.WaitGroup
	)
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	for lane := range 16 {
		wg.Go(func() {
			for i := lane; i < n; i += 16 {
				q := anyQuery(t, i)
				err := publisher.Publish(ctx, q)
				mu.Lock()
				if err == nil {
					acked = append(acked, q.CorrelationID)
				}
				done++
				if !more(done) {
					stop()
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return acked
}

func anyQuery(t *testing.T, i int) schemas.Query {
	t.Helper()
	id, err := uuid.NewV7()
	if err != nil {
		t.Fatal(err)
	}
	texts := []string{"artists similar to khruangbin", "latest albums by lady gaga", "new indie rock releases", "true crime podcasts", fmt.Sprintf("unknown thing %d", i)}
	now := time.Now().UTC()
	return schemas.Query{PublicQuery: schemas.PublicQuery{
		SchemaVersion: schemas.Version, CorrelationID: id.String(), Text: texts[i%len(texts)], Market: "US", Locale: "en-US",
		SubmittedAt: now, Deadline: now.Add(time.Minute),
	}}
}

// readPages reads the whole SERP topic. pages counts what a reader through consumers gets
// by correlation id, made says when, repeats what it was spared.
func readPages(t *testing.T, kafka string) (pages map[string]int, made map[string]time.Time, repeats int) {
	t.Helper()
	pages, made = map[string]int{}, map[string]time.Time{}
	all := 0
	unique, err := consumers.Pages(1_000_000, func(_ context.Context, p schemas.SERP) error {
		pages[p.CorrelationID]++
		made[p.CorrelationID] = p.CreatedAt
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	err = stream.Tail(ctx, dial(t, kafka), topic(schemas.TopicSERPs, schemas.SERP.Key), stream.TailConfig{UntilEnd: true},
		func(ctx context.Context, p schemas.SERP, _ stream.Meta) error {
			all++
			return unique(ctx, p)
		})
	if err != nil {
		t.Fatal(err)
	}
	return pages, made, all - len(pages)
}

func topic[T codec.Validator](name string, key func(T) string) stream.Topic[T] {
	return stream.Topic[T]{Name: name, Key: key, Encode: codec.Encode[T], Decode: codec.Decode[T]}
}

func dial(t *testing.T, kafka string) *stream.Cluster {
	t.Helper()
	cfg := stream.DefaultConfig()
	cfg.Brokers, cfg.ClientID = []string{kafka}, "e2e"
	cluster, err := stream.Dial(cfg, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cluster.Close() })
	return cluster
}

// SIGTERM under load: whatever was accepted gets its page, now or after the restart, and
// the process is gone within ten seconds.
func TestSIGTERMUnderLoadLosesNothing(t *testing.T) {
	dir := t.TempDir()
	p := up(t, dir)
	accepted := publishWhile(t, p.kafka, 600, func(done int) bool {
		if done == 300 {
			p.procs[0].stop(t, 10*time.Second)
		}
		return done < 300
	})
	if len(accepted) < 250 {
		t.Errorf("only %d queries were accepted", len(accepted))
	}
	p = up(t, dir)
	eventually(t, "a page for every accepted query", func() bool {
		pages, _, repeats := readPages(t, p.kafka)
		for _, id := range accepted {
			if pages[id] != 1 {
				return false
			}
		}
		if repeats > 0 {
			t.Errorf("a clean stop repeated %d pages", repeats)
		}
		return true
	})
	p.procs[0].stop(t, 10*time.Second)
}
