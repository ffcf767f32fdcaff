package routes

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/goccy/go-yaml/ast"

	"github.com/parallel-fusion/pfr/schemas"
)

// Composed is the route name of decisions that a language model composed (post-fusion).
// No route of a manifest may have it.
const Composed = "composed"

// Compose says what a language model may put together at run time. Calls are of depth one:
// none sees what another has found.
type Compose struct {
	MaxCalls int // of one decision
	Tools    []ComposeTool
	Layouts  []ComposeLayout // the last one takes every result
}

// ComposeTool is a tool that may be called. The embedded Call is the section that a call
// fills; further calls of the same tool fill sections numbered from 2.
type ComposeTool struct {
	Call
	For        string   // what it is for, for prompts
	Parameters []string // that may be set, in the order they are shown
	Results    []string // types of item it can return
	MaxCalls   int      // of one decision
}

// ComposeLayout is the layout for decisions whose results are all of some types.
type ComposeLayout struct {
	Results []string // nil: any
	Layout  Layout
}

// Tool returns the composable tool called name.
func (c *Compose) Tool(name string) (ComposeTool, bool) {
	i := slices.IndexFunc(c.Tools, func(t ComposeTool) bool { return t.Tool == name })
	if i < 0 {
		return ComposeTool{}, false
	}
	return c.Tools[i], true
}

// Composed returns the decision for calls that a language model chose. Calls of tools that
// are not offered, repeats, and calls beyond a bound are left out. ok is false if none is
// left, or if the manifest has no compose section.
func (m *Manifest) Composed(chosen []schemas.Chosen, query string) (d schemas.Decision, ok bool) {
	if m.Compose == nil {
		return d, false
	}
	used, seen := map[string]int{}, map[string]bool{}
	var results []string
	for _, c := range chosen {
		tool, known := m.Compose.Tool(c.Tool)
		if !known || used[c.Tool] == tool.MaxCalls || len(d.Calls) == m.Compose.MaxCalls {
			continue
		}
		params := m.Canonical(Route{Parameters: tool.Parameters}, c.Params)
		call := tool.resolve(params, query)
		key := fmt.Sprint(call.Tool, call.Params)
		if seen[key] {
			continue
		}
		seen[key] = true
		used[c.Tool]++
		call.Display = m.display(tool.Call, Layout{}) // who stands beside whom is not known
		d.Calls = append(d.Calls, tool.numbered(call, params, used[c.Tool]))
		results = append(results, tool.results(params)...)
	}
	if len(d.Calls) == 0 {
		return d, false
	}
	d.Route, d.Params, d.ManifestVersion = Composed, schemas.Params{}, m.Version
	layout := m.Compose.layout(results)
	d.Layout, d.Notice = layout.Name, layout.Notice
	d.Calls[0].Mandatory = true
	return d, true
}

// numbered gives the n-th call of a tool a section and a title of its own.
func (t ComposeTool) numbered(call schemas.Call, params schemas.Params, n int) schemas.Call {
	if n > 1 {
		call.Section += "_" + strconv.Itoa(n)
	}
	for _, name := range t.Parameters {
		if v := params.Text(name); v != "" && len(call.Title)+2+len(v) <= schemas.MaxTitleBytes {
			call.Title += ": " + v
			break
		}
	}
	return call
}

// results returns the types of item that a call can return.
func (t ComposeTool) results(params schemas.Params) []string {
	if only := params.List("entity_types"); only != nil {
		return slices.DeleteFunc(slices.Clone(t.Results), func(r string) bool { return !slices.Contains(only, r) })
	}
	return t.Results
}

func (c *Compose) layout(results []string) Layout {
	for _, l := range c.Layouts {
		if l.Results == nil || !slices.ContainsFunc(results, func(r string) bool { return !slices.Contains(l.Results, r) }) {
			return l.Layout
		}
	}
	return Layout{} // check wants a last one that takes every result
}

type composeYAML struct {
	MaxCalls int                 `yaml:"max_calls"`
	Tools    []ast.Node          `yaml:"tools"`
	Layouts  []composeLayoutYAML `yaml:"layouts"`
}

type composeToolYAML struct {
	Call     callYAML `yaml:",inline"`
	For      string   `yaml:"for"`
	Results  []string `yaml:"results"`
	MaxCalls int      `yaml:"max_calls"`
}

type composeLayoutYAML struct {
	Results []string `yaml:"results"`
	Layout  string   `yaml:"layout"`
}

func (r *reader) readCompose(node ast.Node) {
	var y composeYAML
	if node == nil || !r.decode(node, &y) {
		return
	}
	c := &Compose{MaxCalls: y.MaxCalls}
	for _, tool := range y.Tools {
		r.readComposeTool(c, tool)
	}
	for _, l := range y.Layouts {
		layout, ok := r.layouts[l.Layout]
		if !ok {
			r.add(line(node), "compose: layout %q is not defined under layouts", l.Layout)
		}
		c.Layouts = append(c.Layouts, ComposeLayout{Results: l.Results, Layout: layout})
	}
	r.m.Compose = c
	r.checkCompose(line(node))
}

func (r *reader) readComposeTool(c *Compose, node ast.Node) {
	var y composeToolYAML
	if !r.decode(node, &y) {
		return
	}
	if y.Call.LastResort {
		r.add(line(node), "compose: tool %s: a composed call is no last resort", y.Call.Tool)
	}
	t := ComposeTool{Call: r.call("compose", y.Call, line(node)), For: y.For, Results: y.Results, MaxCalls: max(y.MaxCalls, 1)}
	for _, template := range t.Params {
		for _, ref := range template.refs {
			if ref != queryRef && !slices.Contains(t.Parameters, ref) {
				t.Parameters = append(t.Parameters, ref)
			}
		}
	}
	slices.Sort(t.Parameters)
	c.Tools = append(c.Tools, t)
}

func (r *reader) checkCompose(line int) {
	c := r.m.Compose
	if c.MaxCalls < 1 || c.MaxCalls > schemas.MaxCalls {
		r.add(line, "compose: max_calls must lie between 1 and %d", schemas.MaxCalls)
	}
	if len(c.Tools) == 0 {
		r.add(line, "compose: tools: name at least one")
	}
	if n := len(c.Layouts); n == 0 || c.Layouts[n-1].Results != nil {
		r.add(line, "compose: layouts: the last one must take every result: leave out its results")
	}
	seen := map[string]bool{}
	for _, t := range c.Tools {
		if seen[t.Tool] || seen[t.Section] {
			r.add(t.line, "compose: tool %s: tool and section must be named once only", t.Tool)
		}
		seen[t.Tool], seen[t.Section] = true, true
		r.require(t.line, "compose: tool "+t.Tool+": for", t.For)
		if len(t.Results) == 0 {
			r.add(t.line, "compose: tool %s: results: name at least one type of item", t.Tool)
		}
		for _, name := range t.Parameters {
			if _, ok := r.m.params[name]; !ok {
				r.add(t.line, "compose: tool %s: parameter %q is not defined; there are %s", t.Tool, name, r.m.paramNames())
			}
		}
		r.checkCall(Route{Name: "compose", Parameters: t.Parameters}, t.Call)
	}
}
