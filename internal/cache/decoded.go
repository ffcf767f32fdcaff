package cache

import (
	"fmt"
	"hash/maphash"

	lru "github.com/hashicorp/golang-lru/v2"
)

// Decoded remembers what the values of a [Cache] decode to, so that a popular one is
// decoded once and not at every hit. It keeps a bounded number of results, the ones used
// last; each costs what the decoded value takes, and some 100 bytes more. It is safe for
// concurrent use.
type Decoded[T any] struct {
	seed   maphash.Seed
	recent *lru.Cache[string, decoded[T]]
	decode func([]byte) (T, error)
	clone  func(T) T
}

// decoded is a result with the hash of the bytes that it came from.
type decoded[T any] struct {
	from  uint64
	value T
}

// NewDecoded returns a Decoded of at most n results. decode must depend on its bytes alone
// and keep no reference to them. clone makes the copy that a caller gets; without it (nil)
// callers share what a T refers to and must not change it.
func NewDecoded[T any](n int, decode func([]byte) (T, error), clone func(T) T) (*Decoded[T], error) {
	recent, err := lru.New[string, decoded[T]](n)
	if err != nil {
		return nil, fmt.Errorf("decoded values, %d at most: %w", n, err)
	}
	if clone == nil {
		clone = func(v T) T { return v }
	}
	return &Decoded[T]{seed: maphash.MakeSeed(), recent: recent, decode: decode, clone: clone}, nil
}

// Decode returns what value decodes to, where value is what the cache holds for key. A
// result is used again only for equal bytes (by a seeded hash of 64 bits). The error is
// that of decode.
func (d *Decoded[T]) Decode(key string, value []byte) (T, error) {
	from := maphash.Bytes(d.seed, value)
	if known, ok := d.recent.Get(key); ok && known.from == from {
		return d.clone(known.value), nil
	}
	v, err := d.decode(value)
	if err != nil {
		return v, err
	}
	d.recent.Add(key, decoded[T]{from: from, value: v})
	return d.clone(v), nil
}
