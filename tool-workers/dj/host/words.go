package host

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/parallel-fusion/pfr/internal/llm"
	"github.com/parallel-fusion/pfr/schemas"
)

// Bounds of what is said, in characters.
const (
	maxIntro = 280
	maxWhy   = 80
)

// masked stands for a name that may be said. It is no letter.
const masked = '\uE000'

// Patterns of what is never said. They are matched with the names that may be said masked,
// so that an artist called will.i.am or AC/DC can be.
var (
	address = regexp.MustCompile(`(?i)\.\pL{2,}|www\.|:/|\b(?:https?|mailto|javascript|data)\b|(?:\pN{1,3}[.。]){3}\pN`)
	markup  = regexp.MustCompile("[][<>{}|\\\\/`*_~^=@#$+]|&#?\\w+;")

	// Resolvers take the ideographic full stop for a dot. It ends sentences too, but not
	// in these scripts.
	ideographic = regexp.MustCompile(`[\p{Latin}\p{Greek}\p{Cyrillic}\p{Arabic}\p{Hebrew}\pN]。[\p{Latin}\p{Greek}\p{Cyrillic}\p{Arabic}\p{Hebrew}]{2,}`)
	// Where a top-level domain stands after a dot with spaces around it, people put the
	// address together. A space after a dot alone is the end of a sentence: there only
	// domains count that begin none as they are written.
	spelled = regexp.MustCompile(`[.。] ?(?:com|net|org|COM|NET|ORG|中国|中國|公司|网络|台湾|台灣|香港|コム|みんな)(?:[^\pL\pN]|$)|` +
		`(?i: [.。] ?(?:com|net|org|info|biz|io|co|app|dev|xyz|online|site|shop|store|club|live|top|link|tv|fm|gg|ly|ai|eu|uk|de|fr|ru|cn)(?:[^\pL\pN]|$))|` +
		`(?i:\bdot\)? (?:com|net|org|info|io)(?:[^\pL\pN]|$))`)
)

// Digits with whatever stands between them are a telephone number, unless they are a few
// years.
var (
	number = regexp.MustCompile(`(?:\pN[\pP\pS\pZ\pM]*){7,}`)
	years  = regexp.MustCompile(`^(?:(?:19\d|20[0-2])\d(?:[\pP\pZ]+|$)){1,3}$`)
)

// addressAnyway matches what is never said, even as part of a name.
var addressAnyway = regexp.MustCompile(`(?i)://|www\.`)

// vocabulary is what may be said with a capital letter.
type vocabulary struct {
	names [][]rune        // titles and artists of the crate, longest first
	free  map[string]bool // of the query and of genres, in lower case
}

// names collects what may be named: what stands in the crate, and the listener's own
// words.
func names(query string, crate []schemas.Item) vocabulary {
	v := vocabulary{free: map[string]bool{"i": true, "i'm": true, "i'll": true, "i've": true, "i'd": true, "dj": true, "ok": true}}
	add := func(text string) {
		for w := range strings.FieldsFuncSeq(strings.ToLower(norm.NFKC.String(text)), isGap) {
			v.free[w] = true
		}
	}
	add(query)
	for _, item := range crate {
		for _, g := range item.Genres {
			add(g)
		}
		for _, name := range append([]string{item.Title}, item.Artists...) {
			if r := []rune(norm.NFKC.String(llm.Clean(name, maxField))); len(r) > 0 {
				v.names = append(v.names, r)
			}
		}
	}
	slices.SortFunc(v.names, func(a, b []rune) int { return cmp.Compare(len(b), len(a)) })
	return v
}

