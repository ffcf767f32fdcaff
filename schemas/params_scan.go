package schemas

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// scanParams reads parameters as nearly every message has them: one object of strings
// without escapes, integers, lists of such strings, and nulls. ok is false for anything
// else, which the general decoder then reads or refuses.
func scanParams(data []byte) (p Params, ok bool) {
	s := scanner{data: data}
	if !s.next('{') {
		return nil, false
	}
	p = Params{}
	if s.next('}') {
		return p, s.end()
	}
	for {
		name, ok := s.text()
		if !ok || !s.next(':') {
			return nil, false
		}
		if _, twice := p[name]; twice {
			return nil, false
		}
		v, ok := s.value()
		if !ok {
			return nil, false
		}
		if v != nil {
			p[name] = v
		}
		if s.next('}') {
			return p, s.end()
		}
		if !s.next(',') {
			return nil, false
		}
	}
}

// scanner walks over JSON. Each method reports whether it found what it is for.
type scanner struct {
	data []byte
	at   int
}

// next consumes one byte of punctuation, and the white space before it.
func (s *scanner) next(c byte) bool {
	s.space()
	if s.at < len(s.data) && s.data[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *scanner) space() {
	for s.at < len(s.data) && (s.data[s.at] == ' ' || s.data[s.at] == '\n' || s.data[s.at] == '\t' || s.data[s.at] == '\r') {
		s.at++
	}
}

func (s *scanner) end() bool {
	s.space()
	return s.at == len(s.data)
}

func (s *scanner) value() (any, bool) {
	s.space()
	rest := s.data[s.at:]
	switch {
	case len(rest) == 0:
		return nil, false
	case rest[0] == '"':
		return s.text()
	case rest[0] == '[':
		return s.list()
	case bytes.HasPrefix(rest, []byte("null")):
		s.at += len("null")
		return nil, true
	}
	return s.integer()
}

// text reads a string without escapes.
func (s *scanner) text() (string, bool) {
	if !s.next('"') {
		return "", false
	}
	for i := s.at; i < len(s.data); i++ {
		switch c := s.data[i]; {
		case c == '"':
			v := s.data[s.at:i]
			s.at = i + 1
			return string(v), utf8.Valid(v)
		case c == '\\' || c < ' ':
			return "", false
		}
	}
	return "", false
}

func (s *scanner) list() (any, bool) {
	s.at++ // the bracket
	out := []string{}
	if s.next(']') {
		return out, true
	}
	for {
		v, ok := s.text()
		if !ok {
			return nil, false
		}
		out = append(out, v)
		if s.next(']') {
			return out, true
		}
		if !s.next(',') {
			return nil, false
		}
	}
}

// integer reads an integer that JSON writes so: without a leading zero or a plus.
func (s *scanner) integer() (any, bool) {
	from := s.at
	for s.at < len(s.data) && (s.data[s.at] == '-' || s.data[s.at] >= '0' && s.data[s.at] <= '9') {
		s.at++
	}
	v := string(s.data[from:s.at])
	n, err := strconv.Atoi(v)
	return n, err == nil && strconv.Itoa(n) == v
}
