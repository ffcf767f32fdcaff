package llm_test

import (
	"encoding/json"
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/internal/llm/llmtest"
	router "github.com/parallel-fusion/pfr/router-worker"
	"github.com/parallel-fusion/pfr/schemas"
)

// answers are what a model may write, with the route and the canonical parameters that are
// made of it; "" where it is invalid.
func answers() map[string]struct{ says, want string } {
	return map[string]struct{ says, want string }{
		"strict":            {`{"route":"similar_artists","artist":"Can","genre":null,"mood":null}`, `similar_artists {"artist":"Can"}`},
		"compact":           {`{"route":"similar_artists","artist":"Can"}`, `similar_artists {"artist":"Can"}`},
		"any order":         {`{"artist":"Can","route":"similar_artists"}`, `similar_artists {"artist":"Can"}`},
		"white space":       {" {\n \"route\" : \"search\" }\n", `search {}`},
		"fence":             {"```json\n{\"route\":\"search\"}\n```", `search {}`},
		"prose around":      {`Here you are: {"route":"search"} Enjoy!`, `search {}`},
		"thinking":          {`<think>{"route":"out_of_scope"} or {...}?</think>{"route":"search"}`, `search {}`},
		"other's parameter": {`{"route":"search","genre":"jazz"}`, `search {}`},
		"escapes":           {`{"route":"sear\u0063h","text":"caf\u00e9"}`, `search {"text":"café"}`},
		"trimmed":           {`{"route":"search","text":"  AC/DC  "}`, `search {"text":"AC/DC"}`},
		"empty":             {`{"route":"search","text":" ","entity_types":[]}`, `search {}`},
		"list in order":     {`{"route":"search","entity_types":["artist","track","artist"]}`, `search {"entity_types":["track","artist"]}`},
		"clamped":           {`{"route":"personalized_recs","era_from":99999999999,"max_weeks_from_release":0}`, `personalized_recs {"era_from":2100,"max_weeks_from_release":1}`},
		"whole float":       {`{"route":"personalized_recs","max_weeks_from_release":4.0}`, `personalized_recs {"max_weeks_from_release":4}`},
		"too long":          {`{"route":"search","text":"` + strings.Repeat("la ", 100) + `"}`, `search {}`},
		"markup":            {`{"route":"search","text":"<b>x</b>"}`, `search {}`},
		"link":              {`{"route":"search","text":"HTTP://x.example"}`, `search {}`},
		"a heart":           {`{"route":"search","text":"i <3 u"}`, `search {"text":"i \u003c3 u"}`},
		"hidden":            {`{"route":"search","text":"a\u200b\u202eb\u0007"}`, `search {"text":"ab"}`},

		"nothing":         {``, ``},
		"no object":       {`["search"]`, ``},
		"unknown route":   {`{"route":"Search"}`, ``},
		"null route":      {`{"route":null}`, ``},
		"no route":        {`{"text":"x"}`, ``},
		"route twice":     {`{"route":"search","route":"search"}`, ``},
		"parameter twice": {`{"route":"search","text":"a","text":"b"}`, ``},
		"escaped twice":   {`{"route":"search","text":"a","t\u0065xt":"b"}`, ``},
		"two objects":     {`{"route":"search"} {"route":"search"}`, ``},
		"stray brace":     {`{"route":"search"}}`, ``},
		"unknown key":     {`{"route":"search","limit":3}`, ``},
		"wrong type":      {`{"route":"search","text":3}`, ``},
		"wrong list":      {`{"route":"search","entity_types":"track"}`, ``},
		"list of null":    {`{"route":"search","entity_types":[null]}`, ``},
		"list of lists":   {`{"route":"search","entity_types":[["track"]]}`, ``},
		"number as text":  {`{"route":"personalized_recs","era_from":"1980"}`, ``},
		"bool":            {`{"route":"search","text":true}`, ``},
		"fraction":        {`{"route":"personalized_recs","era_from":1980.5}`, ``},
		"huge":            {`{"route":"personalized_recs","era_from":1e999}`, ``},
		"not in the enum": {`{"route":"personalized_recs","mood":"grim"}`, ``},
		"half a pair":     {`{"route":"search","text":"\ud83d"}`, ``},
		"nested":          {`{"route":{"route":"search"}}`, ``},
		"cut off":         {`{"route":"search","text":"la la`, ``},
		"trailing comma":  {`{"route":"search",}`, ``},
		"single quotes":   {`{'route':'search'}`, ``},
		"comment":         {`{"route":"search"/*x*/}`, ``},
	}
}

