package cache

import (
	"math/bits"
	"sync/atomic"
)

// sketch estimates how often a key was asked for lately: a count-min sketch of 4-bit
// counters that are halved now and then (TinyLFU: Einziger, Friedman, Manes, 2017). It
// never estimates too little but for what was halved away. It is safe for concurrent use.
type sketch struct {
	words []atomic.Uint64 // of 16 counters each; a power of two of them
	shift int             // leaves the bits of an index
	added atomic.Int64
	limit int64 // additions between two halvings
}

const (
	rows       = 4
	counterMax = 15
	halves     = 0x7777777777777777 // of 16 counters shifted right by one
)

// newSketch returns a sketch of at least n words.
func newSketch(n int) *sketch {
	width := bits.Len(uint(max(n, 2) - 1))
	return &sketch{words: make([]atomic.Uint64, 1<<width), shift: 64 - width, limit: 8 << width}
}

// at returns the place of the counter of hash in a row: a word, and the bits to shift.
func (s *sketch) at(hash uint64, row int) (*atomic.Uint64, int) {
	h := (hash + uint64(row)) * 0x9e3779b97f4a7c15 // the golden ratio, as in Fibonacci hashing
	h ^= h >> 32
	h *= 0xd6e8feb86659fd93
	return &s.words[h>>s.shift], row*16 + int(h&3)*4
}

// add counts one request. Only the least of a key's counters grow, which keeps the others
// that share them from being thought more popular than they are (conservative update).
func (s *sketch) add(hash uint64) {
	least := uint64(s.estimate(hash))
	for row := range rows {
		word, shift := s.at(hash, row)
		increment(word, shift, least)
	}
	if s.added.Add(1) == s.limit {
		s.halve()
	}
}

// increment adds 1 to a counter that stands at from.
func increment(word *atomic.Uint64, shift int, from uint64) {
	for {
		old := word.Load()
		if n := old >> shift & counterMax; n != from || n == counterMax || word.CompareAndSwap(old, old+1<<shift) {
			return
		}
	}
}

// estimate returns how often hash was added, at most counterMax.
func (s *sketch) estimate(hash uint64) int {
	least := uint64(counterMax)
	for row := range rows {
		word, shift := s.at(hash, row)
		least = min(least, word.Load()>>shift&counterMax)
	}
	return int(least)
}

// halve lets the past fade. Additions that come in between may be lost.
func (s *sketch) halve() {
	for i := range s.words {
		s.words[i].Store(s.words[i].Load() >> 1 & halves)
	}
	s.added.Store(s.limit / 2)
}
