package schemas_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
)

// message is one type of message as the tests see it.
type message struct {
	name   string   // of the type
	schema string   // of its JSON Schema
	golden []string // of its files in testdata
	typ    reflect.Type
	decode func(data []byte) (any, error) // JSON, then Validate
	strict func(data []byte) (any, error) // the same, refusing unknown fields
}

func kind[T interface{ Validate() error }](schema string, golden ...string) message {
	if golden == nil {
		golden = []string{schema}
	}
	read := func(data []byte, strict bool) (any, error) {
		var v T
		dec := json.NewDecoder(bytes.NewReader(data))
		if strict {
			dec.DisallowUnknownFields()
		}
		if err := dec.Decode(&v); err != nil {
			return nil, fmt.Errorf("decode: %w", err)
		}
		return v, v.Validate()
	}
	typ := reflect.TypeFor[T]()
	return message{
		name: typ.Name(), schema: schema, golden: golden, typ: typ,
		decode: func(data []byte) (any, error) { return read(data, false) },
		strict: func(data []byte) (any, error) { return read(data, true) },
	}
}

func messages() []message {
	return []message{
		kind[schemas.Query]("query.v1"),
		kind[schemas.RouteDecision]("route-decision.v1"),
		kind[schemas.PrecomputedRoute]("precomputed-route.v1"),
		kind[schemas.ShadowDecision]("shadow-decision.v1"),
		kind[schemas.ToolRequest]("tool-request.v1"),
		kind[schemas.ToolResponse]("tool-response.v1"),
		kind[schemas.Progress]("progress.v1", "progress-route.v1", "progress-section.v1", "progress-serp.v1"),
		kind[schemas.SERP]("serp.v1"),
		kind[schemas.Interaction]("interaction.v1"),
		kind[schemas.OnlineMetrics]("online-metrics.v1"),
		kind[schemas.ExperimentReadout]("experiment-readout.v1"),
		kind[schemas.Control]("control.v1", "control-ladder.v1", "control-arm.v1"),
		kind[schemas.Erasure]("erasure.v1"),
		kind[schemas.DeadLetter]("dead-letter.v1"),
	}
}

// eachGolden runs f as a subtest for every golden file.
func eachGolden(t *testing.T, f func(t *testing.T, m message, data []byte)) {
	t.Helper()
	for _, m := range messages() {
		for _, name := range m.golden {
			t.Run(name, func(t *testing.T) { f(t, m, golden(t, name)) })
		}
	}
}

func golden(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// read returns a golden message as its type.
func read[T any](t testing.TB, name string) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(golden(t, name), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// object decodes JSON for a test that edits it.
func object(t testing.TB, data []byte) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestGoldenRoundTrip(t *testing.T) {
	eachGolden(t, func(t *testing.T, m message, data []byte) {
		v, err := m.strict(data)
		if err != nil {
			t.Fatal(err)
		}
		if got := marshal(t, v); !bytes.Equal(got, data) {
			t.Errorf("encoded again:\n%s\nwant\n%s", got, data)
		}
	})
}

// A golden file shows every field, or a new field would go untested.
func TestGoldenSetsEveryField(t *testing.T) {
	for _, m := range messages() {
		merged := map[string]any{}
		for _, name := range m.golden {
			maps.Copy(merged, object(t, golden(t, name)))
		}
		for _, path := range missing(m.typ, merged) {
			t.Errorf("%s: no golden file sets %s", m.name, path)
		}
	}
}

// missing lists the JSON fields of a struct type that v does not set; of a list, those that no
// entry sets.
func missing(typ reflect.Type, v any) []string {
	switch typ.Kind() {
	case reflect.Pointer:
		return missing(typ.Elem(), v)
	case reflect.Slice:
		list, ok := v.([]any)
		if !ok || len(list) == 0 {
			return nil
		}
		out := missing(typ.Elem(), list[0])
		for _, entry := range list[1:] {
			also := missing(typ.Elem(), entry)
			out = slices.DeleteFunc(out, func(field string) bool { return !slices.Contains(also, field) })
		}
		return out
	case reflect.Struct:
	default:
		return nil
	}
	fields, isObject := v.(map[string]any)
	if !isObject {
		return nil // a time
	}
	var out []string
	for _, f := range jsonFields(typ) {
		value, set := fields[f.name]
		if !set {
			out = append(out, f.name)
		}
		for _, inner := range missing(f.typ, value) {
			out = append(out, f.name+"."+inner)
		}
	}
	return out
}

// Every golden file belongs to a message.
func TestGoldenFilesAreKnown(t *testing.T) {
	known := map[string]bool{}
	for _, m := range messages() {
		for _, name := range m.golden {
			known[name+".json"] = true
		}
	}
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !known[filepath.Base(f)] {
			t.Errorf("%s belongs to no message", f)
		}
	}
}
