package cache

import (
	"encoding/binary"
	"time"
)

// entry is a value with its times. In bigcache it is the end of its freshness and its
// expiry, in milliseconds of 8 bytes each, and the value. bigcache keeps the key beside it
// and compares it, so keys of equal hash miss, but never get each other's value.
type entry struct {
	value     []byte
	freshTill int64 // Unix milliseconds
	expires   int64 // Unix milliseconds; stale until then
}

const header = 16

func seal(value []byte, freshTill, expires time.Time) []byte {
	sealed := make([]byte, 0, header+len(value))
	sealed = binary.BigEndian.AppendUint64(sealed, uint64(freshTill.UnixMilli()))
	sealed = binary.BigEndian.AppendUint64(sealed, uint64(expires.UnixMilli()))
	return append(sealed, value...)
}

// open returns the entry of sealed bytes, which become part of it.
func open(sealed []byte) entry {
	return entry{
		freshTill: int64(binary.BigEndian.Uint64(sealed)),
		expires:   int64(binary.BigEndian.Uint64(sealed[8:])),
		value:     sealed[header:len(sealed):len(sealed)],
	}
}

func (e entry) fresh(now time.Time) bool    { return now.UnixMilli() < e.freshTill }
func (e entry) servable(now time.Time) bool { return now.UnixMilli() < e.expires }
