package student

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// token is one word of a text.
type token struct {
	text  string // folded: lower case, without diacritics and inner punctuation
	start int    // byte offsets in the text as typed
	end   int
}

// tokenize appends the words of text to out. Text without any letter or digit is one
// token as it stands, because "!!!" is a name too. Offsets point into text.
func tokenize(out []token, text string) []token {
	before := len(out)
	var buf [64]byte
	word := buf[:0]
	start := -1
	flush := func(end int) {
		if folded := foldWord(word); folded != "" { // a lone diacritic folds to nothing
			out = append(out, token{folded, start, end})
		}
		word, start = word[:0], -1
	}
	for i, r := range text {
		switch {
		case isWordRune(r):
			if start < 0 {
				start = i
			}
			word = utf8.AppendRune(word, r)
		case isJoiner(r) && start >= 0:
			// Dropped: don't is dont, and the possessive goes in foldWord.
			if r != '.' {
				word = append(word, '\'')
			}
		case r == '&' || r == '+' && start < 0 && strings.HasPrefix(text[i+1:], " "):
			flush(i)
			out = append(out, token{"and", i, i + 1})
		default:
			flush(i)
		}
	}
	flush(len(text))
	if trimmed := strings.TrimSpace(text); len(out) == before && trimmed != "" {
		at := strings.Index(text, trimmed)
		out = append(out, token{trimmed, at, at + len(trimmed)})
	}
	return out
}

func isWordRune(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || r == '$'
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Mn, r)
}

// isJoiner reports whether r may stand inside a word: don't, R.E.M., P!nk.
func isJoiner(r rune) bool { return r == '\'' || r == '’' || r == '.' }

// foldWord returns a word as it is compared. A possessive 's goes, but for decades.
func foldWord(w []byte) string {
	if n := len(w); n > 2 && w[n-2] == '\'' && (w[n-1] == 's' || w[n-1] == 'S') && !isDigit(w[n-3]) {
		w = w[:n-2]
	}
	ascii := true
	n := 0
	for _, c := range w {
		switch {
		case c == '\'':
			continue
		case c == '$':
			c = 's'
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		case c >= utf8.RuneSelf:
			ascii = false
		}
		w[n] = c
		n++
	}
	if ascii {
		return string(w[:n])
	}
	return foldUnicode(string(w[:n]))
}

// foldUnicode lowers a word and takes its diacritics off.
func foldUnicode(s string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(s) {
		if unicode.Is(unicode.Mn, r) {
			continue
		}
		switch r = unicode.ToLower(r); r {
		case 'ß':
			b.WriteString("ss")
		case 'æ':
			b.WriteString("ae")
		case 'œ':
			b.WriteString("oe")
		case 'ø':
			b.WriteByte('o')
		case 'ł':
			b.WriteByte('l')
		case 'đ', 'ð':
			b.WriteByte('d')
		case 'ı':
			b.WriteByte('i')
		default:
			b.WriteRune(r)
		}
	}
	return norm.NFC.String(b.String())
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// fold returns the words of s joined by single spaces.
func fold(s string) string {
	var buf [16]token
	return joinTokens(tokenize(buf[:0], s))
}

func joinTokens(toks []token) string {
	switch len(toks) {
	case 0:
		return ""
	case 1:
		return toks[0].text
	}
	var b strings.Builder
	for i, t := range toks {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(t.text)
	}
	return b.String()
}

// Hashing: FNV-1a, 64 bits. Phrases hash as their words joined by spaces.
const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

func hashString(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * fnvPrime
	}
	return h
}

func hashByte(h uint64, c byte) uint64 { return (h ^ uint64(c)) * fnvPrime }

// hashPhrase extends the hash of a phrase by one more word.
func hashPhrase(h uint64, word string) uint64 {
	if h != fnvOffset {
		h = hashByte(h, ' ')
	}
	return hashString(h, word)
}
