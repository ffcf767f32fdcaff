package export_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/parquet-go/parquet-go"

	"github.com/parallel-fusion/pfr/consumers/export"
	"github.com/parallel-fusion/pfr/schemas"
)

var subjects = export.Subjects{Clients: []string{"client-1", masked("c3")}, Users: []string{"user-2"}}

// theirs reports whether a record is one that the erasure of subjects must take: a search of
// client-1 or user-2, a click of c3, or a click on one of those searches.
func theirs(r record) bool {
	var i int
	_, _ = fmt.Sscanf(strings.TrimPrefix(r.id(), number(0)[:24]), "%d", &i)
	search := (i%5 == 1 || i%7 == 2) && i%11 != 10 // of health checks there is no row
	return search || r.event != nil && r.event.ClientID == "c3"
}

func (r record) id() string {
	if r.page != nil {
		return r.page.CorrelationID
	}
	return r.event.QueryID
}

func TestErase(t *testing.T) {
	cfg := config(t.TempDir())
	cfg.ChunkRows = 20
	e := open(t, cfg)
	records := workload(60)
	feedAll(t, e, records...)
	flush(t, e)
	names := files(t, cfg.Dir, "*")
	before := visible(t, cfg.Dir)

	report, err := e.Erase(t.Context(), subjects)
	if err != nil {
		t.Fatal(err)
	}
	keep := slices.DeleteFunc(slices.Clone(records), theirs)
	complete(t, cfg.Dir, keep)
	if after := files(t, cfg.Dir, "*"); !slices.Equal(after, names) {
		t.Errorf("files %v, before %v", after, names)
	}
	for key, row := range visible(t, cfg.Dir) {
		if !reflect.DeepEqual(row, before[key]) {
			t.Errorf("%s has changed: %+v, was %+v", key, row, before[key])
		}
	}
	var want export.Report
	for _, r := range records {
		if r.page != nil && theirs(r) && r.exported() {
			want.Searches.Rows++
		}
		if r.event != nil && theirs(r) {
			want.Interactions.Rows++
		}
	}
	want.Searches.FilesRead, want.Interactions.FilesRead = len(files(t, cfg.Dir, export.TableSearches)), len(files(t, cfg.Dir, export.TableInteractions))
	want.Searches.FilesRewritten, want.Interactions.FilesRewritten = report.Searches.FilesRewritten, report.Interactions.FilesRewritten
	if report != want || report.Searches.FilesRewritten == 0 || report.Searches.Rows == 0 || report.Interactions.Rows == 0 {
		t.Errorf("report %+v, want %+v", report, want)
	}

	again, err := e.Erase(t.Context(), subjects)
	if err != nil || again.Searches.Rows+again.Interactions.Rows != 0 || again.Searches.FilesRewritten+again.Interactions.FilesRewritten != 0 {
		t.Errorf("the second time: %+v, %v", again, err)
	}
	feedAll(t, e, pageAt(60, 0, 1000)) // the export goes on
}

// Rows that still wait in memory are erased too.
func TestEraseReachesOpenChunks(t *testing.T) {
	cfg := config(t.TempDir())
	e := open(t, cfg)
	records := workload(10)
	feedAll(t, e, records...)
	if _, err := e.Erase(t.Context(), subjects); err != nil {
		t.Fatal(err)
	}
	complete(t, cfg.Dir, slices.DeleteFunc(records, theirs))
}

// A file that loses all its rows stays, with its columns and its metadata.
func TestEraseMayEmptyAFile(t *testing.T) {
	cfg := config(t.TempDir())
	e := open(t, cfg)
	feedAll(t, e, pageAt(1, 0, 0))
	flush(t, e)
	if _, err := e.Erase(t.Context(), export.Subjects{Clients: []string{"client-1"}}); err != nil {
		t.Fatal(err)
	}
	names := files(t, cfg.Dir, export.TableSearches)
	if len(names) != 1 {
		t.Fatalf("files %v", names)
	}
	if f := openParquet(t, names[0]); f.NumRows() != 0 || metaOf(f, export.MetaFirst) != "0" || metaOf(f, export.MetaSchemaVersion) != "1" ||
		f.Schema().String() != parquet.SchemaOf(export.SearchRow{}).String() {
		t.Errorf("%d rows, first %q, columns %v", f.NumRows(), metaOf(f, export.MetaFirst), f.Schema())
	}
}

