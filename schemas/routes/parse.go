package routes

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"github.com/parallel-fusion/pfr/schemas"
)

// Problem is one thing wrong with a manifest.
type Problem struct {
	File string
	Line int // from 1; 0 when the file as a whole is meant
	Text string
}

func (p *Problem) Error() string { return fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.Text) }

// Parse reads a manifest. file is its name in messages. The error joins a [*Problem] for
// everything that is wrong, in line order.
func Parse(file string, data []byte) (*Manifest, error) {
	sum := sha256.Sum256(data)
	r := reader{file: file, m: &Manifest{Version: hex.EncodeToString(sum[:6]), params: map[string]Parameter{}}}
	doc, err := parser.ParseBytes(data, 0)
	if err != nil {
		r.decodeError(err)
	} else {
		r.read(doc)
	}
	if len(r.problems) > 0 {
		return nil, r.err()
	}
	return r.m, nil
}

// reader turns the syntax tree into a Manifest and collects problems on the way. It
// decodes each entry by itself, so that one bad entry does not hide the next.
type reader struct {
	file     string
	m        *Manifest
	layouts  map[string]Layout
	problems []*Problem
}

type fileYAML struct {
	Name       string              `yaml:"name"`
	Fallback   string              `yaml:"fallback"`
	Parameters map[string]ast.Node `yaml:"parameters"`
	Components map[string]ast.Node `yaml:"components"`
	Layouts    map[string]ast.Node `yaml:"layouts"`
	Routes     []ast.Node          `yaml:"routes"`
	Compose    ast.Node            `yaml:"compose"`
}

type parameterYAML struct {
	Type    Type     `yaml:"type"`
	Enum    []string `yaml:"enum"`
	Min     int      `yaml:"min"`
	Max     int      `yaml:"max"`
	Meaning string   `yaml:"meaning"`
}

type layoutYAML struct {
	Sections string         `yaml:"sections"`
	Notice   string         `yaml:"notice"`
	Widths   map[string]int `yaml:"widths"`
	Lead     []leadYAML     `yaml:"lead"`
}

type leadYAML struct {
	Section    string   `yaml:"section"`
	Confidence float64  `yaml:"confidence"`
	Words      []string `yaml:"words"`
}

type componentYAML struct {
	Flow     schemas.Flow     `yaml:"flow"`
	Form     schemas.Form     `yaml:"form"`
	Lead     int              `yaml:"lead"`
	Numbered bool             `yaml:"numbered"`
	Text     schemas.TextRole `yaml:"text"`
	Room     int              `yaml:"room"`
}

type quorumYAML struct {
	Sections   int `yaml:"sections"`
	PatienceMS int `yaml:"patience_ms"`
}

type routeYAML struct {
	Name       string       `yaml:"name"`
	For        string       `yaml:"for"`
	Examples   []string     `yaml:"examples"`
	Parameters []string     `yaml:"parameters"`
	Layout     string       `yaml:"layout"`
	Calls      []ast.Node   `yaml:"calls"`
	Enabled    *enabledYAML `yaml:"enabled"`
	Refine     *refineYAML  `yaml:"refine"`
	Quorum     *quorumYAML  `yaml:"quorum"`
}

type callYAML struct {
	Tool       string              `yaml:"tool"`
	Section    string              `yaml:"section"`
	Title      string              `yaml:"title"`
	Component  string              `yaml:"component"`
	Params     map[string]any      `yaml:"params"`
	Limit      int                 `yaml:"limit"`
	DeadlineMS int                 `yaml:"deadline_ms"`
	Mandatory  bool                `yaml:"mandatory"`
	Late       schemas.LateResults `yaml:"late"`
	Spare      int                 `yaml:"spare"`
	Whole      bool                `yaml:"whole"`
	PerArtist  int                 `yaml:"per_artist"`
	Diversity  float64             `yaml:"diversity"`
	Empty      schemas.EmptyPolicy `yaml:"empty"`
	LastResort bool                `yaml:"last_resort"`
}

type enabledYAML struct {
	Markets   []string `yaml:"markets"`
	Platforms []string `yaml:"platforms"`
	Share     *float64 `yaml:"share"`
}

type refineYAML struct {
	BudgetMS int `yaml:"budget_ms"`
}

func (r *reader) read(doc *ast.File) {
	var f fileYAML
	if len(doc.Docs) != 1 || doc.Docs[0].Body == nil {
		r.add(1, "want one YAML document")
		return
	}
	if !r.decode(doc.Docs[0].Body, &f) {
		return
	}
	r.m.Name, r.m.Fallback = f.Name, f.Fallback
	r.readParameters(f.Parameters)
	r.readComponents(f.Components)
	r.readLayouts(f.Layouts)
	for _, node := range f.Routes {
		r.readRoute(node)
	}
	r.readCompose(f.Compose)
	r.check()
}

