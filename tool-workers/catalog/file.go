package catalog

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"time"
)

// A catalogue file is a header, the columns of all tables in the order of
// [tables.columns], and a checksum (CRC-32C) of all before it. Numbers are little endian;
// a column begins with its length.

const (
	magic       = "pfr catalogue\n"
	fileVersion = 1

	maxBuffer = 1 << 20
)

// ErrBadFile marks a file that is no catalogue, is damaged, or is of another version.
var ErrBadFile = errors.New("not a catalogue file of this version")

// Write writes the catalogue for [Read].
func (c *Catalog) Write(w io.Writer) error {
	sum := crc32.New(crc32.MakeTable(crc32.Castagnoli))
	buffered := bufio.NewWriterSize(w, maxBuffer)
	e := &encoder{w: io.MultiWriter(buffered, sum)}
	e.bytes([]byte(magic))
	e.number(fileVersion)
	e.text(c.Version)
	if c.Dated {
		e.text(c.AsOf.Format(time.DateOnly))
	} else {
		e.text("")
	}
	for _, col := range c.t.columns() {
		col.encode(e)
	}
	if e.err != nil {
		return fmt.Errorf("write catalogue: %w", e.err)
	}
	if err := errors.Join(binary.Write(buffered, binary.LittleEndian, sum.Sum32()), buffered.Flush()); err != nil {
		return fmt.Errorf("write catalogue: %w", err)
	}
	return nil
}

// Open reads the catalogue file of this name.
func Open(name string) (*Catalog, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("open catalogue: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("open catalogue: %w", err)
	}
	c, err := Read(f, info.Size())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return c, nil
}

// Read reads a catalogue of so many bytes. Its errors wrap ErrBadFile when the bytes are
// not what [Catalog.Write] wrote.
func Read(r io.Reader, size int64) (*Catalog, error) {
	d := &decoder{sum: crc32.New(crc32.MakeTable(crc32.Castagnoli)), left: size - crc32.Size}
	source := bufio.NewReaderSize(r, int(min(max(size, 16), maxBuffer)))
	d.r = io.TeeReader(source, d.sum)
	if string(d.bytes(len(magic))) != magic || d.number() != fileVersion {
		return nil, ErrBadFile
	}
	c := &Catalog{Version: d.text(), t: &tables{}}
	asOf := d.text()
	for _, col := range c.t.columns() {
		col.decode(d)
	}
	var want uint32
	if d.err == nil {
		d.err = binary.Read(source, binary.LittleEndian, &want)
	}
	switch {
	case d.err != nil:
		return nil, fmt.Errorf("%w: %w", ErrBadFile, d.err)
	case d.left != 0 || d.sum.Sum32() != want:
		return nil, fmt.Errorf("%w: its checksum is wrong", ErrBadFile)
	}
	if err := c.t.check(); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBadFile, err)
	}
	c.AsOf = Day(time.Now().UTC()).Time()
	if asOf != "" {
		c.Dated = true
		if c.AsOf, d.err = time.Parse(time.DateOnly, asOf); d.err != nil {
			return nil, fmt.Errorf("%w: %w", ErrBadFile, d.err)
		}
	}
	c.t.terms.reindex()
	c.t.artistNames.prepare()
	c.t.showNames.prepare()
	return c, nil
}

// encoder writes columns. Its error is sticky.
type encoder struct {
	w   io.Writer
	err error
}

func (e *encoder) bytes(b []byte) {
	if e.err == nil {
		_, e.err = e.w.Write(b)
	}
}

func (e *encoder) number(n int) { e.bytes(binary.LittleEndian.AppendUint64(nil, uint64(n))) }

func (e *encoder) text(s string) {
	e.number(len(s))
	e.bytes([]byte(s))
}

// decoder reads columns. Its error is sticky, and it never makes more room than there are
// bytes left.
type decoder struct {
	r    io.Reader
	sum  hash.Hash32
	left int64
	err  error

	buffer []byte
}

// take accounts for n items of a size each and reports whether they can be there.
func (d *decoder) take(n int, size int64) bool {
	if d.err == nil && (n < 0 || int64(n) > d.left/size) {
		d.err = io.ErrUnexpectedEOF
	}
	if d.err != nil {
		return false
	}
	d.left -= int64(n) * size
	return true
}

func (d *decoder) bytes(n int) []byte {
	if !d.take(n, 1) {
		return nil
	}
	b := make([]byte, n)
	_, d.err = io.ReadFull(d.r, b)
	return b
}

func (d *decoder) number() int {
	if b := d.bytes(8); d.err == nil {
		return int(min(binary.LittleEndian.Uint64(b), math.MaxInt64))
	}
	return 0
}

func (d *decoder) text() string { return string(d.bytes(d.number())) }

func (n *numbers[T]) encode(e *encoder) {
	e.number(len(*n))
	buffer := make([]byte, 0, 1<<16)
	for part := range slices.Chunk(*n, 1<<13) {
		buffer = buffer[:0]
		for _, v := range part {
			switch size := binary.Size(v); size {
			case 1:
				buffer = append(buffer, byte(v))
			case 2:
				buffer = binary.LittleEndian.AppendUint16(buffer, uint16(v))
			default:
				buffer = binary.LittleEndian.AppendUint32(buffer, uint32(v))
			}
		}
		e.bytes(buffer)
	}
}

func (n *numbers[T]) decode(d *decoder) {
	count, size := d.number(), int64(binary.Size(T(0)))
	if !d.take(count, size) {
		return
	}
	*n = make([]T, count)
	for part := range slices.Chunk(*n, 1<<14) {
		d.buffer = slices.Grow(d.buffer[:0], len(part)*int(size))
		b := d.buffer[:len(part)*int(size)]
		if _, d.err = io.ReadFull(d.r, b); d.err != nil {
			return
		}
		for i := range part {
			switch size {
			case 1:
				part[i] = T(b[i])
			case 2:
				part[i] = T(binary.LittleEndian.Uint16(b[2*i:]))
			default:
				part[i] = T(binary.LittleEndian.Uint32(b[4*i:]))
			}
		}
	}
}

func (t *texts) encode(e *encoder) {
	ends := numbers[uint32](t.ends)
	ends.encode(e)
	e.number(t.all.Len())
	if e.err == nil {
		_, e.err = io.Copy(e.w, strings.NewReader(t.all.String()))
	}
}

func (t *texts) decode(d *decoder) {
	t.ends = decodeNumbers(d)
	if n := d.number(); d.take(n, 1) {
		t.all.Grow(n)
		_, d.err = io.CopyN(&t.all, d.r, int64(n))
	}
}

func (l *lists) encode(e *encoder) {
	for _, half := range [][]uint32{l.ends, l.all} {
		n := numbers[uint32](half)
		n.encode(e)
	}
}

func (l *lists) decode(d *decoder) { l.ends, l.all = decodeNumbers(d), decodeNumbers(d) }

func (l *textLists) encode(e *encoder) {
	ends := numbers[uint32](l.ends)
	ends.encode(e)
	l.items.encode(e)
}

func (l *textLists) decode(d *decoder) {
	l.ends = decodeNumbers(d)
	l.items.decode(d)
}

func decodeNumbers(d *decoder) []uint32 {
	var n numbers[uint32]
	n.decode(d)
	return n
}
