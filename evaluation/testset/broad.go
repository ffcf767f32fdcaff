package testset

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/parallel-fusion/pfr/evaluation/frames"
)

// music is for a wish by genre, mood, activity, era or language.
func (s *source) music(c *Case, l line, w wording) error {
	genres := l.list("genre")
	if !hasKey(l, "genre") && len(w.terms) > 0 {
		genres = []string{w.terms[0].meant, w.terms[0].typed}
	}
	n, err := s.suits(l, genres)
	c.Needs = n
	params := map[string]frames.Allowed{"entity_types": kinds(
		[]string{"track"}, []string{"album"}, []string{"playlist"}, []string{"track", "album"}, []string{"track", "playlist"}, []string{"track", "album", "playlist"}, []string{"artist"})}
	for key, values := range map[string][]string{"genre": genres, "mood": l.list("mood"), "activity": l.list("activity"), "language": l.list("lang")} {
		if len(values) > 0 {
			params[key] = allowed(values...)
		}
	}
	if n.FromYear > 0 {
		params["era_from"], params["era_to"] = frames.Allowed{n.FromYear}, frames.Allowed{n.ToYear}
	}
	note(c, l, toMusic, params)
	return err
}

// hasKey reports whether a line has a key, be it without a value.
func hasKey(l line, key string) bool { _, ok := l.keys[key]; return ok }

// suits returns what an item must be for a wish: of the genres that are named, or of those
// that suit the activity or else the mood.
func (s *source) suits(l line, genres []string) (*Needs, error) {
	n := &Needs{Types: l.list("types"), Avoid: l.list("avoid")}
	if len(n.Types) == 0 {
		n.Types = musicTypes()
	}
	var err error
	n.FromYear, n.ToYear, err = years(l)
	n.Words = decades(n.FromYear, n.ToYear)
	switch need := l.list("need"); {
	case len(need) > 0:
		n.Genres = need
	case len(genres) > 0:
		n.Genres = plainValues(genres)[:1]
	default:
		return n, errors.Join(err, s.suitsMood(n, plainValues(append(l.list("activity"), l.list("mood")...))))
	}
	return n, err
}

// suitsMood adds what suits moods and activities; the first decides the genres.
func (s *source) suitsMood(n *Needs, names []string) error {
	if len(names) == 0 {
		return errors.New("want a genre, a mood, an activity or need=")
	}
	for i, name := range names {
		facts, ok := s.wishes[name]
		if !ok {
			return fmt.Errorf("wishes.txt does not know %q", name)
		}
		if i == 0 {
			n.Genres, n.Avoid = splitList(facts[0], ";"), append(n.Avoid, splitList(facts[1], ";")...)
		}
		n.Words = append(n.Words, splitList(facts[2], ";")...)
	}
	return nil
}

func years(l line) (from, to int, err error) {
	era, said := l.get("era")
	if !said {
		return 0, 0, nil
	}
	first, last, _ := strings.Cut(era, "-")
	from, err1 := strconv.Atoi(first)
	to, err2 := strconv.Atoi(last)
	return from, to, errors.Join(err1, err2)
}

// decades returns how people write the decades of an era.
func decades(from, to int) []string {
	const decade, century = 10, 100
	words := map[int]string{20: "twenties", 30: "thirties", 40: "forties", 50: "fifties", 60: "sixties", 70: "seventies", 80: "eighties", 90: "nineties"}
	var out []string
	for year := from - from%decade; from > 0 && year <= to; year += decade {
		out = append(out, fmt.Sprintf("%ds", year), fmt.Sprintf("%02ds", year%century))
		if w := words[year%century]; w != "" {
			out = append(out, w)
		}
	}
	return out
}

// podcast is for a wish by topic, audience or language, or for shows like a named one.
func (s *source) podcast(c *Case, l line, w wording) error {
	topics := l.list("topic")
	c.Needs = &Needs{Genres: topics, Types: []string{"show", "episode"}}
	switch {
	case len(w.names) > 0:
		c.Needs.Seed = w.names[0].meant
		c.Gold = routesOf(l, toPodcasts)
		if len(topics) > 0 {
			return nil
		}
		facts, ok := s.shows[w.names[0].meant]
		if !ok {
			return fmt.Errorf("shows.txt does not know %q", w.names[0].meant)
		}
		c.Needs.Genres = splitList(facts[0], ";")
	case len(w.terms) > 0:
		if len(topics) == 0 {
			c.Needs.Genres = []string{w.terms[0].meant}
		}
		params := map[string]frames.Allowed{"topic": allowed(w.terms[0].meant, w.terms[0].typed)}
		if lang := l.list("lang"); len(lang) > 0 {
			params["language"] = allowed(lang...)
		}
		note(c, l, toPodcasts, params)
	case len(topics) == 0:
		return errors.New("want a <term>, a [name] or topic=")
	default:
		c.Gold = routesOf(l, toPodcasts)
	}
	return nil
}

// several is for a query with several wishes.
func (s *source) several(c *Case, l line) error {
	c.Gold = routesOf(l, toMusic)
	if len(l.keys["wish"]) < 2 {
		return errors.New("want wish= twice or more")
	}
	var all []Needs
	for _, said := range l.keys["wish"] {
		n, err := s.wish(said)
		if err != nil {
			return err
		}
		all = append(all, n)
	}
	c.Needs = &all[0]
	c.Needs.Also = slices.Clone(all[1:])
	return nil
}

// wish reads one of several wishes: what it is by, a colon, and the name or the genres.
func (s *source) wish(said string) (Needs, error) {
	how, what, ok := strings.Cut(said, ":")
	var err error
	var n Needs
	switch how {
	case "like":
		n.Seed, n.Types = what, musicTypes()
		n.Genres, err = s.alike(what)
	case "new":
		n.Artist = what
		n.WithinWeeks, err = s.weeksSince(what, nil)
	case "by":
		n.Artist = what
	case "named":
		n.Entity = what
	case "kind":
		n.Genres, n.Types = splitList(what, ","), musicTypes()
	case "newkind":
		n.Genres, n.Types, n.WithinWeeks = splitList(what, ","), musicTypes(), newWeeks
	case "topic":
		n.Genres, n.Types = splitList(what, ","), []string{"show", "episode"}
	default:
		ok = false
	}
	if !ok {
		return n, fmt.Errorf("wish=%s: want like, new, by, named, kind, newkind or topic, and what after a colon", said)
	}
	return n, err
}
