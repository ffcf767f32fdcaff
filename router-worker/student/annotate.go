package student

import "github.com/parallel-fusion/pfr/router-worker/student/nlu"

// symbol stands for a span of words in the masked form of a text.
type symbol uint8

// Symbols. A span of words without one is itself.
const (
	symNone symbol = iota
	symArtist
	symShow
	symTitle
	symWork
	symGenre
	symMood
	symActivity
	symLanguage
	symAudience
	symTopic
	symEra
	symYear
	symDecade
	symNumber
	symbols // how many there are
)

// span is a run of words with one meaning, or a single word.
type span struct {
	from, to int // words
	sym      symbol
	phrase   *phrase // nil for a plain word or number
}

// annotation is what a student sees in a text. It is reused.
type annotation struct {
	text  string
	toks  []token
	spans []span // the text from end to end
	weak  []span // names that are everyday words too
	known int    // words that are no news
	core  struct{ from, to int }
	count [symbols]int

	memory tagMemory
}

// view is what is known of the world while reading a text.
type view struct {
	index    *index
	everyday map[uint64]struct{} // hashes of words that name nothing by themselves
	blind    bool                // without names, as for a catalogue that lacks them

	aroundArtist, aroundPodcast words // see the constants of these names

	tagger *nlu.Model // nil finds nothing
}

// annotate reads text into a.
func (v *view) annotate(a *annotation, text string) {
	*a = annotation{text: text, toks: tokenize(a.toks[:0], text), spans: a.spans[:0], weak: a.weak[:0], memory: a.memory}
	for i := 0; i < len(a.toks); {
		s := v.longest(a, i)
		a.spans = append(a.spans, s)
		a.count[s.sym]++
		i = s.to
	}
	for _, t := range a.toks {
		if v.isEveryday(t.text) {
			a.known++
		}
	}
	a.core.from, a.core.to = v.trim(a.toks)
}

// longest returns the longest meaningful span that begins at word i.
func (v *view) longest(a *annotation, i int) span {
	best := span{from: i, to: i + 1, sym: numberSymbol(a.toks[i].text)}
	h := uint64(fnvOffset)
	for n := 1; n <= maxPhrase && i+n <= len(a.toks); n++ {
		word := a.toks[i+n-1].text
		p := v.index.phrases[hashPhrase(h, word)]
		if p == nil && len(word) > 4 && word[len(word)-1] == 's' {
			p = v.possessive(hashPhrase(h, word[:len(word)-1]))
		}
		if p != nil {
			s := span{from: i, to: i + n, phrase: p, sym: v.meaning(p, a.toks[i:i+n])}
			switch {
			case s.sym != symNone:
				best = s
			case !v.blind && p.kinds&(kindArtist|kindShow) != 0:
				a.weak = append(a.weak, s)
			}
		}
		h = hashPhrase(h, word)
		if _, more := v.index.longer[h]; !more {
			break
		}
	}
	return best
}

// possessive finds a name whose possessive lost its apostrophe.
func (v *view) possessive(h uint64) *phrase {
	if p := v.index.phrases[h]; p != nil && p.kinds&(kindArtist|kindShow) != 0 && p.kinds&kindCommon == 0 {
		return p
	}
	return nil
}

// meaning returns the symbol for a phrase, or symNone if it is better read word by word.
func (v *view) meaning(p *phrase, toks []token) symbol {
	k := p.kinds
	if k&kindName != 0 && !v.blind && v.isNameAlone(p, toks) {
		switch {
		case k&kindShow != 0 && k&kindArtist == 0:
			return symShow
		case k&kindArtist != 0:
			return symArtist
		case len(toks) > 2 && k&(kindAlbum|kindTrack) != 0:
			return symTitle
		case k&kindWork != 0:
			return symWork
		}
	}
	switch {
	case k&kindGenre != 0:
		return symGenre
	case k&kindActivity != 0:
		return symActivity
	case k&kindMood != 0:
		return symMood
	case k&kindLanguage != 0:
		return symLanguage
	case k&kindAudience != 0:
		return symAudience
	case k&kindTopic != 0:
		return symTopic
	case k&kindEra != 0:
		return symEra
	}
	return symNone
}

// isNameAlone reports whether a phrase means its name wherever it stands.
func (v *view) isNameAlone(p *phrase, toks []token) bool {
	const lexical = kindGenre | kindMood | kindActivity | kindLanguage | kindAudience | kindTopic | kindEra | kindCommon | kindEntity
	if p.kinds&lexical != 0 {
		return false
	}
	return len(toks) > 1 || len(toks[0].text) > 2 && !v.isEveryday(toks[0].text)
}

func (v *view) isEveryday(word string) bool {
	_, ok := v.everyday[hashString(fnvOffset, word)]
	return ok
}

// trim returns the words of a text without the filler at both ends, at least one.
func (v *view) trim(toks []token) (from, to int) {
	to = len(toks)
	for from < to-1 {
		n := v.filler(toks[from : to-1])
		if n == 0 {
			break
		}
		from += n
	}
	for to > from+1 {
		if p := v.index.phrases[hashString(fnvOffset, toks[to-1].text)]; p == nil || p.kinds&kindFiller == 0 {
			break
		}
		to--
	}
	return from, to
}

// filler returns how many words of filler toks begin with.
func (v *view) filler(toks []token) int {
	longest := 0
	h := uint64(fnvOffset)
	for n := range min(len(toks), maxPhrase) {
		h = hashPhrase(h, toks[n].text)
		if p := v.index.phrases[h]; p != nil && p.kinds&kindFiller != 0 {
			longest = n + 1
		}
	}
	return longest
}

// numberSymbol tells years, decades and other numbers apart.
func numberSymbol(word string) symbol {
	switch {
	case !isDigit(word[0]):
		return symNone
	case isDecade(word):
		return symDecade
	case !isNumber(word):
		return symNone
	case len(word) == 4 && (word[:2] == "19" || word[:2] == "20"):
		return symYear
	}
	return symNumber
}

func isNumber(word string) bool {
	for i := range len(word) {
		if !isDigit(word[i]) {
			return false
		}
	}
	return word != ""
}

// isDecade reports whether word is like 80s, 1980s, 80er or 1980.
func isDecade(word string) bool {
	for _, suffix := range [...]string{"s", "er", "ies"} {
		n := len(word) - len(suffix)
		if (n == 2 || n == 4) && word[n:] == suffix && isNumber(word[:n]) && word[n-1] == '0' {
			return true
		}
	}
	return false
}
