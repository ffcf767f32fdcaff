package serpstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/parallel-fusion/pfr/consumers/serpstore"
	"github.com/parallel-fusion/pfr/schemas"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const id = "01890a5d-ac96-774b-bcce-b302099a8057"

func open(t *testing.T, path string, retention time.Duration) *serpstore.Store {
	t.Helper()
	cfg := serpstore.DefaultConfig()
	cfg.Path, cfg.Retention = path, retention
	s, err := serpstore.Open(cfg, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func page(id, query string, created time.Time) schemas.SERP {
	return schemas.SERP{SchemaVersion: schemas.Version, CorrelationID: id, Query: query, CreatedAt: created.UTC()}
}

func at(partition int, offset int64) serpstore.Position {
	return serpstore.Position{Topic: schemas.TopicSERPs, Partition: partition, Offset: offset}
}

func TestPagesAndOffsetsSurviveRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pages.db")
	s := open(t, path, time.Hour)
	now := time.Now().UTC().Truncate(time.Second)
	for i, query := range []string{"first", "replayed"} {
		if err := s.Put(page(id, query, now), at(3, int64(7+i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = open(t, path, time.Hour)
	got, err := s.Get(id)
	if err != nil || got.Query != "first" || !got.CreatedAt.Equal(now) {
		t.Errorf("page %+v, err %v: the first page must stay", got, err)
	}
	offsets, err := s.Offsets(schemas.TopicSERPs)
	if want := map[int]int64{3: 9}; err != nil || !reflect.DeepEqual(offsets, want) {
		t.Errorf("offsets %v, err %v", offsets, err)
	}
	if other, _ := s.Offsets("pfr"); len(other) != 0 {
		t.Errorf("offsets of another topic: %v", other)
	}
}

func TestStoredCountsEachPageOnce(t *testing.T) {
	reg := prometheus.NewRegistry()
	cfg := serpstore.DefaultConfig()
	cfg.Path = filepath.Join(t.TempDir(), "pages.db")
	s, err := serpstore.Open(cfg, slog.New(slog.DiscardHandler), reg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	for i := range 3 { // the last two are replays
		if err := s.Put(page(id, "q", time.Now()), at(0, int64(i))); err != nil {
			t.Fatal(err)
		}
	}
	want := "# HELP pfr_serpstore_stored_total Pages stored.\n# TYPE pfr_serpstore_stored_total counter\npfr_serpstore_stored_total 1\n"
	if err := testutil.GatherAndCompare(reg, strings.NewReader(want), "pfr_serpstore_stored_total"); err != nil {
		t.Error(err)
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pages.db")
	open(t, path, time.Hour)
	cfg := serpstore.DefaultConfig()
	cfg.Path = path
	if _, err := serpstore.Open(cfg, slog.New(slog.DiscardHandler), nil); err == nil {
		t.Error("opened twice")
	}
}

func TestAwait(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "pages.db"), time.Hour)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := s.Await(ctx, id); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("absent page: %v", err)
		}
		got := make(chan schemas.SERP, 2)
		for range 2 {
			go func() {
				p, _ := s.Await(t.Context(), id)
				got <- p
			}()
		}
		synctest.Wait()
		if err := s.Put(page(id, "q", time.Now()), at(0, 0)); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if p := <-got; p.Query != "q" {
				t.Errorf("woken with %+v", p)
			}
		}
		if p, err := s.Await(t.Context(), id); err != nil || p.Query != "q" {
			t.Errorf("stored page: %+v, %v", p, err)
		}
	})
}

func TestDecisionIsKeptWithoutUser(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "pages.db"), time.Hour)
	d := schemas.RouteDecision{
		Query: schemas.PublicQuery{CorrelationID: id, Text: "q"}, User: &schemas.User{ID: "canary"},
		Decision: schemas.Decision{Route: "search"}, DecidedAt: time.Now(),
	}
	if err := s.PutDecision(d, at(0, 0)); err != nil {
		t.Fatal(err)
	}
	got, err := s.Decision(id)
	if err != nil || got.Decision.Route != "search" || got.Query.Text != "q" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestOldPagesAreSwept(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "pages.db"), time.Hour)
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		for i := range 100 {
			created := now.Add(-time.Duration(i) * 2 * time.Minute) // half of them get too old in a minute or sooner
			if err := s.Put(page(fmt.Sprintf("id-%03d", i), "q", created), at(0, int64(i))); err != nil {
				t.Fatal(err)
			}
		}
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		s.Run(ctx)
		for i := range 100 {
			_, err := s.Get(fmt.Sprintf("id-%03d", i))
			if old := i*2+1 > 60; old != errors.Is(err, serpstore.ErrNotFound) {
				t.Errorf("page of %d minutes: err = %v", i*2, err)
			}
		}
	})
}

// The store is a copy: a file that is none is made anew.
func TestDamagedFileIsReplaced(t *testing.T) {
	for _, words := range []int{8192, 375, 1} { // whole pages, fewer than bbolt begins with, hardly any
		path := filepath.Join(t.TempDir(), "pages.db")
		if err := os.WriteFile(path, bytes.Repeat([]byte("garbage "), words), 0o600); err != nil {
			t.Fatal(err)
		}
		s := open(t, path, time.Hour)
		if _, err := s.Get(id); !errors.Is(err, serpstore.ErrNotFound) {
			t.Errorf("%d words: err = %v", words, err)
		}
	}
}
