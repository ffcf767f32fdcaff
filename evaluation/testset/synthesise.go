package testset

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"github.com/parallel-fusion/pfr/evaluation/frames"
)

// Slot is what a wording may be filled with.
type Slot string

// Slots.
const (
	SlotArtist     Slot = "artist"
	SlotFresh      Slot = "fresh" // an artist with a recent release
	SlotGenre      Slot = "genre"
	SlotFreshGenre Slot = "freshgenre" // with recent releases
	SlotTopic      Slot = "topic"
	SlotShow       Slot = "show"
	SlotAlbum      Slot = "album"
	SlotTrack      Slot = "track"
	SlotPlaylist   Slot = "playlist"
)

// Named is something that a wording may name, with the facts that its gold is made from.
type Named struct {
	Name       string
	Genres     []string // of a show the topics
	By         string   // of an album or track: the artist
	Weeks      int      // since the newest release, rounded up; for SlotFresh
	Popularity int      // 1 to 100
}

// Names knows a catalogue.
type Names interface {
	// Names returns what fills a slot; the caller does not change it.
	Names(slot Slot) []Named
	// AsOf is the day of the catalogue, YYYY-MM-DD.
	AsOf() string
}

// Synthesis says what to make from a catalogue. See [DefaultSynthesis].
type Synthesis struct {
	Count  int     // cases to make
	Seed   uint64  // equal seeds make equal cases of equal names
	Market string  // of every case
	Typos  float64 // share of the names that are misspelt
}

// DefaultSynthesis returns settings for a few hundred cases with one name in ten misspelt.
func DefaultSynthesis() Synthesis { return Synthesis{Count: 500, Seed: 1, Market: "US", Typos: 0.1} }

// Validate returns everything that is wrong with s.
func (s Synthesis) Validate() error {
	var errs []error
	if s.Count < 1 {
		errs = append(errs, fmt.Errorf("count %d: must be positive", s.Count))
	}
	if !isMarket(s.Market) {
		errs = append(errs, fmt.Errorf("market %q: want two capital letters", s.Market))
	}
	if !(s.Typos >= 0 && s.Typos <= 1) {
		errs = append(errs, fmt.Errorf("typos %v: want a share from 0 to 1", s.Typos))
	}
	return errors.Join(errs...)
}

// ErrTooFew says that the names do not make as many different cases as were asked for.
var ErrTooFew = errors.New("too few names")

// triesPerCase bounds the draws that give a query that is there already.
const triesPerCase = 50

// template is a wording with one slot.
type template struct {
	useCase       UseCase
	before, after string
	slot          Slot
}

// Synthesise makes cases from templates and the names of a catalogue. Use cases take turns,
// so do the templates of each; popular names are drawn more often. Gold and needs follow
// from the template and the facts of the name. A template is a cluster, so its cases are in
// one split. If there are not enough names it returns what it made, and an error that wraps
// [ErrTooFew].
func Synthesise(cfg Synthesis, names Names) ([]Case, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("synthesise cases: %w", err)
	}
	all, err := templates()
	if err != nil {
		return nil, fmt.Errorf("synthesise cases: %w", err)
	}
	uses := byUse(all)
	rng := rand.New(rand.NewPCG(cfg.Seed, 0)) //nolint:gosec // cases, not secrets
	seen := map[string]bool{}
	var out []Case
	for tries := 0; len(out) < cfg.Count; tries++ {
		if tries > triesPerCase*cfg.Count {
			return out, fmt.Errorf("synthesise cases: %w: %d of %d made", ErrTooFew, len(out), cfg.Count)
		}
		mine := uses[tries%len(uses)]
		t := mine[tries/len(uses)%len(mine)]
		list := names.Names(t.slot)
		if len(list) == 0 {
			continue
		}
		n := draw(list, rng)
		c := t.fill(n, typed(n.Name, cfg.Typos, rng))
		c.Market, c.AsOf = cfg.Market, names.AsOf()
		if !seen[Normalise(c.Query)] {
			seen[Normalise(c.Query)] = true
			out = append(out, c)
		}
	}
	return out, nil
}

