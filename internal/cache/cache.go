// Package cache is the only door to bigcache: a bounded cache of bytes whose entries
// expire one by one, and which computes a missing entry once for all who ask.
package cache

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/allegro/bigcache/v3"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/singleflight"

	"github.com/parallel-fusion/pfr/internal/telemetry"
)

// Config configures a [Cache]. See [DefaultConfig].
type Config struct {
	MaxMB    int           `yaml:"max_mb"`    // memory bound, in MiB
	MaxTTL   time.Duration `yaml:"max_ttl"`   // no entry lives longer
	MaxEntry int           `yaml:"max_entry"` // bytes of key and value; larger ones are not kept
	// ComputeTimeout bounds one computation, whoever waits for it.
	ComputeTimeout time.Duration `yaml:"compute_timeout"`
}

// DefaultConfig returns a cache of 64 MiB.
func DefaultConfig() Config {
	return Config{MaxMB: 64, MaxTTL: time.Hour, MaxEntry: 64 << 10, ComputeTimeout: 5 * time.Second}
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	var errs []error
	if c.MaxMB < 1 {
		errs = append(errs, fmt.Errorf("max_mb %d: must be positive", c.MaxMB))
	}
	if c.MaxTTL < time.Second {
		errs = append(errs, fmt.Errorf("max_ttl %v: must be a second or more", c.MaxTTL))
	}
	// An entry that is larger than a shard makes bigcache drop the whole shard.
	if limit := c.MaxMB << 20 / shards / 2; c.MaxEntry < 1 || c.MaxEntry > limit {
		errs = append(errs, fmt.Errorf("max_entry %d: must lie between 1 and %d", c.MaxEntry, limit))
	}
	if c.ComputeTimeout <= 0 {
		errs = append(errs, fmt.Errorf("compute_timeout %v: must be positive", c.ComputeTimeout))
	}
	return errors.Join(errs...)
}

// shards is a power of two, few enough that each has room for large entries.
const shards = 64

// Cache keeps bytes by key. It is safe for concurrent use.
type Cache struct {
	cfg     Config
	big     *bigcache.BigCache
	flights singleflight.Group
	close   sync.Once
	running sync.WaitGroup
	log     *slog.Logger
	m       metrics
}

type metrics struct {
	hits, misses, shared, refused, panics prometheus.Counter
}

// New returns an empty Cache that the caller closes. name tells its metrics from others'.
func New(name string, cfg Config, log *slog.Logger, reg prometheus.Registerer) (*Cache, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("cache %s config: %w", name, err)
	}
	big, err := bigcache.New(context.Background(), bigcache.Config{
		Shards: shards, LifeWindow: cfg.MaxTTL, CleanWindow: time.Second,
		MaxEntriesInWindow: 10_000, MaxEntrySize: 1024, // of the initial slabs only
		HardMaxCacheSize: cfg.MaxMB, Hasher: hasher{maphash.MakeSeed()}, Logger: logger{log},
	})
	if err != nil {
		return nil, fmt.Errorf("cache %s: %w", name, err)
	}
	if reg != nil {
		reg = prometheus.WrapRegistererWith(prometheus.Labels{"cache": name}, reg)
	}
	f := telemetry.Metrics(reg, "cache")
	return &Cache{cfg: cfg, big: big, log: log, m: metrics{
		hits: f.Counter("hits_total", "Entries found."), misses: f.Counter("misses_total", "Entries computed."),
		shared:  f.Counter("shared_total", "Callers who waited for another's computation."),
		refused: f.Counter("refused_total", "Entries too large to keep."),
		panics:  f.Counter("panics_total", "Computations that panicked."),
	}}, nil
}

// Close waits for running computations and stops the cleaner.
func (c *Cache) Close() error {
	var err error
	c.close.Do(func() {
		c.running.Wait()
		err = c.big.Close()
	})
	return err
}

// Get returns the value of key, which the caller owns, unless it is absent or expired.
func (c *Cache) Get(key string) ([]byte, bool) {
	entry, err := c.big.Get(key)
	if err != nil {
		return nil, false
	}
	return open(entry, key)
}

