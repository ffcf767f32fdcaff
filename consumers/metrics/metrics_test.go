package metrics_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parallel-fusion/pfr/consumers/metrics"
	"github.com/parallel-fusion/pfr/schemas"
)

func newJoiner(t testing.TB) *metrics.Joiner {
	t.Helper()
	j, err := metrics.New(metrics.DefaultConfig(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

// event is one delivery to a joiner.
type event func(ctx context.Context, j *metrics.Joiner) error

func page(id, route string) event {
	return func(ctx context.Context, j *metrics.Joiner) error {
		return j.Page(ctx, schemas.SERP{CorrelationID: id, Route: schemas.RouteSummary{Name: route}})
	}
}

func act(id, query, action string, played time.Duration) event {
	return func(ctx context.Context, j *metrics.Joiner) error {
		return j.Interaction(ctx, schemas.Interaction{
			EventID: id, QueryID: query, ActionName: action, MSPlayed: int(played.Milliseconds()),
		})
	}
}

// fixture is worked by hand: of four searches for releases, q1 has two clicks, q2 a full
// stream, q3 a stream that is too short, q4 nothing; the podcast search q5 is clicked.
// Events e7 and e8 belong to no page.
func fixture() []event {
	return []event{
		page("q1", "new_releases"), page("q2", "new_releases"), page("q3", "new_releases"), page("q4", "new_releases"),
		page("q5", "podcast_recs"),
		act("e1", "q1", "click", 0), act("e2", "q1", "click", 0),
		act("e3", "q2", "stream", 30*time.Second), act("e4", "q3", "stream", 29*time.Second),
		act("e5", "q5", "click", 0), act("e6", "q5", "impression", 0),
		act("e7", "q9", "click", 0), act("e8", "q9", "stream", time.Minute),
	}
}

const worked = "new_releases: 4 searches, 2 clicks, 1 streams, 2 successes, rate 0.50\n" +
	"podcast_recs: 1 searches, 1 clicks, 0 streams, 1 successes, rate 1.00\n"

func render(j *metrics.Joiner) string {
	var s string
	snapshot, _ := j.Snapshot(time.Unix(1, 0))
	for _, m := range snapshot {
		c := m.Counts
		s += fmt.Sprintf("%s: %d searches, %d clicks, %d streams, %d successes, rate %.2f\n",
			m.Cut.Route, c.Searches, c.Clicks, c.Streams, c.Successes, c.SuccessRate)
	}
	return s
}

func TestCountsAreTheSameInAnyOrderAndWithDuplicates(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		events := fixture()
		repeats := rapid.SliceOfN(rapid.IntRange(0, len(events)-1), 0, 10).Draw(rt, "repeats")
		for _, i := range repeats {
			events = append(events, fixture()[i])
		}
		j := newJoiner(t)
		for _, deliver := range rapid.Permutation(events).Draw(rt, "order") {
			if err := deliver(t.Context(), j); err != nil {
				rt.Fatal(err)
			}
		}
		if got := render(j); got != worked {
			rt.Fatalf("got\n%swant\n%s", got, worked)
		}
	})
}

func TestSnapshotsAreValidMessages(t *testing.T) {
	j := newJoiner(t)
	for _, deliver := range fixture() {
		if err := deliver(t.Context(), j); err != nil {
			t.Fatal(err)
		}
	}
	snapshot, _ := j.Snapshot(time.Now())
	for _, m := range snapshot {
		if err := m.Validate(); err != nil {
			t.Error(err)
		}
	}
}

func TestWaitingEventsAreBounded(t *testing.T) {
	j, err := metrics.New(metrics.Config{Searches: 10, Pending: 2, Events: 1000}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for q := range 5 {
		for e := range 100 {
			if err := act(fmt.Sprintf("e%d-%d", q, e), fmt.Sprintf("q%d", q), "click", 0)(t.Context(), j); err != nil {
				t.Fatal(err)
			}
		}
	}
	for q := range 5 {
		if err := page(fmt.Sprintf("q%d", q), "r")(t.Context(), j); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := render(j), "r: 5 searches, 40 clicks, 0 streams, 2 successes, rate 0.40\n"; got != want {
		t.Errorf("got %s", got)
	}
}
