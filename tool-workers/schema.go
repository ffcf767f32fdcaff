package tools

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"

	"github.com/parallel-fusion/pfr/schemas"
)

// property is a parameter in JSON Schema.
type property struct {
	Type        string    `json:"type"`
	Description string    `json:"description,omitempty"`
	Enum        []string  `json:"enum,omitempty"`
	Default     any       `json:"default,omitempty"`
	Minimum     *int      `json:"minimum,omitempty"`
	Maximum     *int      `json:"maximum,omitempty"`
	MinLength   int       `json:"minLength,omitempty"`
	MaxLength   int       `json:"maxLength,omitempty"`
	Items       *property `json:"items,omitempty"`
	MinItems    int       `json:"minItems,omitempty"`
	MaxItems    int       `json:"maxItems,omitempty"`
}

// schema returns the JSON Schema of the parameters. Equal parameters have equal bytes.
func (p *params) schema() (json.RawMessage, error) {
	object := struct {
		Schema     string              `json:"$schema"`
		Type       string              `json:"type"`
		Properties map[string]property `json:"properties"`
		Required   []string            `json:"required,omitempty"`
		Additional bool                `json:"additionalProperties"`
	}{Schema: "https://json-schema.org/draft/2020-12/schema", Type: "object", Properties: map[string]property{}}
	for i := range p.fields {
		f := &p.fields[i]
		object.Properties[f.name] = f.property()
		if f.required {
			object.Required = append(object.Required, f.name)
		}
	}
	schema, err := json.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("schema of the parameters: %w", err)
	}
	return schema, nil
}

func (f *field) property() property {
	p := property{Description: f.doc, Default: f.preset}
	switch f.kind {
	case reflect.Int:
		p.Type = "integer"
		if f.min != math.MinInt {
			p.Minimum = &f.min
		}
		if f.max != math.MaxInt {
			p.Maximum = &f.max
		}
	case reflect.Slice:
		p.Type, p.MinItems, p.MaxItems = "array", f.min, f.max
		p.Items = &property{Type: "string", Enum: f.enum, MaxLength: schemas.MaxParamBytes}
	default:
		p.Type, p.Enum, p.MaxLength = "string", f.enum, schemas.MaxParamBytes
		if f.required {
			p.MinLength = 1
		}
	}
	return p
}
