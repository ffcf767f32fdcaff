package llm

import (
	"errors"
	"reflect"
	"testing"

	chat "github.com/parallel-fusion/pfr/internal/llm"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

// Any text is a valid, canonical decision or an ErrOutput, and so with compositions. It is
// the fast half of FuzzRoute, without the server.
func FuzzParse(f *testing.F) {
	m, err := routes.Music()
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{
		`{"route":"search","text":"x","entity_types":["track"]}`, "```json\n{\"route\":\"personalized_recs\",\"era_from\":1.98e3}\n```",
		`{"calls":[{"tool":"search","text":"\u00e9"},{"tool":"dj","mood":"chill"}]}`, `<think>{</think>{"route":"out_of_scope"}`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := parseGuess(m, text)
		if err != nil && !errors.Is(err, chat.ErrOutput) {
			t.Fatal(err)
		}
		if err == nil {
			if !reflect.DeepEqual(d.params, m.Canonical(d.route, d.params)) || d.params.Validate() != nil {
				t.Fatalf("%v is not canonical or not valid", d.params)
			}
			if d.end > 0 && text[d.start:d.end] != d.route.Name {
				t.Fatalf("%s is said to be at %d", d.route.Name, d.start)
			}
		}
		calls, err := parseCalls(m, text)
		if err != nil && (!errors.Is(err, chat.ErrOutput) || calls != nil) {
			t.Fatal(calls, err)
		}
		if _, ok := m.Composed(calls, "x"); ok != (err == nil) {
			t.Fatalf("%v, %v", calls, err)
		}
	})
}
