package routes_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

func TestComposedIsBounded(t *testing.T) {
	m := music(t)
	var chosen []schemas.Chosen
	for _, tool := range []string{"delete_everything", "search", "search", "search", "dj", "similar_artists", "new_releases", "release_info"} {
		chosen = append(chosen, schemas.Chosen{Tool: tool, Params: schemas.Params{"artist": "Air", "text": strings.Repeat("x", len(chosen)), "genre": "pop", "nonsense": "x"}})
	}
	d, ok := m.Composed(chosen, "air")
	if !ok {
		t.Fatal("nothing composed")
	}
	var sections []string
	for _, c := range d.Calls {
		sections = append(sections, c.Section)
		if _, there := c.Params["nonsense"]; there {
			t.Errorf("%s: an unknown parameter came through", c.Section)
		}
	}
	if want := []string{"found", "found_2", "mix", "similar_artists"}; !slices.Equal(sections, want) {
		t.Errorf("sections %v, want %v", sections, want)
	}
	d.Source = schemas.SourceLLM
	if err := d.Validate(); err != nil {
		t.Error(err)
	}
}

func TestComposedLayoutFitsTheResults(t *testing.T) {
	m := music(t)
	for _, c := range []struct {
		calls  []schemas.Chosen
		layout string
	}{
		{[]schemas.Chosen{{Tool: "podcast_search"}}, "podcast_shelves"},
		{[]schemas.Chosen{{Tool: "podcast_search"}, {Tool: "search", Params: schemas.Params{"entity_types": []string{"show"}}}}, "podcast_shelves"},
		{[]schemas.Chosen{{Tool: "similar_artists"}}, "artist_exploration"},
		{[]schemas.Chosen{{Tool: "similar_artists"}, {Tool: "dj"}}, "exploration"},
	} {
		if d, _ := m.Composed(c.calls, "x"); d.Layout != c.layout {
			t.Errorf("%v: layout %s, want %s", c.calls, d.Layout, c.layout)
		}
	}
}

func TestNothingComposable(t *testing.T) {
	if _, ok := music(t).Composed([]schemas.Chosen{{Tool: "shell"}}, "x"); ok {
		t.Error("a tool that is not offered was called")
	}
	if _, ok := music(t).Composed(nil, "x"); ok {
		t.Error("no calls are no decision")
	}
}

func TestEqualCallsAreOne(t *testing.T) {
	call := schemas.Chosen{Tool: "search", Params: schemas.Params{"text": "air"}}
	if d, _ := music(t).Composed([]schemas.Chosen{call, call}, "air"); len(d.Calls) != 1 {
		t.Errorf("%d calls", len(d.Calls))
	}
}

func TestComposeProblems(t *testing.T) {
	const file = `name: x
fallback: a
parameters:
  text: {type: string, meaning: words}
layouts:
  plain: {sections: a list}
routes:
  - {name: a, for: all, examples: [x], parameters: [text], layout: plain, calls: [{tool: s, section: r, title: R, component: list, limit: 1, deadline_ms: 1}]}
compose:
  max_calls: 99
  tools:
    - {tool: s, section: r, title: R, component: list, limit: 1, deadline_ms: 1, params: {q: $none}}
  layouts:
    - {results: [track], layout: plain}
`
	_, err := routes.Parse("bad.yaml", []byte(file))
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"max_calls", "for must not be empty", "results: name", `parameter "none" is not defined`, "the last one must take every result"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in\n%v", want, err)
		}
	}
}