func templates() ([]template, error) {
	raw, err := data.ReadFile("data/templates.txt")
	if err != nil {
		return nil, fmt.Errorf("templates: %w", err)
	}
	var out []template
	var errs []error
	for n, text := range strings.Split(string(raw), "\n") {
		if strings.TrimSpace(text) == "" || strings.HasPrefix(text, "#") {
			continue
		}
		use, wording, _ := strings.Cut(text, " | ")
		before, rest, ok := strings.Cut(wording, "{")
		slot, after, closed := strings.Cut(rest, "}")
		t := template{UseCase(use), before, after, Slot(slot)}
		if !ok || !closed || !slices.Contains(UseCases(), t.useCase) {
			errs = append(errs, fmt.Errorf("templates:%d: want a use case and a wording with a slot", n+1))
		}
		out = append(out, t)
	}
	return out, errors.Join(errs...)
}

// byUse returns the templates of each use case.
func byUse(all []template) [][]template {
	var out [][]template
	for _, u := range UseCases() {
		mine := slices.DeleteFunc(slices.Clone(all), func(t template) bool { return t.useCase != u })
		if len(mine) > 0 {
			out = append(out, mine)
		}
	}
	return out
}

// draw returns the more popular of two names.
func draw(list []Named, rng *rand.Rand) Named {
	a, b := list[rng.IntN(len(list))], list[rng.IntN(len(list))]
	if b.Popularity > a.Popularity {
		return b
	}
	return a
}

// shortestTypo is the shortest name that is misspelt, in runes.
const shortestTypo = 5

// typed returns a name in lower case, and with the probability typos with two letters
// swapped or one left out.
func typed(name string, typos float64, rng *rand.Rand) string {
	letters := []rune(strings.ToLower(name))
	if rng.Float64() >= typos || len(letters) < shortestTypo {
		return string(letters)
	}
	at := 1 + rng.IntN(len(letters)-2)
	if rng.IntN(2) == 0 {
		letters[at], letters[at+1] = letters[at+1], letters[at]
		return string(letters)
	}
	return string(slices.Delete(letters, at, at+1))
}

// fill makes a case of a name, as it is typed.
func (t template) fill(n Named, as string) Case {
	query := t.before + as + t.after
	cluster := maskedForm(t.before + "<" + string(t.slot) + ">" + t.after)
	id, _ := idOf(t.useCase, query)
	c := Case{ID: "syn-" + id, Query: query, UseCase: t.useCase, Cluster: cluster, Split: splitOf(cluster), Origin: FromCatalogue}
	c.Needs, c.Gold = t.gold(n, as, query)
	return c
}

// gold returns what serves a wish by construction.
func (t template) gold(n Named, as, query string) (*Needs, []Gold) {
	anyRelease := kinds([]string{"album"}, []string{"track"}, []string{"track", "album"})
	switch t.slot {
	case SlotFresh:
		return &Needs{Artist: n.Name, WithinWeeks: n.Weeks + slackWeeks}, noted(toReleases, map[string]frames.Allowed{
			"artist": allowed(n.Name, as), "entity_types": anyRelease, "max_weeks_from_release": {"", 1, 2, 4, 8, 12, 13, 26, 52},
		})
	case SlotFreshGenre:
		return &Needs{Genres: []string{n.Name}, Types: []string{"album", "track"}, WithinWeeks: newWeeks}, noted(toMusic, map[string]frames.Allowed{
			"genre": allowed(n.Name, as), "entity_types": anyRelease, "max_weeks_from_release": {1, 2, 4, 6, 8, 12, 13, 26, 52},
		})
	case SlotGenre:
		return &Needs{Genres: []string{n.Name}, Types: musicTypes()}, noted(toMusic, map[string]frames.Allowed{"genre": allowed(n.Name, as), "entity_types": append(anyRelease, []string{"playlist"})})
	case SlotTopic:
		return &Needs{Genres: []string{n.Name}, Types: []string{"show", "episode"}}, noted(toPodcasts, map[string]frames.Allowed{"topic": allowed(n.Name, as)})
	case SlotShow:
		if t.useCase == BroadPodcast {
			return &Needs{Seed: n.Name, Genres: n.Genres, Types: []string{"show", "episode"}}, noted(toPodcasts, nil)
		}
	case SlotArtist:
		if t.useCase == SimilarArtists {
			return &Needs{Seed: n.Name, Genres: narrow(n.Genres), Types: musicTypes()}, noted(toSimilar, map[string]frames.Allowed{"artist": allowed(n.Name, as)})
		}
	}
	return &Needs{Entity: n.Name, Artist: n.By, Types: []string{string(t.slot)}}, noted(toSearch, map[string]frames.Allowed{
		"text": allowed(query, as, n.Name), "entity_types": kinds([]string{string(t.slot)}),
	})
}

func noted(route string, params map[string]frames.Allowed) []Gold {
	return []Gold{{Route: route, Params: params}}
}
