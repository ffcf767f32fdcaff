package llm

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"
	"unicode"

	"github.com/parallel-fusion/pfr/schemas"
)

// bracketTag opens a tag of a chat template that is written in brackets, as [INST] is.
var bracketTag = regexp.MustCompile(`\[(/?[A-Z_]{2,}\])`)

// userTurn returns the user turn: the query, untrusted, as a JSON string. Control and
// format characters are gone, so nothing hides in it, and the first byte of everything
// that a tokenizer could take for a chat template's own token ("<|im_start|>", "</s>",
// "[INST]") is escaped, as JSON allows: the words stay the same for a reader of JSON.
func userTurn(query string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b) // escapes <, > and &
	_ = enc.Encode(struct {    // of a string: it cannot go wrong
		Q string `json:"q"`
	}{clean(query)})
	return bracketTag.ReplaceAllString(strings.TrimSpace(b.String()), `\u005b$1`)
}

// clean returns text as one line of at most [schemas.MaxQueryRunes] visible characters.
func clean(text string) string {
	visible := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r), r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	words := strings.Join(strings.Fields(visible), " ")
	if runes := []rune(words); len(runes) > schemas.MaxQueryRunes {
		words = strings.TrimSpace(string(runes[:schemas.MaxQueryRunes]))
	}
	return words
}
