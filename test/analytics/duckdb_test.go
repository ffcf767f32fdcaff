package analytics

import (
	"encoding/json"
	"log/slog"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/consumers/export"
	"github.com/parallel-fusion/pfr/consumers/outcome"
	"github.com/parallel-fusion/pfr/internal/pseudonym"
	"github.com/parallel-fusion/pfr/schemas"
)

// The shipped views of DuckDB, over Parquet files of a world, count what the product's
// consumer counts, in every minute, hour and day, by route, market and arm.
func TestDuckDBCountsTheSame(t *testing.T) {
	need(t, "PFR_TEST_PYTHON", "needs Python and installs packages")
	w := newWorld(13, 2000, time.Now().UTC().Add(-60*time.Hour).Truncate(time.Hour))
	c := newConsumer(t)
	c.join.Expect(schemas.TopicSERPs, 1)
	c.join.Expect(schemas.TopicInteractions, 1)
	dir := filepath.Join(t.TempDir(), "lake")
	cfg := export.DefaultConfig()
	cfg.Dir = dir
	e, err := export.Open(cfg, pseudonym.Random(), slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	for i, page := range w.pages {
		at := export.Position{Topic: schemas.TopicSERPs, Offset: int64(i), Time: page.CreatedAt}
		if err := e.Page(t.Context(), page, at); err != nil {
			t.Fatal(err)
		}
		c.join.Page(page, outcome.Record{Topic: at.Topic, Offset: at.Offset, Time: at.Time})
	}
	for i, event := range w.events {
		at := export.Position{Topic: schemas.TopicInteractions, Offset: int64(i), Time: event.ReceivedAt}
		if err := e.Interaction(t.Context(), event, at); err != nil {
			t.Fatal(err)
		}
		c.join.Interaction(event, outcome.Record{Topic: at.Topic, Offset: at.Offset, Time: at.Time})
	}
	if err := e.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := duckCounts(t, dir)
	t.Logf("%d pages, %d events; %d windows and cuts", len(w.pages), len(w.events), len(got))
	c.compare(t, got, w)
}

// duckCounts returns the tallies of every window and cut, by the key of the record.
func duckCounts(t *testing.T, lake string) map[string]tally {
	t.Helper()
	dir := t.TempDir()
	interpreter := filepath.Join(dir, "bin", "python")
	command(t, "python3", "-m", "venv", dir)
	command(t, interpreter, "-m", "pip", "install", "-q", "--disable-pip-version-check", "duckdb==2.0.0")
	out := map[string]tally{}
	for line := range strings.Lines(command(t, interpreter, "duckdb/counts.py", lake, "../../deploy/duckdb/views.sql")) {
		var row struct {
			tally
			Minute             int64
			Route, Market, Arm string
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		for _, key := range keysOf(time.Unix(row.Minute, 0), schemas.Cut{Route: row.Route, Market: row.Market, Arm: row.Arm}) {
			sum := out[key]
			sum.merge(row.tally)
			out[key] = sum
		}
	}
	for key, sum := range out {
		sum.rate()
		out[key] = sum
	}
	return out
}

func command(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}
