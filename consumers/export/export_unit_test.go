package export_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/parallel-fusion/pfr/consumers/export"
	"github.com/parallel-fusion/pfr/internal/filelock"
	"github.com/parallel-fusion/pfr/schemas"
)

func feedAll(t *testing.T, e *export.Exporter, records ...record) {
	t.Helper()
	for _, r := range records {
		if err := r.feed(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
}

func flush(t *testing.T, e *export.Exporter) {
	t.Helper()
	if err := e.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestLayout(t *testing.T) {
	cfg := config(t.TempDir())
	e := open(t, cfg)
	late := pageAt(1, 3, 41) // 23:59:59 the day before in UTC, though its zone has another day
	late.page.Asked.At = time.Date(2026, 11, 23, 0, 59, 59, 0, time.FixedZone("", 3600))
	nowhere := pageAt(2, 3, 42) // no market
	feedAll(t, e, pageAt(0, 3, 40), late, nowhere, pageAt(3, 3, 44), eventAt(0, 1, 7))
	if got := files(t, cfg.Dir, "*"); len(got) > 0 {
		t.Errorf("visible before the chunk closed: %v", got)
	}
	flush(t, e)
	want := []string{
		"interactions/date=2026-11-23/market=US/pfr.interactions.v1-1-7-7.parquet",
		"searches/date=2026-11-22/market=GB/pfr.serps.v1-3-40-44.parquet",
		"searches/date=2026-11-23/market=US/pfr.serps.v1-3-40-44.parquet",
		"searches/date=2026-11-23/market=unknown/pfr.serps.v1-3-40-44.parquet",
	}
	if got := relative(cfg.Dir, files(t, cfg.Dir, "*")); !slices.Equal(got, want) {
		t.Errorf("files\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got, want := e.Offsets(schemas.TopicSERPs), map[int]int64{3: 45}; !reflect.DeepEqual(got, want) {
		t.Errorf("offsets %v, want %v", got, want)
	}
}

func TestMetadata(t *testing.T) {
	cfg := config(t.TempDir())
	e := open(t, cfg)
	feedAll(t, e, eventAt(0, 1, 7), eventAt(3, 1, 9))
	flush(t, e)
	src, err := os.Open(files(t, cfg.Dir, export.TableInteractions)[0])
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	info, _ := src.Stat()
	f, err := parquet.OpenFile(src, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		export.MetaSchemaVersion: "1", export.MetaTable: "interactions", export.MetaTopic: schemas.TopicInteractions,
		export.MetaPartition: "1", export.MetaFirst: "7", export.MetaNext: "10",
	} {
		if got, _ := f.Lookup(key); got != want {
			t.Errorf("%s = %q, want %q", key, got, want)
		}
	}
}

func TestSearchRow(t *testing.T) {
	cfg := config(t.TempDir())
	e := open(t, cfg)
	asked := noon.Add(123456 * time.Microsecond)
	page := schemas.SERP{
		CorrelationID: number(1), Query: "daft punk", Market: "SE", Layout: "hero", Status: schemas.SERPPartial, Coverage: .75, Cost: .002,
		CreatedAt: asked.Add(300 * time.Millisecond),
		Route:     schemas.RouteSummary{Name: "similar_artists", Source: "llm", Arm: "exp/b", Exposed: true, Degraded: true, Confidence: .9},
		Timings:   schemas.Timings{QueuedMS: 1, RouterMS: 2, ToolsMS: 3, RefineMS: 4, TotalMS: 300},
		Asked: &schemas.Asked{
			At: asked, Locale: "sv-SE", Platform: "web", Client: "c", Session: "s", User: "u",
			Experiments: map[string]string{"exp": "b"}, Features: map[string]string{"country": "SE"},
		},
		Sections: []schemas.Section{
			{ID: "similar", Tool: "similar_artists", Component: "carousel", Status: schemas.SectionOK, TookMS: 2.5, Items: []schemas.Item{{ID: "artist:a"}, {ID: "artist:b"}}},
			{ID: "answer", Tool: "release_info", Component: "answer", Status: schemas.SectionTimeout, TookMS: 150},
		},
	}
	old := page // of a version without asked
	old.CorrelationID, old.Asked, old.Market = number(2), nil, ""
	probe := page
	probe.Probe = true
	for i, p := range []schemas.SERP{page, probe, old} {
		if err := e.Page(t.Context(), p, export.Position{Topic: schemas.TopicSERPs, Partition: 2, Offset: int64(i)}); err != nil {
			t.Fatal(err)
		}
	}
	flush(t, e)
	want := export.SearchRow{
		CorrelationID: number(1), AskedAt: asked.UnixMicro(), CreatedAt: asked.UnixMicro() + 300_000, Market: "SE", Locale: "sv-SE", Platform: "web",
		Query: "daft punk", Route: "similar_artists", Source: "llm", Arm: "exp/b", Exposed: true, Experiments: map[string]string{"exp": "b"},
		Client: "c", Session: "s", User: "u", Layout: "hero", Status: "partial", Coverage: .75, Degraded: true, Confidence: .9, CostUSD: .002,
		QueuedMS: 1, RouterMS: 2, ToolsMS: 3, RefineMS: 4, TotalMS: 300, Features: map[string]string{"country": "SE"}, Partition: 2,
		Sections: []export.SectionRow{
			{Position: 1, ID: "similar", Tool: "similar_artists", Component: "carousel", Status: "ok", Items: 2, ItemIDs: []string{"artist:a", "artist:b"}, TookMS: 2.5},
			{Position: 2, ID: "answer", Tool: "release_info", Component: "answer", Status: "timeout", ItemIDs: []string{}, TookMS: 150},
		},
	}
	wantOld := want // its time is that of the page less what the page took
	wantOld.CorrelationID, wantOld.Market, wantOld.Offset = number(2), "unknown", 2
	wantOld.Locale, wantOld.Platform, wantOld.Client, wantOld.Session, wantOld.User = "", "", "", "", ""
	wantOld.Experiments, wantOld.Features = nil, nil
	if got := read[export.SearchRow](t, cfg.Dir, export.TableSearches); !reflect.DeepEqual(got, []export.SearchRow{want, wantOld}) {
		t.Errorf("rows\n%+v\nwant\n%+v", got, []export.SearchRow{want, wantOld})
	}
}

func TestQueryTextMayBeLeftOut(t *testing.T) {
	cfg := config(t.TempDir())
	cfg.QueryText = false
	e := open(t, cfg)
	feedAll(t, e, pageAt(0, 0, 0))
	flush(t, e)
	if rows := read[export.SearchRow](t, cfg.Dir, export.TableSearches); len(rows) != 1 || rows[0].Query != "" {
		t.Errorf("rows %+v", rows)
	}
}

// The client's clock is 2 h ahead: the event came 5 s before it was sent, and was received
// at noon. An event that was not stamped by the edge has the time of its record.
func TestInteractionRow(t *testing.T) {
	cfg := config(t.TempDir())
	e := open(t, cfg)
	event := schemas.Interaction{
		EventID: "e1", ActionName: schemas.ActionStream, QueryID: number(1), ClientID: "raw-client", SessionID: "raw-session",
		Timestamp: noon.Add(2*time.Hour - 5*time.Second), SentAt: noon.Add(2 * time.Hour), ReceivedAt: noon, Market: "GB", Route: "search",
		SectionID: "results", SectionPosition: 2, MSPlayed: 31_000, VisibleMS: 7,
		EventAttributes: schemas.EventAttributes{Object: schemas.Object{ObjectID: "track:a", ObjectIDType: "track"}, Position: schemas.Position{Ordinal: 3}},
	}
	old := event
	old.EventID, old.ReceivedAt, old.SentAt, old.SessionID, old.Market = "e2", time.Time{}, time.Time{}, "", ""
	old.Timestamp = noon.Add(-time.Minute)
	unnamed := event // the session stands for a client that has no id, as in pages
	unnamed.EventID, unnamed.ClientID = "e3", ""
	for i, v := range []schemas.Interaction{event, old, unnamed} {
		if err := e.Interaction(t.Context(), v, export.Position{Topic: schemas.TopicInteractions, Partition: 4, Offset: int64(i), Time: noon.Add(time.Second)}); err != nil {
			t.Fatal(err)
		}
	}
	flush(t, e)
	want := export.InteractionRow{
		EventID: "e1", Action: "stream", QueryID: number(1), Client: "~raw-client", Session: "~session:raw-session",
		At: noon.Add(-5 * time.Second).UnixMicro(), Timestamp: event.Timestamp.UnixMicro(), SentAt: event.SentAt.UnixMicro(), ReceivedAt: noon.UnixMicro(),
		Market: "GB", Route: "search", SectionID: "results", SectionPosition: 2, ObjectID: "track:a", ObjectType: "track", Ordinal: 3,
		MSPlayed: 31_000, VisibleMS: 7, Partition: 4,
	}
	wantOld := want
	wantOld.EventID, wantOld.Session, wantOld.Market, wantOld.SentAt, wantOld.Offset = "e2", "", "unknown", 0, 1
	wantOld.At, wantOld.Timestamp, wantOld.ReceivedAt = old.Timestamp.UnixMicro(), old.Timestamp.UnixMicro(), noon.Add(time.Second).UnixMicro()
	wantUnnamed := want
	wantUnnamed.EventID, wantUnnamed.Client, wantUnnamed.Offset = "e3", "~raw-session", 2
	all := []export.InteractionRow{want, wantUnnamed, wantOld} // by market
	if got := read[export.InteractionRow](t, cfg.Dir, export.TableInteractions); !reflect.DeepEqual(got, all) {
		t.Errorf("rows\n%+v\nwant\n%+v", got, all)
	}
}

// Clients choose the times of their events, but not how many folders there are.
func TestForgedTimesMakeNoFolders(t *testing.T) {
	cfg := config(t.TempDir())
	e := open(t, cfg)
	for i := range 50 {
		r := eventAt(0, 0, int64(i))
		r.event.Timestamp = noon.AddDate(-i, 0, 0)
		feedAll(t, e, r)
	}
	flush(t, e)
	if got := files(t, cfg.Dir, export.TableInteractions); len(got) != 1 {
		t.Errorf("files %v", got)
	}
	oldest := slices.MinFunc(read[export.InteractionRow](t, cfg.Dir, export.TableInteractions), func(a, b export.InteractionRow) int { return int(a.At/1e6 - b.At/1e6) })
	if year := time.UnixMicro(oldest.At).Year(); year > 1980 {
		t.Errorf("the rows have lost their times: the oldest is of %d", year)
	}
}

func TestChunksClose(t *testing.T) {
	for _, c := range []struct {
		reason string
		change func(*export.Config)
	}{
		{"rows", func(c *export.Config) { c.ChunkRows = 4 }},
		{"bytes", func(c *export.Config) { c.ChunkBytes = 2500 }},
		{"memory", func(c *export.Config) { c.OpenBytes = 2500 }},
	} {
		t.Run(c.reason, func(t *testing.T) {
			cfg := config(t.TempDir())
			c.change(&cfg)
			reg := prometheus.NewRegistry()
			e, err := export.Open(cfg, masks{}, slog.New(slog.DiscardHandler), reg)
			if err != nil {
				t.Fatal(err)
			}
			defer e.Close()
			for i := range 12 {
				feedAll(t, e, pageAt(i, 0, int64(i)))
			}
			next := e.Offsets(schemas.TopicSERPs)[0]
			if next < 3 || next > 12 {
				t.Errorf("committed up to %d", next)
			}
			if n := testutil.CollectAndCount(reg, "pfr_export_chunks_total"); n != 1 {
				t.Errorf("%d reasons", n)
			}
			if err := testutil.GatherAndCompare(reg, strings.NewReader(fmt.Sprintf(
				"# HELP pfr_export_chunks_total Chunks committed, by why they closed: rows, bytes, memory, age, flush or erase.\n# TYPE pfr_export_chunks_total counter\npfr_export_chunks_total{reason=%q} %d\n",
				c.reason, len(chunksOf(t, cfg.Dir)))), "pfr_export_chunks_total"); err != nil {
				t.Error(err)
			}
		})
	}
}

// chunksOf returns the names that the chunks of the searches have given their files.
func chunksOf(t *testing.T, dir string) []string {
	var names []string
	for _, f := range files(t, dir, export.TableSearches) {
		names = append(names, filepath.Base(f))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func TestMemoryTakesTheLargestChunk(t *testing.T) {
	cfg := config(t.TempDir())
	cfg.OpenBytes = 10_000
	e := open(t, cfg)
	feedAll(t, e, eventAt(0, 7, 0))
	for i := 0; len(e.Offsets(schemas.TopicSERPs)) == 0 && i < 100; i++ {
		feedAll(t, e, pageAt(i, 0, int64(i)))
	}
	if got := e.Offsets(schemas.TopicInteractions); len(got) != 0 {
		t.Errorf("the small chunk closed: %v", got)
	}
	if len(files(t, cfg.Dir, export.TableSearches)) == 0 {
		t.Error("no chunk closed")
	}
}

func TestOldChunksClose(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		cfg := config(dir)
		e := open(t, cfg)
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- e.Run(ctx) }()
		feedAll(t, e, pageAt(0, 0, 0))
		<-time.After(cfg.ChunkAge / 2)
		feedAll(t, e, pageAt(1, 1, 0))
		if got := e.Offsets(schemas.TopicSERPs); len(got) != 0 {
			t.Errorf("closed early: %v", got)
		}
		<-time.After(cfg.ChunkAge/2 + cfg.ChunkAge/8)
		if got, want := e.Offsets(schemas.TopicSERPs), map[int]int64{0: 1}; !reflect.DeepEqual(got, want) {
			t.Errorf("offsets %v, want %v", got, want)
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// A chunk without rows moves the offset, so that nobody reads the health checks again.
func TestHealthChecksMoveTheOffset(t *testing.T) {
	cfg := config(t.TempDir())
	e := open(t, cfg)
	feedAll(t, e, pageAt(10, 0, 5))
	flush(t, e)
	if got, want := e.Offsets(schemas.TopicSERPs), map[int]int64{0: 6}; !reflect.DeepEqual(got, want) {
		t.Errorf("offsets %v, want %v", got, want)
	}
	if got := files(t, cfg.Dir, "*"); len(got) > 0 {
		t.Errorf("files %v", got)
	}
}

func TestSecondExporterIsRefused(t *testing.T) {
	cfg := config(t.TempDir())
	e := open(t, cfg)
	if _, err := export.Open(cfg, masks{}, slog.New(slog.DiscardHandler), nil); !errors.Is(err, filelock.ErrLocked) {
		t.Errorf("err = %v", err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, cfg)
	if err := pageAt(0, 0, 0).feed(t.Context(), e); !errors.Is(err, export.ErrClosed) {
		t.Errorf("the closed one takes pages: %v", err)
	}
}

func TestRewoundTopicIsRefused(t *testing.T) {
	cfg := config(t.TempDir())
	e := open(t, cfg)
	feedAll(t, e, pageAt(0, 0, 5))
	if err := pageAt(1, 0, 5).feed(t.Context(), e); !errors.Is(err, export.ErrRewound) {
		t.Errorf("in an open chunk: %v", err)
	}
	flush(t, e)
	_ = e.Close()
	e = open(t, cfg)
	if err := pageAt(1, 0, 0).feed(t.Context(), e); !errors.Is(err, export.ErrRewound) {
		t.Errorf("after a restart: %v", err)
	}
	feedAll(t, e, pageAt(1, 0, 6), pageAt(1, 1, 0)) // the others go on
}

func TestBadTopicsAreRefused(t *testing.T) {
	e := open(t, config(t.TempDir()))
	for _, topic := range []string{"", "..", "../searches", "a/b", ".hidden"} {
		if err := e.Page(t.Context(), *pageAt(0, 0, 0).page, export.Position{Topic: topic}); err == nil {
			t.Errorf("topic %q was taken", topic)
		}
	}
}

// A full disk ends the export; what was not committed is not seen, and comes again.
func TestFullDisk(t *testing.T) {
	cfg := config(t.TempDir())
	cfg.ChunkRows = 4
	writes := 0
	e, err := export.OpenWith(cfg, masks{}, nil, func(s export.Step) error {
		if s.Op == "write" && strings.HasPrefix(s.Name, "_tmp/pfr") {
			if writes++; writes > 5 {
				return syscall.ENOSPC
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	records := workload(20)
	var failed error
	for _, r := range records {
		if failed = r.feed(t.Context(), e); failed != nil {
			break
		}
	}
	if !errors.Is(failed, syscall.ENOSPC) {
		t.Fatalf("err = %v", failed)
	}
	if again := records[len(records)-1].feed(t.Context(), e); !errors.Is(again, syscall.ENOSPC) {
		t.Errorf("it goes on: %v", again)
	}
	before := len(visible(t, cfg.Dir))
	_ = e.Close()

	e = open(t, cfg)
	left := rest(e, records)
	if len(left) == 0 || len(left) == len(records) || before == 0 {
		t.Errorf("%d of %d records are left, %d are visible", len(left), len(records), before)
	}
	feedAll(t, e, left...)
	flush(t, e)
	complete(t, cfg.Dir, records)
}

func TestDamagedStateIsAnError(t *testing.T) {
	for name, text := range map[string]string{
		"cut short": `{"version":1,"top`, "of another": `{"version":1,"topic":"x","partition":0,"next":1}`, "of the future": `{"version":2,"topic":"t","partition":0,"next":1}`,
	} {
		cfg := config(t.TempDir())
		if err := open(t, cfg).Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(cfg.Dir, "_state", "t-0.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := export.Open(cfg, masks{}, slog.New(slog.DiscardHandler), nil); err == nil || !strings.Contains(err.Error(), "t-0.json") {
			t.Errorf("%s: err = %v", name, err)
		}
	}
}

func TestConfig(t *testing.T) {
	if err := export.DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
	err := export.Config{}.Validate()
	for _, field := range []string{"dir", "chunk_age", "chunk_rows", "chunk_bytes", "open_bytes", "max_late"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s is not in %v", field, err)
		}
	}
	if _, err := export.Open(config(t.TempDir()), nil, slog.New(slog.DiscardHandler), nil); err == nil || !strings.Contains(err.Error(), "pseudonym") {
		t.Errorf("without pseudonyms: %v", err)
	}
}
