package tools_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
)

type period struct {
	Weeks int `param:"weeks" doc:"age at most, in weeks" min:"1" max:"520" default:"26"`
}

type wishes struct {
	period
	Genre string             `param:"genre" doc:"a genre" required:"true"`
	Mood  string             `param:"mood" doc:"a mood" enum:"calm,loud"`
	Types []schemas.ItemType `param:"types" doc:"what is wanted" enum:"track,album" max:"2"`
	Year  int                `param:"year" doc:"of the release" min:"1900"`
}

func spec() tools.Spec {
	return tools.Spec{
		Version: "1.2.0", For: "finds what is wished for", CacheFor: time.Minute, Results: []schemas.ItemType{"track"},
		Example: tools.Example{Query: "some rock", Params: schemas.Params{"genre": "rock", "weeks": 4}},
	}
}

// typed returns a tool that tells what it was called with.
func typed(t *testing.T, s tools.Spec, got *tools.Call[wishes]) tools.Tool {
	t.Helper()
	tool, err := tools.Typed("wishing", s, func(_ context.Context, c tools.Call[wishes]) (tools.Result, error) {
		*got = c
		return tools.Result{Items: items(1)}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return tool
}

func ask(tool tools.Tool, params schemas.Params) (tools.Result, error) {
	return tool.Run(context.Background(), schemas.ToolRequest{
		Query: "as typed", Params: params, Limit: 3, Market: "DE", Locale: "de-DE", User: &schemas.User{ID: "u"},
	})
}

func TestTypedFillsTheStruct(t *testing.T) {
	for name, c := range map[string]struct {
		params schemas.Params
		want   wishes
	}{
		"defaults": {schemas.Params{"genre": "rock"}, wishes{Genre: "rock", period: period{Weeks: 26}}},
		"all": {
			schemas.Params{"genre": "rock", "mood": "calm", "types": []string{"album", "track"}, "year": 1999, "weeks": 520},
			wishes{Genre: "rock", Mood: "calm", Types: []schemas.ItemType{"album", "track"}, Year: 1999, period: period{Weeks: 520}},
		},
		"an empty list": {schemas.Params{"genre": "é", "types": []string{}}, wishes{Genre: "é", Types: []schemas.ItemType{}, period: period{Weeks: 26}}},
	} {
		var got tools.Call[wishes]
		if _, err := ask(typed(t, spec(), &got), c.params); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if !reflect.DeepEqual(got.Params, c.want) {
			t.Errorf("%s: %+v, want %+v", name, got.Params, c.want)
		}
		if got.Limit != 3 || got.Market != "DE" || got.Locale != "de-DE" {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// What a tool does not depend on it does not get.
func TestTypedToolsSeeWhatTheirSpecSays(t *testing.T) {
	for _, c := range []struct{ personal, text bool }{{false, false}, {true, false}, {false, true}, {true, true}} {
		s := spec()
		s.Personal, s.Text = c.personal, c.text
		var got tools.Call[wishes]
		if _, err := ask(typed(t, s, &got), schemas.Params{"genre": "rock"}); err != nil {
			t.Fatal(err)
		}
		if (got.User != nil) != c.personal || (got.Query != "") != c.text {
			t.Errorf("%+v: user %v, query %q", c, got.User, got.Query)
		}
	}
}

func TestTypedNamesEveryBadParameter(t *testing.T) {
	long := strings.Repeat("x", schemas.MaxParamBytes+1)
	for want, params := range map[string]schemas.Params{
		"genre: got nothing, want a text of at most 1024 bytes, not empty":         {},
		"genre: got an empty text, want a text of at most 1024 bytes, not empty":   {"genre": ""},
		"genre: got 5, want a text of at most 1024 bytes, not empty":               {"genre": 5},
		"genre: got a list, want a text of at most 1024 bytes, not empty":          {"genre": []string{"rock"}},
		"genre: got a text of 1025 bytes, want a text of at most 1024 bytes, not":  {"genre": long},
		"genre: got a text that is no UTF-8, want":                                 {"genre": "\xff"},
		"weeks: got 0, want an integer from 1 to 520":                              {"genre": "x", "weeks": 0},
		"weeks: got 521, want an integer from 1 to 520":                            {"genre": "x", "weeks": 521},
		"weeks: got a text, want an integer from 1 to 520":                         {"genre": "x", "weeks": "4"},
		"year: got -4, want an integer from 1900":                                  {"genre": "x", "year": -4},
		"year: got a float64, want an integer from 1900":                           {"genre": "x", "year": 2.5},
		"mood: got another text, want of calm, loud":                               {"genre": "x", "mood": "secret"},
		"types: got a list of 3, want a list of 0 to 2 of track, album":            {"genre": "x", "types": []string{"track", "track", "track"}},
		"types: got another text at 1, want a list of 0 to 2 of track, album":      {"genre": "x", "types": []string{"track", "secret"}},
		"types: got a text, want a list of 0 to 2 of track, album":                 {"genre": "x", "types": "track"},
		"\"a\": there is no such parameter\n\"b\": there is no such parameter":     {"genre": "x", "b": 1, "a": 1},
		"weeks: got -1, want an integer from 1 to 520\ngenre: got 1, want a text ": {"genre": 1, "weeks": -1},
	} {
		var got tools.Call[wishes]
		_, err := ask(typed(t, spec(), &got), params)
		if !errors.Is(err, tools.ErrBadRequest) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v: %v, want a bad request: %s", params, err, want)
		}
	}
}

func TestTypedGeneratesItsSchema(t *testing.T) {
	var got tools.Call[wishes]
	s, ok := tools.SpecOf(typed(t, spec(), &got))
	if !ok {
		t.Fatal("no spec")
	}
	const want = `{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","properties":{` +
		`"genre":{"type":"string","description":"a genre","minLength":1,"maxLength":1024},` +
		`"mood":{"type":"string","description":"a mood","enum":["calm","loud"],"maxLength":1024},` +
		`"types":{"type":"array","description":"what is wanted","items":{"type":"string","enum":["track","album"],"maxLength":1024},"maxItems":2},` +
		`"weeks":{"type":"integer","description":"age at most, in weeks","default":26,"minimum":1,"maximum":520},` +
		`"year":{"type":"integer","description":"of the release","minimum":1900}},` +
		`"required":["genre"],"additionalProperties":false}`
	if string(s.Params) != want {
		t.Errorf("got\n%s\nwant\n%s", s.Params, want)
	}
}

// none makes a tool of P and returns what is wrong with that.
func none[P any](name string, s tools.Spec) error {
	_, err := tools.Typed(name, s, func(context.Context, tools.Call[P]) (tools.Result, error) { return tools.Result{}, nil })
	return err
}

func TestTypedRefusesBadDefinitions(t *testing.T) {
	good := tools.Spec{Version: "1.0.0", For: "x", Example: tools.Example{Query: "x"}}
	with := func(change func(*tools.Spec)) tools.Spec {
		s := good
		change(&s)
		return s
	}
	type empty struct{}
	for want, err := range map[string]error{
		"int is no struct": none[int]("x", good),
		"needs a name":     none[struct{ A string }]("x", good),
		"needs a doc": none[struct {
			A string `param:"a"`
		}]("x", good),
		"must be exported": none[struct {
			_ string `param:"a" doc:"a"`
		}]("x", good),
		"a float64 is no parameter": none[struct {
			A float64 `param:"a" doc:"a"`
		}]("x", good),
		"a []int is no parameter": none[struct {
			A []int `param:"a" doc:"a"`
		}]("x", good),
		"parameter a is there already": none[struct {
			A string `param:"a" doc:"a"`
			B string `param:"a" doc:"a"`
		}]("x", good),
		`max "many"`: none[struct {
			A int `param:"a" doc:"a" max:"many"`
		}]("x", good),
		"in order": none[struct {
			A int `param:"a" doc:"a" min:"2" max:"1"`
		}]("x", good),
		"bounds of an integer": none[struct {
			A string `param:"a" doc:"a" max:"5"`
		}]("x", good),
		`enum "1,2"`: none[struct {
			A int `param:"a" doc:"a" enum:"1,2"`
		}]("x", good),
		`required "yes"`: none[struct {
			A int `param:"a" doc:"a" required:"yes"`
		}]("x", good),
		"default: got another text, want of b": none[struct {
			A string `param:"a" doc:"a" enum:"b" default:"c"`
		}]("x", good),
		"a required parameter has none": none[struct {
			A string `param:"a" doc:"a" required:"true" default:"c"`
		}]("x", good),
		`name "a.b"`:            none[empty]("a.b", good),
		"are generated":         none[empty]("x", with(func(s *tools.Spec) { s.Params = json.RawMessage("{}") })),
		"must be semantic":      none[empty]("x", with(func(s *tools.Spec) { s.Version = "1" })),
		"for: must":             none[empty]("x", with(func(s *tools.Spec) { s.For = " " })),
		"cache_for":             none[empty]("x", with(func(s *tools.Spec) { s.CacheFor = -1 })),
		"example query":         none[empty]("x", with(func(s *tools.Spec) { s.Example.Query = "" })),
		`"b": there is no such`: none[empty]("x", with(func(s *tools.Spec) { s.Example.Params = schemas.Params{"b": 1} })),
	} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if err := none[empty]("x", good); err != nil {
		t.Error(err)
	}
}

func TestMetadata(t *testing.T) {
	var got tools.Call[wishes]
	meta := tools.Metadata(typed(t, spec(), &got))
	schema := meta[tools.MetaSchema]
	delete(meta, tools.MetaSchema)
	want := map[string]string{
		"spec": "1.2.0", "example": `{"query":"some rock","params":{"genre":"rock","weeks":4}}`, "results": "track",
		"personal": "false", "text": "false", "cache_seconds": "60",
	}
	if !reflect.DeepEqual(meta, want) || !json.Valid([]byte(schema)) {
		t.Errorf("%v\n%s", meta, schema)
	}
	if meta := tools.Metadata(echo(nil)); len(meta) != 0 {
		t.Errorf("without a spec: %v", meta)
	}
}