// Set keeps value for ttl, or for MaxTTL if that is shorter. A value that is too large is
// not kept.
func (c *Cache) Set(key string, value []byte, ttl time.Duration) {
	if len(key)+len(value) > c.cfg.MaxEntry {
		c.m.refused.Inc()
		return
	}
	entry := seal(key, value, time.Now().Add(min(ttl, c.cfg.MaxTTL)))
	if err := c.big.Set(key, entry); err != nil {
		c.m.refused.Inc()
	}
}

// ErrPanic is what callers get whose computation panicked. The panic itself is in the log,
// without its value, which may quote what was computed.
var ErrPanic = errors.New("the computation panicked")

// Compute makes a value and says how long it may be kept; 0 means not at all.
type Compute func(ctx context.Context) (value []byte, ttl time.Duration, err error)

// Do returns the value of key, computing it if it is not there. Concurrent callers share
// one computation, which goes on when they leave; an error is shared, and kept by nobody.
// A computation that panics has failed with [ErrPanic].
// Callers must not change the value. hit is false for whoever waited for a computation.
func (c *Cache) Do(ctx context.Context, key string, compute Compute) (value []byte, hit bool, err error) {
	if value, ok := c.Get(key); ok {
		c.m.hits.Inc()
		return value, true, nil
	}
	flight := c.flights.DoChan(key, func() (any, error) {
		c.running.Add(1)
		defer c.running.Done()
		return c.compute(context.WithoutCancel(ctx), key, compute)
	})
	select {
	case r := <-flight:
		if r.Shared {
			c.m.shared.Inc()
		}
		value, _ = r.Val.([]byte)
		return value, false, r.Err
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
}

func (c *Cache) compute(ctx context.Context, key string, compute Compute) (value []byte, err error) {
	if value, ok := c.Get(key); ok { // set since the caller looked
		return value, nil
	}
	c.m.misses.Inc()
	ctx, cancel := context.WithTimeout(ctx, c.cfg.ComputeTimeout)
	defer cancel()
	// It runs on a goroutine of its own, where a panic would end the process for everybody.
	defer func() {
		if v := recover(); v != nil {
			value, err = nil, ErrPanic
			c.m.panics.Inc()
			c.log.Error("computation panicked", "kind", fmt.Sprintf("%T", v), "stack", string(debug.Stack()))
		}
	}()
	value, ttl, err := compute(ctx)
	if err == nil && ttl > 0 {
		c.Set(key, value, ttl)
	}
	return value, err
}

// An entry is the expiry in milliseconds (8 bytes), the length of the key (4 bytes), the
// key and the value. The key is there because bigcache tells keys apart by hash alone.
const header = 12

func seal(key string, value []byte, expiry time.Time) []byte {
	entry := make([]byte, 0, header+len(key)+len(value))
	entry = binary.BigEndian.AppendUint64(entry, uint64(expiry.UnixMilli()))
	entry = binary.BigEndian.AppendUint32(entry, uint32(len(key)))
	return append(append(entry, key...), value...)
}

func open(entry []byte, key string) ([]byte, bool) {
	if len(entry) < header+len(key) || int(binary.BigEndian.Uint32(entry[8:])) != len(key) || string(entry[header:header+len(key)]) != key {
		return nil, false
	}
	if expiry := int64(binary.BigEndian.Uint64(entry)); time.Now().UnixMilli() >= expiry {
		return nil, false
	}
	return entry[header+len(key):], true
}

// hasher is seeded, so that nobody can choose keys that collide.
type hasher struct{ seed maphash.Seed }

func (h hasher) Sum64(key string) uint64 { return maphash.String(h.seed, key) }

// logger keeps bigcache off the standard output.
type logger struct{ log *slog.Logger }

func (l logger) Printf(format string, args ...any) {
	l.log.Debug("bigcache", "msg", fmt.Sprintf(format, args...))
}
