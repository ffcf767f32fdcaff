package llm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode"
)

// bracketTag opens a tag of a chat template that is written in brackets, as [INST] is.
var bracketTag = regexp.MustCompile(`\[(/?[A-Z_]{2,}\])`)

// Turn returns v as one line of JSON for a turn of a prompt. The first byte of everything
// in a string that a tokenizer could take for a chat template's own token ("<|im_start|>",
// "</s>", "[INST]") is escaped, as JSON allows: the words stay the same for a reader of
// JSON. Strings of v from outside should be [Clean] before.
func Turn(v any) (string, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b) // escapes <, > and &
	if err := enc.Encode(v); err != nil {
		return "", fmt.Errorf("encode turn: %w", err)
	}
	return bracketTag.ReplaceAllString(strings.TrimSpace(b.String()), `\u005b$1`), nil
}

// Clean returns text as one line of at most limit visible characters. Control and format
// characters are gone, so nothing hides in it.
func Clean(text string, limit int) string {
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
	if runes := []rune(words); len(runes) > limit {
		words = strings.TrimSpace(string(runes[:limit]))
	}
	return words
}
