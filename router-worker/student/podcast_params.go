package student

import "github.com/parallel-fusion/pfr/schemas"

// Words that surround the topic or the name in a query for podcasts and episodes.
const (
	aboutWords    = "about on covering sobre über uber sur su regarding teach explain explains explained"
	aroundPodcast = `i if im you my me we us it is are was do does did has have be can could would should will want wanna need like similar
		please hey hi guys anyone someone people who what whats which when where how that this these those there
		the a an and or of on in to by from with at as so any some all more other another else just really very one
		about covering sobre über uber sur su regarding for para für fur pour per
		podcast podcasts podcats pdocasts podcsat podacst poscast show shows series programme programmes episode episodes ep eps epsiode episdoe folge folgen episodio episodios puntata épisode instalment
		best good great top popular trending interesting decent new newest latest lates fresh recent last next current previous upcoming first
		recommend recommendation recommendations suggest suggestion suggestions find give play put start queue download looking search hear listen learn
		something anything stuff things today todays yesterday yesterdays week weeks month year this morning mornings night nights tuesday monday wednesday thursday friday saturday sunday mondays fridays sundays
		released release came come out dropped drop yet now season finale number no part interview interviews guest
		latest neueste neue letzte heutige dernier derniere nouvel nouveau ultimo ultima nuevo nuevo de do di von der des l d le el la los las il un una em en auf`
	forWords  = "for para für pour per"
	whenWords = "yesterday yesterdays today todays tonight tonights latest newest"
	inTopic   = "of the and in for to on with de la del der und et"
)

// podcasts sets the topic, the audience and the language of shows.
func (r *reader) podcasts(p schemas.Params) {
	if r.lesson(p) {
		return
	}
	tags := r.podcastTags()
	stop := r.audience(p, tags)
	r.showLanguage(p)
	if t := r.topicTag(tags); t.slot != "" {
		p["topic"] = r.topicName(t.from, t.to)
		return
	}
	set(p, "topic", r.topic(stop))
}

// podcastTags returns the tags of a text, where what follows "for" is an audience, whatever
// else it may be.
func (r *reader) podcastTags() []tag {
	tags := r.tags("podcast_recs")
	for i, t := range tags {
		if t.slot == slotTopic && is(r.word(t.from-1), forWords) && !r.usedFor(t.from) {
			tags[i].slot = slotAudience
		}
	}
	return tags
}

// topicTag returns the topic that the tagger found, or a zero tag: of several, the first
// that follows a word such as "about".
func (r *reader) topicTag(tags []tag) tag {
	for _, t := range tags {
		if t.slot == slotTopic && is(r.word(t.from-1), aboutWords) {
			return t
		}
	}
	return first(tags, slotTopic)
}

// lesson reads "english lessons for spanish speakers": the language is what is learnt.
func (r *reader) lesson(p schemas.Params) bool {
	const teaching = "lesson lessons learn learning learners practice practise improve teach grammar vocabulary listening speakers course courses class classes aprender apprendre imparare lernen toefl"
	hint := false
	for i := range r.a.toks {
		hint = hint || is(r.word(i), teaching)
	}
	for i := range r.a.toks {
		if !r.isLanguage(i, i+1) {
			continue
		}
		next := r.word(i + 1)
		if hint && next != "speakers" && next != "speaking" || next == "for" && r.speakersAt(i+2) {
			p["topic"] = languageName(r.index.lookup(r.a.toks[i:i+1]).value(kindLanguage), r.word(i)) + " learning"
			r.audience(p, nil)
			return true
		}
	}
	return false
}

// speakersAt reports whether those who are meant begin at word i: beginners, or speakers
// of another language.
func (r *reader) speakersAt(i int) bool {
	for _, s := range r.a.spans {
		if s.from == i {
			return s.sym == symAudience || r.word(s.to) == "speakers"
		}
	}
	return false
}

// languageName returns the English name of the languages that are taught most.
func languageName(code, word string) string {
	switch code {
	case "en":
		return "english"
	case "es":
		return "spanish"
	case "fr":
		return "french"
	case "de":
		return "german"
	case "it":
		return "italian"
	case "pt":
		return "portuguese"
	case "ja":
		return "japanese"
	case "ko":
		return "korean"
	case "zh":
		return "chinese"
	}
	return word
}

