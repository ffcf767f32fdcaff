package taxonomy

import (
	"fmt"
	"slices"
	"strings"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

// Tree is terms that hold narrower ones. A term may be part of several.
type Tree struct {
	names    map[string]string   // folded name → term
	children map[string][]string // in the order of the file
	parents  map[string][]string
	within   map[string]map[string]int // term → it and all below it, by distance
	longest  int                       // words in the longest name
}

func readTree(file string) (*Tree, error) {
	t := &Tree{names: map[string]string{}, children: map[string][]string{}, parents: map[string][]string{}, within: map[string]map[string]int{}}
	var path []string // from the root to the last line
	err := eachLine(file, func(line string) error {
		depth := len(line) - len(strings.TrimLeft(line, "\t"))
		if depth > len(path) {
			return fmt.Errorf("%q is indented too far", line)
		}
		term, names := cutNames(line)
		path = append(path[:depth], term)
		t.add(path, names)
		return nil
	})
	for term := range t.children {
		t.within[term] = t.below(term)
	}
	return t, err
}

// add notes the last term of path. Its own name always wins over another's synonym.
func (t *Tree) add(path, names []string) {
	term := path[len(path)-1]
	if _, known := t.children[term]; !known {
		t.children[term] = nil
	}
	t.names[catalog.Fold(term)] = term
	for _, name := range append(names, term) {
		folded := catalog.Fold(name)
		if _, taken := t.names[folded]; !taken {
			t.names[folded] = term
		}
		t.longest = max(t.longest, strings.Count(folded, " ")+1)
	}
	if len(path) < 2 {
		return
	}
	if parent := path[len(path)-2]; !slices.Contains(t.children[parent], term) {
		t.children[parent] = append(t.children[parent], term)
		t.parents[term] = append(t.parents[term], parent)
	}
}

// below walks down breadth first, so that the shortest way counts.
func (t *Tree) below(term string) map[string]int {
	out := map[string]int{term: 0}
	for queue := []string{term}; len(queue) > 0; queue = queue[1:] {
		for _, child := range t.children[queue[0]] {
			if _, seen := out[child]; !seen {
				out[child] = out[queue[0]] + 1
				queue = append(queue, child)
			}
		}
	}
	return out
}

// Term returns the term that a name stands for, "" when it is none. "music", "songs" and
// the like after it do not matter.
func (t *Tree) Term(name string) string {
	folded := catalog.Fold(name)
	for {
		if term, ok := t.names[folded]; ok {
			return term
		}
		cut := strings.LastIndexByte(folded, ' ')
		if cut < 0 || !isKindWord(folded[cut+1:]) {
			return ""
		}
		folded = folded[:cut]
	}
}

func isKindWord(w string) bool {
	switch w {
	case "music", "songs", "song", "tracks", "tunes", "albums", "podcast", "podcasts", "shows", "stories", "playlist", "playlists", "beats", "hits":
		return true
	}
	return false
}

// Distance returns how many steps term lies below wanted: 0 for itself. ok is false when
// it is not part of it.
func (t *Tree) Distance(wanted, term string) (steps int, ok bool) {
	if wanted == term {
		return 0, true
	}
	steps, ok = t.within[wanted][term]
	return steps, ok
}

// Parents returns the terms that hold term directly.
func (t *Tree) Parents(term string) []string { return t.parents[term] }

// In returns the terms named in a text, longest names first, each once.
func (t *Tree) In(text string) []string {
	var found []string
	words := strings.Fields(catalog.Fold(text))
	used := make([]bool, len(words))
	for n := min(t.longest, len(words)); n > 0; n-- {
		for from := 0; from+n <= len(words); from++ {
			term, ok := t.names[strings.Join(words[from:from+n], " ")]
			if !ok || slices.Contains(used[from:from+n], true) {
				continue
			}
			for i := from; i < from+n; i++ {
				used[i] = true
			}
			if !slices.Contains(found, term) {
				found = append(found, term)
			}
		}
	}
	return found
}
