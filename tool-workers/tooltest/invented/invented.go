// Package invented makes catalogues and listeners whose truth is known, for tests of how
// good tools are. Its seed is one that no tool was tuned on.
package invented

import (
	"slices"
	"testing"
	"time"

	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/catalog/generate"
	"github.com/parallel-fusion/pfr/tool-workers/listening"
	"github.com/parallel-fusion/pfr/tool-workers/recommend"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest"
)

// Sizes of the world that quality is measured in, and of the one for latency.
const (
	Tracks    = 20_000
	Listeners = 3_000
	Many      = 100_000 // tracks
)

const seed = 20261123

// World is an invented catalogue with what its listeners play.
type World struct {
	Catalog *catalog.Catalog
	Truth   *generate.Truth
	Plays   []Play
}

// Play is what a listener did with a track.
type Play struct {
	User  string
	Track catalog.Ref
	Times float64
	At    time.Time
}

// Artist returns the artist of the track.
func (w *World) Artist(p Play) int { return w.Catalog.Track(p.Track.Index).Artist().Index() }

// New returns a world of so many tracks and listeners, the same each time.
func New(tb testing.TB, tracks, listeners int) *World {
	tb.Helper()
	sizes := generate.Sizes{Tracks: tracks, Shows: tracks / 20, Episodes: tracks / 2, Playlists: tracks / 100}
	b := catalog.NewBuilder(time.Date(2025, time.June, 28, 0, 0, 0, 0, time.UTC))
	if err := generate.Catalogue(b, sizes, seed); err != nil {
		tb.Fatal(err)
	}
	w := &World{}
	var err error
	if w.Catalog, err = b.Build(); err != nil {
		tb.Fatal(err)
	}
	if w.Truth, err = generate.NewTruth(sizes, seed); err != nil {
		tb.Fatal(err)
	}
	err = generate.Listeners(func(user, item string, times float64, at time.Time) error {
		if ref, ok := w.Catalog.Lookup(item); ok {
			w.Plays = append(w.Plays, Play{user, ref, times, at})
		}
		return nil
	}, sizes, listeners, seed)
	if err != nil {
		tb.Fatal(err)
	}
	return w
}

// Learn trains models on the plays that keep returns true for; nil keeps all. The
// parameters are fixed ones, for a training of a second or two.
func (w *World) Learn(tb testing.TB, keep func(i int) bool) *listening.Listening {
	tb.Helper()
	plays := listening.NewPlays(w.Catalog)
	for i, p := range w.Plays {
		if keep != nil && !keep(i) {
			continue
		}
		if err := plays.Add(p.User, p.Track, p.Times, p.At); err != nil {
			tb.Fatal(err)
		}
	}
	bundle, err := plays.Train(tb.Context(), Training(), nil)
	if err != nil {
		tb.Fatal(err)
	}
	return listening.New(w.Catalog, bundle, false)
}

// Training returns a config that chooses nothing by trial, and so is quick.
func Training() recommend.Config {
	cfg := recommend.DefaultConfig()
	cfg.Neighbours, cfg.ExactItems, cfg.Rank, cfg.Sweeps = 60, 0, 24, 4
	cfg.Saturation, cfg.Lambda, cfg.Dropout, cfg.Alpha, cfg.Reg = recommend.Log, 20, 0.5, 5, 5
	cfg.Mix = recommend.Mix{Linear: 0.7, Factors: 0.3}
	return cfg
}

// Finder returns a finder over the catalogue. Of listeners it knows what l says.
func (w *World) Finder(tb testing.TB, l taste.Listening) *taste.Finder {
	tb.Helper()
	f, err := taste.NewFinder(w.Catalog, l)
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

// Bench says how a tool is benchmarked.
type Bench struct {
	Listeners int // whose models the tool gets, over the large catalogue; 0 for none
	New       func(*taste.Finder) (tools.Tool, error)
	Calls     func(*catalog.Catalog) []tooltest.Call
}

// Run measures answers from the sample and from a hundred thousand tracks.
func (x Bench) Run(b *testing.B) {
	b.Run("sample", func(b *testing.B) { x.measure(b, tooltest.Finder(b, tooltest.Sample(b))) })
	b.Run("100k", func(b *testing.B) {
		w := New(b, Many, x.Listeners)
		if x.Listeners == 0 {
			x.measure(b, w.Finder(b, taste.Nobody{}))
			return
		}
		x.measure(b, w.Finder(b, w.Learn(b, nil)))
	})
}

func (x Bench) measure(b *testing.B, f *taste.Finder) {
	b.Helper()
	tool, err := x.New(f)
	if err != nil {
		b.Fatal(err)
	}
	Measure(b, tool, x.Calls(f.Catalog()))
}

// Measure runs calls of a tool in turn and reports the 50th and 99th percentile of how long
// they take, in milliseconds.
func Measure(b *testing.B, tool tools.Tool, calls []tooltest.Call) {
	b.Helper()
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		req := tooltest.Request(tool.Name(), calls[i%len(calls)])
		begin := time.Now()
		if _, err := tool.Run(b.Context(), req); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begin))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}
