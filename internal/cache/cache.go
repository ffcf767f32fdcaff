// Package cache is the only door to bigcache: a bounded cache of bytes whose entries
// expire one by one, which computes a missing entry once for all who ask, and which a
// flood of keys that nobody asks for twice does not empty.
//
// An entry is fresh for its time to live and then stale for [Config.Stale]: a stale entry
// is still served, and computed anew in the background.
//
// New entries go to a small probation segment. What leaves it stays only if it was asked
// for again: then it moves to the main segment, and stays there while it is asked for more
// than what wants its place.
package cache

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math"
	"runtime/debug"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Config configures a [Cache]. See [DefaultConfig].
type Config struct {
	// MaxMB bounds the bytes of keys, values and their headers, in MiB. The index takes
	// another 20 bytes or so an entry, the count of requests between one 32nd and one 16th
	// of MaxMB.
	MaxMB    int           `yaml:"max_mb"`
	MaxTTL   time.Duration `yaml:"max_ttl"`   // no entry is fresh for longer
	MaxEntry int           `yaml:"max_entry"` // bytes of key and value; larger ones are not kept
	// Stale is how long an entry that is no longer fresh may still be served while it is
	// computed anew; 0: not at all.
	Stale time.Duration `yaml:"stale"`
	// Refreshes bounds the computations of stale entries at a time. Those that find no room
	// wait for the next request.
	Refreshes int `yaml:"refreshes"`
	// ComputeTimeout bounds one computation, whoever waits for it.
	ComputeTimeout time.Duration `yaml:"compute_timeout"`
}

// DefaultConfig returns a cache of 64 MiB that serves nothing stale.
func DefaultConfig() Config {
	return Config{MaxMB: 64, MaxTTL: time.Hour, MaxEntry: 64 << 10, Refreshes: 16, ComputeTimeout: 5 * time.Second}
}

// Validate reports every problem at once.
func (c Config) Validate() error {
	var errs []error
	if c.MaxMB < 2 {
		errs = append(errs, fmt.Errorf("max_mb %d: must be 2 or more", c.MaxMB))
	} else if limit := largest(c.MaxMB); c.MaxEntry < 1 || c.MaxEntry > limit {
		errs = append(errs, fmt.Errorf("max_entry %d: must lie between 1 and %d", c.MaxEntry, limit))
	}
	if c.MaxTTL < time.Second {
		errs = append(errs, fmt.Errorf("max_ttl %v: must be a second or more", c.MaxTTL))
	}
	if c.Stale < 0 {
		errs = append(errs, fmt.Errorf("stale %v: must not be negative", c.Stale))
	}
	if c.Refreshes < 1 {
		errs = append(errs, fmt.Errorf("refreshes %d: must be positive", c.Refreshes))
	}
	if c.ComputeTimeout <= 0 {
		errs = append(errs, fmt.Errorf("compute_timeout %v: must be positive", c.ComputeTimeout))
	}
	return errors.Join(errs...)
}

// Cache keeps bytes by key. It is safe for concurrent use.
type Cache struct {
	cfg       Config
	store     *store
	flights   flights
	refreshes chan struct{} // a slot for each background computation
	close     sync.Once
	log       *slog.Logger
	m         *metrics
}

// New returns an empty Cache that the caller closes. name tells its metrics from others'.
func New(name string, cfg Config, log *slog.Logger, reg prometheus.Registerer) (*Cache, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("cache %s config: %w", name, err)
	}
	if reg != nil {
		reg = prometheus.WrapRegistererWith(prometheus.Labels{"cache": name}, reg)
	}
	m := newMetrics(reg)
	s, err := newStore(cfg, log, m)
	if err != nil {
		return nil, fmt.Errorf("cache %s: %w", name, err)
	}
	return &Cache{
		cfg: cfg, store: s, flights: flights{byKey: map[string]*flight{}},
		refreshes: make(chan struct{}, cfg.Refreshes), log: log, m: m,
	}, nil
}

// Close waits for running computations and stops the cleaners. No computation begins
// afterwards.
func (c *Cache) Close() error {
	var err error
	c.close.Do(func() {
		c.flights.drain()
		err = c.store.close()
	})
	return err
}

// Get returns the value of key, which the caller owns, unless it is absent or no longer
// fresh.
func (c *Cache) Get(key string) ([]byte, bool) {
	e, ok := c.store.get(key)
	if !ok || !e.fresh(time.Now()) {
		c.m.misses.Inc()
		return nil, false
	}
	c.m.hits.Inc()
	return e.value, true
}

