package importer

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/parallel-fusion/pfr/internal/codec"
)

// decodeLine reads one JSON object. The error tells what is wrong, not what was there.
func decodeLine[T any](data []byte) (v T, err error) {
	if len(data) <= codec.MaxBytes && codec.Unmarshal(data, &v) == nil {
		return v, nil
	}
	// The slower reader takes lines of any length, and says more of what is wrong.
	var again T
	err = json.Unmarshal(data, &again)
	if mismatch, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return again, errors.New(describe(mismatch))
	}
	if err != nil {
		return again, fmt.Errorf("no JSON object: %w", err)
	}
	return again, nil
}

// describe says what a value of JSON is and what it should be, in words of JSON.
func describe(m *json.UnmarshalTypeError) string {
	got, ok := map[string]string{"string": "a text", "number": "a number", "array": "a list", "object": "an object", "bool": "true or false"}[m.Value]
	if !ok {
		got = m.Value // a number with its digits
	}
	text := "want " + wanted(m.Type.Kind()) + ", got " + got
	if field := strings.TrimPrefix(m.Field, "mbEntity."); field != "" {
		text = "field " + field + ": " + text
	}
	return text
}

// wanted returns what of JSON a Go value is read from.
func wanted(k reflect.Kind) string {
	switch k {
	case reflect.Struct, reflect.Map, reflect.Pointer:
		return "an object"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.String:
		return "a text"
	case reflect.Bool:
		return "true or false"
	default:
		return "a number"
	}
}
