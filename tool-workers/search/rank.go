package search

import (
	"strings"

	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

// How a query relates to a name, from 0 to 1.
const (
	fitExact   = 1.0
	fitAlias   = 0.96
	fitSqueeze = 0.92
	fitNamed   = 0.9  // the whole title, and the rest of the query is its maker
	fitPrefix  = 0.8  // the first words of a name
	fitStart   = 0.65 // the beginning of a name, in the middle of a word
	fitBy      = 0.4  // only its maker is named

	fitPartAlias = 0.8 // what an alias counts for that is not matched as a whole
)

// score says how well an entry answers a query, 0 when it does not hold its words: how
// its names fit, then how popular it is.
func (e entry) score(l look) (score, fit float64) {
	best := 0.0
	for i, name := range e.names {
		fit := e.fit(l, name)
		switch {
		case i > 0 && fit >= fitSqueeze:
			fit *= fitAlias
		case i > 0:
			fit *= fitPartAlias
		}
		best = max(best, fit)
	}
	score = best * (0.6 + 0.4*float64(e.popularity)/100)
	if best >= fitSqueeze*fitAlias {
		score += 0.25 // somebody who types a name wants what has it
	}
	if l.corrected {
		score *= 0.8
	}
	return score * (1 - 0.1*float64(l.spare)) * prior(e.ref.Type), best
}

// prior is for what people mean when several kinds of things have a name.
func prior(t schemas.ItemType) float64 {
	switch t {
	case catalog.TypeArtist:
		return 1.1
	case catalog.TypeShow:
		return 1.05
	case catalog.TypeEpisode:
		return 0.75
	case catalog.TypePlaylist:
		return 0.95
	default:
		return 1
	}
}

func (e entry) fit(l look, name string) float64 {
	if l.whole {
		return l.wholeFit(name)
	}
	switch {
	case name == l.text, strings.TrimPrefix(name, "the ") == strings.TrimPrefix(l.text, "the "):
		return fitExact
	case len(l.words) == 1 && squeeze(name) == l.text:
		return fitSqueeze
	case len(l.words) == 1 && l.prefix && !strings.Contains(name, l.text) && strings.HasPrefix(squeeze(name), l.text):
		return fitStart
	case !l.typos && strings.HasPrefix(name, l.text+" "):
		return fitPrefix + 0.1*float64(len(l.text))/float64(len(name))
	case !l.typos && l.prefix && strings.HasPrefix(name, l.text):
		return fitStart + 0.2*float64(len(l.text))/float64(len(name))
	}
	return e.wordFit(l, strings.Fields(name), strings.Fields(e.by))
}

// wholeFit compares a name with a text that should be the same but for typos, which may be
// between words.
func (l look) wholeFit(name string) float64 {
	n := allowedTypos(l.text)
	d := min(catalog.Typos(name, l.text, n), catalog.Typos(strings.TrimPrefix(name, "the "), l.text, n), catalog.Typos(squeeze(name), squeeze(l.text), n))
	if d > n {
		return 0
	}
	return fitNamed - 0.1*float64(d)
}

// wordFit goes by single words: how much of the query is in the name, how much of the name
// is in the query, and whether the rest of the query is who made it.
func (e entry) wordFit(l look, name, by []string) float64 {
	used := make([]bool, len(name))
	inName, inBy, care := 0.0, 0.0, 0.0
	for i, w := range l.words {
		last := l.prefix && i == len(l.words)-1
		at, fit := l.best(w, name, last)
		if _, byFit := l.best(w, by, last); byFit > fit {
			inBy++
			care += byFit
		} else if fit > 0 {
			used[at] = true
			inName++
			care += fit
		}
	}
	matched := inName + inBy
	if matched == 0 || int(matched) < len(l.words)-l.spare {
		return 0
	}
	care /= matched // 1 when everything is spelled right
	covered := 0.0
	for _, u := range used {
		if u {
			covered++
		}
	}
	covered /= float64(len(name))
	all := matched / float64(len(l.words))
	switch {
	case inName == 0:
		return fitBy * all * care
	case covered == 1:
		return fitNamed * all * care
	default:
		return (0.3 + 0.45*covered) * all * care
	}
}

// best finds the word nearest to w: 1 for the same, less for a beginning or a typo, 0 for
// none.
func (l look) best(w string, among []string, prefix bool) (at int, fit float64) {
	for i, x := range among {
		f := 0.0
		switch {
		case w == x:
			f = 1
		case prefix && strings.HasPrefix(x, w):
			f = 0.75 + 0.2*float64(len(w))/float64(len(x))
		case l.typos:
			if n := allowedTypos(w); n > 0 {
				if d := catalog.Typos(w, x, n); d <= n {
					f = 0.9 - 0.15*float64(d)
				}
			}
		}
		if f > fit {
			at, fit = i, f
		}
	}
	return at, fit
}
