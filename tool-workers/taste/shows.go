package taste

import (
	"cmp"
	"slices"
	"strings"

	"github.com/parallel-fusion/pfr/tool-workers/catalog"
)

// ShowWish is what a call asks of podcasts. The zero ShowWish asks for anything.
type ShowWish struct {
	Topic    string // a term of the taxonomy, or a word that it does not know
	Audience string // "kids", "beginners", "spanish speakers"
	Language string // ISO 639-1
	Prefer   string // a language that is better than others when none is asked for
	Text     string // words to look for in title, publisher and description
}

// Shows returns at most limit shows for a wish, best first. Shows in another language or
// for other people come only when fewer than three fit, and say so.
func (f *Finder) Shows(w ShowWish, p Profile, limit int) []Pick {
	w = f.readShowWish(w)
	a := f.readAudience(w.Audience)
	words := Words(w.Text)
	var strict, loose []Pick
	for _, i := range f.showCandidates(w, words) {
		s := f.c.Show(int(i))
		pick, fits := f.show(s, w, a, words)
		pick.Score *= p.fit(s.Ref(), s.ID())
		switch {
		case pick.Score == 0:
		case fits:
			strict = append(strict, pick)
		default:
			loose = append(loose, pick)
		}
	}
	byScore(strict)
	if len(strict) < enough {
		byScore(loose)
		for i := range loose {
			loose[i].Score /= 4
		}
		strict = append(strict, loose...)
	}
	return strict[:min(limit, len(strict))]
}

func byScore(picks []Pick) {
	slices.SortFunc(picks, func(a, b Pick) int {
		return cmp.Or(cmp.Compare(b.Score, a.Score), cmp.Compare(a.Ref.Index, b.Ref.Index))
	})
}

// readShowWish fills in what the text says and the parameters do not: "X for Y speakers"
// names an audience, and a topic may be among the words.
func (f *Finder) readShowWish(w ShowWish) ShowWish {
	w.Language = languageCode(w.Language)
	folded := catalog.Fold(w.Text)
	if before, rest, ok := strings.Cut(folded, " for "); ok {
		if about, _, ok := strings.Cut(rest, " speakers"); ok && w.Audience == "" {
			w.Audience = about + " speakers"
		}
		folded = before
	}
	if term := f.tax.Topics.Term(w.Topic); term != "" {
		w.Topic = term
	} else if found := f.tax.Topics.In(w.Topic); len(found) > 0 {
		w.Topic = found[0]
	}
	if w.Topic == "" {
		if found := f.tax.Topics.In(folded); len(found) > 0 {
			w.Topic = found[0]
		}
	}
	return w
}

// audience is for whom a show is wanted.
type audience struct {
	name     string // as asked for
	kind     string // a word of the catalogue: kids, parents, learners, beginners, professionals
	language string // of those who speak it; "" when that does not matter
}

func (f *Finder) readAudience(s string) audience {
	folded := catalog.Fold(s)
	a := audience{name: folded}
	for word := range strings.FieldsSeq(folded) {
		switch word {
		case "kid", "kids", "child", "children", "toddlers", "family", "families":
			a.kind = "kids"
		case "parents", "moms", "mums", "dads", "mothers", "fathers", "parent":
			a.kind = "parents"
		case "beginner", "beginners", "newbies", "dummies", "starters":
			a.kind = "beginners"
		case "learner", "learners", "students":
			a.kind = "learners"
		case "professional", "professionals", "experts", "engineers", "managers", "developers", "founders":
			a.kind = "professionals"
		case "speaker", "speakers", "natives":
			a.language = languageCode(strings.Fields(folded)[0])
		}
	}
	return a
}

