package importer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

// errStaged marks staged bytes that are not what was written.
var errStaged = errors.New("staged record is damaged")

// coder writes or reads the fields of a record, one after the other. One function of a
// record serves both directions: it names the fields in order. A reading coder that meets
// damage keeps its first error and leaves the rest of the fields as they are.
type coder struct {
	buf     []byte
	reading bool
	err     error
}

func (c *coder) fail() {
	if c.err == nil {
		c.err = errStaged
	}
	c.buf = nil
}

func (c *coder) uint(v *uint64) {
	if !c.reading {
		c.buf = binary.AppendUvarint(c.buf, *v)
		return
	}
	n, size := binary.Uvarint(c.buf)
	if size <= 0 {
		c.fail()
		return
	}
	*v, c.buf = n, c.buf[size:]
}

func (c *coder) int64(v *int64) {
	if !c.reading {
		c.buf = binary.AppendVarint(c.buf, *v)
		return
	}
	n, size := binary.Varint(c.buf)
	if size <= 0 {
		c.fail()
		return
	}
	*v, c.buf = n, c.buf[size:]
}

func (c *coder) int(v *int) {
	n := int64(*v)
	c.int64(&n)
	*v = int(n)
}

func (c *coder) float(v *float64) {
	n := math.Float64bits(*v)
	c.uint(&n)
	*v = math.Float64frombits(n)
}

func (c *coder) bool(v *bool) {
	var n uint64
	if *v {
		n = 1
	}
	c.uint(&n)
	*v = n == 1
}

func (c *coder) str(s *string) {
	n := uint64(len(*s))
	c.uint(&n)
	switch {
	case !c.reading:
		c.buf = append(c.buf, *s...)
	case n > uint64(len(c.buf)):
		c.fail()
	default:
		*s, c.buf = string(c.buf[:n]), c.buf[n:]
	}
}

func (c *coder) strs(list *[]string) {
	n := uint64(len(*list))
	c.uint(&n)
	if c.reading && c.err == nil {
		if n > uint64(len(c.buf)) { // each has at least its length
			c.fail()
			return
		}
		*list = nil
		if n > 0 {
			*list = make([]string, n)
		}
	}
	for i := range *list {
		c.str(&(*list)[i])
	}
}

func (c *coder) date(d *catalog.Date) {
	n := uint64(*d)
	c.uint(&n)
	*d = catalog.Date(n)
}

// record is one thing that a source said. code names its fields to c.
type record interface {
	tag() tag
	code(c *coder)
}

// tag tells the records of a segment apart. The values are part of the staging format.
type tag byte

const (
	tagArtist tag = iota + 1
	tagAlbum
	tagTrack
	tagShow
	tagEpisode
	tagPlaylist
	tagRelease
	tagPlay
	tagReject
)

func newRecord(t tag) (record, error) {
	switch t {
	case tagArtist:
		return &artist{}, nil
	case tagAlbum:
		return &album{}, nil
	case tagTrack:
		return &track{}, nil
	case tagShow:
		return &show{}, nil
	case tagEpisode:
		return &episode{}, nil
	case tagPlaylist:
		return &playlist{}, nil
	case tagRelease:
		return &release{}, nil
	case tagPlay:
		return &play{}, nil
	case tagReject:
		return &reject{}, nil
	case tagHeard:
		return &heard{}, nil
	case tagPlaced:
		return &placed{}, nil
	default:
		return nil, fmt.Errorf("%w: tag %d", errStaged, t)
	}
}

// appendRecord appends r, which came from a line, to buf.
func appendRecord(buf []byte, line int64, r record) []byte {
	c := coder{buf: append(buf, byte(r.tag()))}
	c.int64(&line)
	r.code(&c)
	return c.buf
}

// parseRecord is the inverse of appendRecord.
func parseRecord(data []byte) (line int64, r record, err error) {
	if len(data) == 0 {
		return 0, nil, errStaged
	}
	if r, err = newRecord(tag(data[0])); err != nil {
		return 0, nil, err
	}
	c := coder{buf: data[1:], reading: true}
	c.int64(&line)
	r.code(&c)
	if c.err == nil && len(c.buf) > 0 {
		c.err = errStaged
	}
	return line, r, c.err
}
