package importer

import (
	"slices"
	"strings"
	"unicode"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/taxonomy"
)

// words turns the words of sources into those of the taxonomy: "Hip-Hop" is "hip hop" for
// every tool. A word that the taxonomy does not have stays, in lower case.
type words struct {
	tax    *taxonomy.Taxonomy
	genres map[string]string // as written → as kept
	moods  map[string]string
}

// maxWords bounds what words remembers: tags are free text.
const maxWords = 50_000

func newWords() (*words, error) {
	tax, err := taxonomy.Load()
	if err != nil {
		return nil, err
	}
	return &words{tax: tax, genres: map[string]string{}, moods: map[string]string{}}, nil
}

func (w *words) genre(s string) string {
	return remember(w.genres, s, func(s string) string {
		if term := w.tax.Genres.Term(s); term != "" {
			return term
		}
		return strings.ToLower(strings.TrimSpace(s))
	})
}

// mood returns "" for a word that is none.
func (w *words) mood(s string) string { return remember(w.moods, s, w.tax.Mood) }

func (w *words) topic(s string) string {
	if term := w.tax.Topics.Term(s); term != "" {
		return term
	}
	return strings.ToLower(strings.TrimSpace(s))
}

func remember(memory map[string]string, s string, find func(string) string) string {
	if found, ok := memory[s]; ok {
		return found
	}
	found := find(s)
	if len(memory) < maxWords {
		memory[strings.Clone(s)] = found
	}
	return found
}

// each applies f to the words of a list, and leaves out what is empty or there already.
func each(list []string, f func(string) string) []string {
	var out []string
	for _, s := range list {
		if s = f(s); s != "" && !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// keyOf makes a key of names, for entries that have none: "Björk", "Début" is
// "bjork-debut". Equal names have equal keys.
func keyOf(names ...string) string {
	var parts []string
	for _, name := range names {
		if folded := catalog.Fold(name); folded != "" {
			parts = append(parts, keyPart(folded))
		}
	}
	return bounded(strings.Join(parts, "-"))
}

// keyPart makes a part of a key. What has symbols in it is told from others of its shape by
// a hash: "★" is not "☆".
func keyPart(folded string) string {
	var b strings.Builder
	symbols := false
	for _, r := range folded {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			b.WriteRune(r)
		case r == ' ':
			b.WriteByte('-')
		case r == '!':
			b.WriteString("bang")
		default:
			b.WriteByte('x')
			symbols = true
		}
	}
	if symbols {
		b.WriteString("-" + shortHash(folded)[:8])
	}
	return b.String()
}

// maxKey is the length of a key in bytes up to which it stays readable.
const maxKey = 120

// bounded shortens a key that would be too long for an id, so that it is still its own.
func bounded(key string) string {
	if len(key) <= maxKey {
		return key
	}
	cut := maxKey - 20
	for cut > 0 && key[cut]&0xC0 == 0x80 {
		cut--
	}
	return key[:cut] + "-" + shortHash(key)
}
