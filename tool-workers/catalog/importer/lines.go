package importer

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// unit is the smallest part of a source that is read or rejected on its own: a line, a CSV
// record or a feed.
type unit struct {
	data []byte // valid until the next unit is read
	name string // of a feed; "" for part of a file
	key  string // of a feed; see feedRef
	line int64  // where it begins, from 1; of a feed, its place in the list
	err  error  // why it cannot be used; its data is then of no value
}

// position is a place between two units.
type position struct {
	Offset int64 `json:"offset"` // bytes of the decompressed source, or feeds
	Line   int64 `json:"line"`   // lines before it
}

const byteOrderMark = "\uFEFF"

// errTooLong marks a unit that exceeds the bound of the configuration.
var errTooLong = errors.New("too long")

// lineReader reads units of lines: one line each or, when quoted, as many as belong to a
// CSV record. It holds one unit at a time.
type lineReader struct {
	in     *bufio.Reader
	max    int  // bytes of a unit
	quoted bool // a line that leaves a quotation mark open goes on in the next
	at     position
	buf    []byte
}

func newLineReader(in io.Reader, maxBytes int, quoted bool) *lineReader {
	return &lineReader{in: bufio.NewReaderSize(in, 256<<10), max: maxBytes, quoted: quoted}
}

// skip moves to a position that an earlier reader of the same source reported.
func (r *lineReader) skip(to position) error {
	if _, err := io.CopyN(io.Discard, r.in, to.Offset-r.at.Offset); err != nil {
		return fmt.Errorf("go to byte %d: %w", to.Offset, err)
	}
	r.at = to
	return nil
}

// next returns the next unit that is not blank, and io.EOF after the last.
func (r *lineReader) next() (unit, error) {
	for {
		u, err := r.read()
		if err != nil {
			return unit{}, err
		}
		if u.err != nil || len(bytes.TrimSpace(u.data)) > 0 {
			return u, nil
		}
	}
}

func (r *lineReader) read() (unit, error) {
	r.buf = r.buf[:0]
	start := r.at
	u := unit{line: start.Line + 1}
	var marks quotes
	for open := true; open; {
		from := len(r.buf)
		err := r.readLine()
		if err != nil && (!errors.Is(err, io.EOF) || len(r.buf) == 0) {
			r.at = start
			return unit{}, err
		}
		open = err == nil && r.quoted && marks.open(r.buf[from:])
		if open && len(r.buf) > r.max {
			u.err = fmt.Errorf("%w: a quotation mark is still open in line %d; all up to there is left out", errTooLong, r.at.Line)
			return u, nil
		}
		if !open && len(r.buf)-from > r.max {
			u.err = fmt.Errorf("%w: more than %d bytes", errTooLong, r.max)
		}
	}
	u.data = bytes.TrimRight(r.buf, "\r\n")
	if u.line == 1 {
		u.data = bytes.TrimPrefix(u.data, []byte(byteOrderMark))
	}
	return u, nil
}

// readLine appends the next line to the buffer, its end included. Of a line that is too
// long it keeps the beginning and reads over the rest. It returns io.EOF when the input
// ended before or within the line.
func (r *lineReader) readLine() error {
	start := len(r.buf)
	for {
		part, err := r.in.ReadSlice('\n')
		r.at.Offset += int64(len(part))
		if len(r.buf)-start <= r.max {
			r.buf = append(r.buf, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if len(part) > 0 || len(r.buf) > start {
			r.at.Line++
		}
		return err
	}
}

// quotes follows the quotation marks of a CSV record. One opens at the beginning of a field
// alone.
type quotes struct {
	inside bool
	closed bool // the last byte closed one: another of it opens it again
	within bool // past the beginning of a field
}

// open reads on, and reports whether a quotation mark is open at the end.
func (q *quotes) open(data []byte) bool {
	for _, c := range data {
		switch {
		case c == '"' && (q.inside || q.closed || !q.within):
			q.inside = !q.inside
			q.closed = !q.inside
		default:
			q.closed = false
		}
		q.within = q.inside || c != ','
	}
	return q.inside
}
