package catalog

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Fold returns s as it is compared: in lower case, without diacritics, punctuation between
// words as one space, "&" as "and", and "$" and "!" within a word as the letters they
// stand for. A name of punctuation alone ("!!!") stays as it is.
func Fold(s string) string {
	var b strings.Builder
	b.Grow(len(s) + 4)
	f := folder{out: &b}
	plain := norm.NFKD.String(strings.ToValidUTF8(s, " "))
	for i, r := range plain {
		f.add(r, plain[i+utf8.RuneLen(r):])
	}
	if b.Len() == 0 {
		return strings.TrimSpace(strings.ToValidUTF8(s, ""))
	}
	return norm.NFC.String(b.String())
}

// folder writes words with one space between them.
type folder struct {
	out *strings.Builder
	gap bool // the last rune was between words
}

// add writes the folded form of r, which comes before rest.
func (f *folder) add(r rune, rest string) {
	switch {
	case r < utf8.RuneSelf && isLetterASCII(r), r >= '0' && r <= '9':
		f.word(unicode.ToLower(r))
	case r == '\'' || r == '’' || r == 'ʼ' || r == '‘':
	case r == '&':
		f.gap = true
		f.words("and")
		f.gap = true
	case r == '$':
		f.word('s')
	case r == '!' && !f.gap && f.out.Len() > 0 && startsWithLetter(rest):
		f.word('i')
	case r < utf8.RuneSelf:
		f.gap = true
	case unicode.Is(unicode.Mn, r):
	default:
		f.addWide(r)
	}
}

// addWide writes a rune outside ASCII.
func (f *folder) addWide(r rune) {
	switch r = unicode.ToLower(r); r {
	case 'ß':
		f.words("ss")
	case 'æ':
		f.words("ae")
	case 'œ':
		f.words("oe")
	case 'þ':
		f.words("th")
	case 'ø':
		f.word('o')
	case 'ł':
		f.word('l')
	case 'đ', 'ð':
		f.word('d')
	case 'ı':
		f.word('i')
	case 'ς':
		f.word('σ')
	default:
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			f.word(r)
		} else {
			f.gap = true
		}
	}
}

func (f *folder) word(r rune) {
	if f.gap && f.out.Len() > 0 {
		f.out.WriteByte(' ')
	}
	f.gap = false
	f.out.WriteRune(r)
}

func (f *folder) words(s string) {
	for _, r := range s {
		f.word(r)
	}
}

func isLetterASCII(r rune) bool { return r|0x20 >= 'a' && r|0x20 <= 'z' }

func startsWithLetter(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return unicode.IsLetter(r)
}

// slug returns a folded name as the last part of an id.
func slug(name string) string {
	var b strings.Builder
	for _, r := range Fold(name) {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(r)
		case r == ' ':
			b.WriteByte('-')
		case r == '!':
			b.WriteString("bang")
		default:
			b.WriteByte('x')
		}
	}
	return b.String()
}
