package student

import (
	_ "embed" // for the names and words
	"fmt"
	"strings"
)

// worldNames are names that everybody knows, whether a catalogue has them or not, and films, shows, games
// and books, which people start a wish from: kind and text, separated by a tab.
//
//go:embed data/world.tsv
var worldNames string

// everydayWords are words that name nothing by themselves, by domain, such as food or money.
//
//go:embed data/words.txt
var everydayWords string

// addWorld adds what everybody knows. A catalogue's own spelling goes before it.
func (x *index) addWorld(text string) error {
	x.world = map[string][]Name{}
	for n, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		slot, name, _ := strings.Cut(line, "\t")
		k, ok := worldKind(slot)
		if !ok || name == "" {
			return fmt.Errorf("world line %d: want kind and name, not %q", n+1, line)
		}
		x.world[slot] = append(x.world[slot], Name{name, name, 0})
		x.addName(Name{name, name, 0}, k)
	}
	return nil
}

func worldKind(slot string) (kind, bool) {
	switch slot {
	case "artist":
		return kindArtist, true
	case "album":
		return kindAlbum, true
	case "track":
		return kindTrack, true
	case "show":
		return kindShow, true
	case "work":
		return kindWork, true
	}
	return 0, false
}

// maxDomains is the most domains of words that a text's features tell apart.
const maxDomains = 32

// addWords adds everyday words, one domain a line.
func (x *index) addWords(text string) error {
	domain := 0
	for n, line := range strings.Split(text, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		fields := strings.Split(line, " | ")
		if len(fields) != 3 || fields[0] != "word" || domain == maxDomains {
			return fmt.Errorf("words line %d: want word | domain | words, not %q", n+1, line)
		}
		for w := range strings.FieldsSeq(fields[2]) {
			x.words[hashString(fnvOffset, w)] |= 1 << domain
		}
		domain++
	}
	return nil
}