func (r *reader) readParameters(nodes map[string]ast.Node) {
	for name, node := range nodes {
		var y parameterYAML
		if r.decode(node, &y) {
			r.m.params[name] = Parameter{
				Name: name, Type: y.Type, Enum: y.Enum, Min: y.Min, Max: y.Max, Meaning: y.Meaning, line: line(node),
			}
		}
	}
}

func (r *reader) readComponents(nodes map[string]ast.Node) {
	r.m.components = standardComponents()
	for name, node := range nodes {
		var y componentYAML
		if r.decode(node, &y) {
			r.m.components[name] = schemas.Display{Flow: y.Flow, Form: y.Form, Lead: y.Lead, Numbered: y.Numbered, Text: y.Text, Width: schemas.FullWidth, Room: y.Room}
			r.checkComponent(name, r.m.components[name], line(node))
		}
	}
}

func (r *reader) readLayouts(nodes map[string]ast.Node) {
	r.layouts = make(map[string]Layout, len(nodes))
	for name, node := range nodes {
		var y layoutYAML
		if r.decode(node, &y) {
			layout := Layout{Name: name, Sections: y.Sections, Notice: y.Notice, Widths: y.Widths, line: line(node)}
			for _, l := range y.Lead {
				layout.Leads = append(layout.Leads, Lead(l))
			}
			r.checkLayout(layout)
			r.layouts[name] = layout
		}
	}
}

func (r *reader) readRoute(node ast.Node) {
	var y routeYAML
	if !r.decode(node, &y) {
		return
	}
	route := Route{
		Name: y.Name, For: y.For, Examples: y.Examples, Parameters: y.Parameters,
		Layout: Layout{Name: y.Layout}, Enabled: Enabled{Share: 1}, line: line(node),
	}
	if layout, ok := r.layouts[y.Layout]; ok {
		route.Layout = layout
	} else {
		r.add(route.line, "route %s: layout %q is not defined under layouts", y.Name, y.Layout)
	}
	if y.Enabled != nil {
		route.Enabled = y.Enabled.value()
	}
	if y.Refine != nil {
		route.Refine = &Refine{BudgetMS: y.Refine.BudgetMS}
	}
	if y.Quorum != nil {
		route.Quorum = &schemas.Quorum{Sections: y.Quorum.Sections, PatienceMS: y.Quorum.PatienceMS}
	}
	for _, call := range y.Calls {
		r.readCall(&route, call)
	}
	r.m.Routes = append(r.m.Routes, route)
}

func (e enabledYAML) value() Enabled {
	out := Enabled{Markets: e.Markets, Platforms: e.Platforms, Share: 1}
	if e.Share != nil {
		out.Share = *e.Share
	}
	return out
}

func (r *reader) readCall(route *Route, node ast.Node) {
	var y callYAML
	if !r.decode(node, &y) {
		return
	}
	route.Calls = append(route.Calls, r.call("route "+route.Name, y, line(node)))
}

// call turns the YAML form of a call into a Call. subject is whose it is.
func (r *reader) call(subject string, y callYAML, line int) Call {
	call := Call{
		Tool: y.Tool, Section: y.Section, Title: y.Title, Component: y.Component,
		Params: make(map[string]Template, len(y.Params)),
		Limit:  y.Limit, DeadlineMS: y.DeadlineMS, Mandatory: y.Mandatory, Late: y.Late, Spare: y.Spare, Whole: y.Whole,
		PerArtist: y.PerArtist, Diversity: y.Diversity, Empty: y.Empty, LastResort: y.LastResort, line: line,
	}
	for name, v := range y.Params {
		t, err := newTemplate(v)
		if err != nil {
			r.add(call.line, "%s: section %s: params.%s: %v", subject, y.Section, name, err)
			continue
		}
		call.Params[name] = t
	}
	return call
}

// decode fills v from node and reports whether that worked.
func (r *reader) decode(node ast.Node, v any) bool {
	err := yaml.NodeToValue(node, v, yaml.Strict())
	if err != nil {
		r.decodeError(err)
	}
	return err == nil
}

func (r *reader) decodeError(err error) {
	var located yaml.Error
	if errors.As(err, &located) && located.GetToken() != nil {
		r.add(located.GetToken().Position.Line, "%s", located.GetMessage())
		return
	}
	r.add(0, "%v", err)
}

func (r *reader) add(line int, format string, args ...any) {
	r.problems = append(r.problems, &Problem{File: r.file, Line: line, Text: fmt.Sprintf(format, args...)})
}

func (r *reader) err() error {
	slices.SortStableFunc(r.problems, func(a, b *Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Text, b.Text))
	})
	errs := make([]error, len(r.problems))
	for i, p := range r.problems {
		errs[i] = p
	}
	return errors.Join(errs...)
}

func line(node ast.Node) int {
	if m, ok := node.(*ast.MappingNode); ok && len(m.Values) > 0 {
		return m.Values[0].GetToken().Prev.Position.Line
	}
	return node.GetToken().Position.Line
}
