package router

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Normalise returns the form of a query text under which equal searches are equal: NFKC,
// case folded, white space as single spaces, without invisible characters (Unicode's
// NFKC_Casefold, and no control characters either). Punctuation, digits, diacritics and
// stop words stay, because they tell names and wishes apart: "!!!", "AC/DC", "P!nk", "songs
// like X" and "songs by X". Normalise of its own result changes nothing.
func Normalise(text string) string {
	if isASCII(text) {
		return normaliseASCII(text)
	}
	visible := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point):
			return -1
		}
		return r
	}, caseless(text))
	return strings.Join(strings.Fields(caseless(visible)), " ")
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// normaliseASCII does what Normalise does, for the texts that need no tables.
func normaliseASCII(s string) string {
	out := make([]byte, 0, len(s))
	gap := false
	for i := range len(s) {
		c := s[i]
		switch {
		case c == ' ' || '\t' <= c && c <= '\r': // the ASCII white space
			gap = len(out) > 0
			continue
		case c < ' ' || c == '\x7f':
			continue
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		if gap {
			out = append(out, ' ')
			gap = false
		}
		out = append(out, c)
	}
	return string(out)
}

// maxFolds bounds the search for a fixed point: folding can undo NFKC and the other way
// round, and Cherokee letters fold to and fro without end.
const maxFolds = 4

// caseless returns the compatibility caseless form of s (Unicode, D146). Where folding
// does not settle it takes the least of the forms that it goes through, so that all of
// them have the same result.
func caseless(s string) string {
	least := ""
	for range maxFolds {
		next := norm.NFKC.String(cases.Fold().String(norm.NFKC.String(s)))
		if next == s {
			return s
		}
		if least == "" || next < least {
			least = next
		}
		s = next
	}
	return least
}
