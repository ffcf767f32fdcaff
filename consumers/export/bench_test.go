package export_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/consumers/export"
	"github.com/parallel-fusion/pfr/schemas"
)

// fullPage is a page as a pipeline makes it: three sections of ten items.
func fullPage(i int) record {
	r := pageAt(i, 0, int64(i))
	r.page.Probe = false
	r.page.Query = fmt.Sprintf("query number %d", i%5000)
	r.page.Asked.At = noon.Add(time.Duration(i) * time.Millisecond)
	r.page.Asked.Client = fmt.Sprintf("%016x", uint64(i)*0x9e3779b97f4a7c15)
	r.page.Timings = schemas.Timings{QueuedMS: float64(i%7) / 3, RouterMS: float64(i%13) / 7, ToolsMS: float64(i%101) / 3, TotalMS: float64(i%211) / 3}
	r.page.Sections = nil
	for s, id := range []string{"similar", "tracks", "artist"} {
		section := schemas.Section{ID: id, Tool: "search", Component: "carousel", Status: schemas.SectionOK, TookMS: float64(i%89) / 3}
		for k := range 10 {
			section.Items = append(section.Items, schemas.Item{ID: fmt.Sprintf("track:artist-%d-title-%d", (i*31+k*7+s)%20000, k)})
		}
		r.page.Sections = append(r.page.Sections, section)
	}
	return r
}

// BenchmarkPages is the time of one page from the message to the committed file.
func BenchmarkPages(b *testing.B) {
	records := make([]record, 5000)
	for i := range records {
		records[i] = fullPage(i)
	}
	benchmark(b, records)
}

// BenchmarkInteractions is the time of one event from the message to the committed file.
func BenchmarkInteractions(b *testing.B) {
	records := make([]record, 20_000)
	for i := range records {
		records[i] = eventAt(i, 0, int64(i))
		records[i].event.Timestamp = noon.Add(time.Duration(i) * time.Millisecond)
		records[i].event.SentAt, records[i].event.ReceivedAt = records[i].event.Timestamp, records[i].event.Timestamp
	}
	benchmark(b, records)
}

func benchmark(b *testing.B, records []record) {
	cfg := config(b.TempDir())
	cfg.ChunkRows = len(records)
	e, err := export.OpenWith(cfg, masks{}, nil, func(export.Step) error { return nil })
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		r := records[n%len(records)]
		r.pos.Offset = int64(n)
		n++
		if err := r.feed(b.Context(), e); err != nil {
			b.Fatal(err)
		}
	}
	var bytes int64
	for _, name := range files(b, cfg.Dir, "*") {
		info, err := os.Stat(name)
		if err != nil {
			b.Fatal(err)
		}
		bytes += info.Size()
	}
	b.ReportMetric(float64(bytes)/float64(n/len(records)*len(records)), "bytes/row")
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}
