package adapter_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/tool-workers/adapter"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func tree(t *testing.T, text string) any {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestFill(t *testing.T) {
	values := adapter.Values{"a": "x\"y{{b}}", "n": 5, "list": []string{"p", "q"}}
	for text, want := range map[string]string{
		`{"k":"{{a}}","n":"{{ n }}","l":"{{list}}","c":1.5,"t":true,"z":null}`: `{"c":1.5,"k":"x\"y{{b}}","l":["p","q"],"n":5,"t":true,"z":null}`,
		`{"k":"{{no}}","c":1}`:       `{"c":1}`,
		`{"k":{"m":"{{no}}","c":1}}`: `{"k":{"c":1}}`,
		`{"f":[{"term":{"g":{"value":"{{no}}","boost":2}}},{"c":"{{n}}"}]}`: `{"f":[{"c":5}]}`,
		`{"f":[{"c":"{{no}}"}]}`:                              `{"f":[]}`,
		`{"f":[{"in":["{{no}}","{{a}}"]},{"in":["{{no}}"]}]}`: `{"f":[{"in":["x\"y{{b}}"]}]}`,
		`{"f":[],"g":[[]]}`:                                   `{"f":[],"g":[[]]}`,
		`"{{n}}"`:                                             `5`,
		`"{{no}}"`:                                            `null`,
	} {
		template, err := adapter.NewTemplate(tree(t, text))
		if err != nil {
			t.Fatal(err)
		}
		got, ok := template.Fill(values)
		if !ok {
			got = nil
		}
		data, err := json.Marshal(got)
		if err != nil || string(data) != want {
			t.Errorf("%s: got %s, want %s (%v)", text, data, want, err)
		}
	}
}

func TestTemplatesAreData(t *testing.T) {
	for _, text := range []string{`{"{{a}}":1}`, `"x {{a}}"`, `["{{a}} {{b}}"]`, `"{{a}"`, `"{{a b}}"`, strings.Repeat("[", 40) + strings.Repeat("]", 40)} {
		if _, err := adapter.NewTemplate(tree(t, text)); err == nil {
			t.Errorf("%s is a template", text)
		}
	}
	template, err := adapter.NewTemplate(tree(t, `{"a":"{{x}}","b":[{"c":"{{y}}"},"{{x}}"]}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(template.Names(), ","); got != "x,y" {
		t.Errorf("names %s", got)
	}
}

// Whatever a value is, the filled data differs from the template at its place alone.
func TestAValueStaysAValue(t *testing.T) {
	template, err := adapter.NewTemplate(tree(t, `{"bool":{"must":[{"match":{"title":"{{v}}"}}],"filter":[{"term":{"open":true}}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.String().Draw(t, "value")
		filled, _ := template.Fill(adapter.Values{"v": v})
		data, err := json.Marshal(filled)
		if err != nil {
			t.Fatal(err)
		}
		var back struct {
			Bool struct {
				Must   []struct{ Match struct{ Title string } }
				Filter []map[string]map[string]bool
			}
		}
		if err := json.Unmarshal(data, &back); err != nil {
			t.Fatal(err)
		}
		if len(back.Bool.Must) != 1 || back.Bool.Must[0].Match.Title != strings.ToValidUTF8(v, "\uFFFD") || len(back.Bool.Filter) != 1 || !back.Bool.Filter[0]["term"]["open"] {
			t.Fatalf("%q became %s", v, data)
		}
	})
}

func TestPlain(t *testing.T) {
	for in, want := range map[string]string{
		"I <3 you":                                "I <3 you",
		" two\n\tlines ":                          "two lines",
		"<p class='x'>a</p><br/>b":                "ab",
		"<scr<b>ipt>alert(1)</scr</b>ipt>":        "alert(1)",
		"see [the shop](https://example.org) now": "see the shop now",
		"![x](javascript:alert(1))":               "x",
		"a\x1b[2Jb\x00\u202Ec\xff":                "a[2Jbc",
		strings.Repeat("é", 20):                   strings.Repeat("é", 16),
		"5 < 6 and 7 > 3":                         "5 < 6 and 7 > 3",
	} {
		if got := adapter.Plain(in, 32); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// Plain texts pass the schema, and are plain already.
func TestPlainIsFinal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		parts := rapid.SliceOf(rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"<b>", "<", ">", "</", "a", "[x](", ")", "\u202E", "\x1b"}))).Draw(t, "parts")
		limit := rapid.IntRange(1, 64).Draw(t, "limit")
		got := adapter.Plain(strings.Join(parts, ""), limit)
		if len(got) > limit || !utf8.ValidString(got) || strings.Contains(got, "<b>") {
			t.Fatalf("%q", got)
		}
		item := schemas.ToolResponse{
			SchemaVersion: schemas.Version, CorrelationID: "01890a5d-ac96-774b-bcce-b302099a8057", Section: "s", Text: got, Items: []schemas.Item{},
		}
		if err := item.Validate(); err != nil {
			t.Fatalf("%q: %v", got, err)
		}
	})
}

func TestSecrets(t *testing.T) {
	t.Setenv("A_KEY", " key\n")
	t.Setenv("BAD_KEY", "a\r\nb")
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("from file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for want, s := range map[string]adapter.Secret{"key": {Env: "A_KEY"}, "from file": {File: file}} {
		if got, err := s.Read(); err != nil || got != want {
			t.Errorf("%+v: %q, %v", s, got, err)
		}
	}
	for _, s := range []adapter.Secret{{}, {Env: "A_KEY", File: file}, {Env: "NO_KEY"}, {Env: "BAD_KEY"}, {File: file + "x"}} {
		if got, err := s.Read(); err == nil || got != "" || strings.Contains(err.Error(), "b\"") {
			t.Errorf("%+v: %q, %v", s, got, err)
		}
	}
}

func TestBaseURL(t *testing.T) {
	for address, good := range map[string]bool{
		"https://example.org": true, "http://127.0.0.1:9200/base/": true, "https://[::1]:9200": true,
		"": false, "example.org": false, "file:///etc/passwd": false, "gopher://x": false, "http://": false, "http://:80": false,
		"https://u:p@example.org": false, "https://example.org?x": false, "https://example.org/#x": false, "https:example.org": false, "https://{{x}}/": false,
	} {
		u, err := adapter.BaseURL(address)
		if (err == nil) != good {
			t.Errorf("%s: %v, %v", address, u, err)
		}
	}
}

func TestPlaces(t *testing.T) {
	places, err := adapter.NewTemplate(map[string]any{"a": []any{map[string]any{"b": "{{x}}"}}, "c": "{{y}}"})
	if err != nil {
		t.Fatal(err)
	}
	got := places.Places()
	slices.SortFunc(got, func(a, b adapter.Place) int { return strings.Compare(a.Name, b.Name) })
	if len(got) != 2 || !got[0].Entry || got[1].Entry || strings.Join(got[0].Keys, ".") != "a.b" {
		t.Errorf("places %+v", got)
	}
}
