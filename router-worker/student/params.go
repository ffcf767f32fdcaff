package student

import (
	"slices"
	"strings"

	"github.com/parallel-fusion/pfr/schemas"
)

// params returns the parameters of route that a's text states.
func (v *view) params(route string, a *annotation) schemas.Params {
	r := reader{view: v, a: a}
	p := schemas.Params{}
	switch route {
	case "search":
		r.search(p)
	case "similar_artists":
		r.similar(p)
	case "new_releases":
		r.releases(p)
	case "personalized_recs":
		r.recs(p)
	case "podcast_recs":
		r.podcasts(p)
	case "podcast_episodes":
		r.episodes(p)
	}
	return p
}

// reader takes parameters out of an annotated text.
type reader struct {
	*view
	a *annotation
}

// set sets a text parameter, if there is a text.
func set(p schemas.Params, name, value string) {
	if value != "" {
		p[name] = value
	}
}

// value returns what the first span with this symbol means, or "".
func (r *reader) value(sym symbol, k kind) string {
	for _, s := range r.a.spans {
		if s.sym == sym {
			return s.phrase.value(k)
		}
	}
	return ""
}

// first returns the value of the first span that can be of kind k, whatever else it is.
func (r *reader) first(k kind) string {
	for _, s := range r.a.spans {
		if s.phrase != nil && s.sym != symNone && s.sym != symArtist && s.sym != symShow && s.phrase.kinds&k != 0 {
			return s.phrase.value(k)
		}
	}
	return ""
}

// word returns word i, or "" outside the text.
func (r *reader) word(i int) string {
	if i < 0 || i >= len(r.a.toks) {
		return ""
	}
	return r.a.toks[i].text
}

// typed returns words from..to as they were typed.
func (r *reader) typed(from, to int) string {
	if from >= to {
		return ""
	}
	return r.a.text[r.a.toks[from].start:r.a.toks[to-1].end]
}

// is reports whether word is one of the words of a list.
func is(word, list string) bool {
	if word == "" {
		return false
	}
	for w := range strings.FieldsSeq(list) {
		if w == word {
			return true
		}
	}
	return false
}

// words is a set of words.
type words map[string]struct{}

func newWords(list string) words {
	w := words{}
	for word := range strings.FieldsSeq(list) {
		w[word] = struct{}{}
	}
	return w
}

func (w words) has(word string) bool {
	_, ok := w[word]
	return ok
}

// search: the words without what only says that they are wanted.
func (r *reader) search(p schemas.Params) {
	entities := r.entities()
	from, to := r.lead(), len(r.a.toks)
	if from < to && to-from > 1 && is(r.word(to-1), "please podcast playlist album lyrics song") && (r.word(to-1) != "song" || to-from > 2) {
		if r.lookupKind(from, to)&kindName == 0 {
			to--
		}
	}
	set(p, "text", r.typed(from, to))
	if len(entities) > 0 && (from > 0 || to < len(r.a.toks)) && r.lookupKind(0, len(r.a.toks))&kindName == 0 {
		p["entity_types"] = entities
	}
}

// lead returns where the name begins after words such as "play the song".
func (r *reader) lead() int {
	n := len(r.a.toks)
	if r.lookupKind(0, n)&kindName != 0 {
		return 0
	}
	for i := 0; i < n-1; {
		if i > 0 && r.lookupKind(i, n)&kindName != 0 || !r.leads(i) {
			return i
		}
		i++
	}
	return max(0, n-1)
}

// leads reports whether word i asks for what follows.
func (r *reader) leads(i int) bool {
	const (
		verbs = "play search find open start listen hear show put queue pull get"
		after = "for on to up me some the a song songs track album albums artist band podcast playlist called titled named by music all any anything something please single record version of from"
		ask   = "i want wanna would like can could you please hey let lets us id let's need to do have is there"
	)
	w := r.word(i)
	if i == 0 {
		if is(w, "song songs track album podcast playlist music all") {
			return is(r.word(1), "called titled named by songs albums music") || w == "podcast" || w == "playlist"
		}
		return is(w, verbs) || is(w, "put look go give let") || is(w, "can could hey please") || w == "i" && is(r.word(1), "want wanna would need d") || is(w, "id lets") || w == "do" && r.word(1) == "you"
	}
	return is(w, verbs) || is(w, after) || is(w, ask)
}

func (r *reader) lookupKind(from, to int) kind {
	if from >= to {
		return 0
	}
	if p := r.index.lookup(r.a.toks[from:to]); p != nil {
		return p.kinds
	}
	return 0
}

// entities returns the kinds of result that are named, each once. A release is a track or
// an album, unless one of them is named.
func (r *reader) entities() []string {
	var out []string
	release := false
	for _, s := range r.a.spans {
		if s.sym != symNone && s.sym != symGenre {
			continue
		}
		for i := s.from; i < s.to; i++ {
			switch e := r.entity(i); {
			case e == "release":
				release = true
			case e != "" && !slices.Contains(out, e):
				out = append(out, e)
			}
		}
	}
	if release && !slices.Contains(out, "track") && !slices.Contains(out, "album") {
		out = append(out, "track", "album")
	}
	return out
}

// entity returns the kind of result that word i names, or "".
func (r *reader) entity(i int) string {
	if ph := r.index.lookup(r.a.toks[i : i+1]); ph != nil && ph.kinds&kindEntity != 0 {
		return ph.value(kindEntity)
	}
	return ""
}

// recs: the notions of the query.
func (r *reader) recs(p schemas.Params) {
	r.genre(p)
	activity := r.first(kindActivity)
	set(p, "activity", activity)
	set(p, "mood", r.mood())
	r.era(p)
	if lang := r.value(symLanguage, kindLanguage); lang != "" {
		p["language"] = lang
	}
	if e := only(r.entities(), "track", "album", "artist", "playlist"); len(e) > 0 {
		p["entity_types"] = e
	}
	if weeks := r.window(); weeks > 0 {
		p["max_weeks_from_release"] = weeks
	} else if r.fresh() {
		p["max_weeks_from_release"] = freshWeeks
	}
	set(p, "artist", r.value(symArtist, kindArtist))
}

// genre sets the genre, the longest of several.
func (r *reader) genre(p schemas.Params) {
	longest := 0
	for _, s := range r.a.spans {
		if s.sym == symGenre && s.to-s.from > longest && !r.negated(s.from) {
			longest = s.to - s.from
			p["genre"] = s.phrase.value(kindGenre)
		}
	}
}

// negated reports whether what begins at word i is not wanted.
func (r *reader) negated(i int) bool {
	return is(r.word(i-1), "not no without nothing except hates hate") || is(r.word(i-1), "too any for") && is(r.word(i-2), "not no without") ||
		r.word(i-1) == "but" && is(r.word(i-2), "anything everything")
}

// mood returns the mood that is asked for. Party and focus are moods and activities.
func (r *reader) mood() string {
	for _, s := range r.a.spans {
		if s.sym != symNone && s.phrase != nil && s.sym != symArtist && s.sym != symShow && s.phrase.kinds&kindMood != 0 && !r.negated(s.from) {
			if m := s.phrase.value(kindMood); m != "" && (s.sym == symMood || s.sym == symActivity || s.sym == symTopic) {
				return m
			}
		}
	}
	return ""
}

// only keeps the entities that a route can answer with.
func only(list []string, allowed ...string) []string {
	var out []string
	for _, e := range list {
		if slices.Contains(allowed, e) {
			out = append(out, e)
		}
	}
	return out
}
