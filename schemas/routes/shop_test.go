package routes_test

import (
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

// A manifest of another domain decides its routes like the music one: nothing here knows
// about music.
func TestShopDecides(t *testing.T) {
	m, err := routes.Parse("shop.yaml", readFile(t, "testdata/shop.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		route, query string
		params       schemas.Params
		want         string // canonical parameters
		calls        string
		layout       string
	}{
		{
			route: "lookup", query: "the old man and the sea", want: `{}`, layout: "grid",
			calls: `products catalogue {"text":"the old man and the sea"}`,
		},
		{
			route: "lookup", query: "a pan, cast iron", params: schemas.Params{"text": " cast  iron pan ", "category": "kitchen"},
			want: `{"text":"cast iron pan"}`, layout: "grid",
			calls: `products catalogue {"text":"cast iron pan"}`,
		},
		{
			route: "browse", query: "gifts for gardeners under 30 euros", params: schemas.Params{"category": "garden", "max_price": 30},
			want: `{"category":"garden","max_price":30}`, layout: "advice",
			calls: `guide guide {"category":"garden"}` + "\n" +
				`products catalogue {"category":"garden","max_price":30,"text":"gifts for gardeners under 30 euros"}`,
		},
		{
			route: "browse", query: "cheap cars", params: schemas.Params{"category": "cars", "max_price": 9_000_000},
			want: `{"max_price":100000}`, layout: "advice",
			calls: "guide guide {}\n" + `products catalogue {"max_price":100000,"text":"cheap cars"}`,
		},
	} {
		route, ok := m.Route(c.route)
		if !ok {
			t.Fatal(c.route)
		}
		d := m.Decide(route, c.params, c.query)
		checkParams(t, d.Params, c.want)
		var calls []string
		for _, call := range d.Calls {
			calls = append(calls, call.Section+" "+call.Tool+" "+marshal(t, call.Params))
		}
		if got := strings.Join(calls, "\n"); got != c.calls || d.Layout != c.layout {
			t.Errorf("%s: layout %s\n%s", c.query, d.Layout, got)
		}
		d.Source, d.Confidence = schemas.SourceStudent, 0.9
		if err := d.Validate(); err != nil {
			t.Errorf("%s: %v", c.query, err)
		}
	}
}

// The fallback of any manifest serves any query that may be asked.
func TestFallbackServesTheLongestQuery(t *testing.T) {
	m := music(t)
	route, _ := m.Route(m.Fallback)
	d := m.Decide(route, nil, strings.Repeat("漢", schemas.MaxQueryRunes))
	d.Source, d.Degraded = schemas.SourceFallback, true
	if err := d.Validate(); err != nil {
		t.Error(err)
	}
}
