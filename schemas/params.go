package schemas

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
)

// Params are the parameters of a route or a call. A value is a string, an int or a
// []string; decoding refuses anything else and drops nulls. Marshalling sorts the keys,
// so equal parameters have equal bytes.
type Params map[string]any

// Text returns the string at name, or "".
func (p Params) Text(name string) string {
	s, _ := p[name].(string)
	return s
}

// Int returns the integer at name, or 0.
func (p Params) Int(name string) int {
	n, _ := p[name].(int)
	return n
}

// List returns the strings at name, or nil. The caller must not change them.
func (p Params) List(name string) []string {
	l, _ := p[name].([]string)
	return l
}

// UnmarshalJSON implements [json.Unmarshaler].
func (p *Params) UnmarshalJSON(data []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return errors.New("params: must be a JSON object")
	}
	out := make(Params, len(raw))
	for name, value := range raw {
		v, err := paramValue(value)
		if err != nil {
			return err
		}
		if v != nil {
			out[name] = v
		}
	}
	*p = out
	return nil
}

func paramValue(data []byte) (any, error) {
	var (
		s    string
		list []string
	)
	switch data = bytes.TrimSpace(data); {
	case bytes.Equal(data, []byte("null")):
		return nil, nil
	case len(data) > 0 && data[0] == '"' && json.Unmarshal(data, &s) == nil:
		return s, nil
	case len(data) > 0 && data[0] == '[' && json.Unmarshal(data, &list) == nil:
		return list, nil
	}
	n, err := strconv.Atoi(string(data))
	if err != nil {
		return nil, errors.New("params: each value must be a string, an integer or a list of strings")
	}
	return n, nil
}

// Validate reports every parameter that is out of bounds.
func (p Params) Validate() error {
	var ps problems
	ps.check(len(p) <= MaxParams, "params", "must have at most %d entries", MaxParams)
	for name, v := range p {
		ps.optional("params", name)
		switch v := v.(type) {
		case int:
		case string:
			ps.text("params", v, MaxParamBytes)
		case []string:
			ps.check(len(v) <= MaxListParams, "params", "a list must have at most %d entries", MaxListParams)
			for _, s := range v {
				ps.text("params", s, MaxParamBytes)
			}
		default:
			ps.errs = append(ps.errs, fmt.Errorf("params: a %T is not a parameter value", v))
		}
	}
	return errors.Join(ps.errs...)
}
