package catalog

import (
	"strings"
	"unicode/utf8"
)

// nameIndex finds entries by name.
type nameIndex struct {
	exact map[string]int // folded name → entry; the most popular wins
	names []namedEntry
}

type namedEntry struct {
	name       []rune // folded, without a leading "the"
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
	x.names = append(x.names, namedEntry{[]rune(strings.TrimPrefix(folded, "the ")), index, popularity})
}

func (x *nameIndex) find(name string) (int, bool) {
	folded := Fold(name)
	if i, ok := x.known(folded); ok {
		return i, true
	}
	return x.nearest(folded)
}

// known finds a folded name that is spelled right.
func (x *nameIndex) known(folded string) (int, bool) {
	if i, ok := x.exact[folded]; ok {
		return i, true
	}
	i, ok := x.exact[strings.TrimPrefix(folded, "the ")]
	return i, ok
}

// nearest returns the entry whose name is the fewest typos away. Short names must match.
func (x *nameIndex) nearest(folded string) (int, bool) {
	name := []rune(strings.TrimPrefix(folded, "the "))
	if len(name) > maxName {
		return 0, false
	}
	best, bestDistance, bestPopularity := -1, allowedTypos(len(name))+1, -1
	for _, e := range x.names {
		d := distance(name, e.name, bestDistance)
		if d < bestDistance || d == bestDistance && best >= 0 && e.popularity > bestPopularity {
			best, bestDistance, bestPopularity = e.index, d, e.popularity
		}
	}
	return best, best >= 0
}

// within finds the longest name that a text holds, the later of two: in "albums like X by
// Y" people mean Y. A single word counts when it is long enough not to be an accident.
func (x *nameIndex) within(text string) (int, bool) {
	words := strings.Fields(Fold(text))
	for n := min(len(words)-1, maxNameWords); n > 0; n-- {
		for from := len(words) - n; from >= 0; from-- {
			name := strings.Join(words[from:from+n], " ")
			if i, ok := x.exact[name]; ok && (n > 1 || x.standsOut(words, from)) {
				return i, true
			}
		}
	}
	return 0, false
}

// maxName bounds a name that is compared for typos, and maxNameWords one in a text.
const (
	maxName      = 64
	maxNameWords = 6
)

// standsOut reports whether the word at i can be a name within a text.
func (x *nameIndex) standsOut(words []string, i int) bool {
	switch w := words[i]; w {
	case "album", "albums", "artist", "band", "come", "comes", "coming", "release", "releases", "released", "record", "latest",
		"music", "newest", "next", "recent", "single", "singles", "song", "songs", "track", "tracks", "similar", "when", "what", "does":
		return false
	default:
		if i > 0 && (words[i-1] == "by" || words[i-1] == "from" || words[i-1] == "like") {
			return true
		}
		return utf8.RuneCountInString(w) >= 5
	}
}

func allowedTypos(length int) int {
	switch {
	case length < 5:
		return 0
	case length < 9:
		return 1
	default:
		return 2
	}
}

// Typos returns the number of insertions, deletions, substitutions and swaps of neighbours
// that turn a into b, or a number above limit when it is larger than that.
func Typos(a, b string, limit int) int {
	if diff := len(a) - len(b); diff > 4*limit || -diff > 4*limit { // of bytes: at most 4 a rune
		return limit + 1
	}
	return distance([]rune(a), []rune(b), limit)
}

// distance returns the number of insertions, deletions, substitutions and swaps of
// neighbours that turn s into t (optimal string alignment), or a number above limit when
// it is larger than that.
func distance(s, t []rune, limit int) int {
	if diff := len(s) - len(t); diff > limit || -diff > limit {
		return limit + 1
	}
	var rows [3][2 * maxName]int
	if len(t) >= len(rows[0]) {
		return limit + 1
	}
	before, last, row := rows[0][:len(t)+1], rows[1][:len(t)+1], rows[2][:len(t)+1]
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
