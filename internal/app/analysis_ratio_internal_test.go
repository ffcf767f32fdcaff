package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parallel-fusion/pfr/consumers/metrics"
	"github.com/parallel-fusion/pfr/consumers/outcome"
	"github.com/parallel-fusion/pfr/internal/stream"
	"github.com/parallel-fusion/pfr/schemas"
)

// Sizes of the run.
const (
	ratioPages  = 20_000
	ratioEvents = 300_000
	ratioPairs  = 5
	ratioWriter = 512 // records on their way at a time
)

// The consumer of interactions against a copy of their topic, record by record, in one
// interleaved run. The copy is what moving the bytes costs; the broker of both is in this
// process, so that its work counts against them alike.
func TestConsumerRatios(t *testing.T) {
	if os.Getenv("PFR_TEST_RATIOS") == "" {
		t.Skip("PFR_TEST_RATIOS is not set: it takes a minute, and wants a calm machine")
	}
	cfg := DefaultConfig()
	cfg.Embedded.Enabled, cfg.Topics.Partitions = true, 4
	in, err := connect(t.Context(), cfg, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = in.close() })
	copied := stream.TopicSpec{Name: "copy", Partitions: cfg.Topics.Partitions}
	if err := in.cluster.EnsureTopics(t.Context(), append(cfg.Topics.specs(), copied)...); err != nil {
		t.Fatal(err)
	}
	began := time.Now().Add(-time.Hour)
	writeAll(t, in, ratioPages, func(n int) stream.Message { return record(t, pages, ratioPage(n, began)) })
	writeAll(t, in, ratioEvents, func(n int) stream.Message { return record(t, interactions, ratioEvent(n, began)) })
	var ratios, perCore []float64
	for pair := range ratioPairs {
		var copying, consuming float64
		run := []func(){
			func() { copying = cpu(func() { copyTopic(t, in, copied.Name) }) },
			func() { consuming = consumeAll(t, in) },
		}
		run[pair%2]()
		run[1-pair%2]()
		ratios, perCore = append(ratios, consuming/copying), append(perCore, ratioEvents/consuming)
	}
	slices.Sort(ratios)
	slices.Sort(perCore)
	t.Logf("CPU of the consumer ÷ CPU of a raw copy: median %.2f of %d (%.2f to %.2f); %.0f events a second and core (%.0f to %.0f)",
		ratios[ratioPairs/2], ratioPairs, ratios[0], ratios[ratioPairs-1], perCore[ratioPairs/2], perCore[0], perCore[ratioPairs-1])
	if perCore[ratioPairs/2] < 50_000 {
		t.Errorf("%.0f events a second and core: want 50,000", perCore[ratioPairs/2])
	}
}

func ratioID(n int) string { return fmt.Sprintf("01890a5d-ac96-774b-bcce-%012x", n) }

func ratioPage(n int, began time.Time) schemas.SERP {
	at := began.Add(time.Duration(n) * time.Millisecond)
	page := schemas.SERP{
		SchemaVersion: schemas.Version, CorrelationID: ratioID(n), Query: fmt.Sprint("query ", n), Market: "SE", Layout: "list",
		Status: schemas.SERPComplete, Coverage: 1, CreatedAt: at,
		Route: schemas.RouteSummary{Name: []string{"search", "new_releases", "podcast_recs"}[n%3], Params: schemas.Params{}, Source: schemas.SourceStudent, ManifestVersion: "m"},
		Asked: &schemas.Asked{At: at, Locale: "sv-SE", Platform: "ios", Client: fmt.Sprintf("%016x", n%5000)},
	}
	for _, id := range []string{"results", "more", "mix"} {
		page.Sections = append(page.Sections, schemas.Section{
			ID: id, Title: id, Component: "list", Tool: "search", Status: schemas.SectionOK,
			Items: []schemas.Item{{ID: "track:" + id, Type: "track", Title: id}},
		})
	}
	return page
}