func TestWhatIsMadeOfAnAnswer(t *testing.T) {
	server := serve(t, llmtest.Config{Flavour: llmtest.Ollama})
	c := connect(t, patient(server.URL()), music(t))
	for name, tc := range answers() {
		t.Run(name, func(t *testing.T) {
			server.Set(llmtest.Saying(tc.says))
			a, err := c.Route(t.Context(), "x")
			if tc.want == "" {
				if !errors.Is(err, router.ErrOutput) || a.Route != "" || a.Params != nil {
					t.Fatalf("%+v, %v", a.Guess, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			params, _ := json.Marshal(a.Params)
			if got := a.Route + " " + string(params); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

func TestWhatIsMadeOfAComposition(t *testing.T) {
	server := serve(t, llmtest.Config{Flavour: llmtest.Ollama})
	c := connect(t, patient(server.URL()), music(t))
	can := schemas.Chosen{Tool: "similar_artists", Params: schemas.Params{"artist": "Can"}}
	for name, tc := range map[string]struct {
		says string
		want []schemas.Chosen // nil: invalid
	}{
		"one":         {`{"calls":[{"tool":"similar_artists","artist":"Can","genre":null}]}`, []schemas.Chosen{can}},
		"repeated":    {`{"calls":[{"tool":"similar_artists","artist":"Can"},{"artist":" Can ","tool":"similar_artists"}]}`, []schemas.Chosen{can}},
		"in order":    {`{"calls":[{"tool":"search"},{"tool":"similar_artists","artist":"Can"}]}`, []schemas.Chosen{{Tool: "search", Params: schemas.Params{}}, can}},
		"not its own": {`{"calls":[{"tool":"similar_artists","artist":"Can","topic":"x"}]}`, []schemas.Chosen{can}},

		"none":         {`{"calls":[]}`, nil},
		"null":         {`{"calls":null}`, nil},
		"no list":      {`{"calls":{"tool":"search"}}`, nil},
		"a route":      {`{"route":"search"}`, nil},
		"more":         {`{"calls":[{"tool":"search"}],"route":"search"}`, nil},
		"unknown tool": {`{"calls":[{"tool":"search"},{"tool":"shell"}]}`, nil},
		"no tool":      {`{"calls":[{"text":"x"}]}`, nil},
		"names":        {`{"calls":["search"]}`, nil},
		"nested":       {`{"calls":[{"tool":"search","text":{"tool":"search"}}]}`, nil},
		"too many":     {`{"calls":[` + strings.Repeat(`{"tool":"search"},`, 49) + `{"tool":"search"}]}`, nil},
		"deep":         {strings.Repeat(`{"calls":[`, 5000) + strings.Repeat(`]}`, 5000), nil},
	} {
		t.Run(name, func(t *testing.T) {
			server.Set(llmtest.Saying(tc.says))
			a, err := c.Compose(t.Context(), "x")
			if tc.want == nil && (!errors.Is(err, router.ErrOutput) || a.Calls != nil) {
				t.Fatalf("%+v, %v", a.Calls, err)
			}
			if tc.want != nil && (err != nil || !reflect.DeepEqual(a.Calls, tc.want)) {
				t.Fatalf("%+v, %v", a.Calls, err)
			}
		})
	}
}

func TestNoComposeSection(t *testing.T) {
	data, err := os.ReadFile("testdata/garden.yaml")
	if err != nil {
		t.Fatal(err)
	}
	before, _, _ := strings.Cut(string(data), "\ncompose:")
	server := serve(t, llmtest.Config{})
	c := connect(t, patient(server.URL()), parse(t, before))
	if _, err := c.Compose(t.Context(), "x"); err == nil || errors.Is(err, router.ErrOutput) || server.Count() != 0 {
		t.Errorf("%v after %d requests", err, server.Count())
	}
}

// Whatever a server sends, there is a valid decision or an ErrOutput.
func FuzzRoute(f *testing.F) {
	m := music(f)
	server := serve(f, llmtest.Config{Flavour: llmtest.Ollama})
	c := connect(f, patient(server.URL()), m)
	if err := c.Probe(f.Context()); err != nil {
		f.Fatal(err)
	}
	f.Add(`{"route":"search","text":"x"}`, false)
	f.Add("```{\"route\":\"personalized_recs\",\"era_from\":-1,\"entity_types\":[\"track\"]}", false)
	f.Add(`{"choices":[{"message":{"content":"{\"route\":\"search\"}"},"logprobs":{"content":[{"token":"{\"route\":\"search\"}","logprob":1e9}]}}],"usage":{"prompt_tokens":-1,"prompt_tokens_details":{"cached_tokens":9}},"timings":{"cache_n":-3},"model":"\u0000"}`, true)
	f.Fuzz(func(t *testing.T, text string, raw bool) {
		server.Set(llmtest.Saying(text))
		if raw {
			server.Set(llmtest.Raw(text))
		}
		a, err := c.Route(t.Context(), "x")
		if err == nil {
			valid(t, m, a)
			harmless(t, a.Params)
		} else if !errors.Is(err, router.ErrOutput) {
			t.Fatal(err)
		}
		a, err = c.Compose(t.Context(), "x")
		if err != nil && !errors.Is(err, router.ErrOutput) {
			t.Fatal(err)
		}
		if d, ok := m.Composed(a.Calls, "x"); ok != (err == nil) || ok && d.Calls[0].Tool == "" {
			t.Fatalf("%+v, %v", a.Calls, err)
		}
	})
}