// show scores one show; fits is false when only the language or the audience is wrong.
func (f *Finder) show(s catalog.Show, w ShowWish, a audience, words []string) (pick Pick, fits bool) {
	pick = Pick{Ref: s.Ref(), Artist: -1, Why: s.Description()}
	topical := f.topicFit(w.Topic, s.Index())
	score, fits := topical, true
	text := textFit(words, s.Title(), s.Publisher()+" "+s.Description()+" "+strings.Join(s.Topics(), " "))
	switch {
	case w.Topic != "" && score == 0 && text < 0.6:
		return Pick{}, false
	case w.Topic == "" && len(words) > 0 && text == 0:
		return Pick{}, false
	}
	score = 0.2 + score + 0.5*text
	if w.Topic != "" && f.tax.Topics.Term(w.Topic) != "" && topical == 0 {
		fits = false // only its words are like the topic
	}
	if w.Language != "" && s.Language() != w.Language {
		pick.Why, fits = Join(InAnother(s.Language(), w.Language), ": ", pick.Why), false
	}
	if w.Language == "" && a.language == "" && w.Prefer != "" && s.Language() != w.Prefer {
		score *= 0.7
	}
	if fit := a.fit(s); fit == 0 {
		fits = false
	} else {
		score *= fit
	}
	pick.Score = score * (0.6 + 0.4*float64(s.Popularity())/100) * f.freshness(s)
	return pick, fits
}

// InAnother says that something is in one language and not in another: "in English, not
// German". Of what is in an unknown language it says only that.
func InAnother(spoken, wanted string) string {
	if spoken == "" {
		return "perhaps not in " + LanguageName(wanted)
	}
	return "in " + LanguageName(spoken) + ", not " + LanguageName(wanted)
}

// freshness favours a show that goes on over one that has fallen silent.
func (f *Finder) freshness(s catalog.Show) float64 {
	const (
		lively = 5  // weeks
		silent = 52 // weeks
	)
	episodes := s.Episodes()
	if len(episodes) == 0 {
		return 1
	}
	switch newest := f.c.Episode(int(episodes[0])).Released(); {
	case newest == 0, newest.Within(silent, f.c.AsOf) && !newest.Within(lively, f.c.AsOf):
		return 1
	case newest.Within(lively, f.c.AsOf):
		return 1.05
	default:
		return 0.85
	}
}

// EpisodesAbout returns at most limit episodes about a topic, the newest first, of shows in
// the language that is wished for.
func (f *Finder) EpisodesAbout(w ShowWish, limit int) []catalog.Episode {
	const lookedAt = 20_000
	topic, language := known(f.tax.Topics, w.Topic), languageCode(w.Language)
	if topic == "" {
		return nil
	}
	var out []catalog.Episode
	n := 0
	for e := range f.c.NewestEpisodes() {
		if n++; n > lookedAt || len(out) == limit {
			break
		}
		if _, about := f.tax.Topics.Distance(topic, term(f.tax.Topics, e.Topic())); about && (language == "" || e.Show().Language() == language) {
			out = append(out, e)
		}
	}
	return out
}

// About reports whether one topic is part of another. Everything is about "".
func (f *Finder) About(topic, part string) bool {
	if topic == "" {
		return true
	}
	_, ok := f.tax.Topics.Distance(known(f.tax.Topics, topic), known(f.tax.Topics, part))
	return ok
}

func (f *Finder) topicFit(topic string, show int) float64 {
	fit := 0.0
	for i, t := range f.topics(show) {
		if steps, ok := f.tax.Topics.Distance(topic, t); ok {
			fit = max(fit, (1-0.12*float64(min(i, 4)))*(1-0.08*float64(min(steps, 3))))
		}
	}
	return fit
}

// fit is 1 for a show that is made for the audience and 0 for one that is clearly not.
func (a audience) fit(s catalog.Show) float64 {
	about := strings.ToLower(s.Audience() + " " + s.Description())
	switch {
	case a.name == "":
		return 1
	case a.language != "":
		name := strings.ToLower(LanguageName(a.language))
		if s.Language() == a.language || strings.Contains(about, name+" speaker") || strings.Contains(about, name+"-speaker") {
			return 1
		}
		return 0.4
	case a.kind == "kids" && !strings.Contains(about, "kids"):
		return 0
	case a.kind != "" && strings.Contains(s.Audience(), a.kind), a.kind == "beginners" && strings.Contains(s.Audience(), "learners"):
		return 1
	case a.kind == "" && strings.Contains(about, a.name):
		return 1
	default:
		return 0.5
	}
}
