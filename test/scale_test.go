package e2e

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/catalog/generate"
	"github.com/parallel-fusion/pfr/tool-workers/dj"
	"github.com/parallel-fusion/pfr/tool-workers/newreleases"
	"github.com/parallel-fusion/pfr/tool-workers/podcasts"
	"github.com/parallel-fusion/pfr/tool-workers/recs"
	"github.com/parallel-fusion/pfr/tool-workers/releaseinfo"
	"github.com/parallel-fusion/pfr/tool-workers/search"
	"github.com/parallel-fusion/pfr/tool-workers/similarartists"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest"
)

// The large catalogue, and what is promised of it on two cores.
const (
	scaleTracks   = 1_000_000
	bytesPerTrack = 300 // resident, of the catalogue, the finder and the index
	secondsToOpen = 2
	median        = 10 * time.Millisecond // of an answer; three times what was measured
	scaleDir      = "PFR_TEST_SCALE_DIR"  // where the files are kept, for another run; a temporary folder when not set
	scaleOpen     = "PFR_TEST_SCALE_OPEN"
)

// TestMillionTracks opens a catalogue of a million tracks with the tools over it, in a
// process that has done nothing else, and measures the time, the memory and the answers.
func TestMillionTracks(t *testing.T) {
	if os.Getenv("PFR_TEST_SCALE") != "1" {
		t.Skip("set PFR_TEST_SCALE=1 to build a catalogue of a million tracks")
	}
	if dir := os.Getenv(scaleOpen); dir != "" {
		openMillion(t, dir)
		return
	}
	dir := os.Getenv(scaleDir)
	if dir == "" {
		dir = t.TempDir()
	}
	if _, err := os.Stat(filepath.Join(dir, "search.pfr")); err != nil {
		buildMillion(t, dir)
	}
	open := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestMillionTracks$", "-test.v")
	open.Env = append(os.Environ(), scaleOpen+"="+dir)
	out, err := open.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}

// buildMillion writes the catalogue and its index.
func buildMillion(t *testing.T, dir string) {
	t.Helper()
	begin := time.Now()
	b := catalog.NewBuilder(time.Date(2025, time.June, 28, 0, 0, 0, 0, time.UTC))
	sizes := generate.Sizes{Tracks: scaleTracks, Shows: 5000, Episodes: 50_000, Playlists: 2000}
	if err := generate.Catalogue(b, sizes, 20261123); err != nil {
		t.Fatal(err)
	}
	c, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	for name, write := range map[string]func(io.Writer) error{
		"catalogue.pfr": c.Write,
		"search.pfr":    func(w io.Writer) error { return search.Build(c, w) },
	} {
		var file bytes.Buffer
		if err := write(&file); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), file.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d MB", name, file.Len()>>20)
	}
	t.Logf("built in %v", time.Since(begin))
}

// openMillion opens everything, and asks.
func openMillion(t *testing.T, dir string) {
	before, begin := resident(t), time.Now()
	c, err := catalog.Open(filepath.Join(dir, "catalogue.pfr"))
	if err != nil {
		t.Fatal(err)
	}
	opened := time.Since(begin)
	f, err := taste.NewFinder(c, taste.Nobody{})
	if err != nil {
		t.Fatal(err)
	}
	found := time.Since(begin) - opened
	all, err := millionTools(f, filepath.Join(dir, "search.pfr"))
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(begin)
	perTrack := float64(resident(t)-before) / scaleTracks
	t.Logf("ready in %v (catalogue %v, finder %v), %.0f bytes a track", took, opened, found, perTrack)
	if took > secondsToOpen*time.Second || perTrack > bytesPerTrack {
		t.Errorf("want at most %d s and %d bytes a track", secondsToOpen, bytesPerTrack)
	}
	for _, tool := range all {
		p50, p99 := answers(t, tool, c)
		t.Logf("%s: p50 %v, p99 %v", tool.Name(), p50, p99)
		if p50 > median {
			t.Errorf("%s: want at most %v", tool.Name(), median)
		}
	}
}

func millionTools(f *taste.Finder, index string) ([]tools.Tool, error) {
	var all []tools.Tool
	for _, build := range []func(*taste.Finder) (tools.Tool, error){
		func(f *taste.Finder) (tools.Tool, error) { return search.Open(f, index) },
		similarartists.New, recs.New, newreleases.New, releaseinfo.New, podcasts.New,
		func(f *taste.Finder) (tools.Tool, error) { return dj.New(f, nil) },
	} {
		tool, err := build(f)
		if err != nil {
			return nil, fmt.Errorf("tool %d: %w", len(all), err)
		}
		all = append(all, tool)
	}
	return all, nil
}

// answers asks a tool two hundred times, for artists of all degrees of fame.
func answers(t *testing.T, tool tools.Tool, c *catalog.Catalog) (p50, p99 time.Duration) {
	t.Helper()
	const n = 200
	var took []time.Duration
	for i := range n {
		a := c.Artist(i * c.Count(catalog.TypeArtist) / n)
		s := c.Show(i * c.Count(catalog.TypeShow) / n)
		p := map[string]schemas.Params{
			"search": {"text": a.Name()}, "podcast_search": {"topic": s.Topics()[0], "language": s.Language()},
			"personalized_recs": {"genre": a.Genres()[0]}, "dj": {"genre": a.Genres()[0]},
		}[tool.Name()]
		if p == nil {
			p = schemas.Params{"artist": a.Name()}
		}
		req := tooltest.Request(tool.Name(), tooltest.Call{Params: p})
		begin := time.Now()
		if _, err := tool.Run(t.Context(), req); err != nil {
			t.Fatalf("%s %v: %v", tool.Name(), p, err)
		}
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	return took[n/2], took[n*99/100]
}

// resident returns the bytes of memory that the process holds, without what it may give
// back.
func resident(t *testing.T) int {
	t.Helper()
	debug.FreeOSMemory()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip("resident memory is not known here")
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kB, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kB << 10
}
