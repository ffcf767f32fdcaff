package catalog

import (
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"
)

// Fold returns s as it is compared: case folded, without diacritics, punctuation between
// words as one space. A name of punctuation alone ("!!!") stays as it is.
func Fold(s string) string {
	plain, _, err := transform.String(transform.Chain(norm.NFKD, runes.Remove(runes.In(unicode.Mn)), cases.Fold(), norm.NFKC), s)
	if err != nil {
		plain = strings.ToLower(s)
	}
	plain = strings.NewReplacer("'", "", "’", "", "&", " and ", "$", "s").Replace(plain)
	words := strings.FieldsFunc(plain, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if len(words) == 0 {
		return strings.TrimSpace(s)
	}
	return strings.Join(words, " ")
}

// nameIndex finds entries by name.
type nameIndex struct {
	exact map[string]int // folded name → entry; the most popular wins
	names []namedEntry
}

type namedEntry struct {
	name       string // folded
	index      int
	popularity int
}

func newNameIndex() nameIndex { return nameIndex{exact: map[string]int{}} }

// add indexes an entry under a name. Entries come most popular first.
func (x *nameIndex) add(name string, index, popularity int) {
	folded := Fold(name)
	for _, form := range []string{folded, strings.TrimPrefix(folded, "the ")} {
		if _, taken := x.exact[form]; !taken && form != "" {
			x.exact[form] = index
		}
	}
	x.names = append(x.names, namedEntry{folded, index, popularity})
}

func (x *nameIndex) find(name string) (int, bool) {
	folded := Fold(name)
	for _, form := range []string{folded, strings.TrimPrefix(folded, "the ")} {
		if i, ok := x.exact[form]; ok {
			return i, true
		}
	}
	return x.nearest(folded)
}

// nearest returns the entry whose name is the fewest typos away. Short names must match.
func (x *nameIndex) nearest(folded string) (int, bool) {
	best, bestDistance, bestPopularity := -1, allowedTypos(folded)+1, -1
	for _, e := range x.names {
		d := distance(folded, e.name, bestDistance)
		if d < bestDistance || d == bestDistance && best >= 0 && e.popularity > bestPopularity {
			best, bestDistance, bestPopularity = e.index, d, e.popularity
		}
	}
	return best, best >= 0
}

func allowedTypos(s string) int {
	switch n := len([]rune(s)); {
	case n < 5:
		return 0
	case n < 9:
		return 1
	default:
		return 2
	}
}

// distance returns the number of insertions, deletions, substitutions and swaps of
// neighbours that turn a into b (optimal string alignment), or a number above limit when
// it is larger than that.
func distance(a, b string, limit int) int {
	s, t := []rune(a), []rune(b)
	if diff := len(s) - len(t); diff > limit || -diff > limit {
		return limit + 1
	}
	before, last, row := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(s); i++ {
		row[0] = i
		least := i
		for j := 1; j <= len(t); j++ {
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+differ(s[i-1], t[j-1]))
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			least = min(least, row[j])
		}
		if least > limit {
			return limit + 1
		}
		before, last, row = last, row, before
	}
	return last[len(t)]
}

func differ(a, b rune) int {
	if a == b {
		return 0
	}
	return 1
}

// slug returns a folded name as the last part of an id.
func slug(name string) string {
	folded := Fold(name)
	var b strings.Builder
	for _, r := range folded {
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
