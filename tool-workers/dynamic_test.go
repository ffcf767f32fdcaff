package tools_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
)

// list is what the struct wishes says, without its defaults.
func list() []tools.Param {
	return []tools.Param{
		{Name: "weeks", Type: tools.IntegerParam, Doc: "age at most, in weeks", Min: new(1), Max: new(520)},
		{Name: "genre", Type: tools.TextParam, Doc: "a genre", Required: true},
		{Name: "mood", Type: tools.TextParam, Doc: "a mood", Enum: []string{"calm", "loud"}},
		{Name: "types", Type: tools.ListParam, Doc: "what is wanted", Enum: []string{"track", "album"}, Max: new(2)},
		{Name: "year", Type: tools.IntegerParam, Doc: "of the release", Min: new(1900)},
	}
}

func dynamic(t *testing.T, s tools.Spec, params []tools.Param, got *tools.Call[schemas.Params]) tools.Tool {
	t.Helper()
	tool, err := tools.Dynamic("wishing", s, params, func(_ context.Context, c tools.Call[schemas.Params]) (tools.Result, error) {
		*got = c
		return tools.Result{Items: items(1)}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tool
}

// A tool with a list of parameters takes and refuses what a typed one does, in the same
// words.
func TestDynamicIsTypedByAList(t *testing.T) {
	var (
		got  tools.Call[schemas.Params]
		want tools.Call[wishes]
	)
	listed, structured := dynamic(t, spec(), list(), &got), typed(t, spec(), &want)
	for _, params := range []schemas.Params{
		{"genre": "rock"},
		{"genre": "rock", "mood": "calm", "types": []string{"album"}, "year": 1999, "weeks": 520},
		{},
		{"genre": ""},
		{"genre": 5},
		{"genre": "x", "weeks": 0},
		{"genre": "x", "weeks": "4"},
		{"genre": "x", "mood": "secret"},
		{"genre": "x", "types": []string{"track", "track", "track"}},
		{"genre": "x", "types": []string{"secret"}},
		{"genre": "x", "b": 1},
	} {
		got = tools.Call[schemas.Params]{}
		_, err := ask(listed, params)
		_, wantErr := ask(structured, params)
		if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() || errors.Is(err, tools.ErrBadRequest) != errors.Is(wantErr, tools.ErrBadRequest) {
			t.Errorf("%v: %v, want %v", params, err, wantErr)
		}
		if err == nil && (!reflect.DeepEqual(got.Params, params) || got.User != nil || got.Query != "" || got.Limit != 3) {
			t.Errorf("%v: ran with %+v", params, got)
		}
	}
	a, _ := tools.SpecOf(listed)
	b, _ := tools.SpecOf(structured)
	if want := strings.Replace(string(b.Params), `"default":26,`, "", 1); string(a.Params) != want {
		t.Errorf("schema\n%s\nwant\n%s", a.Params, want)
	}
}

// Texts that would end a tag of a struct are texts.
func TestDynamicTakesAnyText(t *testing.T) {
	enum := []string{`a,b`, `"`, "`", `\`, `" param:"x`, "é"}
	s := tools.Spec{Version: "1.0.0", For: "x", Example: tools.Example{Query: "x"}}
	var got tools.Call[schemas.Params]
	tool := dynamic(t, s, []tools.Param{{Name: "a", Type: tools.TextParam, Doc: `say "a" \ or` + "\n", Enum: enum}}, &got)
	for _, text := range enum {
		if _, err := ask(tool, schemas.Params{"a": text}); err != nil {
			t.Error(err)
		}
	}
	if _, err := ask(tool, schemas.Params{"a": "b"}); !errors.Is(err, tools.ErrBadRequest) {
		t.Errorf("a part of a text is taken: %v", err)
	}
	spec, _ := tools.SpecOf(tool)
	var schema struct {
		Properties map[string]struct{ Enum []string }
	}
	if err := json.Unmarshal(spec.Params, &schema); err != nil || !reflect.DeepEqual(schema.Properties["a"].Enum, enum) {
		t.Errorf("%v: %s", err, spec.Params)
	}
}

func TestDynamicRefusesBadLists(t *testing.T) {
	good := tools.Spec{Version: "1.0.0", For: "x", Example: tools.Example{Query: "x"}}
	var many []tools.Param
	for i := range schemas.MaxParams + 1 {
		many = append(many, tools.Param{Name: "p" + string(rune('A'+i)), Type: tools.TextParam, Doc: "x"})
	}
	for want, params := range map[string][]tools.Param{
		"must be string, integer or list": {{Name: "a", Type: "number", Doc: "x"}},
		"needs a name":                    {{Type: tools.TextParam, Doc: "x"}},
		"needs a doc":                     {{Name: "a", Type: tools.TextParam}},
		"is there already":                {{Name: "a", Type: tools.TextParam, Doc: "x"}, {Name: "a", Type: tools.ListParam, Doc: "x"}},
		"in order":                        {{Name: "a", Type: tools.IntegerParam, Doc: "x", Min: new(2), Max: new(1)}},
		"bounds of an integer":            {{Name: "a", Type: tools.TextParam, Doc: "x", Max: new(1)}},
		"enum: is for texts":              {{Name: "a", Type: tools.IntegerParam, Doc: "x", Enum: []string{"1"}}},
		"the limit is 32":                 many,
	} {
		_, err := tools.Dynamic("x", good, params, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
