package importer

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

// cells are the fields of one CSV record. They keep what is wrong with them.
type cells struct {
	fields []string
	place  map[string]int
	errs   []error
}

func (c *cells) fail(column, problem string) {
	c.errs = append(c.errs, fmt.Errorf("column %s: %s", column, problem))
}

// text returns a field, "" when there is no such column.
func (c *cells) text(column string) string {
	i, ok := c.place[column]
	if !ok {
		return ""
	}
	return strings.TrimSpace(c.fields[i])
}

// needed returns a field that must not be empty.
func (c *cells) needed(column string) string {
	s := c.text(column)
	if s == "" {
		c.fail(column, "is empty")
	}
	return s
}

// list returns the parts of a field, which are separated by ";".
func (c *cells) list(column string) []string {
	var out []string
	for part := range strings.SplitSeq(c.text(column), ";") {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// number returns a whole number, 0 when the field is empty.
func (c *cells) number(column string, least, most int) int {
	s := c.text(column)
	if s == "" {
		return 0
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < least || n > most {
		c.fail(column, fmt.Sprintf("%q: want a whole number from %d to %d", s, least, most))
		return 0
	}
	return n
}

func (c *cells) popularity() int { return c.number("popularity", 1, 100) }

func (c *cells) date(column string) catalog.Date {
	s := c.text(column)
	if s == "" {
		return 0
	}
	d, err := catalog.ParseDate(s)
	if err != nil {
		c.fail(column, err.Error())
	}
	return d
}

func (c *cells) country() string {
	s := c.text("country")
	if s != "" && len(s) != 2 {
		c.fail("country", fmt.Sprintf("%q: want two letters, as in ISO 3166-1", s))
	}
	return strings.ToUpper(s)
}

func (c *cells) kind() catalog.Kind {
	switch k := catalog.Kind(strings.ToLower(c.text("kind"))); k {
	case "":
		return catalog.KindAlbum
	case catalog.KindAlbum, catalog.KindEP, catalog.KindSingle, catalog.KindLive, catalog.KindCompilation:
		return k
	default:
		c.fail("kind", fmt.Sprintf("%q: want album, ep, single, live or compilation", k))
		return catalog.KindAlbum
	}
}

// key returns the id of the entry without its type, or a key made of its names.
func (c *cells) key(itemType string, names ...string) string {
	if id := strings.TrimPrefix(c.text("id"), itemType+":"); id != "" {
		return id
	}
	return keyOf(names...)
}

// Reasons for which a CSV record cannot be split.
var (
	errQuote  = errors.New("a quotation mark is not closed, or stands within a field that does not begin with one")
	errNoUTF8 = errors.New("not UTF-8")
)

// splitCSV splits a record as RFC 4180 has it: fields are separated by commas; one in
// quotation marks may hold commas, line breaks and doubled quotation marks.
func splitCSV(data []byte) ([]string, error) {
	if !utf8.Valid(data) {
		return nil, errNoUTF8
	}
	var fields []string
	for {
		field, rest, more, err := cutField(data)
		if err != nil {
			return nil, err
		}
		fields = append(fields, field)
		if !more {
			return fields, nil
		}
		data = rest
	}
}

// cutField returns the first field, and what follows its comma if there is one.
func cutField(data []byte) (field string, rest []byte, more bool, err error) {
	if len(data) == 0 || data[0] != '"' {
		plain, rest, more := bytes.Cut(data, []byte(","))
		if bytes.IndexByte(plain, '"') >= 0 {
			return "", nil, false, errQuote
		}
		return string(plain), rest, more, nil
	}
	var b strings.Builder
	for data = data[1:]; ; {
		end := bytes.IndexByte(data, '"')
		if end < 0 {
			return "", nil, false, errQuote
		}
		b.Write(data[:end])
		switch data = data[end+1:]; {
		case len(data) == 0:
			return b.String(), nil, false, nil
		case data[0] == ',':
			return b.String(), data[1:], true, nil
		case data[0] != '"':
			return "", nil, false, errQuote
		}
		b.WriteByte('"')
		data = data[1:]
	}
}
