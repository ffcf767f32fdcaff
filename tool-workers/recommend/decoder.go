package recommend

import (
	"bufio"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
)

// decoder reads until the first error, and hashes what it reads.
type decoder struct {
	r   byteReader
	sum hash.Hash
	err error
}

type byteReader interface {
	io.Reader
	io.ByteReader
}

func newDecoder(r io.Reader) *decoder {
	b, ok := r.(byteReader)
	if !ok {
		b = bufio.NewReaderSize(r, 1<<16)
	}
	return &decoder{r: b, sum: sha256.New()}
}

func (d *decoder) fail(err error) {
	if d.err == nil {
		d.err = err
	}
}

// ReadByte lets binary.ReadUvarint read and hash.
func (d *decoder) ReadByte() (byte, error) {
	b, err := d.r.ReadByte()
	if err == nil {
		d.sum.Write([]byte{b})
	}
	return b, err
}

// bytes reads n bytes, n small.
func (d *decoder) bytes(n int) []byte {
	b := make([]byte, n)
	if d.err != nil {
		return b
	}
	if _, err := io.ReadFull(d.r, b); err != nil {
		d.fail(fmt.Errorf("it is cut short: %w", err))
	}
	d.sum.Write(b)
	return b
}

// length reads a length up to 2^32.
func (d *decoder) length() int {
	if d.err != nil {
		return 0
	}
	n, err := binary.ReadUvarint(d)
	if err != nil {
		d.fail(fmt.Errorf("it is cut short: %w", err))
		return 0
	}
	if n > 1<<32 {
		d.fail(fmt.Errorf("length %d", n))
		return 0
	}
	return int(n)
}

func (d *decoder) text() string {
	n := d.length()
	if n > maxText {
		d.fail(fmt.Errorf("text of %d bytes", n))
		return ""
	}
	return string(d.bytes(n))
}

func (d *decoder) table() table {
	t := newTable(nil)
	for n := d.length(); len(t.keys) < n && d.err == nil; {
		key := d.text()
		if _, twice := t.at[key]; twice {
			d.fail(fmt.Errorf("key %q twice", key))
		}
		t.at[key] = len(t.keys)
		t.keys = append(t.keys, key)
	}
	return t
}

// getArray reads an array. Memory grows with what was read, not with the length claimed.
func getArray[T uint32 | float32](d *decoder) []T {
	n := d.length()
	out := make([]T, 0, min(n, chunk))
	for len(out) < n && d.err == nil {
		b := d.bytes(4 * min(chunk, n-len(out)))
		for i := 0; i < len(b); i += 4 {
			out = append(out, fromBits[T](binary.LittleEndian.Uint32(b[i:])))
		}
	}
	return out
}

// sparse reads a matrix and checks that it is one.
func (d *decoder) sparse(cols int) *sparse {
	lengths := getArray[uint32](d)
	m := &sparse{cols: cols, ptr: make([]int, 1, len(lengths)+1)}
	for i, n := range lengths {
		m.ptr = append(m.ptr, m.ptr[i]+int(n))
	}
	m.col, m.val = getArray[uint32](d), getArray[float32](d)
	if d.err == nil && (len(m.col) != m.ptr[len(lengths)] || len(m.val) != len(m.col)) {
		d.fail(errors.New("a matrix whose parts do not fit"))
	}
	for _, c := range m.col {
		if int(c) >= cols {
			d.fail(fmt.Errorf("column %d of %d", c, cols))
			break
		}
	}
	if d.err != nil {
		return &sparse{cols: cols, ptr: []int{0}}
	}
	return m
}

// factors reads factors of a rank; nil for none.
func (d *decoder) factors(rank int) *factors {
	a := getArray[float32](d)
	if len(a) == 0 || d.err != nil {
		return nil
	}
	if rank < 1 || rank > maxRank || len(a)%rank != 0 {
		d.fail(fmt.Errorf("%d factors of rank %d", len(a), rank))
		return nil
	}
	return &factors{rank: rank, a: a}
}
