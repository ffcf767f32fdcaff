package testset

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/parallel-fusion/pfr/evaluation/dates"
	"github.com/parallel-fusion/pfr/evaluation/frames"
)

// keysOf lists the keys that lines of a use case may have. A value with ? after it is one
// that a decision may leave out.
func keysOf(u UseCase) []string {
	switch u {
	case SimilarArtists:
		return []string{"genre", "types", "params", "routes"}
	case NewReleases:
		return []string{"types", "weeks", "params", "routes"}
	case BroadMusic:
		return []string{"genre", "mood", "activity", "era", "lang", "need", "avoid", "types", "params", "routes"}
	case BroadPodcast:
		return []string{"topic", "lang", "params", "routes"}
	case Navigational:
		return []string{"name", "type", "by", "routes"}
	case MultiIntent:
		return []string{"wish", "routes"}
	default:
		return []string{"routes"}
	}
}

// Routes of the music manifest that gold names.
const (
	toSearch    = "search"
	toSimilar   = "similar_artists"
	toReleases  = "new_releases"
	toMusic     = "personalized_recs"
	toPodcasts  = "podcast_recs"
	newWeeks    = 26 // how long a page may call a release of a genre new, where nothing is said
	slackWeeks  = 1  // for dates that know the month alone
	daysInWeek  = 7
	hoursInADay = 24
)

// routesOf returns gold of the routes that a line names, or else of one, with no
// parameters noted.
func routesOf(l line, otherwise string) []Gold {
	names := l.list("routes")
	if len(names) == 0 {
		names = []string{otherwise}
	}
	var out []Gold
	for _, n := range names {
		out = append(out, Gold{Route: n})
	}
	return out
}

// note gives gold its parameters, unless the line says that they are not clear, or other
// routes.
func note(c *Case, l line, route string, params map[string]frames.Allowed) {
	c.Gold = routesOf(l, route)
	if v, _ := l.get("params"); v != "none" && c.Gold[0].Route == route {
		c.Gold[0].Params = params
	}
}

// allowed returns the values of a key; ? after one says that the parameter may be absent.
func allowed(values ...string) frames.Allowed {
	var out frames.Allowed
	optional := false
	for _, v := range values {
		v, maybe := strings.CutSuffix(v, "?")
		optional = optional || maybe
		if !slices.Contains(out, any(v)) {
			out = append(out, v)
		}
	}
	if optional {
		out = append(out, "")
	}
	return out
}

// kinds allows lists of entity types; none says that they may be absent.
func kinds(lists ...[]string) frames.Allowed {
	out := frames.Allowed{""}
	for _, l := range lists {
		out = append(out, l)
	}
	return out
}

func plainValues(values []string) []string {
	out := make([]string, len(values))
	for i, v := range values {
		out[i] = strings.TrimSuffix(v, "?")
	}
	return out
}

// alike returns the genres by which something is like an artist.
func (s *source) alike(artist string) ([]string, error) {
	facts, ok := s.artists[artist]
	if !ok {
		return nil, fmt.Errorf("artists.txt does not know %q", artist)
	}
	return narrow(splitList(facts[0], ";")), nil
}

// foremost is how many genres of an artist are looked for in others. Artists are of up to
// four; the last ones say where an artist has been, and would let nearly everything in.
const foremost = 2

// narrow returns the foremost genres of an artist, which are said first.
func narrow(genres []string) []string { return genres[:min(len(genres), foremost)] }

func (s *source) similar(c *Case, l line, w wording) error {
	if len(w.names) == 0 {
		return fmt.Errorf("want a [name]")
	}
	seed := w.names[0]
	genres, err := s.alike(seed.meant)
	c.Needs = &Needs{Seed: seed.meant, Genres: genres, Types: l.list("types")}
	if len(c.Needs.Types) == 0 {
		c.Needs.Types = musicTypes()
	}
	params := map[string]frames.Allowed{"artist": allowed(seed.meant, seed.typed)}
	if g := l.list("genre"); len(g) > 0 {
		params["genre"] = allowed(g...)
	}
	note(c, l, toSimilar, params)
	return err
}

func musicTypes() []string { return []string{"artist", "track", "album", "playlist"} }

func (s *source) fresh(c *Case, l line, w wording) error {
	types := l.list("types")
	weeks, said := l.get("weeks")
	switch {
	case len(w.names) > 0:
		return s.freshBy(c, l, w.names[0])
	case len(w.terms) == 0:
		return fmt.Errorf("want a [name] or a <term>")
	}
	within := newWeeks
	if said {
		var err error
		if within, err = strconv.Atoi(weeks); err != nil {
			return fmt.Errorf("weeks: %w", err)
		}
	}
	genre := w.terms[0]
	if len(types) == 0 {
		types = []string{"album", "track"}
	}
	c.Needs = &Needs{Genres: []string{genre.meant}, Types: types, WithinWeeks: within}
	note(c, l, toMusic, map[string]frames.Allowed{
		"genre":                  allowed(genre.meant, genre.typed),
		"entity_types":           kinds([]string{"album"}, []string{"track"}, []string{"track", "album"}),
		"max_weeks_from_release": {1, 2, 4, 6, 8, 12, 13, 26, 52},
	})
	return nil
}

// freshBy is for the newest work of an artist.
func (s *source) freshBy(c *Case, l line, artist name) error {
	weeks, err := s.weeksSince(artist.meant, l.list("types"))
	c.Needs = &Needs{Artist: artist.meant, Types: l.list("types"), WithinWeeks: weeks}
	lists := [][]string{{"album"}, {"track"}, {"track", "album"}}
	if len(c.Needs.Types) > 0 {
		lists = [][]string{c.Needs.Types, {"track", "album"}}
	}
	note(c, l, toReleases, map[string]frames.Allowed{
		"artist":                 allowed(artist.meant, artist.typed),
		"entity_types":           kinds(lists...),
		"max_weeks_from_release": {"", 1, 2, 4, 8, 12, 13, 26, 52, 104},
	})
	return err
}

// weeksSince returns the weeks since the newest release of an artist, so that nothing older
// counts as new; a year and a half for an artist of whom no date is known.
func (s *source) weeksSince(artist string, types []string) (int, error) {
	facts, ok := s.artists[artist]
	if !ok {
		return 0, fmt.Errorf("artists.txt does not know %q", artist)
	}
	date := facts[1]
	if len(types) == 1 && types[0] == "album" {
		date = facts[2]
	}
	day, _, ok := dates.Days(date)
	if !ok {
		return 0, fmt.Errorf("artists.txt has no date of %q", artist)
	}
	return int(s.asOf.Sub(day).Hours()/hoursInADay/daysInWeek) + 1 + slackWeeks, nil
}

func (s *source) navigational(c *Case, l line, w wording) error {
	at := 0
	if v, ok := l.get("name"); ok {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 || n > len(w.names) {
			return fmt.Errorf("name=%s: there are %d", v, len(w.names))
		}
		at = n - 1
	}
	if len(w.names) == 0 {
		return fmt.Errorf("want a [name]")
	}
	kind, said := l.get("type")
	if !said {
		kind = "artist"
	}
	thing := w.names[at]
	by, _ := l.get("by")
	c.Needs = &Needs{Entity: thing.meant, Artist: by, Types: []string{kind}}
	note(c, l, toSearch, map[string]frames.Allowed{
		"text":         allowed(w.query, thing.typed, thing.meant, strings.TrimSpace(thing.meant+" "+by), strings.TrimSpace(by+" "+thing.meant)),
		"entity_types": kinds([]string{kind}),
	})
	return nil
}
