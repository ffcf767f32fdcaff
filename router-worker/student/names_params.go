package student

import (
	"slices"
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
	tags := r.tags("similar_artists")
	set(p, "artist", r.artist(tags, likeWords))
	r.genre(p)
	if g := first(tags, slotGenre); g.slot != "" && p["genre"] == nil && r.isGenre(g) {
		p["genre"] = strings.ToLower(g.typed)
	}
}

// isGenre reports whether a tag can be trusted to be a genre that no list has: it stands
// before a word such as bands, and none of its words is an everyday one.
func (r *reader) isGenre(t tag) bool {
	if t.to >= len(r.a.toks) || r.entity(t.to) == "" && r.word(t.to) != "music" {
		return false
	}
	return !slices.ContainsFunc(r.a.toks[t.from:t.to], func(t token) bool { return r.isEveryday(t.text) || r.aroundArtist.has(t.text) })
}

// releases sets the artist, the kinds of work and the window.
func (r *reader) releases(p schemas.Params) {
	set(p, "artist", r.artist(r.tags("new_releases"), "by from of new latest newest von di de do"))
	if e := only(r.entities(), "track", "album"); len(e) > 0 {
		p["entity_types"] = e
	} else if i := r.find("disco"); i >= 0 && is(r.word(i-1), "nuevo ultimo proximo nuovo novo") {
		p["entity_types"] = []string{"album"} // elsewhere it is a genre
	}
	if weeks := r.window(); weeks > 0 {
		p["max_weeks_from_release"] = weeks
	}
}

// artist returns the artist that a query is about, as the catalogue spells it; a name that
// the catalogue lacks is returned as typed; "" if there is none. Where the tagger found no
// name, it is one that the catalogue has, or stands after words of cues.
func (r *reader) artist(tags []tag, cues string) string {
	if t := r.artistTag(tags, cues); t.slot != "" {
		return r.named(t, kindArtist, &r.index.artists)
	}
	if name := r.knownArtist(cues); name != "" {
		return name
	}
	if name := r.everydayArtist(cues); name != "" {
		return name
	}
	from, to := r.unknown(r.aroundArtist, cues)
	if name := r.index.artists.nearest(joinTokens(r.a.toks[from:to])); name != "" {
		return name
	}
	return "" // what the tagger does not see is no name
}

// artistTag returns the artist that the tagger found, or a zero tag. Of several, the first
// after "by", or else after another cue, or else the first that is more than words that
// stand around names: "the artist" is a name too.
func (r *reader) artistTag(tags []tag, cues string) tag {
	best, rank := tag{}, 0
	for _, t := range tags {
		if t.slot != slotArtist {
			continue
		}
		n := 1
		switch before := r.word(t.from - 1); {
		case !slices.ContainsFunc(r.a.toks[t.from:t.to], func(t token) bool { return !r.aroundArtist.has(t.text) }):
		case is(before, "by"):
			n = 4
		case is(before, cues):
			n = 3
		default:
			n = 2
		}
		if n > rank {
			best, rank = t, n
		}
	}
	return r.firstOf(best)
}

// firstOf cuts a tag after an artist that the catalogue has, when more than a name follows:
// another one, or a title.
func (r *reader) firstOf(t tag) tag {
	for _, s := range r.a.spans {
		if s.sym != symArtist || s.from != t.from || s.to >= t.to {
			continue
		}
		between := r.a.text[r.a.toks[s.to-1].end:r.a.toks[s.to].start]
		if is(r.word(s.to), "and or ft feat featuring with x") || strings.ContainsAny(between, ",-–/:;(\"“") {
			t.to, t.typed = s.to, r.typed(s.from, s.to)
		}
	}
	return t
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

// find returns the place of a word, or -1.
func (r *reader) find(word string) int {
	return slices.IndexFunc(r.a.toks, func(t token) bool { return t.text == word })
}

// lower returns words from..to as a notion is written: in lower case.
func (r *reader) lower(from, to int) string { return strings.ToLower(r.typed(from, to)) }
