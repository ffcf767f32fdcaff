package fusion

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// FNV-1a, 64 bits (Fowler, Noll and Vo, 1991).
const (
	fnvBasis = 14695981039346656037
	fnvPrime = 1099511628211
)

// folding hashes text as it is compared: case, diacritics, punctuation and spacing do not
// count, "&" is "and", and numbers stay apart. It does not allocate.
type folding struct {
	h       uint64
	counted int  // runes that are in the hash
	digit   bool // the last of them was a digit
	gap     bool // something between words came after it
}

func newFolding() folding { return folding{h: fnvBasis} }

// foldHash returns the hash of s. Text of nothing but signs ("!!!", "÷") counts as it is.
func foldHash(s string) uint64 {
	f := newFolding()
	f.text(s)
	return f.sum(s)
}

// sum is the hash of what was added, or of whole where nothing of it counted.
func (f *folding) sum(whole string) uint64 {
	if f.counted == 0 {
		return hashBytes(fnvBasis, strings.TrimSpace(whole))
	}
	return f.h
}

func hashBytes(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * fnvPrime
	}
	return h
}

func (f *folding) text(s string) {
	for i := 0; i < len(s); {
		if c := s[i]; c < utf8.RuneSelf {
			f.ascii(c)
			i++
			continue
		}
		i += f.wide(s[i:])
	}
}

func (f *folding) ascii(c byte) {
	switch {
	case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		f.add(rune(c))
	case c >= 'A' && c <= 'Z':
		f.add(rune(c | 0x20))
	case c == '&':
		f.gap = true
		f.add('a')
		f.add('n')
		f.add('d')
	default:
		f.gap = true
	}
}

// wide takes in the first rune of s, which is none of ASCII, and returns its length.
func (f *folding) wide(s string) int {
	r, size := utf8.DecodeRuneInString(s)
	decomposed := norm.NFKD.PropertiesString(s).Decomposition()
	if decomposed == nil {
		f.rune(r)
	}
	for len(decomposed) > 0 {
		r, n := utf8.DecodeRune(decomposed)
		f.rune(r)
		decomposed = decomposed[n:]
	}
	return size
}

// rune takes in a rune that is decomposed.
func (f *folding) rune(r rune) {
	const firstMark, lastMark = 0x0300, 0x036F // combining diacritics; marks of other scripts are letters of theirs
	switch r = unicode.ToLower(r); {
	case r < utf8.RuneSelf:
		f.ascii(byte(r))
	case r >= firstMark && r <= lastMark:
	case !unicode.In(r, unicode.L, unicode.N, unicode.M):
		f.gap = true
	default:
		f.letter(r)
	}
}

// letter takes in a letter outside ASCII, as plain letters where it is read as such.
func (f *folding) letter(r rune) {
	switch r {
	case 'ß':
		f.add('s')
		f.add('s')
	case 'æ':
		f.add('a')
		f.add('e')
	case 'œ':
		f.add('o')
		f.add('e')
	case 'ø':
		f.add('o')
	case 'ł':
		f.add('l')
	case 'đ', 'ð':
		f.add('d')
	case 'ı':
		f.add('i')
	case 'ς':
		f.add('σ')
	default:
		f.add(r)
	}
}

func (f *folding) add(r rune) {
	digit := r >= '0' && r <= '9'
	if digit && f.digit && f.gap { // "10 1" is not "101"
		f.h = (f.h ^ ' ') * fnvPrime
	}
	for ; r >= utf8.RuneSelf; r >>= 7 {
		f.h = (f.h ^ uint64(r&0x7f|0x80)) * fnvPrime
	}
	f.h = (f.h ^ uint64(r)) * fnvPrime
	f.counted++
	f.digit, f.gap = digit, false
}
