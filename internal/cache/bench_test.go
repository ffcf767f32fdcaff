package cache_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/internal/cache"
)

// BenchmarkHit is the way of a hit: 2.5 KB out of the cache, then decoded.
func BenchmarkHit(b *testing.B) {
	c := newCache(b, cache.DefaultConfig())
	data, err := json.Marshal(map[string]string{"title": string(make([]byte, 400))}) // NUL takes 6 bytes
	if err != nil {
		b.Fatal(err)
	}
	const key = "0123456789abcdef0123456789abcdef"
	c.Set(key, data, time.Hour)
	never := func(context.Context) ([]byte, time.Duration, error) { panic("missed") }
	values, err := cache.NewDecoded(16, func(data []byte) (m map[string]string, err error) {
		return m, json.Unmarshal(data, &m)
	}, nil)
	if err != nil {
		b.Fatal(err)
	}
	get := func() []byte {
		v, hit, err := c.Do(b.Context(), key, never)
		if !hit || err != nil {
			b.Fatalf("hit %v, %v", hit, err)
		}
		return v
	}
	b.Run("bytes", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			get()
		}
	})
	b.Run("decoded", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := values.Decode(key, get()); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				get()
			}
		})
	})
}