// audience sets whom a show is for and returns where the words about it begin. Where the
// tagger found something but no audience, there is none but the speakers of a language.
func (r *reader) audience(p schemas.Params, tags []tag) int {
	n := len(r.a.toks)
	for _, s := range r.a.spans {
		if next := r.word(s.to); s.sym == symLanguage && (next == "speakers" || next == "speaker") {
			p["audience"] = r.lower(s.from, s.to) + " speakers"
			return s.from
		}
	}
	if t := first(tags, slotAudience); t.slot != "" {
		p["audience"] = r.lower(t.from, t.to)
		if ph := r.index.lookup(r.a.toks[t.from:t.to]); ph != nil && ph.kinds&kindAudience != 0 {
			p["audience"] = ph.value(kindAudience)
		}
		return t.from
	}
	if len(tags) > 0 {
		return n
	}
	for _, s := range r.a.spans {
		if s.sym == symAudience {
			p["audience"] = s.phrase.value(kindAudience)
			return s.from
		}
	}
	return r.audienceAfterFor(p)
}

// audienceAfterFor takes up to three words after "for" as an audience.
func (r *reader) audienceAfterFor(p schemas.Params) int {
	n := len(r.a.toks)
	for i := 1; i < n-1; i++ {
		if !is(r.word(i), forWords) || r.usedFor(i+1) {
			continue
		}
		end := i + 1
		for end < n && !is(r.word(end), "about on to who that with in podcast podcasts please learning") {
			end++
		}
		if end > i+1 && end-i <= 4 {
			p["audience"] = r.lower(i+1, end)
			return i
		}
	}
	return n
}

// usedFor reports whether the words at i say what listening is for, not whom.
func (r *reader) usedFor(i int) bool {
	for _, s := range r.a.spans {
		if s.from <= i+1 && i < s.to || s.from == i+1 {
			if s.sym == symActivity || s.sym == symMood || s.sym == symLanguage {
				return true
			}
		}
	}
	return is(r.word(i), "me my a an the long falling work")
}

// showLanguage sets the language that shows are in, if that is what a language says: "in
// spanish", "german podcasts", but not "french history".
func (r *reader) showLanguage(p schemas.Params) {
	for _, s := range r.a.spans {
		if s.sym != symLanguage || r.word(s.to) == "speakers" {
			continue
		}
		before, after := r.word(s.from-1), r.word(s.to)
		ends := s.to == len(r.a.toks) && s.from > 0
		if is(before, "in en auf em") || ends || is(after, "podcast podcasts language shows true audio comedy news speaking") {
			p["language"] = s.phrase.value(kindLanguage)
			return
		}
	}
}

// topic returns what shows are about, before word stop: the words after "about", as the
// lexicon names them if it does, or else the topic that is named, or else the words that
// say something.
func (r *reader) topic(stop int) string {
	for i := range r.a.toks {
		end := len(r.a.toks)
		if i < stop {
			end = stop
		}
		if is(r.word(i), aboutWords) && i+1 < end {
			if from, to := r.topicRun(i+1, end); from < to {
				return r.topicName(from, to)
			}
		}
	}
	for _, s := range r.a.spans {
		if s.phrase != nil && s.sym != symNone && s.to <= max(stop, s.from) && s.phrase.kinds&kindTopic != 0 && !r.negated(s.from) {
			return s.phrase.value(kindTopic)
		}
	}
	from, to := r.topicRun(0, stop)
	if from < to && r.isLanguage(from, to) {
		return ""
	}
	return r.topicName(from, to)
}

func (r *reader) isLanguage(from, to int) bool {
	p := r.index.lookup(r.a.toks[from:to])
	return p != nil && p.kinds&kindLanguage != 0
}