// Set keeps a copy of value for ttl, or for MaxTTL if that is shorter. A value that is too
// large is not kept.
func (c *Cache) Set(key string, value []byte, ttl time.Duration) {
	if !c.fits(key, value) {
		c.m.refused.Inc()
		return
	}
	c.store.set(key, c.seal(value, ttl))
}

func (c *Cache) fits(key string, value []byte) bool {
	return len(key)+len(value) <= c.cfg.MaxEntry && len(key) <= math.MaxUint16 // the length of a key has two bytes
}

func (c *Cache) seal(value []byte, ttl time.Duration) []byte {
	fresh := time.Now().Add(min(ttl, c.cfg.MaxTTL))
	return seal(value, fresh, fresh.Add(c.cfg.Stale))
}

// Entry is a value for [Cache.Load].
type Entry struct {
	Key   string
	Value []byte
	TTL   time.Duration // from now; an entry without any left is passed over
}

// Load keeps entries that are known to be worth keeping, as after a restart, and returns
// how many it took. They skip the probation; of more than there is room for, the last
// stay. It may run while the cache is in use.
func (c *Cache) Load(entries iter.Seq[Entry]) int {
	n := 0
	for e := range entries {
		if e.TTL <= 0 || !c.fits(e.Key, e.Value) {
			continue
		}
		c.store.load(e.Key, c.seal(e.Value, e.TTL))
		n++
	}
	return n
}

// Errors of [Cache.Do].
var (
	// ErrPanic is what callers get whose computation panicked. The panic itself is in the
	// log, without its value, which may quote what was computed.
	ErrPanic = errors.New("the computation panicked")
	// ErrClosed is what callers get who need a computation after Close.
	ErrClosed = errors.New("the cache is closed")
)

// Compute makes a value and says how long it is fresh; 0 means that it is not to be kept.
// It must not rely on its caller still being there.
type Compute func(ctx context.Context) (value []byte, ttl time.Duration, err error)

// Do returns the value of key, computing it if it is not there. Concurrent callers share
// one computation, which goes on when they leave; an error is shared, and kept by nobody.
// A computation that panics has failed with [ErrPanic].
//
// A stale value is returned at once and computed anew in the background; if that fails or
// yields nothing to keep, it is served until it expires.
//
// The caller owns the value. hit is false for whoever waited for a computation.
func (c *Cache) Do(ctx context.Context, key string, compute Compute) (value []byte, hit bool, err error) {
	c.store.count(key)
	value, hit, err = c.Fill(ctx, key, compute)
	if hit {
		c.m.hits.Inc()
	} else {
		c.m.misses.Inc()
	}
	return value, hit, err
}

// Fill is [Cache.Do] for a caller whose Get has just found nothing: the request, which is
// the same, does not count twice for the popularity of its key.
func (c *Cache) Fill(ctx context.Context, key string, compute Compute) (value []byte, hit bool, err error) {
	now := time.Now()
	if e, ok := c.store.peek(key); ok && e.servable(now) {
		if !e.fresh(now) {
			c.m.stale.Inc()
			c.refresh(ctx, key, compute)
		}
		return e.value, true, nil
	}
	if err := ctx.Err(); err != nil {
		return nil, false, err
	}
	f, joined, err := c.flights.join(key, func() ([]byte, error) { return c.compute(ctx, key, compute) })
	if err != nil {
		return nil, false, err
	}
	if joined {
		c.m.shared.Inc()
	}
	select {
	case <-f.done:
		return bytes.Clone(f.value), false, f.err
	case <-ctx.Done():
		return nil, false, ctx.Err()
	}
}

// refresh computes a stale entry in the background, unless that is under way already or
// enough others are.
func (c *Cache) refresh(ctx context.Context, key string, compute Compute) {
	select {
	case c.refreshes <- struct{}{}:
	default:
		c.m.skipped.Inc()
		return
	}
	_, joined, err := c.flights.join(key, func() ([]byte, error) {
		defer func() { <-c.refreshes }()
		value, err := c.compute(ctx, key, compute)
		if err != nil {
			c.m.failed.Inc()
		}
		return value, err
	})
	if joined || err != nil { // nobody else gives the slot back
		<-c.refreshes
	}
}

// compute runs on a goroutine of its own, where a panic would end the process for all.
func (c *Cache) compute(ctx context.Context, key string, compute Compute) (value []byte, err error) {
	if e, ok := c.store.peek(key); ok && e.fresh(time.Now()) { // set since the caller looked
		return e.value, nil
	}
	c.m.computed.Inc()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), c.cfg.ComputeTimeout)
	defer cancel()
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
