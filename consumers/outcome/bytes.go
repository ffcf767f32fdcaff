package outcome

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrDamaged says that bytes are no snapshot, or not all of one.
var ErrDamaged = errors.New("damaged snapshot")

// buffer is what a snapshot is written to: numbers of variable length, texts with their
// length in front.
type buffer []byte

func (b buffer) number(n uint64) buffer { return binary.AppendUvarint(b, n) }
func (b buffer) signed(n int64) buffer  { return binary.AppendVarint(b, n) }
func (b buffer) text(s string) buffer   { return append(b.number(uint64(len(s))), s...) }

func (b buffer) flag(v bool) buffer {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

// reader reads what a buffer holds. After an error it returns zeros.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", ErrDamaged, what)
	}
	r.rest = nil
}

func (r *reader) number() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		r.fail("number")
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

func (r *reader) signed() int64 {
	n, size := binary.Varint(r.rest)
	if size <= 0 {
		r.fail("number")
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

// count returns how many entries follow, each of at least a byte.
func (r *reader) count() int {
	n := r.number()
	if n > uint64(len(r.rest)) {
		r.fail("count")
		return 0
	}
	return int(n)
}

func (r *reader) bytes(n int) []byte {
	if n > len(r.rest) {
		r.fail("text")
		return make([]byte, min(n, len(ID{})))
	}
	b := r.rest[:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) text() string { return string(r.bytes(r.count())) }

func (r *reader) flag() bool { return r.bytes(1)[0] != 0 }

func (r *reader) done() error {
	if r.err == nil && len(r.rest) > 0 {
		r.fail("more than expected")
	}
	return r.err
}
