package llm

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// maxDepth is how deep an answer nests: a list of values in an object in a list of
// objects.
const maxDepth = 4

// Pair is a member of a parsed object. The value is a string, a [json.Number], a bool, nil,
// a []any or a []Pair.
type Pair struct {
	Key   string
	Value any
	End   int // offset after the value, from the start of the object
}

// ParseObject reads the one object that content holds, whatever prose or fence is around
// it. offset is where it begins. Its errors are an [ErrOutput].
func ParseObject(content string) (members []Pair, offset int, err error) {
	if !utf8.ValidString(content) {
		return nil, 0, BadOutput("not valid UTF-8")
	}
	if i := strings.LastIndex(content, "</think>"); i >= 0 {
		offset = i
	}
	begin := strings.IndexByte(content[offset:], '{')
	if begin < 0 {
		return nil, 0, BadOutput("there is no object")
	}
	offset += begin
	size := balanced(content[offset:])
	if size == 0 {
		return nil, 0, BadOutput("the object does not end")
	}
	if strings.ContainsAny(content[offset+size:], "{}") {
		return nil, 0, BadOutput("there is more than one object")
	}
	dec := json.NewDecoder(strings.NewReader(content[offset : offset+size]))
	dec.UseNumber()
	v, err := parseValue(dec, 0)
	if err != nil {
		return nil, 0, err
	}
	members, _ = v.([]Pair) // it begins with a brace
	return members, offset, nil
}

// balanced returns the length of the object that s begins with, or 0 if it does not end.
func balanced(s string) int {
	depth, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}

// parseValue reads one JSON value. Unlike [json.Unmarshal] it refuses repeated keys and
// keeps offsets.
func parseValue(dec *json.Decoder, depth int) (any, error) {
	t, err := dec.Token()
	if err != nil || depth > maxDepth {
		return nil, BadOutput("malformed JSON")
	}
	switch t {
	case json.Delim('{'):
		return parseMembers(dec, depth)
	case json.Delim('['):
		var out []any
		for dec.More() {
			v, err := parseValue(dec, depth+1)
			if err != nil {
				return nil, err
			}
			out = append(out, v)
		}
		return out, closeValue(dec)
	}
	return t, nil
}

func parseMembers(dec *json.Decoder, depth int) (any, error) {
	var out []Pair
	seen := map[string]bool{}
	for dec.More() {
		t, err := dec.Token()
		key, ok := t.(string)
		if err != nil || !ok {
			return nil, BadOutput("malformed JSON")
		}
		v, err := parseValue(dec, depth+1)
		if err != nil {
			return nil, err
		}
		if seen[key] {
			return nil, BadOutput("a key is repeated")
		}
		seen[key] = true
		out = append(out, Pair{Key: key, Value: v, End: int(dec.InputOffset())})
	}
	return out, closeValue(dec)
}

// closeValue reads the bracket that ends a value.
func closeValue(dec *json.Decoder) error {
	if _, err := dec.Token(); err != nil {
		return BadOutput("malformed JSON")
	}
	return nil
}
