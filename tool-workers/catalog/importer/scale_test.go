package importer_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/catalog/generate"
	"github.com/parallel-fusion/pfr/tool-workers/catalog/importer"
)

// BenchmarkImport is the time of an import of 20,000 MusicBrainz entities and the listens
// to them, into nothing.
func BenchmarkImport(b *testing.B) {
	dir := b.TempDir()
	if _, err := generate.MusicBrainz(dir, 20_000, 1); err != nil {
		b.Fatal(err)
	}
	cfg := importer.DefaultConfig()
	cfg.MusicBrainz, cfg.ListenBrainz = dir, []string{filepath.Join(dir, "test.listens")}
	b.ReportAllocs()
	for b.Loop() {
		cfg.Work = b.TempDir()
		if _, err := importer.Run(b.Context(), cfg, importer.Target{Catalogue: forget{}}, nil); err != nil {
			b.Fatal(err)
		}
	}
}

// forget takes rows and forgets them.
type forget struct{}

func (forget) AddArtist(catalog.ArtistRow) error     { return nil }
func (forget) AddAlbum(catalog.AlbumRow) error       { return nil }
func (forget) AddTrack(catalog.TrackRow) error       { return nil }
func (forget) AddShow(catalog.ShowRow) error         { return nil }
func (forget) AddEpisode(catalog.EpisodeRow) error   { return nil }
func (forget) AddPlaylist(catalog.PlaylistRow) error { return nil }

// TestImportIntoCatalogue imports a dump into the real catalogue, and accounts for every
// line of it. With PFR_TEST_SCALE set it has 200,000 entities, and a minute.
func TestImportIntoCatalogue(t *testing.T) {
	entities := 5000
	if os.Getenv("PFR_TEST_SCALE") != "" {
		entities = 200_000
	}
	cfg := config(t)
	cfg.MaxRejects, cfg.MusicBrainz = 0.05, t.TempDir()
	wrote, err := generate.MusicBrainz(cfg.MusicBrainz, entities, 1)
	if err != nil {
		t.Fatal(err)
	}
	cfg.ListenBrainz = []string{filepath.Join(cfg.MusicBrainz, "test.listens")}
	builder := catalog.NewBuilder(time.Time{})
	interactions := 0
	start := time.Now()
	r, err := importer.Run(t.Context(), cfg, importer.Target{
		Catalogue: builder,
		Interaction: func(_, item string, _ float64, _ time.Time) error {
			if interactions++; !builder.Has(item) {
				t.Errorf("interaction with %s, which is not there", item)
			}
			return nil
		},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	c, err := builder.Build()
	if err != nil {
		t.Fatal(err)
	}
	if took > time.Minute {
		t.Errorf("took %v, more than a minute", took)
	}
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	t.Logf("%d entities in %v, %d interactions, %d MB of heap: %+v", entities, took, interactions, memory.HeapInuse>>20, r.Entries)

	rows, rejects, videos := int64(0), int64(0), int64(0)
	for _, s := range r.Sources[:4] {
		rows, rejects, videos = rows+s.Rows+s.Skipped["a release without recordings"], rejects+s.Rejects, videos+s.Skipped["a video"]
	}
	good := wrote.Artists + wrote.Groups + wrote.Releases + wrote.Recordings + wrote.Orphans
	if rows != int64(good) || videos != int64(wrote.Videos) {
		t.Errorf("read %d rows and %d videos, wrote %+v", rows, videos, wrote)
	}
	entries := r.Entries["artist"] + r.Entries["album"] + r.Entries["track"]
	if lost := int64(wrote.Artists+wrote.Groups+wrote.Recordings+wrote.Broken+wrote.Orphans) - entries - rejects; lost != 0 {
		t.Errorf("%d lines are neither entries nor rejects: %+v, wrote %+v", lost, r, wrote)
	}
	if listens := r.Sources[4]; listens.Rows != int64(wrote.Listens) || r.Interactions == 0 || r.Listeners == 0 {
		t.Errorf("listens: %+v", listens)
	}
	if c.Version == "" {
		t.Error("the catalogue has no version")
	}
}