func TestEraseNeedsNames(t *testing.T) {
	e := open(t, config(t.TempDir()))
	feedAll(t, e, pageAt(0, 0, 0))
	for _, s := range []export.Subjects{{}, {Clients: []string{""}}, {Users: []string{"u", ""}}} {
		if _, err := e.Erase(t.Context(), s); err == nil {
			t.Errorf("%+v was taken", s)
		}
	}
}

// An erasure that is interrupted at each step leaves whole files, and repeating it ends it.
func TestEraseInterrupted(t *testing.T) {
	records := workload(4)
	keep := slices.DeleteFunc(slices.Clone(records), theirs)
	tried, stride := 0, 5
	if os.Getenv("PFR_TEST_SCALE") == "1" {
		stride = 1
	}
	for crash, done := 0, false; !done; crash += stride {
		cfg := config(filepath.Join(t.TempDir(), "lake"))
		e := open(t, cfg)
		feedAll(t, e, records...)
		flush(t, e)
		_ = e.Close()

		p := newPower(cfg.Dir, crash, func() bool { return crash%2 == 0 })
		if e, err := export.OpenWith(cfg, masks{}, nil, p.step); err == nil {
			_, err = e.Erase(t.Context(), subjects)
			done = err == nil
			_ = e.Close()
		}
		seen := visible(t, cfg.Dir) // every file can be read
		for _, r := range keep {
			if r.exported() && seen[r.key()] == nil {
				t.Errorf("crash at step %d: %s is gone", crash, r.key())
			}
		}
		e = open(t, cfg)
		if _, err := e.Erase(t.Context(), subjects); err != nil {
			t.Fatal(err)
		}
		complete(t, cfg.Dir, keep)
		_ = e.Close()
		tried++
	}
	t.Logf("%d crashes", tried)
	if tried < 15/stride {
		t.Errorf("only %d steps were tried", tried)
	}
}

func TestEraseEndsWithItsContext(t *testing.T) {
	e := open(t, config(t.TempDir()))
	feedAll(t, e, pageAt(0, 0, 0))
	flush(t, e)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Erase(ctx, subjects); !errors.Is(err, context.Canceled) {
		t.Errorf("err = %v", err)
	}
}

// Readers look while chunks come in and subjects go out: no row twice, no file half there,
// and what is nobody's to erase stays once it is seen.
func TestReadersInBetween(t *testing.T) {
	cfg := config(t.TempDir())
	cfg.ChunkRows = 10
	e := open(t, cfg)
	records := workload(30)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		before := map[string]any{}
		for {
			after := visible(t, cfg.Dir)
			for key := range before {
				if row, ok := before[key].(export.SearchRow); ok && after[key] == nil && row.Client != "client-1" && row.User != "user-2" {
					t.Errorf("%s was there, and is gone", key)
				}
			}
			before = after
			select {
			case <-stop:
				return
			default:
			}
		}
	})
	for i, r := range records {
		feedAll(t, e, r)
		if i%25 == 24 {
			if _, err := e.Erase(t.Context(), subjects); err != nil {
				t.Error(err)
			}
		}
	}
	close(stop)
	wg.Wait()
	flush(t, e)
	if _, err := e.Erase(t.Context(), subjects); err != nil {
		t.Error(err)
	}
	complete(t, cfg.Dir, slices.DeleteFunc(records, theirs))
	if got := e.Offsets(schemas.TopicSERPs)[0]; got != 130 {
		t.Errorf("next offset %d", got)
	}
}
