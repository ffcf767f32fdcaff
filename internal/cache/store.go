package cache

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"sync"
	"time"

	"github.com/allegro/bigcache/v3"
)

// store is two bigcache instances, which each lose their oldest entry when they are full,
// and a sketch of what is asked for, which says what becomes of it.
type store struct {
	hasher      hasher
	asked       *sketch
	small, main *bigcache.BigCache
	m           *metrics

	mu      sync.Mutex // of all that writes; readers go past it
	leaving []leaver   // filled by bigcache while it makes room, under mu
	full    bool       // main has lost an entry for want of room
	// bar is about how often the entries that main loses were asked for lately. What was
	// asked for more often comes into main, and stays in it when its turn to leave comes.
	// It sinks while it keeps everything out, so that newcomers get in when times change.
	bar float64
}

// leaver is a sealed entry that a segment has pushed out.
type leaver struct {
	key    string
	sealed []byte
	main   bool // it was in main
}

const (
	// The segments have as many shards as let each hold a few entries of the largest size.
	smallShards, mainShards = 8, 64
	// smallShare of the bytes are on probation: enough for the second of two requests that
	// come soon one after the other. The sketch remembers those that come later.
	smallShare = 1.0 / 32
	wordsPerMB = 4 << 10 // of the sketch: one for 256 bytes of entries
)

func smallMB(maxMB int) int { return max(1, int(float64(maxMB)*smallShare)) }

// largest is the bound of an entry. bigcache empties a whole shard for an entry that does
// not fit in it.
func largest(maxMB int) int {
	small := smallMB(maxMB)
	return min(small<<20/smallShards, (maxMB-small)<<20/mainShards) / 2
}

func newStore(cfg Config, log *slog.Logger, m *metrics) (*store, error) {
	s := &store{hasher: hasher{maphash.MakeSeed()}, asked: newSketch(cfg.MaxMB * wordsPerMB), m: m}
	segment := func(mb, shards int, evicted func(key string, sealed []byte)) (*bigcache.BigCache, error) {
		c := bigcache.Config{
			Shards: shards, HardMaxCacheSize: mb, Hasher: s.hasher, Logger: logger{log},
			LifeWindow: cfg.MaxTTL + cfg.Stale + time.Second, CleanWindow: time.Second, MaxEntrySize: 1024,
			OnRemoveWithReason: func(key string, sealed []byte, _ bigcache.RemoveReason) { evicted(key, sealed) },
		}
		return bigcache.New(context.Background(), c.OnRemoveFilterSet(bigcache.NoSpace))
	}
	var err error
	if s.small, err = segment(smallMB(cfg.MaxMB), smallShards, s.leftSmall); err != nil {
		return nil, fmt.Errorf("small segment: %w", err)
	}
	if s.main, err = segment(cfg.MaxMB-smallMB(cfg.MaxMB), mainShards, s.leftMain); err != nil {
		return nil, errors.Join(fmt.Errorf("main segment: %w", err), s.small.Close())
	}
	return s, nil
}

func (s *store) leftSmall(key string, sealed []byte) {
	s.leaving = append(s.leaving, leaver{key: key, sealed: sealed})
}

func (s *store) leftMain(key string, sealed []byte) {
	s.full = true
	s.leaving = append(s.leaving, leaver{key: key, sealed: sealed, main: true})
}

func (s *store) close() error { return errors.Join(s.small.Close(), s.main.Close()) }

// get returns the entry of key and counts the request, whether it is there or not.
func (s *store) get(key string) (entry, bool) {
	s.count(key)
	return s.peek(key)
}

// count counts a request.
func (s *store) count(key string) { s.asked.add(s.hasher.Sum64(key)) }

// peek is a get that is not counted. An entry on its way from small to main is in neither
// for a moment; who misses it then looks again before computing.
func (s *store) peek(key string) (entry, bool) {
	sealed, err := s.main.Get(key)
	if err != nil {
		sealed, err = s.small.Get(key)
	}
	if err != nil {
		return entry{}, false
	}
	return open(sealed), true
}

// set keeps an entry on probation.
func (s *store) set(key string, sealed []byte) { s.move(key, sealed, s.small, s.main) }

// load keeps an entry in main.
func (s *store) load(key string, sealed []byte) { s.move(key, sealed, s.main, s.small) }

// move puts an entry into one segment and then takes what the key had out of the other, so
// that a reader always finds one of them.
func (s *store) move(key string, sealed []byte, to, from *bigcache.BigCache) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put(to, key, sealed)
	_ = from.Delete(key) // its only error is that there is none
	s.settle(time.Now())
}

func (s *store) put(segment *bigcache.BigCache, key string, sealed []byte) {
	if err := segment.Set(key, sealed); err != nil {
		s.m.refused.Inc() // does not happen: the entry fits in a shard
	}
}

const (
	maxTurns = 16        // of main's entries get another turn for one write
	rise     = 1. / 16   // how far the bar goes towards what main loses
	sink     = 1. / 4096 // how much of itself it loses with a newcomer that it refuses
)

// settle decides about the entries that had to leave a segment, until none has to.
func (s *store) settle(now time.Time) {
	for turns := 0; len(s.leaving) > 0; {
		last := len(s.leaving) - 1
		l := s.leaving[last]
		s.leaving = s.leaving[:last]
		if !open(l.sealed).servable(now) {
			continue
		}
		asked := float64(s.asked.estimate(s.hasher.Sum64(l.key)))
		switch {
		case !l.main && (!s.full || asked > s.bar):
			s.put(s.main, l.key, l.sealed)
		case !l.main:
			s.bar -= s.bar * sink
			s.m.removed.WithLabelValues("small").Inc()
		case asked > s.bar && turns < maxTurns:
			turns++
			s.put(s.main, l.key, l.sealed)
		default:
			s.bar += (min(asked, counterMax-1) - s.bar) * rise
			s.m.removed.WithLabelValues("main").Inc()
		}
	}
}

// hasher is seeded, so that nobody can choose keys that collide.
type hasher struct{ seed maphash.Seed }

// Sum64 is never 0, which bigcache takes for a removed entry.
func (h hasher) Sum64(key string) uint64 { return max(maphash.String(h.seed, key), 1) }

// logger keeps bigcache off the standard output.
type logger struct{ log *slog.Logger }

func (l logger) Printf(format string, args ...any) {
	l.log.Debug("bigcache", "msg", fmt.Sprintf(format, args...))
}
