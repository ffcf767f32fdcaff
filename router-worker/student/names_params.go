package student

import (
	"strings"

	"github.com/parallel-fusion/pfr/schemas"
)

// Words that surround the name in a query for something similar, or for something new.
const (
	likeWords    = "like to as than resembling resemble resembles remind reminds into love loves after comme wie como come zoals a"
	inName       = "of the and on in for de la el le y und & with"
	aroundArtist = `i if im am you my me we us it is are was do does did has have had be been being can could would should will want wanna need
		please hey hi guys anyone someone somebody anybody everyone people who what whats which when where how why that this these those there
		the a an and or but not of on in for to by from with at as than so any some all more other another else just really very too also still yet
		artist artists band bands music musician musicians singer singers song songs track tracks tune album albums record records ep eps lp lps single singles mixtape
		group groups act acts rapper rappers producer producers dj djs composer composers soundtrack video stuff thing things something anything
		similar simliar similiar simular alike like likes love loves loved enjoy adore fan fans sound sounds sounding vibe vibes style vein
		recommend recommendation recommendations rec recs suggest suggestion suggestions find show give play put looking look search hear listen try check get
		new newest latest fresh recent recently last next upcoming forthcoming now out today yet soon lately
		release releases released releasing drop drops dropped dropping announce announces announced announcing reveals reveal unveils confirms confirm teases tease shares share
		coming come comes date day week month year this tour comeback returns return back first ever 2023 2024 2025 2026
		artistes similaires groupes bandas artistas parecidos parecidas parecida musica künstler kunstler ähnliche ahnliche artisti simili
		nouvel nouveau nouvelle nouveaux dernier derniere nuevo nueva ultimo ultima lo disco neues neue neuer neueste nuovo nuova singolo novo nova album lançamento
		comme wie como come de la le el les von des du d l zoals um uma`
)

// similar sets the artist that others should resemble, and a genre if one is named.
func (r *reader) similar(p schemas.Params) {
	set(p, "artist", r.artist(likeWords))
	r.genre(p)
}

// releases sets the artist, the kinds of work and the window.
func (r *reader) releases(p schemas.Params) {
	set(p, "artist", r.artist("by from of new latest newest von di de do"))
	if e := only(r.entities(), "track", "album"); len(e) > 0 {
		p["entity_types"] = e
	}
	if weeks := r.window(); weeks > 0 {
		p["max_weeks_from_release"] = weeks
	}
}

// artist returns the artist that a query is about, as the catalogue spells it; a name that
// the catalogue lacks is returned as typed; "" if there is none. Words of cues stand
// before the name.
func (r *reader) artist(cues string) string {
	if name := r.knownArtist(cues); name != "" {
		return name
	}
	if name := r.everydayArtist(cues); name != "" {
		return name
	}
	from, to := r.unknown(r.aroundArtist, cues)
	if name := r.misspelt(from, to); name != "" {
		return name
	}
	return r.typed(from, to)
}

// knownArtist returns the first name after a cue, or else the first.
func (r *reader) knownArtist(cues string) string {
	found := ""
	for _, s := range r.a.spans {
		if s.sym != symArtist || r.negated(s.from) {
			continue
		}
		name := s.phrase.value(kindArtist)
		if is(r.word(s.from-1), cues) {
			return name
		}
		if found == "" {
			found = name
		}
	}
	return found
}

// everydayArtist returns a name that is an everyday word too, where a name must stand:
// after a cue and not before another name, or as all that is left.
func (r *reader) everydayArtist(cues string) string {
	best, name := 0, ""
	from, to := r.unknown(r.aroundArtist, cues)
	for _, s := range r.a.weak {
		cued := is(r.word(s.from-1), cues) && (s.to == len(r.a.toks) || r.aroundArtist.has(r.word(s.to)))
		if (cued || s.from == from && s.to == to) && s.to-s.from > best && s.phrase.kinds&kindArtist != 0 {
			best, name = s.to-s.from, s.phrase.value(kindArtist)
		}
	}
	return name
}

// unknown returns the words that are left when those around a name are gone: the run after
// a cue, or else the longest run. Short words stay inside a run.
func (r *reader) unknown(around words, cues string) (from, to int) {
	n := len(r.a.toks)
	bestFrom, bestTo, bestCued := 0, 0, false
	for i := 0; i < n; {
		if around.has(r.word(i)) {
			i++
			continue
		}
		end := r.runEnd(i, around)
		start := i
		if r.word(i-1) == "the" {
			start-- // part of the name, more often than not
		}
		cued := is(r.word(start-1), cues)
		if cued && !bestCued || cued == bestCued && end-start > bestTo-bestFrom {
			bestFrom, bestTo, bestCued = start, end, cued
		}
		i = end
	}
	return bestFrom, bestTo
}

// runEnd returns the end of the run of unknown words that begins at word i.
func (r *reader) runEnd(i int, around words) int {
	end := i
	for j := i; j < len(r.a.toks); j++ {
		if !around.has(r.word(j)) {
			end = j + 1
		} else if !is(r.word(j), inName) {
			break
		}
	}
	return end
}

// misspelt returns the artist that words from..to, or all but one of them, nearly spell.
func (r *reader) misspelt(from, to int) string {
	for n := to - from; n > 0 && n >= to-from-1; n-- {
		for i := from; i+n <= to; i++ {
			if name := r.index.artists.nearest(joinTokens(r.a.toks[i : i+n])); name != "" {
				return name
			}
		}
	}
	return ""
}

// lower returns words from..to as a notion is written: in lower case.
func (r *reader) lower(from, to int) string { return strings.ToLower(r.typed(from, to)) }
