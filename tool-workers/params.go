package tools

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/parallel-fusion/pfr/schemas"
)

// params are the parameters of a typed tool, in the order of the struct's fields.
type params struct{ fields []field }

// field is one parameter and the struct field that it fills.
type field struct {
	name     string
	index    []int
	kind     reflect.Kind // String, Int or Slice
	doc      string
	enum     []string
	min, max int // of an integer, or of the length of a list
	bounded  bool
	required bool
	preset   any // string, int or []string; nil for none
}

// paramsOf reads the tags of the struct P.
func paramsOf[P any]() (*params, error) {
	t := reflect.TypeFor[P]()
	if t.Kind() != reflect.Struct {
		return nil, fmt.Errorf("%v is no struct", t)
	}
	p := &params{}
	var errs []error
	for _, sf := range reflect.VisibleFields(t) {
		if sf.Anonymous {
			continue // its fields are visible themselves
		}
		f, err := fieldOf(sf)
		if err != nil {
			errs = append(errs, fmt.Errorf("field %s: %w", sf.Name, err))
			continue
		}
		if slices.ContainsFunc(p.fields, func(o field) bool { return o.name == f.name }) {
			errs = append(errs, fmt.Errorf("field %s: parameter %s is there already", sf.Name, f.name))
		}
		p.fields = append(p.fields, f)
	}
	if len(p.fields) > schemas.MaxParams {
		errs = append(errs, fmt.Errorf("%d parameters, the limit is %d", len(p.fields), schemas.MaxParams))
	}
	return p, errors.Join(errs...)
}

func fieldOf(sf reflect.StructField) (field, error) {
	f := field{name: sf.Tag.Get("param"), index: sf.Index, kind: sf.Type.Kind(), doc: sf.Tag.Get("doc"), min: math.MinInt, max: math.MaxInt}
	switch {
	case !sf.IsExported():
		return f, errors.New("must be exported")
	case f.name == "" || len(f.name) > schemas.MaxNameBytes:
		return f, errors.New("needs a name in its param tag")
	case f.doc == "":
		return f, errors.New("needs a doc tag")
	}
	if list := f.kind == reflect.Slice && sf.Type.Elem().Kind() == reflect.String; !list && f.kind != reflect.String && f.kind != reflect.Int {
		return f, fmt.Errorf("a %v is no parameter: want a string, an int or a list of strings", sf.Type)
	}
	return f, f.readTags(sf.Tag)
}

// readTags reads the tags that say which values are good.
func (f *field) readTags(tag reflect.StructTag) error {
	var errs []error
	if text, ok := tag.Lookup("enum"); ok {
		f.enum = strings.Split(text, ",")
		if f.kind == reflect.Int || slices.Contains(f.enum, "") {
			errs = append(errs, fmt.Errorf("enum %q: must be texts separated by commas, of a text or a list", text))
		}
	}
	if f.kind == reflect.Slice {
		f.min, f.max = 0, schemas.MaxListParams
	}
	errs = append(errs, f.readBound(tag, "min", &f.min), f.readBound(tag, "max", &f.max))
	if f.bounded && f.kind == reflect.String || f.min > f.max {
		errs = append(errs, errors.New("min and max: must be bounds of an integer or of the length of a list, in order"))
	}
	if text, ok := tag.Lookup("required"); ok && text != "true" {
		errs = append(errs, fmt.Errorf("required %q: must be true or left out", text))
	} else if f.required = ok; ok && f.kind == reflect.Slice {
		f.min = max(f.min, 1)
	}
	return errors.Join(append(errs, f.readPreset(tag))...)
}

func (f *field) readBound(tag reflect.StructTag, name string, to *int) error {
	text, ok := tag.Lookup(name)
	if !ok {
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		return fmt.Errorf("%s %q: must be an integer", name, text)
	}
	*to, f.bounded = n, true
	return nil
}

func (f *field) readPreset(tag reflect.StructTag) error {
	text, ok := tag.Lookup("default")
	if !ok {
		return nil
	}
	f.preset = text
	switch f.kind {
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("default %q: must be an integer", text)
		}
		f.preset = n
	case reflect.Slice:
		f.preset = strings.Split(text, ",")
	default: // a text
	}
	if f.required {
		return errors.New("default: a required parameter has none")
	}
	if got := f.fault(f.preset); got != "" {
		return fmt.Errorf("default: got %s, want %s", got, f.want())
	}
	return nil
}
