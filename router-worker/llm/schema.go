package llm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	chat "github.com/parallel-fusion/pfr/internal/llm"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

// Names of the members that are not parameters.
const (
	routeKey = "route"
	callsKey = "calls"
	toolKey  = "tool"
)

// maxText bounds strings where the server can enforce it, in characters: longer than any
// name, short enough to stop a small model that runs on.
const maxText = 120

// shape is what a server can be made to write.
type shape struct {
	form Form // strict or compact
	// bounds adds lengths and ranges. They are no part of the portable subset, so the
	// answer is clamped in any case; they keep small models from running on.
	bounds bool
}

// shapeFor returns the shape for a server. OpenAI takes no other form than the strict one.
func shapeFor(form Form, p chat.Profile) shape {
	switch {
	case p == chat.OpenAI:
		form = FormStrict
	case form == FormAuto:
		form = FormCompact
	}
	return shape{form: form, bounds: p.Bounds()}
}

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	key   string
	value any
}

// MarshalJSON implements [json.Marshaler].
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		value, err := json.Marshal(m.value)
		if err != nil {
			return nil, fmt.Errorf("member %s: %w", m.key, err)
		}
		key, _ := json.Marshal(m.key) // of a string: it cannot go wrong
		b.Write(key)
		b.WriteByte(':')
		b.Write(value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// routeSchema returns the schema of a decision: one flat object, the route first, then
// every parameter that some route takes.
func (s shape) routeSchema(m *routes.Manifest) object {
	properties := object{{routeKey, object{{"type", "string"}, {"enum", m.Names()}}}}
	return s.closed(append(properties, s.parameters(m, routeParameters(m))...))
}

// composeSchema returns the schema of a composition: a bounded list of calls.
func (s shape) composeSchema(m *routes.Manifest) object {
	properties := object{{toolKey, object{{"type", "string"}, {"enum", toolNames(m.Compose)}}}}
	call := s.closed(append(properties, s.parameters(m, composeParameters(m.Compose))...))
	list := object{{"type", "array"}, {"items", call}}
	if s.bounds {
		list = append(list, member{"minItems", 1}, member{"maxItems", m.Compose.MaxCalls})
	}
	return s.closed(object{{callsKey, list}})
}

// closed returns the schema of an object with these properties and no others. The first
// one is required in every form.
func (s shape) closed(properties object) object {
	required := []string{properties[0].key}
	if s.form == FormStrict {
		for _, p := range properties[1:] {
			required = append(required, p.key)
		}
	}
	return object{
		{"type", "object"},
		{"properties", properties},
		{"required", required},
		{"additionalProperties", false},
	}
}

func (s shape) parameters(m *routes.Manifest, names []string) object {
	var out object
	for _, name := range names {
		p, _ := m.Parameter(name) // the manifest guarantees it
		out = append(out, member{name, s.parameter(p)})
	}
	return out
}

func (s shape) parameter(p routes.Parameter) object {
	switch p.Type {
	case routes.Integer:
		o := object{{"type", s.nullable("integer")}}
		if s.bounds && p.Min < p.Max {
			o = append(o, member{"minimum", p.Min}, member{"maximum", p.Max})
		}
		return o
	case routes.List:
		o := object{{"type", s.nullable("array")}, {"items", s.text(p.Enum, "string")}}
		if s.bounds {
			o = append(o, member{"maxItems", maxEntries(p)})
		}
		return o
	default:
		if p.Enum != nil && s.form == FormStrict {
			return object{{"type", s.nullable("string")}, {"enum", orNull(p.Enum)}}
		}
		return s.text(p.Enum, s.nullable("string"))
	}
}

// text returns the schema of a string, closed or open.
func (s shape) text(enum []string, typ any) object {
	o := object{{"type", typ}}
	switch {
	case enum != nil:
		o = append(o, member{"enum", enum})
	case s.bounds:
		o = append(o, member{"maxLength", maxText})
	}
	return o
}

func (s shape) nullable(typ string) any {
	if s.form == FormStrict {
		return []string{typ, "null"}
	}
	return typ
}

func orNull(enum []string) []any {
	out := make([]any, 0, len(enum)+1)
	for _, e := range enum {
		out = append(out, e)
	}
	return append(out, nil)
}

// maxEntries bounds a list: there are no more kinds than its enum has.
func maxEntries(p routes.Parameter) int {
	if p.Enum != nil {
		return len(p.Enum)
	}
	return 8
}

// routeParameters lists every parameter that some route takes, in manifest order.
func routeParameters(m *routes.Manifest) []string {
	var names []string
	for _, r := range m.Routes {
		names = appendNew(names, r.Parameters)
	}
	return names
}

// composeParameters lists every parameter that some composable tool takes.
func composeParameters(c *routes.Compose) []string {
	var names []string
	for _, t := range c.Tools {
		names = appendNew(names, t.Parameters)
	}
	return names
}

func appendNew(names, more []string) []string {
	for _, n := range more {
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	return names
}

func toolNames(c *routes.Compose) []string {
	names := make([]string, len(c.Tools))
	for i, t := range c.Tools {
		names[i] = t.Tool
	}
	return names
}
