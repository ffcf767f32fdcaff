package testset

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Normalise returns a text as texts are compared: case folded, without diacritics, its
// words, runs of letters and digits, with single spaces between. An apostrophe goes without
// a trace, so that "don't" is "dont". A text without any letter or digit, such as "!!!", is
// itself. Normalising twice changes nothing.
func Normalise(text string) string {
	var b strings.Builder
	gap := false
	folded := strings.ToLower(cases.Fold().String(norm.NFKD.String(text))) // Cherokee letters fold to capitals, and back
	for _, r := range norm.NFKD.String(folded) {
		switch {
		case unicode.Is(unicode.Mn, r) || r == '\'' || r == '’':
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			if gap && b.Len() > 0 {
				b.WriteByte(' ')
			}
			gap = false
			b.WriteRune(r)
		default:
			gap = true
		}
	}
	if b.Len() == 0 {
		return strings.Join(strings.Fields(text), " ")
	}
	return b.String()
}
