package llm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/schemas/routes"
)

// lint says why a schema is not portable: it may use only what every server enforces.
// Bounds and optional members are for some servers only.
func lint(data []byte, s shape, depth int) error {
	var node struct {
		Type       json.RawMessage `json:"type"`
		Required   []string        `json:"required"`
		Additional json.RawMessage `json:"additionalProperties"`
		Items      json.RawMessage `json:"items"`
		Enum       []any           `json:"enum"`
	}
	if err := json.Unmarshal(data, &node); err != nil {
		return err
	}
	keys, members := members(data)
	allowed := []string{"type", "properties", "required", "additionalProperties", "items", "enum"}
	if s.bounds {
		allowed = append(allowed, "maxItems", "minItems", "maxLength", "minimum", "maximum")
	}
	for _, key := range keys {
		if !slices.Contains(allowed, key) {
			return fmt.Errorf("%s is forbidden", key)
		}
	}
	if _, ok := members["maxLength"]; ok && node.Enum != nil {
		return fmt.Errorf("a closed string with a length")
	}
	if nests := node.Items != nil || string(node.Type) == `"object"`; nests && depth > 3 || depth == 0 && string(node.Type) != `"object"` {
		return fmt.Errorf("depth %d, type %s", depth, node.Type)
	}
	if string(node.Type) == `"object"` {
		return lintObject(members["properties"], node.Required, node.Additional, s, depth)
	}
	if node.Items != nil {
		return lint(node.Items, s, depth+1)
	}
	return nil
}

func lintObject(properties []byte, required []string, additional []byte, s shape, depth int) error {
	if string(additional) != "false" {
		return fmt.Errorf("additionalProperties is %s", additional)
	}
	keys, all := members(properties)
	want := keys
	if s.form == FormCompact {
		want = keys[:1]
	}
	if !slices.Equal(required, want) {
		return fmt.Errorf("required is %v, the properties are %v", required, keys)
	}
	for _, key := range keys {
		if err := lint(all[key], s, depth+1); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

func members(data []byte) (keys []string, all map[string]json.RawMessage) {
	all = map[string]json.RawMessage{}
	dec := json.NewDecoder(bytes.NewReader(data))
	_, _ = dec.Token()
	for dec.More() {
		t, _ := dec.Token()
		var v json.RawMessage
		if dec.Decode(&v) != nil {
			break
		}
		keys = append(keys, t.(string))
		all[t.(string)] = v
	}
	return keys, all
}

func shapes() []shape {
	return []shape{{FormStrict, false}, {FormStrict, true}, {FormCompact, false}, {FormCompact, true}}
}

func TestSchemasArePortable(t *testing.T) {
	m, err := routes.Music()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range shapes() {
		for name, o := range map[string]object{"route": s.routeSchema(m), "compose": s.composeSchema(m)} {
			data, err := json.Marshal(o)
			if err != nil {
				t.Fatal(err)
			}
			if err := lint(data, s, 0); err != nil {
				t.Errorf("%s, %+v: %v\n%s", name, s, err, data)
			}
		}
		keys, _ := members(mustMarshal(t, s.routeSchema(m)))
		properties, _ := members(mustMarshal(t, s.routeSchema(m)[1].value))
		if keys[1] != "properties" || properties[0] != "route" {
			t.Errorf("%v, %v: the route must come first", keys, properties)
		}
	}
}

func mustMarshal(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// The linter finds each thing that some server does not take.
func TestLinterFindsWhatIsNotPortable(t *testing.T) {
	strict, closed := shape{form: FormStrict}, `"required":["a"],"additionalProperties":false`
	property := func(p string) string { return `{"type":"object","properties":{"a":` + p + `},` + closed + `}` }
	if err := lint([]byte(property(`{"type":"string"}`)), strict, 0); err != nil {
		t.Fatal(err)
	}
	bad := []string{
		`{"anyOf":[]}`, `{"type":"array","items":{"type":"string"}}`,
		`{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}`,
		`{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"string"}},` + closed + `}`,
		`{"type":"object","properties":{"b":{"type":"string"},"a":{"type":"string"}},"required":["a","b"],"additionalProperties":false}`,
	}
	for keyword := range strings.FieldsSeq("anyOf oneOf allOf not if then else dependentRequired dependentSchemas $ref $defs patternProperties " +
		"propertyNames uniqueItems contains prefixItems multipleOf format pattern default minimum maximum minLength maxLength minItems maxItems title const") {
		bad = append(bad, property(`{"type":"string","`+keyword+`":1}`))
	}
	deep := `{"type":"string"}`
	for range 4 {
		deep = property(deep)
	}
	bad = append(bad, property(deep))
	for _, text := range bad {
		if lint([]byte(text), strict, 0) == nil {
			t.Errorf("%s passes", text)
		}
	}
}

// Servers cache compiled grammars by the bytes of the schema.
func TestSchemaBytesAreStable(t *testing.T) {
	first := map[shape]string{}
	var m *routes.Manifest
	for i := range 1000 {
		if i%50 == 0 {
			var err error
			if m, err = routes.Music(); err != nil { // parsed anew: the order of its maps differs
				t.Fatal(err)
			}
		}
		for _, s := range shapes() {
			got := string(mustMarshal(t, s.routeSchema(m))) + string(mustMarshal(t, s.composeSchema(m)))
			if want, ok := first[s]; ok && got != want {
				t.Fatalf("%s\nand\n%s", got, want)
			}
			first[s] = got
		}
	}
}
