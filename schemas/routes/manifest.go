// Package routes loads the manifest: the one file that says what routes there are, what
// they are for, which parameters they take, which tool calls fill their sections, and how
// the page is laid out.
//
// A [Manifest] is immutable and safe for concurrent use. Nothing here knows about music:
// the embedded [Music] manifest is data like any other.
package routes

import (
	"slices"

	_ "embed" // for the music manifest

	"github.com/parallel-fusion/pfr/schemas"
)

//go:embed music.yaml
var music []byte

// Music returns the embedded manifest of the music and podcast search.
func Music() (*Manifest, error) { return Parse("music.yaml", music) }

// Manifest is a valid set of routes.
type Manifest struct {
	Name     string
	Version  string // content hash of the file
	Fallback string // the route taken when nothing better is known
	Routes   []Route
	Compose  *Compose // nil: language models pick routes only
	params   map[string]Parameter

	components map[string]schemas.Display // by name; the width is that of the layout
}

// Route is one intent and the bundle of calls that serves it.
type Route struct {
	Name       string
	For        string   // what it is for, for prompts and people
	Examples   []string // queries that belong here
	Parameters []string // names, in the order they are shown
	Layout     Layout
	Calls      []Call
	Enabled    Enabled
	Refine     *Refine         // nil: no refinement step
	Quorum     *schemas.Quorum // nil: a page waits for every call
	line       int
}

// Layout is how a page is drawn.
type Layout struct {
	Name     string
	Sections string         // what it looks like, for people
	Notice   string         // shown above the sections, if not empty
	Widths   map[string]int // columns of twelve, by section; others take all
	Leads    []Lead         // the first that holds moves its section to the top
	line     int
}

// Lead is a rule of a layout: a section comes first for queries with certain words, if the
// router is sure of the route.
type Lead struct {
	Section    string
	Confidence float64  // the least that the decision must have
	Words      []string // any of them, as whole words of the query; case does not count
}

// Parameter is one thing a route can be asked with.
type Parameter struct {
	Name    string
	Type    Type
	Enum    []string // the only values, in canonical order; nil: any
	Min     int      // of an integer
	Max     int      // of an integer
	Meaning string   // for prompts and people
	line    int
}

// Type is the type of a parameter's value.
type Type string

// Types of parameters.
const (
	String  Type = "string"
	Integer Type = "integer"
	List    Type = "list" // of strings
)

// Call is one tool call of a bundle.
type Call struct {
	Tool       string
	Section    string
	Title      string
	Component  string
	Params     map[string]Template
	Limit      int
	DeadlineMS int
	Mandatory  bool
	Late       schemas.LateResults
	Spare      int  // items asked for beyond the limit
	Whole      bool // the items stay together; see [schemas.Call]
	PerArtist  int
	Diversity  float64
	Empty      schemas.EmptyPolicy
	LastResort bool // it is made if the page has nothing to show without it
	line       int
}

// Enabled says where a route is offered. The zero value is nowhere; a route that says
// nothing is offered everywhere.
type Enabled struct {
	Markets   []string // nil: all
	Platforms []string // nil: all
	Share     float64  // of the traffic, 0 to 1
}

// Refine is an optional step that puts the items of the finished page in order.
type Refine struct {
	BudgetMS int
}

// Route returns the route called name.
func (m *Manifest) Route(name string) (Route, bool) {
	i := slices.IndexFunc(m.Routes, func(r Route) bool { return r.Name == name })
	if i < 0 {
		return Route{}, false
	}
	return m.Routes[i], true
}

// Names lists the routes in manifest order. They are the labels of a router.
func (m *Manifest) Names() []string {
	names := make([]string, len(m.Routes))
	for i, r := range m.Routes {
		names[i] = r.Name
	}
	return names
}

// Tools lists every tool that some route calls, sorted.
func (m *Manifest) Tools() []string {
	var tools []string
	for _, r := range m.Routes {
		for _, c := range r.Calls {
			tools = append(tools, c.Tool)
		}
	}
	slices.Sort(tools)
	return slices.Compact(tools)
}

// Parameter returns the definition of a parameter.
func (m *Manifest) Parameter(name string) (Parameter, bool) {
	p, ok := m.params[name]
	return p, ok
}
