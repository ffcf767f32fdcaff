package schemas_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/parallel-fusion/pfr/schemas"
)

const schemaBase = "https://github.com/parallel-fusion/pfr/schemas/"

// compile returns every message's compiled JSON Schema by name.
func compile(t testing.TB) map[string]*jsonschema.Schema {
	t.Helper()
	names, err := schemas.JSONSchemas()
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	for _, name := range names {
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemaFile(t, name)))
		if err != nil {
			t.Fatal(name, err)
		}
		if err := c.AddResource(schemaBase+name+".json", doc); err != nil {
			t.Fatal(name, err)
		}
	}
	out := map[string]*jsonschema.Schema{}
	for _, name := range names {
		if out[name], err = c.Compile(schemaBase + name + ".json"); err != nil {
			t.Fatal(name, err)
		}
	}
	return out
}

func schemaFile(t testing.TB, name string) []byte {
	t.Helper()
	data, err := schemas.JSONSchema(name)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// conforms validates JSON against a schema.
func conforms(t testing.TB, s *jsonschema.Schema, data []byte) error {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

func TestEveryMessageHasASchema(t *testing.T) {
	want := []string{"common.v1"}
	for _, m := range messages() {
		want = append(want, m.schema)
	}
	slices.Sort(want)
	if got, err := schemas.JSONSchemas(); err != nil || !slices.Equal(got, want) {
		t.Errorf("schemas %v, %v; want %v", got, err, want)
	}
	for _, name := range want {
		if id := object(t, schemaFile(t, name))["$id"]; id != schemaBase+name+".json" {
			t.Errorf("%s: $id is %v", name, id)
		}
	}
	if _, err := schemas.JSONSchema("../doc"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an unknown name: %v", err)
	}
}

func TestGoldenConformsToSchema(t *testing.T) {
	compiled := compile(t)
	eachGolden(t, func(t *testing.T, m message, data []byte) {
		if err := conforms(t, compiled[m.schema], data); err != nil {
			t.Error(err)
		}
	})
}

// The schema and the Go type say the same: names, types, what is required, enums.
func TestSchemaMatchesType(t *testing.T) {
	docs := map[string]map[string]any{}
	names, err := schemas.JSONSchemas()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		docs[name] = object(t, schemaFile(t, name))
	}
	for _, m := range messages() {
		w := walker{t: t, docs: docs, enums: enums(t)}
		w.match(m.name, m.typ, node{doc: m.schema, body: docs[m.schema]})
	}
}

// walker compares a Go type with a schema, node by node.
type walker struct {
	t     *testing.T
	docs  map[string]map[string]any
	enums map[string][]string // by type
}

// node is a schema and the document it stands in, which its references start from.
type node struct {
	doc  string
	body map[string]any
}

func (w walker) match(at string, typ reflect.Type, n node) {
	n = w.resolve(n)
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if values, ok := w.enums[typ.Name()]; ok {
		w.equal(at+" enum", sorted(n.body["enum"]), values)
	}
	w.equal(at+" type", n.body["type"], wantType(typ))
	if typ == reflect.TypeFor[time.Time]() {
		w.equal(at+" format", n.body["format"], any("date-time"))
		return
	}
	switch typ.Kind() {
	case reflect.Struct:
		w.matchStruct(at, typ, n)
	case reflect.Slice:
		if typ != reflect.TypeFor[json.RawMessage]() {
			items, _ := n.body["items"].(map[string]any)
			w.match(at+"[]", typ.Elem(), node{n.doc, items})
		}
	case reflect.Map:
		values, ok := n.body["additionalProperties"].(map[string]any)
		if !ok {
			w.t.Errorf("%s: the schema says nothing about the values", at)
		} else if typ.Elem().Kind() == reflect.String {
			w.match(at+"{}", typ.Elem(), node{n.doc, values})
		}
	}
}

func (w walker) matchStruct(at string, typ reflect.Type, n node) {
	if _, closed := n.body["additionalProperties"]; closed {
		w.t.Errorf("%s: unknown properties must be allowed, for later minor versions", at)
	}
	props, _ := n.body["properties"].(map[string]any)
	var names, required []string
	for _, f := range jsonFields(typ) {
		names = append(names, f.name)
		if !f.optional {
			required = append(required, f.name)
		}
		if prop, ok := props[f.name].(map[string]any); ok {
			w.match(at+"."+f.name, f.typ, node{n.doc, prop})
		}
	}
	slices.Sort(names)
	slices.Sort(required)
	w.equal(at+" properties", slices.Sorted(maps.Keys(props)), names)
	w.equal(at+" required", sorted(n.body["required"]), required)
}

// resolve follows $ref and merges the properties of allOf.
func (w walker) resolve(n node) node {
	for {
		ref, ok := n.body["$ref"].(string)
		if !ok {
			break
		}
		file, pointer, _ := strings.Cut(ref, "#")
		if file != "" {
			n.doc = strings.TrimSuffix(file, ".json")
		}
		n.body = w.docs[n.doc]
		for part := range strings.SplitSeq(strings.Trim(pointer, "/"), "/") {
			if part != "" {
				n.body, _ = n.body[part].(map[string]any)
			}
		}
		if n.body == nil {
			w.t.Fatalf("%s: nothing is there", ref)
		}
	}
	parts, _ := n.body["allOf"].([]any)
	for _, part := range parts {
		inner := node{n.doc, part.(map[string]any)}
		if _, isRef := inner.body["$ref"]; isRef {
			n = merge(n, w.resolve(inner))
		}
	}
	return n
}

// merge adds the properties of base, whose document they refer from.
func merge(n, base node) node {
	props := maps.Clone(n.body["properties"].(map[string]any))
	for name, p := range base.body["properties"].(map[string]any) {
		props[name] = absolute(p, base.doc)
	}
	body := maps.Clone(n.body)
	body["properties"] = props
	own, _ := n.body["required"].([]any)
	body["required"] = append(slices.Clone(own), base.body["required"].([]any)...)
	return node{n.doc, body}
}

// absolute names the document in every reference to a part of its own.
func absolute(v any, doc string) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, inner := range v {
			out[name] = absolute(inner, doc)
			if ref, ok := inner.(string); ok && name == "$ref" && strings.HasPrefix(ref, "#") {
				out[name] = doc + ".json" + ref
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = absolute(v[i], doc)
		}
		return out
	}
	return v
}

