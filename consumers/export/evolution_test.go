package export_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/parallel-fusion/pfr/consumers/export"
)

var update = flag.Bool("update", false, "write the golden files of this version")

func openParquet(t *testing.T, name string) *parquet.File {
	t.Helper()
	src, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = src.Close() })
	info, err := src.Stat()
	if err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(src, info.Size())
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return f
}

func metaOf(f *parquet.File, key string) string {
	v, _ := f.Lookup(key)
	return v
}

// columns returns a line for each column: its path, and its type with how often it occurs.
func columns(s *parquet.Schema) []string {
	var lines []string
	for _, path := range s.Columns() {
		leaf, _ := s.Lookup(path...)
		lines = append(lines, fmt.Sprintf("%s %s repetition=%d definition=%d", strings.Join(path, "."), leaf.Node.Type(), leaf.MaxRepetitionLevel, leaf.MaxDefinitionLevel))
	}
	return lines
}

// Columns are only ever added: the lists of all versions are kept, each holds the one
// before, and the newest is that of the rows.
func TestColumnsAreOnlyAdded(t *testing.T) {
	for table, schema := range map[string]*parquet.Schema{
		export.TableSearches: parquet.SchemaOf(export.SearchRow{}), export.TableInteractions: parquet.SchemaOf(export.InteractionRow{}),
	} {
		now := columns(schema)
		newest := filepath.Join("testdata", fmt.Sprintf("%s.v%d.columns", table, export.SchemaVersion))
		if *update {
			if err := os.WriteFile(newest, []byte(strings.Join(now, "\n")+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		golden, err := filepath.Glob(filepath.Join("testdata", table+".v*.columns"))
		if err != nil || !slices.Contains(golden, newest) {
			t.Fatalf("%s is not in %v, %v", newest, golden, err)
		}
		first, err := os.ReadFile(filepath.Join("testdata", table+".v1.columns"))
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range now {
			path, kind, _ := strings.Cut(line, " ")
			parents := strings.Count(path, ".list.") // each of which adds a level
			if !strings.Contains(string(first), line) && strings.HasSuffix(kind, fmt.Sprintf("definition=%d", parents)) {
				t.Errorf("%s: %s is new and must be optional", table, path)
			}
		}
		for _, name := range golden {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSpace(string(text)), "\n")
			for _, line := range lines {
				if !slices.Contains(now, line) {
					t.Errorf("%s: %q is gone or changed", name, line)
				}
			}
			if name == newest && len(lines) != len(now) {
				t.Errorf("%s has %d columns, the rows have %d: raise SchemaVersion and run with -update", name, len(lines), len(now))
			}
		}
	}
}

// searchRowV0 is a search before its newest columns came.
type searchRowV0 struct {
	CorrelationID string         `parquet:"correlation_id"`
	AskedAt       int64          `parquet:"asked_at,timestamp(microsecond),delta"`
	CreatedAt     int64          `parquet:"created_at,timestamp(microsecond),delta"`
	Market        string         `parquet:"market,optional,dict"`
	Query         string         `parquet:"query,optional"`
	Route         string         `parquet:"route,dict"`
	Source        string         `parquet:"source,dict"`
	Exposed       bool           `parquet:"exposed"`
	Client        string         `parquet:"client,optional"`
	User          string         `parquet:"user,optional"`
	Layout        string         `parquet:"layout,dict"`
	Status        string         `parquet:"status,dict"`
	Coverage      float64        `parquet:"coverage"`
	Degraded      bool           `parquet:"degraded"`
	Confidence    float64        `parquet:"confidence"`
	CostUSD       float64        `parquet:"cost_usd"`
	QueuedMS      float64        `parquet:"queued_ms"`
	RouterMS      float64        `parquet:"router_ms"`
	ToolsMS       float64        `parquet:"tools_ms"`
	RefineMS      float64        `parquet:"refine_ms"`
	TotalMS       float64        `parquet:"total_ms"`
	Sections      []sectionRowV0 `parquet:"sections,list"`
	Partition     int32          `parquet:"kafka_partition"`
	Offset        int64          `parquet:"kafka_offset,delta"`
}

// sectionRowV0 is a section before it named its tool.
type sectionRowV0 struct {
	Position  int32    `parquet:"position"`
	ID        string   `parquet:"id,optional,dict"`
	Component string   `parquet:"component,optional,dict"`
	Status    string   `parquet:"status,optional,dict"`
	Items     int32    `parquet:"items"`
	ItemIDs   []string `parquet:"item_ids,list"`
	TookMS    float64  `parquet:"took_ms"`
}

// oldSearches is a file of a version without several columns: two searches, of client-1 and
// client-9.
const oldSearches = "testdata/searches.v0.parquet"

func TestWriteOldSearches(t *testing.T) {
	if !*update {
		t.Skip("the file is kept; run with -update to write it anew")
	}
	f, err := os.Create(oldSearches)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := parquet.NewGenericWriter[searchRowV0](f, parquet.Compression(&parquet.Zstd),
		parquet.KeyValueMetadata(export.MetaSchemaVersion, "0"), parquet.KeyValueMetadata(export.MetaTable, export.TableSearches))
	var rows []searchRowV0
	for i, client := range []string{"client-1", "client-9"} {
		row := searchRowV0{
			CorrelationID: number(900 + i), AskedAt: noon.UnixMicro(), CreatedAt: noon.UnixMicro(), Market: "US", Query: "old", Route: "search",
			Source: "llm", Client: client, Layout: "list", Status: "complete", Coverage: 1, TotalMS: 100, Partition: 9, Offset: int64(i),
			Sections: []sectionRowV0{{Position: 1, ID: "results", Component: "list", Status: "ok", Items: 1, ItemIDs: []string{"track:a"}}},
		}
		rows = append(rows, row)
	}
	if _, err := w.Write(rows); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

// addOld puts the old file into the table.
func addOld(t *testing.T, dir string) string {
	t.Helper()
	data, err := os.ReadFile(oldSearches)
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(dir, export.TableSearches, "date=2026-11-23", "market=US")
	if err := os.MkdirAll(folder, 0o750); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(folder, "pfr.serps.v1-9-0-1.parquet")
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestOldFilesAreReadWithNewOnes(t *testing.T) {
	cfg := config(t.TempDir())
	e := open(t, cfg)
	feedAll(t, e, pageAt(0, 0, 0))
	flush(t, e)
	old := addOld(t, cfg.Dir)
	if has := slices.ContainsFunc(columns(openParquet(t, old).Schema()), func(c string) bool { return strings.HasPrefix(c, "locale") }); has {
		t.Fatal("the old file has the new columns")
	}
	rows := read[export.SearchRow](t, cfg.Dir, export.TableSearches)
	got := map[string]string{}
	for _, r := range rows {
		got[r.CorrelationID] = r.Query + "/" + r.Locale + "/" + r.Sections[0].ID
	}
	want := map[string]string{number(0): "query 0/en-US/results", number(900): "old//results", number(901): "old//results"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

// An old file keeps its columns and its version when somebody is erased from it.
func TestEraseKeepsOldColumns(t *testing.T) {
	cfg := config(t.TempDir())
	e := open(t, cfg)
	old := addOld(t, cfg.Dir)
	before := columns(openParquet(t, old).Schema())
	report, err := e.Erase(t.Context(), subjects)
	if err != nil || report.Searches.Rows != 1 {
		t.Fatalf("%+v, %v", report, err)
	}
	f := openParquet(t, old)
	if got := columns(f.Schema()); !slices.Equal(got, before) || metaOf(f, export.MetaSchemaVersion) != "0" {
		t.Errorf("version %s, columns %v, want %v", metaOf(f, export.MetaSchemaVersion), got, before)
	}
	rows, err := parquet.ReadFile[searchRowV0](old)
	if err != nil || len(rows) != 1 || rows[0].Client != "client-9" {
		t.Errorf("rows %+v, %v", rows, err)
	}
}
