package cache_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/allegro/bigcache/v3"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"github.com/parallel-fusion/pfr/internal/cache"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newCache(t testing.TB, cfg cache.Config) *cache.Cache {
	t.Helper()
	c, err := cache.New("test", cfg, slog.New(slog.DiscardHandler), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func TestEntriesExpireOneByOne(t *testing.T) {
	c := newCache(t, cache.DefaultConfig())
	c.Set("short", []byte("a"), 20*time.Millisecond)
	c.Set("long", []byte("b"), time.Hour)
	if v, ok := c.Get("short"); !ok || string(v) != "a" {
		t.Errorf("short: %q %v", v, ok)
	}
	<-time.After(25 * time.Millisecond)
	if v, ok := c.Get("short"); ok {
		t.Errorf("short is still there: %q", v)
	}
	if v, ok := c.Get("long"); !ok || string(v) != "b" {
		t.Errorf("long: %q %v", v, ok)
	}
}

// An entry that does not fit must not push out what is there.
func TestLargeEntryEvictsNothing(t *testing.T) {
	cfg := cache.DefaultConfig()
	cfg.MaxMB, cfg.MaxEntry = 8, 1024
	c := newCache(t, cfg)
	for i := range 100 {
		c.Set(fmt.Sprint(i), []byte("v"), time.Hour)
	}
	c.Set("large", make([]byte, 2<<20), time.Hour)
	for i := range 100 {
		if _, ok := c.Get(fmt.Sprint(i)); !ok {
			t.Fatalf("entry %d is gone", i)
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	cfg := cache.DefaultConfig()
	cfg.MaxMB, cfg.MaxEntry = 8, 32<<10
	c := newCache(t, cfg)
	value := make([]byte, 16<<10)
	kept := 0
	for i := range 2000 { // 32 MiB
		c.Set(fmt.Sprint(i), value, time.Hour)
	}
	for i := range 2000 {
		if _, ok := c.Get(fmt.Sprint(i)); ok {
			kept++
		}
	}
	if kept == 0 || kept*len(value) > 8<<20 {
		t.Errorf("%d entries of 16 KiB in 8 MiB", kept)
	}
}

func TestConcurrentCallersShareOneComputation(t *testing.T) {
	c := newCache(t, cache.DefaultConfig())
	var calls atomic.Int32
	started, release := make(chan struct{}, 1), make(chan struct{})
	compute := func(context.Context) ([]byte, time.Duration, error) {
		calls.Add(1)
		started <- struct{}{}
		<-release
		return []byte("v"), time.Hour, nil
	}
	leaving, leave := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		_, _, err := c.Do(leaving, "k", compute)
		gone <- err
	}()
	<-started
	leave() // the one who began it
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("the caller that left got %v", err)
	}
	var wg sync.WaitGroup
	for range 1000 {
		wg.Go(func() {
			if v, _, err := c.Do(t.Context(), "k", compute); err != nil || string(v) != "v" {
				t.Errorf("%q, %v", v, err)
			}
		})
	}
	close(release)
	wg.Wait()
	if n := calls.Load(); n != 1 {
		t.Errorf("%d computations", n)
	}
	if _, hit, _ := c.Do(t.Context(), "k", compute); !hit {
		t.Error("the value was not kept")
	}
}

func TestErrorsAndRefusalsAreNotKept(t *testing.T) {
	c := newCache(t, cache.DefaultConfig())
	broken := errors.New("broken")
	if _, _, err := c.Do(t.Context(), "k", func(context.Context) ([]byte, time.Duration, error) { return nil, time.Hour, broken }); !errors.Is(err, broken) {
		t.Errorf("err = %v", err)
	}
	once := func(context.Context) ([]byte, time.Duration, error) { return []byte("v"), 0, nil }
	for range 2 {
		if v, hit, err := c.Do(t.Context(), "k", once); hit || err != nil || string(v) != "v" {
			t.Errorf("%q, hit %v, %v", v, hit, err)
		}
	}
}

// A panic must cost its own callers an error, not everybody the process, and its value must
// not reach the log: it may quote a query.
func TestPanicIsAnError(t *testing.T) {
	var log strings.Builder
	c, err := cache.New("test", cache.DefaultConfig(), slog.New(slog.NewTextHandler(&log, nil)), nil)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = c.Do(t.Context(), "k", func(context.Context) ([]byte, time.Duration, error) { panic("canary") })
	if !errors.Is(err, cache.ErrPanic) {
		t.Errorf("err = %v", err)
	}
	if v, _, err := c.Do(t.Context(), "k", func(context.Context) ([]byte, time.Duration, error) { return []byte("v"), 0, nil }); err != nil || string(v) != "v" {
		t.Errorf("afterwards: %q, %v", v, err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if !strings.Contains(log.String(), "TestPanicIsAnError") || strings.Contains(log.String(), "canary") {
		t.Errorf("want the stack without the value:\n%s", &log)
	}
}

func TestConfigRefusesEntriesLargerThanAShard(t *testing.T) {
	cfg := cache.DefaultConfig()
	cfg.MaxMB = 1
	if cfg.Validate() == nil {
		t.Error("accepted")
	}
}

// The cache relies on bigcache for this: keys of equal hash must not get each other's
// values.
func TestBigcacheTellsCollidingKeysApart(t *testing.T) {
	big, err := bigcache.New(t.Context(), bigcache.Config{Shards: 1, LifeWindow: time.Hour, MaxEntrySize: 10, Hasher: collider{}, Logger: discard{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := big.Set("a", []byte("of a")); err != nil {
		t.Fatal(err)
	}
	if v, err := big.Get("b"); err == nil {
		t.Errorf("b has the value %q", v)
	}
}

type collider struct{}

func (collider) Sum64(string) uint64 { return 7 }

// Entries move between the segments while others read and write them.
func TestConcurrentUseOfAFullCache(t *testing.T) {
	cfg := cache.DefaultConfig()
	cfg.MaxMB, cfg.MaxEntry = 2, 2048
	c := newCache(t, cfg)
	value := func(key string) string { return strings.Repeat(key+".", 100) }
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 3000 {
				key := fmt.Sprintf("%06d", (i*i+worker)%9973)
				v, _, err := c.Do(t.Context(), key, func(context.Context) ([]byte, time.Duration, error) {
					return []byte(value(key)), time.Hour, nil
				})
				if err != nil || string(v) != value(key) {
					t.Errorf("%s: %.10q, %v", key, v, err)
				}
			}
		})
	}
	wg.Wait()
}

// A request that looks first and computes then is one request.
func TestRequestsAreCountedOnce(t *testing.T) {
	reg := prometheus.NewRegistry()
	c, err := cache.New("test", cache.DefaultConfig(), slog.New(slog.DiscardHandler), reg)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	compute := func(context.Context) ([]byte, time.Duration, error) { return []byte("v"), time.Hour, nil }
	for range 3 {
		if _, ok := c.Get("k"); !ok {
			_, _, err = c.Fill(t.Context(), "k", compute)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := c.Do(t.Context(), "other", compute); err != nil {
		t.Fatal(err)
	}
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{"pfr_cache_hits_total": 2, "pfr_cache_misses_total": 2, "pfr_cache_computed_total": 2}
	for _, f := range families {
		if n, ok := want[f.GetName()]; ok && f.GetMetric()[0].GetCounter().GetValue() != n {
			t.Errorf("%s: %v, want %v", f.GetName(), f.GetMetric()[0].GetCounter().GetValue(), n)
		}
		delete(want, f.GetName())
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
}