func ratioEvent(n int, began time.Time) schemas.Interaction {
	at := began.Add(time.Duration(n%ratioPages)*time.Millisecond + time.Second)
	e := schemas.Interaction{
		SchemaVersion: schemas.Version, EventID: fmt.Sprintf("event-%d", n), ActionName: []string{schemas.ActionImpression, schemas.ActionClick, schemas.ActionStream}[n%3],
		QueryID: ratioID(n % ratioPages), ClientID: "c", Timestamp: at, SentAt: at, ReceivedAt: at, SectionID: "more", MSPlayed: 40_000,
	}
	e.EventAttributes.Object.ObjectID, e.EventAttributes.Position.Ordinal = "track:more", 1
	return e
}

func record[T any](t *testing.T, topic stream.Topic[T], v T) stream.Message {
	data, err := topic.Encode(v)
	if err != nil {
		t.Fatal(err)
	}
	return stream.Message{Topic: topic.Name, Key: []byte(topic.Key(v)), Value: data}
}

// writeAll produces n records, many at a time.
func writeAll(t *testing.T, in *infra, n int, make func(n int) stream.Message) {
	t.Helper()
	var wg sync.WaitGroup
	for w := range ratioWriter {
		wg.Go(func() {
			for i := w; i < n; i += ratioWriter {
				if _, _, err := in.producer.Produce(t.Context(), make(i)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// copyTopic copies the interactions to another topic.
func copyTopic(t *testing.T, in *infra, to string) {
	queue := make(chan stream.Message, ratioWriter)
	var wg sync.WaitGroup
	for range ratioWriter {
		wg.Go(func() {
			for m := range queue {
				if _, _, err := in.producer.Produce(t.Context(), m); err != nil {
					t.Error(err)
				}
			}
		})
	}
	raw := stream.Topic[[]byte]{Name: schemas.TopicInteractions, Decode: func(b []byte) ([]byte, error) { return b, nil }}
	err := stream.Tail(t.Context(), in.cluster, raw, stream.TailConfig{UntilEnd: true}, func(_ context.Context, v []byte, m stream.Meta) error {
		queue <- stream.Message{Topic: to, Key: m.Key, Value: v}
		return nil
	})
	close(queue)
	wg.Wait()
	if err != nil {
		t.Error(err)
	}
}

// consumeAll joins and counts every interaction, and returns the seconds of CPU that it took.
// The pages are there before.
func consumeAll(t *testing.T, in *infra) float64 {
	j, err := outcome.New(outcome.DefaultConfig(), nil)
	if err != nil {
		t.Fatal(err)
	}
	w, err := metrics.New(metrics.DefaultConfig(), nil)
	if err != nil {
		t.Fatal(err)
	}
	j.Subscribe(w)
	err = stream.Tail(t.Context(), in.cluster, pages, stream.TailConfig{UntilEnd: true}, func(_ context.Context, p schemas.SERP, m stream.Meta) error {
		j.Page(p, recordOf(m))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	took := cpu(func() {
		err = stream.Tail(t.Context(), in.cluster, interactions, stream.TailConfig{UntilEnd: true}, func(_ context.Context, i schemas.Interaction, m stream.Meta) error {
			j.Interaction(i, recordOf(m))
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	clicks := 0
	for _, m := range w.List(schemas.WindowAll, time.Time{}, time.Now()) {
		if m.Cut == (schemas.Cut{}) {
			clicks = m.Counts.Clicks
		}
	}
	if clicks != ratioEvents/3 {
		t.Errorf("%d clicks counted of %d", clicks, ratioEvents/3)
	}
	return took
}

// cpu returns the seconds of CPU that this process has spent in f.
func cpu(f func()) float64 {
	spent := func() float64 {
		var u syscall.Rusage
		_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // it has no way to fail
		return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
	}
	before := spent()
	f()
	return spent() - before
}
