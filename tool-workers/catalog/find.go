package catalog

import (
	"iter"
	"maps"
	"math/bits"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
)

// nameIndex finds entries by folded name.
type nameIndex struct {
	names   texts           // sorted, each once, with and without a leading "the"
	entries numbers[uint32] // of each name; of several the one that was given first
	letters []uint64        // of each name, see letters; made when the catalogue is opened
}

// build indexes names and the entries they stand for. Of equal names the first counts.
func (x *nameIndex) build(names iter.Seq2[string, uint32]) {
	byName := map[string]uint32{}
	for name, entry := range names {
		folded := Fold(name)
		for _, form := range []string{folded, strings.TrimPrefix(folded, "the ")} {
			if _, taken := byName[form]; !taken && form != "" {
				byName[form] = entry
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		x.names.add(name)
		x.entries.add(byName[name])
	}
	x.prepare()
}

// prepare works out what is not kept in a file.
func (x *nameIndex) prepare() {
	x.letters = make([]uint64, x.names.rows())
	for i := range x.letters {
		x.letters[i] = letters(x.names.at(i))
	}
}

// letters returns a set of the letters of s. A typo changes at most two of its bits.
func letters(s string) uint64 {
	var set uint64
	for _, r := range s {
		set |= 1 << (uint32(r) % 64)
	}
	return set
}

// exact finds a folded name as it is.
func (x *nameIndex) exact(name string) (int, bool) {
	i := sort.Search(x.names.rows(), func(i int) bool { return x.names.at(i) >= name })
	if i == x.names.rows() || x.names.at(i) != name {
		return 0, false
	}
	return int(x.entries[i]), true
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
	if i, ok := x.exact(folded); ok {
		return i, true
	}
	return x.exact(strings.TrimPrefix(folded, "the "))
}

// nearest returns the entry whose name is the fewest typos away, of several the most
// popular. Short names must match.
func (x *nameIndex) nearest(folded string) (int, bool) {
	folded = strings.TrimPrefix(folded, "the ")
	name := []rune(folded)
	limit := allowedTypos(len(name))
	if len(name) > maxName || limit == 0 {
		return 0, false
	}
	set, best := letters(folded), none
	var buffer [2 * maxName]rune
	for i, other := range x.letters {
		if bits.OnesCount64(set^other) > 2*limit {
			continue
		}
		candidate := appendRunes(buffer[:0], x.names.at(i))
		d := distance(name, candidate, limit)
		if d < limit || d == limit && x.entries[i] < best {
			best, limit = x.entries[i], d
		}
	}
	return int(best), best != none
}

func appendRunes(to []rune, s string) []rune {
	for _, r := range s {
		to = append(to, r)
	}
	return to
}

// in finds a name that a folded or unfolded text is, or holds.
func (x *nameIndex) in(text string) (int, bool) {
	folded := Fold(text)
	if i, ok := x.known(folded); ok {
		return i, true
	}
	if i, ok := x.within(folded); ok {
		return i, true
	}
	return x.nearest(folded)
}

// within finds the longest name that a text holds, the later of two: in "albums like X by
// Y" people mean Y. A single word counts when it is long enough not to be an accident.
func (x *nameIndex) within(text string) (int, bool) {
	words := strings.Fields(Fold(text))
	for n := min(len(words)-1, maxNameWords); n > 0; n-- {
		for from := len(words) - n; from >= 0; from-- {
			name := strings.Join(words[from:from+n], " ")
			if i, ok := x.exact(name); ok && (n > 1 || x.standsOut(words, from)) {
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
