package schemas_test

import (
	"encoding/json"
	"errors"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
)

// What a later minor version may send: fields that this one does not know, everywhere.
func TestLaterMinorVersionPasses(t *testing.T) {
	compiled := compile(t)
	eachGolden(t, func(t *testing.T, m message, data []byte) {
		later := marshal(t, extend(m.typ, object(t, data)))
		v, err := m.decode(later)
		if err != nil {
			t.Fatal(err)
		}
		if err := conforms(t, compiled[m.schema], later); err != nil {
			t.Error(err)
		}
		same := object(t, data)
		if versioned(m) {
			setVersion(m.typ, same, "1.7")
		}
		if got := object(t, marshal(t, v)); !reflect.DeepEqual(got, same) {
			t.Errorf("what this version knows has changed:\n%v\nwant\n%v", got, same)
		}
	})
}

// versioned is false for the dead letter, which is a view of a record and never travels.
func versioned(m message) bool {
	return slices.ContainsFunc(jsonFields(m.typ), func(f jsonField) bool { return f.name == "schema_version" })
}

// extend adds an unknown field to every object of a message and sets version 1.7.
func extend(typ reflect.Type, v map[string]any) map[string]any {
	v = maps.Clone(v)
	setVersion(typ, v, "1.7")
	everyObject(typ, v, func(_ reflect.Type, fields map[string]any) {
		fields["from_the_future"] = map[string]any{"nested": []any{1.5, "x", nil}}
	})
	return v
}

func setVersion(typ reflect.Type, v map[string]any, version string) {
	everyObject(typ, v, func(typ reflect.Type, fields map[string]any) {
		if _, ok := fields["schema_version"]; ok && typ != reflect.TypeFor[json.RawMessage]() {
			fields["schema_version"] = version
		}
	})
}

// everyObject calls f for each JSON object that is a struct in Go.
func everyObject(typ reflect.Type, v any, f func(reflect.Type, map[string]any)) {
	switch typ.Kind() {
	case reflect.Pointer:
		everyObject(typ.Elem(), v, f)
	case reflect.Slice:
		list, _ := v.([]any)
		for _, entry := range list {
			everyObject(typ.Elem(), entry, f)
		}
	case reflect.Struct:
		fields, ok := v.(map[string]any)
		if !ok {
			return
		}
		for _, field := range jsonFields(typ) {
			if inner, set := fields[field.name]; set {
				everyObject(field.typ, inner, f)
			}
		}
		f(typ, fields)
	}
}

func TestOtherVersions(t *testing.T) {
	compiled := compile(t)
	eachGolden(t, func(t *testing.T, m message, data []byte) {
		if !versioned(m) {
			return // a dead letter is made by its reader
		}
		for version, unknownMajor := range map[string]bool{"2.0": true, "0.9": true, "10.0": true, "1": false, "": false, "one.two": false} {
			v := object(t, data)
			v["schema_version"] = version
			changed := marshal(t, v)
			_, err := m.decode(changed)
			if errors.Is(err, schemas.ErrVersion) != unknownMajor || !errors.Is(err, schemas.ErrInvalid) {
				t.Errorf("version %q: %v", version, err)
			}
			if conforms(t, compiled[m.schema], changed) == nil {
				t.Errorf("version %q conforms to the schema", version)
			}
		}
		v := object(t, data)
		delete(v, "schema_version")
		if _, err := m.decode(marshal(t, v)); !errors.Is(err, schemas.ErrInvalid) || errors.Is(err, schemas.ErrVersion) {
			t.Errorf("no version: %v", err)
		}
	})
}

func TestCheckVersion(t *testing.T) {
	for v, want := range map[string]error{
		"1.0": nil, "1.7": nil, "1.120": nil,
		"2.0": schemas.ErrVersion, "01.0": schemas.ErrVersion,
		"+1.0": schemas.ErrInvalid, "1.-2": schemas.ErrInvalid, "1.0.0": schemas.ErrInvalid, "1.": schemas.ErrInvalid,
		".1": schemas.ErrInvalid, " 1.0": schemas.ErrInvalid, "1.99999999999999999999": schemas.ErrInvalid,
	} {
		err := schemas.CheckVersion(v)
		if !errors.Is(err, want) || errors.Is(err, schemas.ErrVersion) != errors.Is(want, schemas.ErrVersion) {
			t.Errorf("%q: %v, want %v", v, err, want)
		}
	}
}

// Whatever is broken in a golden message fails the schema and the decoder alike. Only the
// schema can see that a number, whose zero is good, or a flag is missing.
func TestBrokenGoldenFailsBoth(t *testing.T) {
	compiled := compile(t)
	eachGolden(t, func(t *testing.T, m message, data []byte) {
		fails := func(what string, v map[string]any, decoderToo bool) {
			changed := marshal(t, v)
			if conforms(t, compiled[m.schema], changed) == nil {
				t.Errorf("%s: conforms to the schema", what)
			}
			if _, err := m.decode(changed); decoderToo && err == nil {
				t.Errorf("%s: decodes and validates", what)
			}
		}
		for _, f := range jsonFields(m.typ) {
			if _, set := object(t, data)[f.name]; !set || f.typ == reflect.TypeFor[json.RawMessage]() {
				continue
			}
			wrong := object(t, data)
			wrong[f.name] = wrongType(f.typ)
			fails(f.name+" of a wrong type", wrong, true)
			if !f.optional {
				gone := object(t, data)
				delete(gone, f.name)
				fails("no "+f.name, gone, !zeroIsGood(m, f))
			}
			if _, isEnum := enums(t)[f.typ.Name()]; isEnum {
				bad := object(t, data)
				bad[f.name] = "nonsense"
				fails(f.name+" outside its enum", bad, true)
			}
		}
	})
}

func wrongType(typ reflect.Type) any {
	if typ.Kind() == reflect.Bool {
		return "yes"
	}
	return true
}

// zeroIsGood tells the required fields whose zero value is a good one.
func zeroIsGood(m message, f jsonField) bool {
	switch m.name + "." + f.name {
	case "DeadLetter.key", "DeadLetter.group", "DeadLetter.error", // a record without a key; texts for people
		"SERP.timings", "OnlineMetrics.counts", // numbers
		"ToolRequest.locale": // a tool can do without
		return true
	case "ToolRequest.limit":
		return false
	}
	return f.typ.Kind() == reflect.Int || f.typ.Kind() == reflect.Int64 || f.typ.Kind() == reflect.Float64
}
