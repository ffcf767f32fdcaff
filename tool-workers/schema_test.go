package tools_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
)

// A program that reads the schema knows which calls the tool refuses.
func TestTheSchemaSaysWhatTheToolTakes(t *testing.T) {
	var got tools.Call[wishes]
	tool := typed(t, spec(), &got)
	s, _ := tools.SpecOf(tool)
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(s.Params))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("params.json", doc); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("params.json")
	if err != nil {
		t.Fatal(err)
	}
	word := rapid.SampledFrom([]string{"", "rock", "calm", "loud", "track", "album", "é"})
	value := rapid.OneOf(word.AsAny(), rapid.SliceOfN(word, 0, 4).AsAny(), rapid.IntRange(-1, 2100).AsAny())
	name := rapid.SampledFrom([]string{"genre", "mood", "types", "weeks", "year", "other"})
	seen := map[bool]int{}
	rapid.Check(t, func(t *rapid.T) {
		params := schemas.Params(rapid.MapOfN(name, value, 0, 4).Draw(t, "params"))
		if rapid.Bool().Draw(t, "with a genre") {
			params["genre"] = "rock"
		}
		data, err := json.Marshal(params)
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		says := schema.Validate(doc)
		_, err = ask(tool, params)
		if refused := errors.Is(err, tools.ErrBadRequest); refused != (says != nil) || err != nil && !refused {
			t.Fatalf("the tool: %v\nthe schema: %v", err, says)
		}
		seen[err == nil]++
	})
	if seen[true] == 0 || seen[false] == 0 {
		t.Errorf("not both kinds of calls: %v", seen)
	}
}
