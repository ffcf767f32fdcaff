// Package testset holds what a router and its pages are measured on.
//
// The vocabulary: a case is a query with who asks it, where and when; its use case is what
// the article's Table 2 reports by; its gold is the decisions that suit; its needs are what
// a page must hold to serve it. Cases that share the wording of a template, whatever names
// fill it, are one cluster, and a cluster lies in one split as a whole.
package testset

import (
	"strings"

	"github.com/parallel-fusion/pfr/evaluation/frames"
)

// UseCase is a kind of wish. Reports are cut by it.
type UseCase string

// Use cases. The first four are those of the article's Table 2.
const (
	SimilarArtists UseCase = "similar_artists"
	NewReleases    UseCase = "new_releases"
	BroadMusic     UseCase = "broad_music"
	BroadPodcast   UseCase = "broad_podcast"
	Navigational   UseCase = "navigational"
	MultiIntent    UseCase = "multi_intent"
	OutOfScope     UseCase = "out_of_scope"
)

// Unlabelled is the use case of a query that nobody has looked at yet. No report has it.
const Unlabelled UseCase = "unlabelled"

// UseCases lists all, in the order of reports.
func UseCases() []UseCase {
	return []UseCase{SimilarArtists, NewReleases, BroadMusic, BroadPodcast, Navigational, MultiIntent, OutOfScope}
}

// Split says what a case is for.
type Split string

// Splits.
const (
	Train       Split = "train"
	Development Split = "development"
	Test        Split = "test"
)

// Splits lists all.
func Splits() []Split { return []Split{Train, Development, Test} }

// Origin is where a case comes from.
type Origin string

// Origins.
const (
	Written       Origin = "written"   // by hand
	FromCatalogue Origin = "catalogue" // a template filled with names of a catalogue
	FromLogs      Origin = "logs"      // asked by listeners
)

// Case is a query with who asks it, where and when, and what would serve it.
type Case struct {
	ID      string   `json:"id"`
	Query   string   `json:"query"`
	UseCase UseCase  `json:"use_case"`
	Market  string   `json:"market"`            // ISO 3166-1 alpha-2
	AsOf    string   `json:"as_of,omitempty"`   // YYYY-MM-DD: the day it is asked; "" is the day of the catalogue
	Profile *Profile `json:"profile,omitempty"` // nil: nobody known
	Split   Split    `json:"split"`
	Cluster string   `json:"cluster"`
	Origin  Origin   `json:"origin"`
	Stratum string   `json:"stratum,omitempty"` // of a log: popular, tail or reformulated
	Gold    []Gold   `json:"gold,omitempty"`    // decisions that suit, the best first; none: not labelled
	Needs   *Needs   `json:"needs,omitempty"`
}

// Profile is who asks, as far as tools and judges may know.
type Profile struct {
	ID       string            `json:"id"` // pseudonymous
	Features map[string]string `json:"features,omitempty"`
	Likes    []string          `json:"likes,omitempty"` // artists, genres, shows, by name
}

// Gold is a decision that suits a case.
type Gold struct {
	Route string `json:"route"`
	// Params are what each parameter may be; nil: nobody has noted them. See [frames.Wish].
	Params map[string]frames.Allowed `json:"params,omitempty"`
}

// Accepts reports whether a decision, a route with its parameters, is one that suits the
// case, and if not, why: what is wrong with it beside the gold that it comes nearest to. A
// case without gold accepts nothing. Parameters that nobody has noted do not matter.
func (c Case) Accepts(route string, params map[string]any) (ok bool, reason string) {
	if len(c.Gold) == 0 {
		return false, "the case has no gold"
	}
	reason = "route " + route + " does not suit"
	for _, g := range c.Gold {
		if g.Route != route {
			continue
		}
		if g.Params == nil {
			return true, ""
		}
		problems := frames.Check([]frames.Frame{{Name: route, Params: params}}, []frames.Wish{{Name: route, Params: g.Params}})
		if len(problems) == 0 {
			return true, ""
		}
		said := make([]string, len(problems))
		for i, p := range problems {
			said[i] = p.String()
		}
		reason = strings.Join(said, "; ")
	}
	return false, reason
}

// Needs is what a page must hold to serve a case, by facts of its items alone. Whatever is
// set must hold of an item at once. Names are compared by their [Normalise]d form.
type Needs struct {
	Entity   string   `json:"entity,omitempty"`    // the named thing, by title; it leads the page
	Artist   string   `json:"artist,omitempty"`    // items by this artist
	Seed     string   `json:"seed,omitempty"`      // things like this one, which is not one of them
	Genres   []string `json:"genres,omitempty"`    // items of any of them or of what lies below; of podcasts the topics
	Avoid    []string `json:"avoid,omitempty"`     // genres that do not suit
	Words    []string `json:"words,omitempty"`     // playlists, shows and episodes with one of them in the title suit too
	Types    []string `json:"types,omitempty"`     // of items, any of them
	FromYear int      `json:"from_year,omitempty"` // of release
	ToYear   int      `json:"to_year,omitempty"`
	// WithinWeeks asks for new things: released that many weeks before AsOf at most.
	WithinWeeks int     `json:"within_weeks,omitempty"`
	MinArtists  int     `json:"min_artists,omitempty"` // different artists or shows; 0: as many as the judge asks for
	Also        []Needs `json:"also,omitempty"`        // the other wishes of a query with several
	Nothing     bool    `json:"nothing,omitempty"`     // nothing to play serves it, and the page has to say so
}
