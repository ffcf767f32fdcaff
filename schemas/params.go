package schemas

import (
	"bytes"
	"encoding/json"
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
	if scanned, ok := scanParams(data); ok {
		*p = scanned
		return nil
	}
	return p.unmarshal(data)
}

// unmarshal reads any JSON.
func (p *Params) unmarshal(data []byte) error {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return invalid("params: must be a JSON object")
	}
	if raw == nil { // null: left for Validate to refuse
		*p = nil
		return nil
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
		list []*string // of pointers, to see nulls
	)
	switch data = bytes.TrimSpace(data); {
	case bytes.Equal(data, []byte("null")):
		return nil, nil
	case len(data) > 0 && data[0] == '"' && json.Unmarshal(data, &s) == nil:
		return s, nil
	case len(data) > 0 && data[0] == '[' && json.Unmarshal(data, &list) == nil:
		return listValue(list)
	}
	n, err := strconv.Atoi(string(data))
	if err != nil {
		return nil, errParamValue
	}
	return n, nil
}

func listValue(list []*string) (any, error) {
	out := make([]string, len(list))
	for i, s := range list {
		if s == nil {
			return nil, errParamValue
		}
		out[i] = *s
	}
	return out, nil
}

const errParamValue = invalid("params: each value must be a string, an integer or a list of strings")

// Validate reports every parameter that is out of bounds.
func (p Params) Validate() error {
	var ps problems
	p.check(&ps)
	return ps.err("params")
}

func (p Params) check(ps *problems) {
	ps.check(p != nil, "params", "must be an object, which may be empty")
	ps.check(len(p) <= MaxParams, "params", "must have at most %d entries", MaxParams)
	for name, v := range p {
		ps.name("params", name)
		switch v := v.(type) {
		case int:
		case string:
			ps.text("params", v, MaxParamBytes)
		case []string:
			ps.check(v != nil && len(v) <= MaxListParams, "params", "a list must not be nil and have at most %d entries", MaxListParams)
			for _, s := range v {
				ps.text("params", s, MaxParamBytes)
			}
		default:
			ps.check(false, "params", "a %T is not a parameter value", v)
		}
	}
}