// speak returns text as it may be said, or false. It is one line of letters, digits and
// punctuation, at most limit characters long, without addresses, handles, markup or
// telephone numbers. It names nothing that is not in the vocabulary, as far as that shows:
// no quoted words, and no word with a capital letter but at the start of a sentence. A
// name in lower case, or alone at the start of a sentence, does not show.
func (v vocabulary) speak(text string, limit int) (string, bool) {
	text = strings.Map(speakable, norm.NFKC.String(llm.Clean(text, schemas.MaxSectionText)))
	text = strings.Join(strings.Fields(text), " ")
	runes := []rune(text)
	if cutOff(runes, limit) || !strings.ContainsFunc(text, unicode.IsLetter) || stacked(runes) {
		return "", false
	}
	bare := v.mask(runes)
	for _, never := range []*regexp.Regexp{address, ideographic, spelled, markup} {
		if never.MatchString(bare) {
			return "", false
		}
	}
	if numbered(bare) || addressAnyway.MatchString(text) || quotesOthers(bare) || v.namesOthers(bare) {
		return "", false
	}
	return text, true
}

// cutOff reports text that is too long, or that ends at the limit in the middle of a
// sentence: servers that enforce a length cut there.
func cutOff(runes []rune, limit int) bool {
	return len(runes) > limit || len(runes) == limit && !strings.ContainsRune(".!?…", runes[limit-1])
}

// numbered reports a telephone number.
func numbered(bare string) bool {
	return slices.ContainsFunc(number.FindAllString(bare, -1), func(n string) bool { return !years.MatchString(n) })
}

// speakable drops symbols such as emoji.
func speakable(r rune) rune {
	if unicode.IsOneOf([]*unicode.RangeTable{unicode.So, unicode.Me}, r) {
		return -1
	}
	return r
}

// stacked reports marks on marks on marks, which run over the lines around them.
func stacked(runes []rune) bool {
	run := 0
	for _, r := range runes {
		if !unicode.Is(unicode.Mn, r) {
			run = 0
		} else if run++; run > 2 {
			return true
		}
	}
	return false
}

// mask replaces every name of the vocabulary that stands as words of its own.
func (v vocabulary) mask(text []rune) string {
	var b strings.Builder
	for i := 0; i < len(text); {
		n := 0
		if i == 0 || !isWord(text[i-1]) {
			n = v.nameAt(text[i:])
		}
		if n > 0 {
			b.WriteRune(masked)
			i += n
			continue
		}
		b.WriteRune(text[i])
		i++
	}
	return b.String()
}

// nameAt returns the length of the longest name that text begins with, or 0.
func (v vocabulary) nameAt(text []rune) int {
	for _, name := range v.names {
		n := len(name)
		if n <= len(text) && (n == len(text) || !isWord(text[n])) && strings.EqualFold(string(text[:n]), string(name)) {
			return n
		}
	}
	return 0
}

// quotesOthers reports words between quotation marks.
func quotesOthers(bare string) bool {
	inside := false
	return strings.ContainsFunc(bare, func(r rune) bool {
		if strings.ContainsRune(`"“”„‟«»`, r) {
			inside = !inside
		}
		return inside && unicode.IsLetter(r)
	})
}

// namesOthers reports a word with a capital letter, inside a sentence, that is not in the
// vocabulary.
func (v vocabulary) namesOthers(bare string) bool {
	start := true
	for word := range strings.FieldsSeq(bare) {
		core := strings.TrimFunc(word, isGap)
		if core == "" {
			start = start && !strings.ContainsRune(word, masked) || strings.ContainsAny(word, ".!?:…")
			continue
		}
		if !start && strings.ContainsFunc(core, unicode.IsUpper) && !v.allowed(core) {
			return true
		}
		start = strings.ContainsAny(word[strings.LastIndex(word, core)+len(core):], ".!?:…")
	}
	return false
}

// allowed reports whether every part of a word is in the vocabulary.
func (v vocabulary) allowed(word string) bool {
	low := strings.ToLower(strings.ReplaceAll(word, "’", "'"))
	if v.free[low] {
		return true
	}
	for part := range strings.FieldsFuncSeq(low, isGap) {
		if !v.free[part] && part != "s" {
			return false
		}
	}
	return true
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r) }

// isGap reports what stands between words. A mask is part of none.
func isGap(r rune) bool { return !isWord(r) }
