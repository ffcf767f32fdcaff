package testset

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// The source form of a file of cases is made to be read and edited: a line is a wording,
// and if need be, after " | ", keys with values, such as
//
//	groups that play like [kruangbin=Khruangbin; Men I Trust] | genre=psychedelic rock
//
// [..] marks a name and <..> a term, such as a genre; = is between what is typed and what
// is meant, "; " between alternatives that share the wording. Each alternative makes a case.

// name is something named in a query.
type name struct{ typed, meant string }

// wording is a query with what was marked in it.
type wording struct {
	query  string
	masked string // with <name> and <term> where they were
	names  []name
	terms  []name
}

// line is a wording, its alternatives apart, with its keys.
type line struct {
	wordings []wording
	keys     map[string][]string // values in the order in which they were given
}

// get returns the first value of a key and whether it is there.
func (l line) get(key string) (string, bool) {
	if len(l.keys[key]) == 0 {
		return "", false
	}
	return l.keys[key][0], true
}

// list returns the values of a key with commas between them.
func (l line) list(key string) []string {
	v, _ := l.get(key)
	return splitList(v, ",")
}

// readLines reads source lines. Lines that begin with # are left out. The error names every
// bad line.
func readLines(file, data string, known []string) ([]line, error) {
	var out []line
	var errs []error
	for n, text := range strings.Split(data, "\n") {
		if text = strings.TrimSpace(text); text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		l, err := readLine(text, known)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s:%d: %w", file, n+1, err))
			continue
		}
		out = append(out, l)
	}
	return out, errors.Join(errs...)
}

func readLine(text string, known []string) (line, error) {
	text, said, _ := strings.Cut(text, " | ")
	l := line{keys: map[string][]string{}}
	for _, pair := range splitList(said, ";") {
		key, value, ok := strings.Cut(pair, "=")
		if !ok || !slices.Contains(known, key) {
			return l, fmt.Errorf("%q: want one of %s, = and a value", pair, strings.Join(known, ", "))
		}
		l.keys[key] = append(l.keys[key], strings.TrimSpace(value))
	}
	marks, err := readMarks(text)
	if err != nil {
		return l, err
	}
	alternatives := 1
	for _, m := range marks {
		alternatives = max(alternatives, len(m.options))
	}
	for i := range alternatives {
		var w wording
		for _, m := range marks {
			m.addTo(&w, i)
		}
		l.wordings = append(l.wordings, w)
	}
	return l, nil
}

// mark is a stretch of a source line: plain text, or alternatives for a name or term.
type mark struct {
	kind    byte // '[', '<' or 0
	text    string
	options []name
}

// addTo adds the mark to a wording, with its i-th alternative or its only one.
func (m mark) addTo(w *wording, i int) {
	if m.kind == 0 {
		w.query += m.text
		w.masked += m.text
		return
	}
	o := m.options[min(i, len(m.options)-1)]
	w.query += o.typed
	if m.kind == '[' {
		w.masked += maskName
		w.names = append(w.names, o)
	} else {
		w.masked += maskTerm
		w.terms = append(w.terms, o)
	}
}

// What stands for a name, a term and a number in a masked text.
const (
	maskName   = "<name>"
	maskTerm   = "<term>"
	maskNumber = "<number>"
)

func readMarks(text string) ([]mark, error) {
	var out []mark
	for text != "" {
		at := strings.IndexAny(text, "[<")
		if at < 0 {
			return append(out, mark{text: text}), nil
		}
		if at > 0 {
			out = append(out, mark{text: text[:at]})
		}
		closing := map[byte]string{'[': "]", '<': ">"}[text[at]]
		inner, rest, ok := strings.Cut(text[at+1:], closing)
		if !ok || strings.TrimSpace(inner) == "" {
			return nil, fmt.Errorf("%q: want a name and %s", text[at:], closing)
		}
		m := mark{kind: text[at]}
		for _, option := range splitList(inner, ";") {
			typed, meant, both := strings.Cut(option, "=")
			if !both {
				meant = typed
			}
			m.options = append(m.options, name{typed, meant})
		}
		out = append(out, m)
		text = rest
	}
	return out, nil
}

// splitList splits at a separator and leaves out blanks.
func splitList(s, separator string) []string {
	var out []string
	for part := range strings.SplitSeq(s, separator) {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// readRows reads a table of fields with " | " between, at least so many a line. Keys are
// the first fields.
func readRows(file, data string, fields int) (map[string][]string, error) {
	out := map[string][]string{}
	var errs []error
	for n, text := range strings.Split(data, "\n") {
		if strings.TrimSpace(text) == "" || strings.HasPrefix(text, "#") {
			continue
		}
		row := strings.Split(text, "|")
		for i := range row {
			row[i] = strings.TrimSpace(row[i])
		}
		if len(row) != fields || out[row[0]] != nil {
			errs = append(errs, fmt.Errorf("%s:%d: want %d fields, the first not there before", file, n+1, fields))
			continue
		}
		out[row[0]] = row[1:]
	}
	return out, errors.Join(errs...)
}
