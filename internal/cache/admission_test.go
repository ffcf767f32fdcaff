package cache_test

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/allegro/bigcache/v3"
	lru "github.com/hashicorp/golang-lru/v2"

	"github.com/parallel-fusion/pfr/internal/cache"
)

// workload is a stream of requests: four in five drawn from a Zipf law, one in five for a
// key that is asked for once and never again.
type workload struct {
	s        float64
	universe int // keys of the Zipf law
	requests int
	mb       int // of the cache
	value    int // bytes
}

const singletons = 0.2

func (w workload) trace() []uint64 {
	rng := rand.New(rand.NewPCG(7, math.Float64bits(w.s)))
	cumulative := make([]float64, w.universe)
	sum := 0.0
	for i := range cumulative {
		sum += math.Pow(float64(i+1), -w.s)
		cumulative[i] = sum
	}
	trace := make([]uint64, w.requests)
	for i := range trace {
		if rng.Float64() < singletons {
			trace[i] = uint64(w.universe + i)
		} else {
			trace[i] = uint64(sort.SearchFloat64s(cumulative, rng.Float64()*sum))
		}
	}
	return trace
}

// name spells a key as the router does: 32 characters.
func name(key uint64) string {
	return "0123456789abcdef" + strconv.FormatUint(key*0x9e3779b97f4a7c15|1<<63, 16)
}

// entries is how many a cache without any overhead could hold in the same bytes.
func (w workload) entries() int { return w.mb << 20 / (len(name(0)) + w.value) }

// optimal counts the misses of a cache that knows the trace: it keeps, from the first
// request on, the keys that occur most often. The first request for a key is a miss here
// too, so that cold misses count the same for everybody.
func (w workload) optimal(trace []uint64) int {
	counts := map[uint64]int{}
	for _, k := range trace {
		counts[k]++
	}
	keys := slices.SortedFunc(maps.Keys(counts), func(a, b uint64) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	misses := len(trace)
	for _, k := range keys[:min(w.entries(), len(keys))] {
		misses -= counts[k] - 1
	}
	return misses
}

func (w workload) lru(trace []uint64) (misses int) {
	c, _ := lru.New[uint64, bool](w.entries())
	for _, k := range trace {
		if _, ok := c.Get(k); !ok {
			misses++
			c.Add(k, true)
		}
	}
	return misses
}

func (w workload) plain(t testing.TB, trace []uint64) (misses int) {
	c, err := bigcache.New(t.Context(), bigcache.Config{Shards: 64, HardMaxCacheSize: w.mb, LifeWindow: time.Hour, MaxEntrySize: 1024, Logger: discard{}})
	if err != nil {
		t.Fatal(err)
	}
	value := make([]byte, w.value)
	for _, k := range trace {
		if _, err := c.Get(name(k)); err == nil {
			continue
		}
		misses++
		if err := c.Set(name(k), value); err != nil {
			t.Fatal(err)
		}
	}
	return misses
}

type discard struct{}

func (discard) Printf(string, ...any) {}

func (w workload) ours(t testing.TB, trace []uint64) (misses int) {
	cfg := cache.DefaultConfig()
	cfg.MaxMB, cfg.MaxEntry = w.mb, 4096
	c, err := cache.New("test", cfg, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	value := make([]byte, w.value)
	for _, k := range trace {
		if _, ok := c.Get(name(k)); !ok {
			misses++
			c.Set(name(k), value, time.Hour)
		}
	}
	return misses
}

// maxRatio is how many more computations the cache may cost than one that knows the
// future.
const maxRatio = 1.10

// Keys that nobody asks for twice must not push out the popular ones.
func TestComputationsAreCloseToTheLeastPossible(t *testing.T) {
	if testing.Short() || raceDetector {
		t.Skip("replays a million requests")
	}
	compare(t, func(s float64, mb int) workload {
		return workload{s: s, universe: 200_000, requests: 400_000, mb: mb, value: 700}
	}, 4)
}

// When other keys become popular the cache must follow.
func TestCacheFollowsPopularity(t *testing.T) {
	if testing.Short() || raceDetector {
		t.Skip("replays a million requests")
	}
	w := workload{s: 1, universe: 100_000, requests: 500_000, mb: 4, value: 700}
	before := w.trace()
	after := slices.Clone(before)
	for i := range after {
		after[i] += 1 << 40
	}
	first := w.ours(t, before)
	if second := w.ours(t, slices.Concat(before, after)) - first; float64(second) > 1.1*float64(first) {
		t.Errorf("%d misses, and %d once all keys are new", first, second)
	}
}

// The same with decisions of the usual size, some three million requests for a million
// keys. Run it with -bench Admission -benchtime 1x.
func BenchmarkAdmission(b *testing.B) {
	for b.Loop() {
		compare(b, func(s float64, mb int) workload {
			return workload{s: s, universe: 1_000_000, requests: 3_000_000, mb: mb, value: 2500}
		}, 32, 128)
	}
}

// compare prints misses over those of the static optimum, for a small and a larger cache.
func compare(t testing.TB, load func(s float64, mb int) workload, sizes ...int) {
	var table strings.Builder
	fmt.Fprintf(&table, "\n%-6s%8s%9s%9s | misses over those of the optimum\n%-6s%8s%9s%9s | %8s%8s%8s\n",
		"", "", "", "optimal", "s", "MiB", "share", "misses", "bigcache", "LRU", "ours")
	for _, s := range []float64{0.7, 0.85, 1.0} {
		for _, mb := range sizes {
			w := load(s, mb)
			trace := w.trace()
			best := w.optimal(trace)
			over := func(misses int) float64 { return float64(misses) / float64(best) }
			ours := over(w.ours(t, trace))
			fmt.Fprintf(&table, "%-6.2f%8d%8.1f%%%8.1f%% | %8.3f%8.3f%8.3f\n", s, mb, 100*float64(w.entries())/float64(w.universe),
				100*float64(best)/float64(len(trace)), over(w.plain(t, trace)), over(w.lru(trace)), ours)
			if ours > maxRatio {
				t.Errorf("s %v, %d MiB: %.3f times the computations of the optimum, want at most %v", s, mb, ours, maxRatio)
			}
		}
	}
	t.Log(table.String())
}