// topicName returns the lexicon's name for a topic, or the words in lower case, without an
// article in front.
func (r *reader) topicName(from, to int) string {
	for from < to-1 && is(r.word(from), whenWords) { // when an episode came out is no topic
		from++
	}
	if to-from > 1 && is(r.word(from), "the a an la le el los las les die der das l") && r.lookupKind(from, to)&kindTopic == 0 {
		from++
	}
	if p := r.index.lookup(r.a.toks[from:to]); p != nil && p.kinds&kindTopic != 0 {
		return p.value(kindTopic)
	}
	return r.lower(from, to)
}

// topicRun returns the first run of words within from..stop that say something.
func (r *reader) topicRun(from, stop int) (int, int) {
	stop = min(stop, len(r.a.toks))
	for from < stop && r.aroundPodcast.has(r.word(from)) {
		from++
	}
	end := from
	for j := from; j < stop; j++ {
		if !r.aroundPodcast.has(r.word(j)) {
			end = j + 1
		} else if !is(r.word(j), inTopic) {
			break
		}
	}
	return from, end
}

// episodes sets the show, the topic and the window of episodes: as the tagger finds them,
// or else by the names and the words around them.
func (r *reader) episodes(p schemas.Params) {
	if weeks := r.window(); weeks > 0 {
		p["max_weeks_from_release"] = weeks
	}
	tags := r.tags("podcast_episodes")
	show, topic := first(tags, slotShow), r.topicTag(tags)
	if show.slot != "" {
		show, topic = r.splitShow(show, topic)
		p["show"] = r.named(show, kindShow, &r.index.shows)
	}
	if topic.slot != "" {
		p["topic"] = r.topicName(topic.from, topic.to)
	}
	if show.slot == "" && topic.slot == "" {
		r.untagged(p)
	}
}

// splitShow cuts a show that the catalogue has off the words that follow it in a tag. They
// are a topic, if nothing else is.
func (r *reader) splitShow(show, topic tag) (tag, tag) {
	for _, s := range r.a.spans {
		if s.sym == symShow && s.from == show.from && s.to < show.to {
			if topic.slot == "" {
				topic = tag{from: s.to, to: show.to, slot: slotTopic}
			}
			show.to = s.to
		}
	}
	return show, topic
}

// untagged sets the show and the topic of a text without tags.
func (r *reader) untagged(p schemas.Params) {
	show, from, to := r.show()
	set(p, "show", show)
	if show != "" {
		if f, t := r.topicRun(to, len(r.a.toks)); f < t && !isNumber(r.word(f)) {
			p["topic"] = r.topicName(f, t)
		} else if f, t := r.topicRun(0, from); f < t && !isNumber(r.word(f)) {
			p["topic"] = r.topicName(f, t)
		}
		return
	}
	about := r.topic(len(r.a.toks))
	if about == "" {
		return
	}
	if from, to := r.topicRun(0, len(r.a.toks)); r.isTopic(from, to) {
		p["topic"] = about
	} else {
		p["show"] = r.typed(from, to)
	}
}

// isTopic reports whether words from..to are a topic and not the name of a show that the
// catalogue lacks.
func (r *reader) isTopic(from, to int) bool {
	for i := range r.a.toks {
		if is(r.word(i), aboutWords) || is(r.word(i), "podcasts interviews episodes interview") {
			return true
		}
	}
	for _, s := range r.a.spans {
		if s.phrase != nil && s.from >= from && s.to <= to && s.phrase.kinds&(kindTopic|kindGenre) != 0 {
			return true
		}
	}
	return false
}

// show returns the show that is named and where its name stands.
func (r *reader) show() (name string, from, to int) {
	for _, s := range r.a.spans {
		if s.sym == symShow {
			return s.phrase.value(kindShow), s.from, s.to
		}
	}
	best := span{}
	for _, s := range r.a.weak {
		if s.phrase.kinds&kindShow != 0 && s.to-s.from > best.to-best.from {
			best = s
		}
	}
	if best.phrase != nil {
		return best.phrase.value(kindShow), best.from, best.to
	}
	from, to = r.topicRun(0, len(r.a.toks))
	if from < to {
		name = r.index.shows.nearest(joinTokens(r.a.toks[from:to]))
	}
	return name, from, to
}
