package httpclient

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
)

// decode lists the events of a stream.
func decode(r io.Reader) (events []string, err error) {
	d := newDecoder(r, 1000, func() {})
	for {
		m, err := d.next()
		if err != nil {
			return events, err
		}
		events = append(events, fmt.Sprintf("%s %s %q", m.name, m.id, m.data))
	}
}

func TestDecode(t *testing.T) {
	for stream, want := range map[string]string{
		"":                                    "",
		"data: x":                             "", // not complete
		"data: x\n":                           "",
		"data: x\n\n":                         `  "x"`,
		"data:x\r\n\r\n":                      `  "x"`,
		"data:x\r\r":                          `  "x"`,
		"data:x\r\n\rdata:y\n\n":              `  "x";  "y"`,
		"data:\n\n":                           `  ""`,
		"data\n\n":                            `  ""`,
		"data:  x\n\n":                        `  " x"`,
		"data: a\ndata\ndata: b\n\n":          `  "a\n\nb"`,
		"\ufeffdata: x\n\n":                   `  "x"`,
		"event: e\nid: 1\ndata: x\n\n":        `e 1 "x"`,
		"event: e\n\ndata: x\n\n":             `  "x"`, // an event without data is none
		"id: 1\ndata: x\n\ndata: y\n\n":       ` 1 "x"; 1 "y"`,
		"id: 1\n\ndata: x\n\n":                ` 1 "x"`,
		"id: 1\ndata: x\nid: a\x00b\n\n":      ` 1 "x"`,
		"id: 1\ndata: x\n\nid\ndata: y\n\n":   ` 1 "x";  "y"`,
		": comment\nretry: 5\nother\n\n":      "",
		"datax: 1\n data: 2\ndata: x\n\n":     `  "x"`,
		"data: ü漢\n\n":                        `  "ü漢"`,
		"data: {\"a\":\"b: c\"}\n\n":          `  "{\"a\":\"b: c\"}"`,
		"\n\n\r\n\ndata: x\n\n\n\n":           `  "x"`,
		"event: a\nevent: b\ndata: x\r\n\r\n": `b  "x"`,
	} {
		for name, r := range map[string]io.Reader{"whole": strings.NewReader(stream), "by byte": iotest.OneByteReader(strings.NewReader(stream))} {
			got, err := decode(r)
			if strings.Join(got, ";") != want || !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%q %s: %s, want %s; %v", stream, name, strings.Join(got, ";"), want, err)
			}
		}
	}
}

func TestDecodeIsBounded(t *testing.T) {
	for _, stream := range []string{
		strings.Repeat("x", 2000), "data: " + strings.Repeat("x", 2000) + "\n\n", strings.Repeat("data: xxxxxxxx\n", 200), strings.Repeat("event: e\n", 200),
	} {
		if _, err := decode(strings.NewReader(stream)); !errors.Is(err, errTooLong) {
			t.Errorf("%.20q: %v", stream, err)
		}
	}
	long := strings.Repeat(": a comment\n\n", 1000) + "data: x\n\n"
	if got, _ := decode(strings.NewReader(long)); len(got) != 1 {
		t.Error("many signs of life are taken for one long event")
	}
}

// However a stream is cut up, its events are the same; whatever it holds, it ends.
func FuzzDecode(f *testing.F) {
	f.Add("event: e\r\nid: 1\r\ndata: x\r\ndata: y\r\n\r\n: c\n\ndata\rdata\r\r")
	f.Fuzz(func(t *testing.T, stream string) {
		whole, err := decode(strings.NewReader(stream))
		cut, cutErr := decode(iotest.OneByteReader(strings.NewReader(stream)))
		if strings.Join(whole, ";") != strings.Join(cut, ";") || err.Error() != cutErr.Error() {
			t.Errorf("%q and %q, %v and %v", whole, cut, err, cutErr)
		}
	})
}
