package nlu

import (
	"unicode"
	"unicode/utf8"
)

// token is a word, a number or a mark of a text.
type token struct {
	from, to int    // bytes
	word     uint64 // hash of the word in lower case
	digits   uint64 // the same with 0 for every digit
	shape    uint64 // hash of its shape, such as Xx for Hello
	prefix   [3]uint64
	suffix   [3]uint64
}

// maxTokens is how much of a text is read. What follows is ignored.
const maxTokens = 256

// tokenize appends the tokens of text to out. Letters and digits make words, in which an
// apostrophe or a full stop may stand, but for the possessive 's, which is a token of its
// own; every other mark is a token.
func tokenize(out []token, text string) []token {
	for i := 0; i < len(text) && len(out) < maxTokens; {
		r, size := utf8.DecodeRuneInString(text[i:])
		if unicode.IsSpace(r) {
			i += size
			continue
		}
		end := i + size
		if isWord(r) {
			end = wordEnd(text, end)
		} else if r == '\'' && possessive(text, i) {
			end = i + 2
		}
		out = append(out, newToken(text, i, end))
		i = end
	}
	return out
}

func isWord(r rune) bool {
	if r < utf8.RuneSelf {
		return 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9'
	}
	return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.Is(unicode.Mn, r)
}

// wordEnd returns where the word ends that goes on at byte i.
func wordEnd(text string, i int) int {
	for i < len(text) {
		r, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case isWord(r):
		case (r == '\'' || r == '.' || r == '’') && !possessive(text, i) && wordAt(text, i+size):
		default:
			return i
		}
		i += size
	}
	return i
}

func wordAt(text string, i int) bool {
	r, _ := utf8.DecodeRuneInString(text[i:])
	return i < len(text) && isWord(r)
}

// possessive reports whether 's ends a word at byte i.
func possessive(text string, i int) bool {
	return text[i] == '\'' && i+1 < len(text) && (text[i+1] == 's' || text[i+1] == 'S') && !wordAt(text, i+2)
}

// newToken looks at bytes from..to of text.
func newToken(text string, from, to int) token {
	var buf [32]byte
	low := buf[:0]
	for _, r := range text[from:to] {
		if r < utf8.RuneSelf {
			if 'A' <= r && r <= 'Z' {
				r += 'a' - 'A'
			}
			low = append(low, byte(r))
			continue
		}
		low = utf8.AppendRune(low, unicode.ToLower(r))
	}
	t := token{from: from, to: to, word: hashBytes(low), shape: shape(text[from:to])}
	for n := range t.prefix {
		if len(low) > n+2 {
			t.prefix[n] = hashBytes(low[:n+2])
			t.suffix[n] = hashBytes(low[len(low)-n-2:])
		}
	}
	for i, c := range low {
		if '0' <= c && c <= '9' {
			low[i] = '0'
		}
	}
	t.digits = hashBytes(low)
	return t
}

// shape hashes the classes of the letters of a word, runs of one class as one.
func shape(word string) uint64 {
	h := uint64(fnvOffset)
	last := byte(0)
	for _, r := range word {
		class := byte('.')
		switch {
		case 'a' <= r && r <= 'z':
			class = 'x'
		case 'A' <= r && r <= 'Z':
			class = 'X'
		case '0' <= r && r <= '9':
			class = '0'
		case r < utf8.RuneSelf:
			class = byte(r)
		case unicode.IsUpper(r):
			class = 'X'
		case isWord(r):
			class = 'x'
		}
		if class != last {
			h = (h ^ uint64(class)) * fnvPrime
			last = class
		}
	}
	return h
}

// Hashing: FNV-1a, 64 bits, for strings.
const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

func hashBytes(b []byte) uint64 {
	h := uint64(fnvOffset)
	for _, c := range b {
		h = (h ^ uint64(c)) * fnvPrime
	}
	return h
}

// mix hashes two values and a kind of feature.
func mix(kind, a, b uint64) uint64 {
	h := (a + kind*0x9e3779b97f4a7c15) * 0xff51afd7ed558ccd
	h ^= h >> 32
	h = (h + b) * 0xc4ceb9fe1a85ec53
	return h ^ h>>29
}
