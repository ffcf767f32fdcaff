package llamacpp_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/parallel-fusion/pfr/internal/llamacpp"
)

// root returns the first rule of the grammar of a schema.
func root(t interface{ Fatalf(string, ...any) }, schema string) string {
	text, err := llamacpp.Grammar(json.RawMessage(schema))
	if err != nil {
		t.Fatalf("%s: %v", schema, err)
	}
	rule, _, _ := strings.Cut(text, "\n")
	return strings.TrimPrefix(rule, "root ::= ")
}

func TestGrammar(t *testing.T) {
	for _, test := range []struct{ schema, want string }{
		{`{"type":"string","maxLength":120}`, `"\"" char{0,120} "\"" space`},
		{`{"type":"string"}`, `"\"" char{0,} "\"" space`},
		{`{"type":"string","enum":["a\"b","c"]}`, `("\"a\\\"b\"" | "\"c\"") space`},
		{`{"type":["string","null"],"enum":["a",null]}`, `("\"a\"" | "null") space`},
		{`{"type":["boolean","null"]}`, `(("true" | "false") space | "null" space)`},
		{`{"type":"integer"}`, `integer space`},
		{`{"type":"array","items":{"type":"boolean"},"maxItems":3}`, `"[" space (("true" | "false") space ("," space ("true" | "false") space){0,2})? "]" space`},
		{`{"type":"array","items":{"type":"null"},"minItems":1,"maxItems":4}`, `"[" space "null" space ("," space "null" space){0,3} "]" space`},
		{
			`{"type":"object","properties":{"b":{"type":"null"},"a":{"type":"null"},"c":{"type":"null"}},"required":["b","c"],"additionalProperties":false}`,
			`"{" space "\"b\"" space ":" space "null" space ("," space "\"a\"" space ":" space "null" space)? "," space "\"c\"" space ":" space "null" space "}" space`,
		},
	} {
		if got := root(t, test.schema); got != test.want {
			t.Errorf("%s:\n%s, want\n%s", test.schema, got, test.want)
		}
	}
}

// What a grammar cannot hold a model to is an error, not left out.
func TestGrammarRefuses(t *testing.T) {
	for _, schema := range []string{
		``, `[]`, `{}`, `{"type":"number"}`, `{"type":"string","pattern":"a"}`, `{"type":"integer","minimum":1}`,
		`{"type":"integer","minimum":-1,"maximum":1}`, `{"type":"integer","minimum":2,"maximum":1}`, `{"type":"array"}`,
		`{"type":"array","items":{"type":"null"},"maxItems":0}`,
		`{"type":"object","properties":{"a":{"type":"null"}},"required":["a"]}`,
		`{"type":"object","properties":{"a":{"type":"null"}},"additionalProperties":false}`,
		`{"type":"object","properties":{"a":{"type":"null","format":"x"}},"required":["a"],"additionalProperties":false}`,
		`{"anyOf":[{"type":"null"}]}`,
	} {
		if text, err := llamacpp.Grammar(json.RawMessage(schema)); err == nil {
			t.Errorf("%s: %s", schema, text)
		}
	}
}

// The grammar of a range allows its numbers and no others. What the expression for one is
// made of means the same in a regular expression.
func TestGrammarRanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		low := rapid.Int64Range(0, 1200).Draw(t, "low")
		high := rapid.Int64Range(low, 1200).Draw(t, "high")
		rule := root(t, fmt.Sprintf(`{"type":"integer","minimum":%d,"maximum":%d}`, low, high))
		allowed := regexp.MustCompile("^" + strings.ReplaceAll(strings.TrimSuffix(rule, " space"), " ", "") + "$")
		for n := range int64(1300) {
			if got, want := allowed.MatchString(fmt.Sprint(n)), low <= n && n <= high; got != want {
				t.Fatalf("%d in %d..%d: %v, by %s", n, low, high, got, rule)
			}
		}
		if allowed.MatchString("0" + fmt.Sprint(low)) {
			t.Fatalf("a leading zero, by %s", rule)
		}
	})
}
