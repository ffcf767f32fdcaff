package schemas_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
)

// Equal parameters have equal bytes, however they were written.
func TestParamsCanonicalBytes(t *testing.T) {
	const want = `{"artist":"Lady Gaga","entity_types":["track","album"],"max_weeks_from_release":4}`
	for _, in := range []string{
		want,
		` { "max_weeks_from_release" : 4 , "entity_types" : [ "track" , "album" ] , "artist" : "Lady Gaga" } `,
		`{"genre":null,"artist":"Lady\u0020Gaga","entity_types":["track","album"],"max_weeks_from_release":4}`,
	} {
		var p schemas.Params
		if err := json.Unmarshal([]byte(in), &p); err != nil {
			t.Fatal(err)
		}
		if got, err := json.Marshal(p); err != nil || string(got) != want {
			t.Errorf("%s: %s, %v", in, got, err)
		}
	}
}

func TestParamsRefuse(t *testing.T) {
	for _, in := range []string{
		`{"x":1.5}`, `{"x":1e3}`, `{"x":1.0}`, `{"x":true}`, `{"x":false}`, `{"x":{}}`, `{"x":[1]}`, `{"x":[["a"]]}`,
		`{"x":["a",null]}`, `{"x":99999999999999999999}`, `[]`, `"x"`, `1`,
	} {
		var p schemas.Params
		if err := json.Unmarshal([]byte(in), &p); err == nil {
			t.Errorf("%s: accepted as %v", in, p)
		}
	}
}

func TestParamsAccessors(t *testing.T) {
	var p schemas.Params
	if err := json.Unmarshal([]byte(`{"s":"a","n":-4,"l":["x"],"none":null}`), &p); err != nil {
		t.Fatal(err)
	}
	if p.Text("s") != "a" || p.Int("n") != -4 || len(p.List("l")) != 1 || len(p) != 3 {
		t.Errorf("%v", p)
	}
	if p.Text("n") != "" || p.Int("s") != 0 || p.List("absent") != nil {
		t.Errorf("a wrong type reads as %q, %d, %v", p.Text("n"), p.Int("s"), p.List("absent"))
	}
}

func TestParamsRules(t *testing.T) {
	crowd := schemas.Params{}
	for name := range many(schemas.MaxParams + 1) {
		crowd[name] = 1
	}
	for want, p := range map[string]schemas.Params{
		"must be an object":       nil,
		"must have at most 32":    crowd,
		"must not be empty":       {"": "x"},
		"must have at most 64":    {long: "x"},
		"must have at most 1024":  {"x": long},
		"must be valid UTF-8":     {"x": []string{control}},
		"a list must not be nil":  {"x": []string(nil)},
		"a float64 is not":        {"x": 1.5},
		"a map[string]string is ": {"x": map[string]string{}},
	} {
		if err := p.Validate(); err == nil || !strings.Contains(err.Error(), "params: "+want) {
			t.Errorf("want %q: %v", want, err)
		}
	}
}
