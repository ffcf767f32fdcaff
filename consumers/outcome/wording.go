package outcome

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// normalise returns the words of a query in one form: NFKC, case folded, single spaces. Of
// a long one only the beginning is kept.
func normalise(text string) string {
	if isASCII(text) {
		text = strings.ToLower(text)
	} else {
		text = cases.Fold().String(norm.NFKC.String(text))
	}
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= maxText {
		return text
	}
	cut := maxText
	for !utf8.RuneStart(text[cut]) {
		cut--
	}
	return strings.TrimRight(text[:cut], " ")
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// onTheWay reports whether somebody who typed the first text went on to the second.
func onTheWay(text, next string) bool {
	return text != "" && len(text) < len(next) && strings.HasPrefix(next, text)
}

// similar reports whether two different normalised texts are wordings of one wish: at least
// half of their words are common (Jaccard index), or one has all words of the other.
func similar(a, b string) bool {
	if a == b || a == "" || b == "" {
		return false
	}
	x, y := words(a), words(b)
	common := 0
	for _, w := range x {
		if slices.Contains(y, w) {
			common++
		}
	}
	all := len(x) + len(y) - common
	return common == min(len(x), len(y)) || float64(common) >= similarFrom*float64(all)
}

// words returns the different words of a normalised text, in order.
func words(text string) []string {
	list := strings.Fields(text)
	slices.Sort(list)
	return slices.Compact(list)
}