func (w walker) equal(what string, got, want any) {
	w.t.Helper()
	if !reflect.DeepEqual(got, want) {
		w.t.Errorf("%s: the schema has %v, the type %v", what, got, want)
	}
}

func wantType(typ reflect.Type) any {
	if typ == reflect.TypeFor[time.Time]() {
		return "string"
	}
	if typ == reflect.TypeFor[json.RawMessage]() {
		return nil
	}
	return map[reflect.Kind]any{
		reflect.String: "string", reflect.Bool: "boolean", reflect.Float64: "number",
		reflect.Int: "integer", reflect.Int64: "integer", reflect.Slice: "array",
		reflect.Struct: "object", reflect.Map: "object",
	}[typ.Kind()]
}

func sorted(list any) []string {
	var out []string
	entries, _ := list.([]any)
	for _, v := range entries {
		out = append(out, v.(string))
	}
	slices.Sort(out)
	return out
}

// Two enums are plain strings in Go.
func TestSchemaEnumsOfPlainStrings(t *testing.T) {
	for _, c := range []struct{ schema, field, group string }{
		{"online-metrics.v1", "window", "Window"},
		{"dead-letter.v1", "error_kind", "ErrorKind"},
	} {
		props := object(t, schemaFile(t, c.schema))["properties"].(map[string]any)
		got := sorted(props[c.field].(map[string]any)["enum"])
		if want := enums(t)[c.group]; !slices.Equal(got, want) || len(got) == 0 {
			t.Errorf("%s.%s: the schema has %v, the constants are %v", c.schema, c.field, got, want)
		}
	}
}
