package export_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/parallel-fusion/pfr/consumers/export"
	"github.com/parallel-fusion/pfr/schemas"
)

func TestMain(m *testing.M) {
	if os.Getenv(childFolder) != "" {
		os.Exit(child(os.Getenv(childFolder)))
	}
	goleak.VerifyTestMain(m)
}

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// tb is what testing.T and rapid.T have in common.
type tb interface {
	rapid.TB
	Context() context.Context
}

// masks are pseudonyms that a reader of a test can follow.
type masks struct{}

// Client implements [export.Pseudonyms].
func (masks) Client(id string) string { return masked(id) }

// Session implements [export.Pseudonyms].
func (masks) Session(id string) string {
	if id == "" {
		return ""
	}
	return "~session:" + id
}

func masked(id string) string {
	if id == "" {
		return ""
	}
	return "~" + id
}

func config(dir string) export.Config {
	cfg := export.DefaultConfig()
	cfg.Dir = dir
	return cfg
}

func open(t *testing.T, cfg export.Config) *export.Exporter {
	t.Helper()
	e, err := export.Open(cfg, masks{}, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// record is what a topic holds at a position: a page or an event.
type record struct {
	page  *schemas.SERP
	event *schemas.Interaction
	pos   export.Position
}

func (r record) key() string {
	return fmt.Sprintf("%s/%d@%d", r.pos.Topic, r.pos.Partition, r.pos.Offset)
}

// feed hands a record to e.
func (r record) feed(ctx context.Context, e *export.Exporter) error {
	if r.page != nil {
		return e.Page(ctx, *r.page, r.pos)
	}
	return e.Interaction(ctx, *r.event, r.pos)
}

// exported reports whether the record has a row.
func (r record) exported() bool { return r.page == nil || !r.page.Probe }

// number returns an id of the form that correlation ids have.
func number(i int) string { return fmt.Sprintf("01890a5d-ac96-774b-bcce-%012d", i) }

var markets = []string{"US", "GB", ""}

// pageAt returns the i-th page, at an offset of a partition. The market of some is missing,
// and every eleventh is a health check.
func pageAt(i, partition int, offset int64) record {
	asked := noon.Add(time.Duration(i) * 7 * time.Minute)
	return record{
		pos: export.Position{Topic: schemas.TopicSERPs, Partition: partition, Offset: offset, Time: asked},
		page: &schemas.SERP{
			SchemaVersion: schemas.Version, CorrelationID: number(i), Query: fmt.Sprintf("query %d", i), Market: markets[i%3],
			Route:  schemas.RouteSummary{Name: "search", Source: "student", Confidence: .5},
			Layout: "list", Status: schemas.SERPComplete, Coverage: 1, CreatedAt: asked.Add(time.Second), Probe: i%11 == 10,
			Asked: &schemas.Asked{At: asked, Locale: "en-US", Client: fmt.Sprintf("client-%d", i%5), User: fmt.Sprintf("user-%d", i%7)},
			Sections: []schemas.Section{{
				ID: "results", Tool: "search", Component: "list", Status: schemas.SectionOK,
				Items: []schemas.Item{{ID: fmt.Sprintf("track:%d", i)}, {ID: "track:common"}},
			}},
		},
	}
}

// eventAt returns the i-th event, a click on the i-th page by a client of its own kind.
func eventAt(i, partition int, offset int64) record {
	at := noon.Add(time.Duration(i)*7*time.Minute + 10*time.Second)
	return record{
		pos: export.Position{Topic: schemas.TopicInteractions, Partition: partition, Offset: offset, Time: at.Add(time.Second)},
		event: &schemas.Interaction{
			SchemaVersion: schemas.Version, EventID: fmt.Sprintf("event-%d", i), ActionName: schemas.ActionClick, QueryID: number(i),
			ClientID: fmt.Sprintf("c%d", i%4), SessionID: "s", Timestamp: at, SentAt: at.Add(time.Second), ReceivedAt: at.Add(time.Second),
			Market: markets[i%3], SectionID: "results", SectionPosition: 1,
			EventAttributes: schemas.EventAttributes{Object: schemas.Object{ObjectID: "track:common"}, Position: schemas.Position{Ordinal: 2}},
		},
	}
}

// workload returns n pages and n events, from one partition each.
func workload(n int) []record {
	var records []record
	for i := range n {
		records = append(records, pageAt(i, 0, int64(100+i)), eventAt(i, 0, int64(i)))
	}
	return records
}

// rest returns the records that e has not committed.
func rest(e *export.Exporter, records []record) []record {
	next := map[string]map[int]int64{}
	for _, topic := range []string{schemas.TopicSERPs, schemas.TopicInteractions} {
		next[topic] = e.Offsets(topic)
	}
	return slices.DeleteFunc(slices.Clone(records), func(r record) bool {
		return r.pos.Offset < next[r.pos.Topic][r.pos.Partition]
	})
}

// files returns the names of the files that hold chunks.
func files(t tb, dir, table string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, table, "date=*", "market=*", "[^_]*.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// read returns the rows of a table, from all its files.
func read[T any](t tb, dir, table string) []T {
	t.Helper()
	var rows []T
	for _, name := range files(t, dir, table) {
		part, err := parquet.ReadFile[T](name)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		rows = append(rows, part...)
	}
	return rows
}

// visible returns the records that a reader sees as rows, and fails if one is there twice.
func visible(t tb, dir string) map[string]any {
	t.Helper()
	seen := map[string]any{}
	note := func(key string, row any) {
		if seen[key] != nil {
			t.Errorf("%s is in the tables twice", key)
		}
		seen[key] = row
	}
	for _, r := range read[export.SearchRow](t, dir, export.TableSearches) {
		note(fmt.Sprintf("%s/%d@%d", schemas.TopicSERPs, r.Partition, r.Offset), r)
	}
	for _, r := range read[export.InteractionRow](t, dir, export.TableInteractions) {
		note(fmt.Sprintf("%s/%d@%d", schemas.TopicInteractions, r.Partition, r.Offset), r)
	}
	return seen
}

// complete fails unless each record is in the tables exactly once, with what identifies it.
func complete(t tb, dir string, records []record) {
	t.Helper()
	seen := visible(t, dir)
	for _, r := range records {
		row, ok := seen[r.key()]
		if ok != r.exported() {
			t.Errorf("%s: in the tables: %v, want %v", r.key(), ok, r.exported())
		}
		switch row := row.(type) {
		case export.SearchRow:
			want := []any{r.page.CorrelationID, r.page.Query, r.page.Asked.At.UnixMicro(), r.page.Sections[0].Items[0].ID}
			got := []any{row.CorrelationID, row.Query, row.AskedAt, row.Sections[0].ItemIDs[0]}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %v, want %v", r.key(), got, want)
			}
		case export.InteractionRow:
			want := []any{r.event.EventID, r.event.QueryID, masked(r.event.ClientID), r.event.Timestamp.UnixMicro()}
			got := []any{row.EventID, row.QueryID, row.Client, row.At}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: %v, want %v", r.key(), got, want)
			}
		}
		delete(seen, r.key())
	}
	for key := range seen {
		t.Errorf("%s is in the tables, but nobody sent it", key)
	}
}

// skipUnless skips a test that needs more than every machine has, or more time.
func skipUnless(t *testing.T, variable, why string) {
	t.Helper()
	if os.Getenv(variable) != "1" {
		t.Skipf("%s; set %s=1 to run it", why, variable)
	}
}

func relative(dir string, names []string) []string {
	short := make([]string, len(names))
	for i, n := range names {
		short[i] = strings.TrimPrefix(filepath.ToSlash(n), filepath.ToSlash(dir)+"/")
	}
	return short
}
