package httpclient

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// errTooLong marks an event that is longer than the client takes.
var errTooLong = errors.New("an event of the stream is too long")

// message is one server-sent event.
type message struct {
	name string // of the event; "" stands for "message"
	id   string // the last one given, by this event or an earlier one
	data []byte // its lines, joined by line feeds; valid until the next message is read
}

// decoder reads server-sent events as the WHATWG HTML standard (9.2.6) lays down: lines
// end with LF, CR LF or CR, a blank line ends an event, what is left at the end of the
// stream is no event.
type decoder struct {
	r     *bufio.Reader
	limit int64  // bytes of one event
	alive func() // called for each line, comments included
	id    string
	line  []byte
	data  []byte
	first bool // the next line is the first, which may begin with a byte order mark
	crEnd bool // the last line ended with CR, so an LF that follows belongs to it
}

func newDecoder(r io.Reader, limit int64, alive func()) *decoder {
	return &decoder{r: bufio.NewReader(r), limit: limit, alive: alive, first: true}
}

// next returns the next event that has data.
func (d *decoder) next() (message, error) {
	name, has := "", false
	d.data = d.data[:0]
	for size := int64(0); ; {
		line, err := d.readLine()
		if err != nil {
			return message{}, err
		}
		d.alive()
		if len(line) == 0 {
			if has {
				return message{name, d.id, d.data}, nil
			}
			name, size = "", 0
			continue
		}
		if size += int64(len(line)); size > d.limit {
			return message{}, errTooLong
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "event":
			name = string(value)
		case "id":
			d.setID(value)
		case "data":
			if has {
				d.data = append(d.data, '\n')
			}
			d.data, has = append(d.data, value...), true
		}
	}
}

// setID keeps the id of an event. One with a zero byte is no id.
func (d *decoder) setID(value []byte) {
	if !bytes.ContainsRune(value, 0) {
		d.id = string(value)
	}
}

// readLine returns the next line without its end. It is valid until the next call.
func (d *decoder) readLine() ([]byte, error) {
	d.line = d.line[:0]
	for {
		b, err := d.r.ReadByte()
		switch {
		case errors.Is(err, io.EOF):
			return nil, io.ErrUnexpectedEOF // an event, if there is one, is not complete
		case err != nil:
			return nil, fmt.Errorf("read the stream: %w", err)
		}
		if b == '\n' && d.crEnd {
			d.crEnd = false
			continue
		}
		d.crEnd = b == '\r'
		if b == '\n' || b == '\r' {
			break
		}
		if d.line = append(d.line, b); int64(len(d.line)) > d.limit {
			return nil, errTooLong
		}
	}
	if d.first {
		d.first = false
		return bytes.TrimPrefix(d.line, []byte("\ufeff")), nil
	}
	return d.line, nil
}
