package httpjson

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/adapter"
)

// template is a request with places for values.
type template struct {
	base     *url.URL // without a path
	method   string
	segments []string // of the path: constants, escaped, and placeholders
	values   *adapter.Template
	body     *adapter.Template // nil: no body
	names    []string
}

func newTemplate(cfg Config) (*template, error) {
	base, err := adapter.BaseURL(cfg.URL)
	if err != nil {
		return nil, err
	}
	t := &template{base: &url.URL{Scheme: base.Scheme, Host: base.Host}, method: cmp.Or(cfg.Method, http.MethodGet)}
	errs := []error{t.readPath(base.Path)}
	for key, v := range cfg.Query {
		if _, nested := v.(map[string]any); nested {
			errs = append(errs, fmt.Errorf("query.%s: must be a value or a list of them", key))
		}
	}
	if t.values, err = adapter.NewTemplate(cfg.Query); err != nil {
		errs = append(errs, fmt.Errorf("query: %w", err))
	}
	t.names = append(t.names, t.values.Names()...)
	if cfg.Body != nil {
		if t.body, err = adapter.NewTemplate(cfg.Body); err != nil {
			errs = append(errs, fmt.Errorf("body: %w", err))
		}
		t.names = append(t.names, t.body.Names()...)
	}
	return t, errors.Join(errs...)
}

// readPath splits the path. A placeholder is a segment of its own.
func (t *template) readPath(path string) error {
	for segment := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		name, is := adapter.NameIn(segment)
		switch {
		case is:
			t.names = append(t.names, name)
			t.segments = append(t.segments, "{{"+name+"}}")
		case strings.ContainsAny(segment, "{}"):
			return errors.New("url: a placeholder must be a whole segment of the path")
		case segment == "." || segment == "..":
			return errors.New("url: the path must not go up")
		default:
			t.segments = append(t.segments, url.PathEscape(segment))
		}
	}
	return nil
}

// path returns the escaped path for values.
func (t *template) path(v adapter.Values) (string, error) {
	var b strings.Builder
	for _, segment := range t.segments {
		b.WriteByte('/')
		name, is := adapter.NameIn(segment)
		if !is {
			b.WriteString(segment)
			continue
		}
		value := scalar(v[name])
		if !inPath(value) {
			return "", fmt.Errorf("%w: %s: cannot stand in an address", tools.ErrBadRequest, name)
		}
		b.WriteString(url.PathEscape(value))
	}
	return b.String(), nil
}

// inPath refuses values that a server could read as another address: nothing, a step up,
// also behind a separator that it may decode, and control characters.
func inPath(value string) bool {
	steps := strings.FieldsFunc(value, func(r rune) bool { return r == '/' || r == '\\' })
	return len(steps) > 0 && !slices.Contains(steps, "..") && !slices.Contains(steps, ".") &&
		!strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// query returns the values after the ?. What the call does not have is left out.
func (t *template) query(v adapter.Values) url.Values {
	out := url.Values{}
	data, _ := t.values.Fill(v)
	filled, _ := data.(map[string]any)
	for key, value := range filled {
		switch value := value.(type) {
		case []any:
			for _, e := range value {
				out.Add(key, scalar(e))
			}
		case []string:
			out[key] = value
		default:
			out.Set(key, scalar(value))
		}
	}
	return out
}

// scalar writes a value as text; a list becomes one with commas.
func scalar(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case int:
		return strconv.Itoa(v)
	case []string:
		return strings.Join(v, ",")
	default:
		return fmt.Sprint(v)
	}
}

// fill returns the request for values.
func (t *template) fill(v adapter.Values) (to *url.URL, body any, err error) {
	if to, err = t.address(v); err != nil || t.body == nil {
		return to, nil, err
	}
	body, ok := t.body.Fill(v)
	if !ok {
		return nil, nil, fmt.Errorf("%w: nothing to send", tools.ErrBadRequest)
	}
	return to, body, nil
}
