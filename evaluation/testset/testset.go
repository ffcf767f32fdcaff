// Package testset holds what a router and its pages are measured on.
//
// The vocabulary: a case is a query with who asks it, where and when; its use case is what
// the article's Table 2 reports by; its gold is the decisions that suit; its needs are what
// a page must hold to serve it. Cases that share the wording of a template, whatever names
// fill it, are one cluster, and a cluster lies in one split as a whole.
package testset

import "github.com/parallel-fusion/pfr/evaluation/frames"

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

// Split says what a case is for.
type Split string

// Splits.
const (
	Train       Split = "train"
	Development Split = "development"
	Test        Split = "test"
)

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
	Gold    []Gold   `json:"gold,omitempty"` // decisions that suit, the best first; none: not labelled
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

// Needs is what a page must hold to serve a case, by facts of its items alone.
type Needs struct {
	Entity      string   `json:"entity,omitempty"`       // the named thing, by title
	Artist      string   `json:"artist,omitempty"`       // items by this artist
	Seed        string   `json:"seed,omitempty"`         // artists like this one, which is not one of them
	Genre       string   `json:"genre,omitempty"`        // items of it or of what lies below it
	Types       []string `json:"types,omitempty"`        // of items, any of them
	WithinWeeks int      `json:"within_weeks,omitempty"` // released that many weeks before AsOf at most
	MinArtists  int      `json:"min_artists,omitempty"`  // different artists
}
