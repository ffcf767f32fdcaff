package cache_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/internal/cache"
)

const warmEntries = 100_000

// warm yields entries of the size of a decision.
func warm(yield func(cache.Entry) bool) {
	value := make([]byte, 2500)
	for i := range warmEntries {
		if !yield(cache.Entry{Key: fmt.Sprintf("%032x", i), Value: value, TTL: time.Hour}) {
			return
		}
	}
}

func warmConfig() cache.Config {
	cfg := cache.DefaultConfig()
	cfg.MaxMB = 320
	return cfg
}

// A restarted router must be warm in 3 seconds; this machine may be a busy one.
func TestLoadIsFastAndKeepsAll(t *testing.T) {
	c := newCache(t, warmConfig())
	start := time.Now()
	if n := c.Load(warm); n != warmEntries {
		t.Errorf("took %d entries", n)
	}
	if took := time.Since(start); took > 10*time.Second && !raceDetector {
		t.Errorf("took %v", took)
	}
	for i := range warmEntries {
		if _, ok := c.Get(fmt.Sprintf("%032x", i)); !ok {
			t.Fatalf("entry %d is gone", i)
		}
	}
}

func BenchmarkLoad100k(b *testing.B) {
	for b.Loop() {
		c := newCache(b, warmConfig())
		c.Load(warm)
	}
}

// What does not fit must not stop the rest, and what has no time left must not come back.
func TestLoadPassesOver(t *testing.T) {
	c := newCache(t, cache.DefaultConfig())
	n := c.Load(func(yield func(cache.Entry) bool) {
		_ = yield(cache.Entry{Key: "large", Value: make([]byte, 1<<20), TTL: time.Hour}) &&
			yield(cache.Entry{Key: "old", Value: []byte("v"), TTL: -time.Second}) &&
			yield(cache.Entry{Key: "good", Value: []byte("v"), TTL: time.Hour})
	})
	if v, ok := c.Get("good"); n != 1 || !ok || string(v) != "v" {
		t.Errorf("took %d; good: %q %v", n, v, ok)
	}
	for _, key := range []string{"large", "old"} {
		if _, ok := c.Get(key); ok {
			t.Errorf("%s was kept", key)
		}
	}
}
