package router

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// Normalise returns the form of a query text under which equal searches are equal: NFKC,
// case folded, white space as single spaces, without invisible characters. Punctuation,
// digits, diacritics and stop words stay, because they tell names and wishes apart:
// "!!!", "AC/DC", "P!nk", "songs like X" and "songs by X". Normalise of its own result
// changes nothing.
func Normalise(text string) string {
	folded := caseless(text)
	visible := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, folded)
	return strings.Join(strings.Fields(caseless(visible)), " ")
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

// Key identifies the decision of a text: the normalised text and every version that the
// decision depends on.
func (r *Router) Key(text string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{Normalise(text), r.manifest.Version, r.model.Version()}, "\x00")))
	return hex.EncodeToString(sum[:16])
}
