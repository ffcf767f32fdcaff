package tooltest

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
)

// conformToSpec holds a tool to what its spec says.
func conformToSpec(t *testing.T, tool tools.Tool, spec tools.Spec, calls []Call) {
	if err := spec.Validate(); err != nil {
		t.Errorf("spec: %v", err)
	}
	compiled := compile(t, spec.Params)
	example := Call{Query: spec.Example.Query, Params: spec.Example.Params}
	t.Run("AnswersItsExample", func(t *testing.T) {
		if r := Run(t, tool, example); len(r.Items) == 0 && r.Text == "" {
			t.Errorf("%v: nothing", example.Params)
		}
	})
	calls = append(calls, example)
	t.Run("TakesWhatItsSchemaAllows", func(t *testing.T) {
		for _, c := range calls {
			if err := conforms(compiled, c.Params); err != nil {
				t.Errorf("%v is answered, but the schema says: %v", c.Params, err)
			}
		}
	})
	t.Run("RefusesWhatItsSchemaForbids", func(t *testing.T) {
		for _, params := range bad(t, spec) {
			if conforms(compiled, params) == nil {
				t.Errorf("%v: the schema allows it", params)
			}
			if _, answered := Try(t, tool, Call{Params: params}); answered {
				t.Errorf("%v: answered, want a bad request", params)
			}
		}
	})
	t.Run("GivesTheTypesThatItNames", func(t *testing.T) {
		for _, c := range calls {
			for _, item := range Run(t, tool, c).Items {
				if !slices.Contains(spec.Results, item.Type) {
					t.Errorf("%v: %s, the spec names %v", c.Params, item.ID, spec.Results)
				}
			}
		}
	})
	t.Run("DependsOnNothingElse", func(t *testing.T) { independent(t, tool, spec, calls) })
}

// independent changes what the spec says the answers do not depend on.
func independent(t *testing.T, tool tools.Tool, spec tools.Spec, calls []Call) {
	for _, c := range calls {
		want, other := Render(Run(t, tool, c)), c
		if !spec.Personal {
			other.User = &schemas.User{ID: "somebody else", Features: map[string]string{"favorite_genres": "rock; jazz", "favorite_artists": "Radiohead"}}
		}
		if !spec.Text {
			other.Query = "something else"
		}
		if got := Render(Run(t, tool, other)); got != want {
			t.Errorf("%v: got\n%s\nwith another user or text, which the spec says do not matter, and\n%s", c.Params, got, want)
		}
	}
}

func compile(t *testing.T, schema json.RawMessage) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		t.Fatalf("schema: %v", err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("params.json", doc); err != nil {
		t.Fatalf("schema: %v", err)
	}
	compiled, err := c.Compile("params.json")
	if err != nil {
		t.Fatalf("schema: %v", err)
	}
	return compiled
}

func conforms(schema *jsonschema.Schema, params schemas.Params) error {
	if params == nil {
		params = schemas.Params{}
	}
	data, err := json.Marshal(params)
	if err != nil {
		return err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	return errors.Join(err, schema.Validate(doc))
}

// shape is what the tests read of a schema.
type shape struct {
	Properties map[string]property `json:"properties"`
	Required   []string            `json:"required"`
}

type property struct {
	Type     string    `json:"type"`
	Enum     []string  `json:"enum"`
	Minimum  *int      `json:"minimum"`
	Maximum  *int      `json:"maximum"`
	MaxItems *int      `json:"maxItems"`
	MinItems int       `json:"minItems"`
	Items    *property `json:"items"`
}

// bad returns parameters that the schema forbids: the example with one thing changed.
func bad(t *testing.T, spec tools.Spec) []schemas.Params {
	t.Helper()
	var s shape
	if err := json.Unmarshal(spec.Params, &s); err != nil {
		t.Fatalf("schema: %v", err)
	}
	var out []schemas.Params
	with := func(name string, v any) {
		params := maps.Clone(spec.Example.Params)
		if params == nil {
			params = schemas.Params{}
		}
		params[name] = v
		out = append(out, params)
	}
	with("no_such_parameter", "x")
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		for _, v := range s.Properties[name].bad() {
			with(name, v)
		}
	}
	for _, name := range s.Required {
		params := maps.Clone(spec.Example.Params)
		delete(params, name)
		out = append(out, params)
	}
	return out
}

// bad returns values that the property forbids.
func (p property) bad() []any {
	const word = "no such value"
	switch p.Type {
	case "integer":
		out := []any{word, []string{"1"}}
		if p.Minimum != nil {
			out = append(out, *p.Minimum-1)
		}
		if p.Maximum != nil {
			out = append(out, *p.Maximum+1)
		}
		return out
	case "array":
		out := []any{"x", 1}
		if p.MaxItems != nil {
			out = append(out, strings.Split(strings.Repeat("x,", *p.MaxItems)+"x", ","))
		}
		if p.MinItems > 0 {
			out = append(out, []string{})
		}
		if p.Items != nil && p.Items.Enum != nil {
			out = append(out, []string{word})
		}
		return out
	default:
		out := []any{5, []string{"x"}}
		if p.Enum != nil {
			out = append(out, word)
		}
		return out
	}
}
