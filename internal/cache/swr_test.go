package cache_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parallel-fusion/pfr/internal/cache"
)

// staleConfig keeps entries fresh for a minute and stale for another.
func staleConfig() cache.Config {
	cfg := cache.DefaultConfig()
	cfg.MaxMB, cfg.MaxEntry = 4, 1024
	cfg.Stale = time.Minute
	return cfg
}

// numbered returns a computation whose value is how often it ran.
func numbered(calls *atomic.Int32) cache.Compute {
	return func(context.Context) ([]byte, time.Duration, error) {
		return fmt.Append(nil, calls.Add(1)), time.Minute, nil
	}
}

func want(t *testing.T, c *cache.Cache, compute cache.Compute, value string, hit bool) {
	t.Helper()
	got, gotHit, err := c.Do(t.Context(), "k", compute)
	if err != nil || string(got) != value || gotHit != hit {
		t.Errorf("%q, hit %v, %v; want %q, hit %v", got, gotHit, err, value, hit)
	}
}

func TestStaleIsServedAndComputedAnew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache(t, staleConfig())
		var calls atomic.Int32
		compute := numbered(&calls)
		want(t, c, compute, "1", false)
		<-time.After(time.Minute)
		if _, ok := c.Get("k"); ok {
			t.Error("Get takes a stale entry for a fresh one")
		}
		want(t, c, compute, "1", true)
		synctest.Wait()
		want(t, c, compute, "2", true)
		<-time.After(2 * time.Minute)
		want(t, c, compute, "3", false) // past its stale window
	})
}

func TestFailedRefreshKeepsTheStaleEntry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache(t, staleConfig())
		c.Set("k", []byte("old"), time.Minute)
		<-time.After(time.Minute)
		for name, compute := range map[string]cache.Compute{
			"error":   func(context.Context) ([]byte, time.Duration, error) { return nil, time.Hour, errors.New("broken") },
			"panic":   func(context.Context) ([]byte, time.Duration, error) { panic("canary") },
			"no keep": func(context.Context) ([]byte, time.Duration, error) { return []byte("poor"), 0, nil },
			"timeout": func(ctx context.Context) ([]byte, time.Duration, error) {
				<-ctx.Done()
				return nil, 0, ctx.Err()
			},
		} {
			for range 2 {
				if v, hit, err := c.Do(t.Context(), "k", compute); !hit || string(v) != "old" || err != nil {
					t.Errorf("%s: %q, hit %v, %v", name, v, hit, err)
				}
				<-time.After(6 * time.Second) // more than the computation may take
			}
		}
		<-time.After(time.Minute)
		var calls atomic.Int32
		want(t, c, numbered(&calls), "1", false)
	})
}

func TestRefreshesAreBoundedAndSharedByKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := staleConfig()
		cfg.Refreshes = 2
		c := newCache(t, cfg)
		for i := range 10 {
			c.Set(fmt.Sprint(i), []byte("old"), time.Second)
		}
		<-time.After(2 * time.Second)
		var running, most atomic.Int32
		release := make(chan struct{})
		compute := func(context.Context) ([]byte, time.Duration, error) {
			if n := running.Add(1); n > most.Load() {
				most.Store(n)
			}
			<-release
			return []byte("new"), time.Minute, nil
		}
		for i := range 100 {
			if v, hit, err := c.Do(t.Context(), fmt.Sprint(i%10), compute); !hit || string(v) != "old" || err != nil {
				t.Errorf("%q, hit %v, %v", v, hit, err)
			}
		}
		synctest.Wait()
		if most.Load() != 2 {
			t.Errorf("%d refreshes at a time, want 2", most.Load())
		}
		close(release)
		synctest.Wait()
		fresh := 0
		for i := range 10 {
			if v, ok := c.Get(fmt.Sprint(i)); ok && string(v) == "new" {
				fresh++
			}
		}
		if fresh != 2 {
			t.Errorf("%d entries are new, want 2", fresh)
		}
	})
}

// A refresh goes on when its caller has left, and Close waits for it.
func TestCloseWaitsForRefreshes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache(t, staleConfig())
		c.Set("k", []byte("old"), time.Second)
		<-time.After(2 * time.Second)
		ctx, leave := context.WithCancel(t.Context())
		var finished atomic.Bool
		_, _, err := c.Do(ctx, "k", func(ctx context.Context) ([]byte, time.Duration, error) {
			<-time.After(time.Second)
			finished.Store(ctx.Err() == nil)
			return nil, 0, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		leave()
		if err := c.Close(); err != nil || !finished.Load() {
			t.Errorf("err %v, finished %v", err, finished.Load())
		}
		if _, _, err := c.Do(t.Context(), "other", numbered(new(atomic.Int32))); !errors.Is(err, cache.ErrClosed) {
			t.Errorf("after Close: %v", err)
		}
	})
}

// Nobody may change what others see.
func TestCallersOwnTheirValues(t *testing.T) {
	c := newCache(t, cache.DefaultConfig())
	made := []byte("value")
	release, begun := make(chan struct{}), make(chan struct{})
	compute := func(context.Context) ([]byte, time.Duration, error) {
		close(begun)
		<-release
		return made, time.Hour, nil
	}
	var wg sync.WaitGroup
	spoil := func() {
		v, _, err := c.Do(t.Context(), "k", compute)
		if err != nil || string(v) != "value" {
			t.Errorf("%q, %v", v, err)
		}
		clear(v)
	}
	wg.Go(spoil)
	<-begun
	for range 20 {
		wg.Go(spoil)
	}
	close(release)
	wg.Wait()
	spoil()
	if v, ok := c.Get("k"); !ok || string(v) != "value" || string(made) != "value" {
		t.Errorf("%q %v, made %q", v, ok, made)
	}
}

// A thousand callers of a computation whose leader leaves, or panics, cost one of it.
func TestLeaderPanicReachesAllCallers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCache(t, staleConfig())
		var calls, failed atomic.Int32
		release := make(chan struct{})
		compute := func(context.Context) ([]byte, time.Duration, error) {
			calls.Add(1)
			<-release
			panic("canary")
		}
		var wg sync.WaitGroup
		for range 1000 {
			wg.Go(func() {
				if _, _, err := c.Do(t.Context(), "k", compute); errors.Is(err, cache.ErrPanic) {
					failed.Add(1)
				}
			})
		}
		synctest.Wait()
		close(release)
		wg.Wait()
		if calls.Load() != 1 || failed.Load() != 1000 {
			t.Errorf("%d computations, %d callers with ErrPanic", calls.Load(), failed.Load())
		}
		var after atomic.Int32
		want(t, c, numbered(&after), "1", false)
	})
}

// A computation that ends its goroutine must not leave its callers waiting.
func TestLeaderThatExitsReleasesItsCallers(t *testing.T) {
	c := newCache(t, staleConfig())
	_, _, err := c.Do(t.Context(), "k", func(context.Context) ([]byte, time.Duration, error) {
		runtime.Goexit()
		return nil, 0, nil
	})
	if !errors.Is(err, cache.ErrPanic) {
		t.Errorf("err = %v", err)
	}
	want(t, c, numbered(new(atomic.Int32)), "1", false)
}
