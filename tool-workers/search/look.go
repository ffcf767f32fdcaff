package search

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/taste"
)

// look is one way to read a query. The words of a query are read more and more freely
// until something is found.
type look struct {
	text   string // folded
	words  []string
	prefix bool // the last word may be the beginning of one
	typos  bool
	whole  bool // the text is a whole name, spelled wrong
	spare  int  // words that may be missing

	corrected bool // it is not what was typed
}

// Bounds of a query: nobody names a thing with more words, or such long ones.
const (
	maxWords    = 12
	maxWordSize = 40
	maxSpare    = 2
)

// looks returns the ways to read a text, the most literal first.
func looks(text string) []look {
	literal := words(catalog.Fold(text))
	if len(literal) == 0 {
		return nil
	}
	out := []look{read(literal), misspelled(literal)}
	meant := slices.DeleteFunc(slices.Clone(literal), taste.Filler)
	if len(meant) > 0 && len(meant) < len(literal) {
		out = append(out, read(meant), misspelled(meant))
	} else {
		meant = literal
	}
	if len(meant) > 1 {
		out = append(out, read([]string{strings.Join(meant, "")}))
	}
	free := read(meant)
	free.typos = true
	out = append(out, free)
	if len(meant) > 2 {
		free.spare = min(1+len(meant)/5, maxSpare)
		out = append(out, free)
	}
	return out
}

func read(words []string) look {
	return look{text: strings.Join(words, " "), words: words, prefix: utf8.RuneCountInString(words[len(words)-1]) > 1}
}

func misspelled(words []string) look {
	return look{text: strings.Join(words, " "), words: words, typos: true, whole: true}
}

func words(folded string) []string {
	all := strings.Fields(folded)
	all = all[:min(len(all), maxWords)]
	return slices.DeleteFunc(all, func(w string) bool { return len(w) > maxWordSize })
}

// allowedTypos is by length: a typo in a short word makes another word.
func allowedTypos(word string) int {
	switch n := utf8.RuneCountInString(word); {
	case n < 4:
		return 0
	case n < 8:
		return 1
	default:
		return 2
	}
}
