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
	for {
		next := normaliseOnce(text)
		if next == text {
			return text
		}
		text = next // folding can undo NFKC for a few characters, and the other way round
	}
}

func normaliseOnce(text string) string {
	folded := cases.Fold().String(norm.NFKC.String(text))
	visible := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, folded)
	return strings.Join(strings.Fields(norm.NFKC.String(visible)), " ")
}

// Key identifies the decision of a text: the normalised text and every version that the
// decision depends on.
func (r *Router) Key(text string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{Normalise(text), r.manifest.Version, r.model.Version()}, "\x00")))
	return hex.EncodeToString(sum[:16])
}
