package analytics

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
)

// The shipped SQL, in ClickHouse, over real topics, counts what one pass counts and what the
// product's consumer counts; then one client is erased.
func TestClickHouseCountsTheSame(t *testing.T) {
	need(t, "PFR_TEST_PYTHON", "downloads ClickHouse (180 MB) and needs Python")
	s := openTopics(t)
	begin := time.Now().UTC().Add(-60 * time.Hour).Truncate(time.Hour)
	w := newWorld(11, 2000, begin)
	s.write(t, w)
	during := fmt.Sprintf("since = '%s', until = '%s'", begin.Add(-time.Hour).Format(time.DateTime), begin.Add(2*span).Format(time.DateTime))
	subject := w.pages[0].Asked.Client
	all := w.distinct()

	answers := runClickHouse(t, s,
		query{SQL: "SELECT uniqExact(correlation_id) FROM pages", Until: strconv.Itoa(all.pages)},
		query{SQL: "SELECT uniqExact(query_id, event_id) FROM events", Until: strconv.Itoa(all.events)},
		query{SQL: "SELECT 60 AS seconds, * FROM counts(" + during + ", window = 60)"},
		query{SQL: "SELECT 3600 AS seconds, * FROM counts(" + during + ", window = 3600)"},
		query{SQL: "SELECT 86400 AS seconds, * FROM counts(" + during + ", window = 86400)"},
		query{SQL: "SELECT * FROM success_by_route(" + during + ")"},
		query{SQL: "SELECT * FROM latency_by_route(" + during + ")"},
		query{SQL: "SELECT * FROM sections(" + during + ")"},
		query{File: "../../deploy/clickhouse/erase.sql", Parameters: map[string]string{"subject": subject}},
		query{SQL: "SELECT countIf(client = '" + subject + "') AS pages, count() AS rest FROM pages FINAL"},
		query{SQL: "SELECT uniqExact(query_id) AS searches FROM events WHERE query_id NOT IN (SELECT correlation_id FROM pages)"},
	)

	got := map[string]tally{}
	for _, rows := range answers[2:5] {
		addRows(t, got, rows)
	}
	want := reference(w)
	t.Logf("%d pages, %d events; %d windows and cuts", len(w.pages), len(w.events), len(want))
	compare(t, want, func(key string) (tally, bool) {
		sum, ok := got[key]
		sum.rate()
		return sum, ok
	})
	s.consume(t).compare(t, want, w)
	checkRoutes(t, want, answers[5])
	checkLatency(t, w, answers[6])
	checkSections(t, w, answers[7])
	checkErased(t, w, subject, answers[9:])
}

// distinct says how many pages and events there are without repeats and health checks.
func (w world) distinct() (n struct{ pages, events int }) {
	pages, events := map[string]bool{}, map[string]bool{}
	for _, page := range w.pages {
		if !page.Probe {
			pages[page.CorrelationID] = true
		}
	}
	for _, e := range w.events {
		events[e.QueryID+e.EventID] = true
	}
	n.pages, n.events = len(pages), len(events)
	return n
}

// query is a request to run.py.
type query struct {
	SQL        string            `json:"sql,omitempty"`
	Until      string            `json:"until,omitempty"`
	File       string            `json:"file,omitempty"`
	Parameters map[string]string `json:"parameters,omitempty"`
}

// runClickHouse runs the shipped files, then the queries, and returns the rows of each.
func runClickHouse(t *testing.T, s *topics, queries ...query) [][]string {
	t.Helper()
	var in bytes.Buffer
	for _, q := range queries {
		if err := json.NewEncoder(&in).Encode(q); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	const sql = "../../deploy/clickhouse/"
	cmd := exec.CommandContext(ctx, "./clickhouse/clickhouse.sh", "run", sql+"1-tables.sql", sql+"2-kafka.sql", sql+"3-views.sql")
	cmd.Env = append(os.Environ(), "PFR_KAFKA="+brokers(t), "PFR_SERPS="+s.pages, "PFR_INTERACTIONS="+s.events, "PFR_GROUP="+s.pages)
	cmd.Stdin = &in
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	begin := time.Now()
	if err := cmd.Run(); err != nil {
		t.Fatalf("clickhouse: %v\n%s%s", err, out.Bytes(), problems.Bytes())
	}
	t.Logf("ClickHouse took %.1f s", time.Since(begin).Seconds())
	var answers [][]string
	for block := range strings.SplitSeq(strings.TrimSuffix(out.String(), ".\n"), ".\n") {
		answers = append(answers, strings.Split(strings.TrimSuffix(block, "\n"), "\n"))
	}
	if len(answers) != len(queries) {
		t.Fatalf("%d answers to %d queries:\n%.2000s", len(answers), len(queries), out.Bytes())
	}
	return answers
}

func parse[T any](t *testing.T, rows []string) []T {
	t.Helper()
	var out []T
	for _, row := range rows {
		var v T
		if err := json.Unmarshal([]byte(row), &v); err != nil {
			t.Fatalf("%s: %v", row, err)
		}
		out = append(out, v)
	}
	return out
}

// addRows adds the rows of the view counts to the tallies of their cuts.
func addRows(t *testing.T, sums map[string]tally, rows []string) {
	t.Helper()
	for _, row := range parse[struct {
		Seconds            int
		Start              string
		Route, Market, Arm string
		tally
	}](t, rows) {
		start, err := time.Parse(time.DateTime, row.Start)
		if err != nil {
			t.Fatal(err)
		}
		window := map[int]string{60: schemas.WindowMinute, 3600: schemas.WindowHour, 86400: schemas.WindowDay}[row.Seconds]
		for _, key := range keysOf(start, schemas.Cut{Route: row.Route, Market: row.Market, Arm: row.Arm}) {
			if !strings.HasPrefix(key, window+"|") {
				continue
			}
			sum := sums[key]
			sum.merge(row.tally)
			sums[key] = sum
		}
	}
}
