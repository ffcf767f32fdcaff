package adapter

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Template is JSON data in which a text that is exactly {{name}} stands for the value of
// that name, with its type. A value is put into the tree and never into a text, so it
// cannot become anything but a value.
//
// A name without a value takes the nearest entry of a list around it along, when that is
// an object, and its key otherwise. That way a clause of a search that nobody asked for is
// left out.
type Template struct {
	tree  any
	names []string
}

var placeholder = regexp.MustCompile(`^\{\{ *([A-Za-z0-9_.-]+) *\}\}$`)

// maxDepth bounds a template.
const maxDepth = 32

// NewTemplate reads a tree of maps, lists and scalars, as YAML and JSON readers make them.
// It keeps tree, which must not change any more. A placeholder in a key, or with more text
// around it, is an error.
func NewTemplate(tree any) (*Template, error) {
	t := &Template{tree: tree}
	return t, t.read(tree, nil)
}

// Names are what the template uses, sorted.
func (t *Template) Names() []string { return t.names }

func (t *Template) read(node any, path []string) error {
	if len(path) > maxDepth {
		return fmt.Errorf("deeper than %d", maxDepth)
	}
	var errs []error
	switch node := node.(type) {
	case map[string]any:
		for key, v := range node {
			at := append(slices.Clip(path), key)
			if strings.Contains(key, "{{") {
				errs = append(errs, fmt.Errorf("%s: a key cannot be a placeholder", strings.Join(at, ".")))
			}
			errs = append(errs, t.read(v, at))
		}
	case []any:
		for _, v := range node {
			errs = append(errs, t.read(v, append(slices.Clip(path), "[]")))
		}
	case string:
		errs = append(errs, t.text(node, path))
	}
	return errors.Join(errs...)
}

func (t *Template) text(s string, path []string) error {
	name, is := NameIn(s)
	if is && !slices.Contains(t.names, name) {
		t.names = append(t.names, name)
		slices.Sort(t.names)
	}
	if !is && strings.Contains(s, "{{") {
		return fmt.Errorf("%s: a placeholder must be the whole value", strings.Join(path, "."))
	}
	return nil
}

// NameIn returns the name in a text that is a placeholder.
func NameIn(s string) (name string, ok bool) {
	m := placeholder.FindStringSubmatch(s)
	if m == nil {
		return "", false
	}
	return m[1], true
}

// Place is where a placeholder stands.
type Place struct {
	Name  string
	Keys  []string // above it, outermost first
	Entry bool     // inside an object that is an entry of a list
}

// Places returns every placeholder of the template.
func (t *Template) Places() []Place {
	var out []Place
	places(t.tree, Place{}, &out)
	return out
}

func places(node any, at Place, out *[]Place) {
	switch node := node.(type) {
	case map[string]any:
		for key, v := range node {
			places(v, Place{Keys: append(slices.Clip(at.Keys), key), Entry: at.Entry}, out)
		}
	case []any:
		for _, v := range node {
			_, object := v.(map[string]any)
			places(v, Place{Keys: at.Keys, Entry: at.Entry || object}, out)
		}
	case string:
		if name, ok := NameIn(node); ok {
			*out = append(*out, Place{Name: name, Keys: at.Keys, Entry: at.Entry})
		}
	}
}

// Fill returns the data with the values in it. The caller owns the result, but for lists
// among the values. ok is false if nothing is left.
func (t *Template) Fill(v Values) (data any, ok bool) { return fill(t.tree, v, false) }

// fill makes one node; entry says that it is inside an object that is an entry of a list.
func fill(node any, v Values, entry bool) (any, bool) {
	switch node := node.(type) {
	case map[string]any:
		return fillObject(node, v, entry)
	case []any:
		return fillList(node, v, entry)
	case string:
		name, is := NameIn(node)
		if !is {
			return node, true
		}
		value, ok := v[name]
		return value, ok
	default:
		return node, true
	}
}

func fillObject(node map[string]any, v Values, entry bool) (any, bool) {
	out := make(map[string]any, len(node))
	for key, sub := range node {
		value, ok := fill(sub, v, entry)
		switch {
		case ok:
			out[key] = value
		case entry:
			return nil, false // the whole entry goes
		}
	}
	return out, true
}

// fillList leaves out entries without a value. A list that has no objects and loses all its
// entries has no value itself.
func fillList(node []any, v Values, entry bool) (any, bool) {
	out := make([]any, 0, len(node))
	objects := len(node) == 0
	for _, sub := range node {
		_, object := sub.(map[string]any)
		objects = objects || object
		if value, ok := fill(sub, v, entry || object); ok {
			out = append(out, value)
		}
	}
	return out, objects || len(out) > 0
}
