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
