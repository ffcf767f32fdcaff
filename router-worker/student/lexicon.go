package student

import (
	"fmt"
	"strings"
)

// addLexicon adds the words of data/lexicon.txt, one meaning a line.
func (x *index) addLexicon(text string) error {
	for n, line := range strings.Split(text, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		fields := strings.Split(line, " | ")
		k, ok := lexiconKind(fields[0])
		if !ok || len(fields) < 2 || len(fields) > 3 {
			return fmt.Errorf("lexicon line %d: want kind | value | spellings, not %q", n+1, line)
		}
		m := meaning{kind: k, value: fields[1], popularity: 50}
		if k == kindCue {
			m.popularity = n // the last class that lists a cue has it
		}
		if spoken(k) {
			x.add(fields[1], m)
		}
		if len(fields) == 3 {
			for spelling := range strings.SplitSeq(fields[2], "; ") {
				x.add(spelling, m)
			}
		}
	}
	if err := x.addWords(everydayWords); err != nil {
		return err
	}
	return x.addWorld(worldNames)
}

// spoken reports whether people say the value of such a line: not a language's code.
func spoken(k kind) bool { return k&(kindLanguage|kindEra|kindShow|kindCommon|kindFiller|kindCue) == 0 }

func lexiconKind(name string) (kind, bool) {
	switch name {
	case "genre":
		return kindGenre, true
	case "mood":
		return kindMood, true
	case "activity":
		return kindActivity, true
	case "language":
		return kindLanguage, true
	case "entity":
		return kindEntity, true
	case "era":
		return kindEra, true
	case "audience":
		return kindAudience, true
	case "topic":
		return kindTopic, true
	case "show":
		return kindShow, true
	case "common":
		return kindCommon, true
	case "cue":
		return kindCue, true
	case "filler":
		return kindFiller, true
	}
	return 0, false
}
