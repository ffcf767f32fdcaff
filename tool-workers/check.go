package tools

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/parallel-fusion/pfr/schemas"
)

// check reports every parameter that is wrong.
func (p *params) check(got schemas.Params) error {
	var errs []error
	known := 0
	for i := range p.fields {
		f := &p.fields[i]
		v, there := got[f.name]
		if there {
			known++
		}
		switch fault := f.fault(v); {
		case !there && f.required:
			errs = append(errs, fmt.Errorf("%s: got nothing, want %s", f.name, f.want()))
		case there && fault != "":
			errs = append(errs, fmt.Errorf("%s: got %s, want %s", f.name, fault, f.want()))
		}
	}
	if known < len(got) {
		errs = append(errs, p.unknown(got)...)
	}
	return errors.Join(errs...)
}

func (p *params) unknown(got schemas.Params) []error {
	var names []string
	for name := range got {
		if !slices.ContainsFunc(p.fields, func(f field) bool { return f.name == name }) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var errs []error
	for _, name := range names {
		errs = append(errs, fmt.Errorf("%.64q: there is no such parameter", name))
	}
	return errs
}

// decode checks got and fills the struct that into points to.
func (p *params) decode(got schemas.Params, into any) error {
	if err := p.check(got); err != nil {
		return err
	}
	to := reflect.ValueOf(into).Elem()
	for i := range p.fields {
		f := &p.fields[i]
		v, there := got[f.name]
		if !there {
			v = f.preset
		}
		if v != nil {
			f.set(to.FieldByIndex(f.index), v)
		}
	}
	return nil
}

// set puts a checked value into a field. A list is copied: it belongs to the tool.
func (f *field) set(to reflect.Value, v any) {
	switch v := v.(type) {
	case string:
		to.SetString(v)
	case int:
		to.SetInt(int64(v))
	case []string:
		list := reflect.MakeSlice(to.Type(), len(v), len(v))
		for i, s := range v {
			list.Index(i).SetString(s)
		}
		to.Set(list)
	}
}

// fault says what is wrong with a value without quoting a text, or "".
func (f *field) fault(v any) string {
	switch v := v.(type) {
	case string:
		return f.textFault(v)
	case int:
		if f.kind != reflect.Int || v < f.min || v > f.max {
			return strconv.Itoa(v)
		}
	case []string:
		return f.listFault(v)
	default:
		return fmt.Sprintf("a %T", v)
	}
	return ""
}

func (f *field) textFault(v string) string {
	switch {
	case f.kind != reflect.String:
		return "a text"
	case f.required && v == "":
		return "an empty text"
	default:
		return f.wordFault(v)
	}
}

func (f *field) listFault(v []string) string {
	if f.kind != reflect.Slice {
		return "a list"
	}
	if len(v) < f.min || len(v) > f.max {
		return fmt.Sprintf("a list of %d", len(v))
	}
	for i, s := range v {
		if fault := f.wordFault(s); fault != "" {
			return fmt.Sprintf("%s at %d", fault, i)
		}
	}
	return ""
}

func (f *field) wordFault(v string) string {
	switch {
	case f.enum != nil && !slices.Contains(f.enum, v):
		return "another text"
	case len(v) > schemas.MaxParamBytes:
		return fmt.Sprintf("a text of %d bytes", len(v))
	case !utf8.ValidString(v):
		return "a text that is no UTF-8"
	}
	return ""
}

// want says which values are good.
func (f *field) want() string {
	switch f.kind {
	case reflect.Int:
		return "an integer" + f.bounds()
	case reflect.Slice:
		return fmt.Sprintf("a list of %d to %d %s", f.min, f.max, f.words("texts"))
	default:
		return f.words("a text") + map[bool]string{true: ", not empty"}[f.required && f.enum == nil]
	}
}

func (f *field) words(otherwise string) string {
	if f.enum != nil {
		return "of " + strings.Join(f.enum, ", ")
	}
	return fmt.Sprintf("%s of at most %d bytes", otherwise, schemas.MaxParamBytes)
}

func (f *field) bounds() string {
	var b strings.Builder
	if f.min != math.MinInt {
		fmt.Fprintf(&b, " from %d", f.min)
	}
	if f.max != math.MaxInt {
		fmt.Fprintf(&b, " to %d", f.max)
	}
	return b.String()
}
