package routes

import (
	"maps"
	"slices"
	"strings"

	"github.com/parallel-fusion/pfr/schemas"
)

// check looks for what each entry by itself cannot show to be wrong.
func (r *reader) check() {
	r.require(1, "name", r.m.Name)
	if len(r.m.Routes) == 0 {
		r.add(1, "routes: there must be at least one")
	}
	if _, ok := r.m.Route(r.m.Fallback); !ok {
		r.add(1, "fallback: %q is not one of the routes", r.m.Fallback)
	}
	for _, p := range r.m.params {
		r.checkParameter(p)
	}
	lines := map[string]int{}
	for _, route := range r.m.Routes {
		if first, dup := lines[route.Name]; dup {
			r.add(route.line, "route %s: already defined on line %d", route.Name, first)
		}
		lines[route.Name] = route.line
		if route.Name == Composed {
			r.add(route.line, "route %s: the name is taken by decisions that are composed", Composed)
		}
		r.checkRoute(route)
	}
	r.checkLayouts()
}

func (r *reader) checkParameter(p Parameter) {
	if !slices.Contains([]Type{String, Integer, List}, p.Type) {
		r.add(p.line, "parameter %s: type must be string, integer or list, not %q", p.Name, p.Type)
	}
	if p.Type == Integer && p.Enum != nil {
		r.add(p.line, "parameter %s: an integer has min and max, not an enum", p.Name)
	}
	if p.Type != Integer && (p.Min != 0 || p.Max != 0) {
		r.add(p.line, "parameter %s: min and max are for integers", p.Name)
	}
	if p.Min > p.Max {
		r.add(p.line, "parameter %s: min %d is above max %d", p.Name, p.Min, p.Max)
	}
	if p.Name == queryRef {
		r.add(p.line, "parameter %s: the name is taken by the query text", p.Name)
	}
	r.require(p.line, "parameter "+p.Name+": meaning", p.Meaning)
}

func (r *reader) checkRoute(route Route) {
	subject := "route " + route.Name
	r.require(route.line, "route name", route.Name)
	r.require(route.line, subject+": for", route.For)
	for _, name := range route.Parameters {
		if _, ok := r.m.params[name]; !ok {
			r.add(route.line, "%s: parameter %q is not defined; there are %s", subject, name, r.m.paramNames())
		}
	}
	if len(route.Examples) == 0 {
		r.add(route.line, "%s: examples: give at least one query", subject)
	}
	if len(route.Calls) == 0 || len(route.Calls) > schemas.MaxCalls {
		r.add(route.line, "%s: calls: want 1 to %d, not %d", subject, schemas.MaxCalls, len(route.Calls))
	}
	if route.Enabled.Share < 0 || route.Enabled.Share > 1 {
		r.add(route.line, "%s: enabled.share must lie between 0 and 1", subject)
	}
	if route.Refine != nil && (route.Refine.BudgetMS < 1 || route.Refine.BudgetMS > schemas.MaxDeadlineMS) {
		r.add(route.line, "%s: refine.budget_ms must lie between 1 and %d", subject, schemas.MaxDeadlineMS)
	}
	if q := route.Quorum; q != nil && (q.Sections < 1 || q.Sections > len(route.Calls) || q.PatienceMS < 0 || q.PatienceMS > schemas.MaxDeadlineMS) {
		r.add(route.line, "%s: quorum: sections must lie between 1 and the number of calls, patience_ms between 0 and %d", subject, schemas.MaxDeadlineMS)
	}
	r.checkSections(route)
}

// checkSections wants every section filled once, and every one that the layout speaks of.
func (r *reader) checkSections(route Route) {
	subject := "route " + route.Name
	sections := map[string]bool{}
	for i, c := range route.Calls {
		if c.LastResort && (i == 0 || c.Mandatory) {
			r.add(c.line, "%s: section %s: a last resort is not mandatory, and is not all that the route has", subject, c.Section)
		}
		if !c.LastResort && i > 0 && route.Calls[i-1].LastResort {
			r.add(c.line, "%s: section %s: last resorts come after all other calls", subject, c.Section)
		}
		if sections[c.Section] {
			r.add(c.line, "%s: section %s is filled twice", subject, c.Section)
		}
		sections[c.Section] = true
		r.checkCall(route, c)
	}
}

func (r *reader) checkCall(route Route, c Call) {
	subject := "route " + route.Name + ": section " + c.Section
	r.require(c.line, subject+": tool", c.Tool)
	r.require(c.line, "route "+route.Name+": section", c.Section)
	r.require(c.line, subject+": title", c.Title)
	r.checkDisplayed(subject, c)
	if c.Limit < 1 || c.Spare < 0 || c.Limit+c.Spare > schemas.MaxItems {
		r.add(c.line, "%s: limit must lie between 1 and %d, with spare", subject, schemas.MaxItems)
	}
	if c.DeadlineMS < 1 || c.DeadlineMS > schemas.MaxDeadlineMS {
		r.add(c.line, "%s: deadline_ms must lie between 1 and %d", subject, schemas.MaxDeadlineMS)
	}
	if !slices.Contains([]schemas.LateResults{"", schemas.LateDrop, schemas.LateCache}, c.Late) {
		r.add(c.line, "%s: late must be drop or cache, not %q", subject, c.Late)
	}
	for name, t := range c.Params {
		for _, ref := range t.refs {
			if ref != queryRef && !slices.Contains(route.Parameters, ref) {
				r.add(c.line, "%s: params.%s: $%s is not a parameter of the route; there are $query, $%s",
					subject, name, ref, strings.Join(route.Parameters, ", $"))
			}
		}
	}
}

// checkDisplayed checks what a call says of how its section looks.
func (r *reader) checkDisplayed(subject string, c Call) {
	r.require(c.line, subject+": component", c.Component)
	if _, ok := r.m.components[c.Component]; !ok && c.Component != "" {
		r.add(c.line, "%s: component %q is not defined under components; there are %s", subject, c.Component, r.m.componentNames())
	}
	if c.PerArtist < 0 || !(c.Diversity >= 0 && c.Diversity <= 1) {
		r.add(c.line, "%s: per_artist must not be negative, diversity must lie between 0 and 1", subject)
	}
	if !slices.Contains([]schemas.EmptyPolicy{"", schemas.EmptyExplain, schemas.EmptyOmit}, c.Empty) {
		r.add(c.line, "%s: empty must be explain or omit, not %q", subject, c.Empty)
	}
}

func (r *reader) checkComponent(name string, d schemas.Display, line int) {
	if !slices.Contains([]schemas.Flow{schemas.FlowStack, schemas.FlowGrid, schemas.FlowShelf}, d.Flow) {
		r.add(line, "component %s: flow must be stack, grid or shelf, not %q", name, d.Flow)
	}
	if !slices.Contains([]schemas.Form{schemas.FormRow, schemas.FormCard}, d.Form) {
		r.add(line, "component %s: form must be row or card, not %q", name, d.Form)
	}
	if !slices.Contains([]schemas.TextRole{schemas.TextNote, schemas.TextAnswer, schemas.TextIntro}, d.Text) {
		r.add(line, "component %s: text must be answer or intro, not %q", name, d.Text)
	}
	if d.Room < 1 || d.Room > schemas.MaxItems || d.Lead < 0 || d.Lead > d.Room {
		r.add(line, "component %s: room must lie between 1 and %d, lead between 0 and room", name, schemas.MaxItems)
	}
}

// checkLayouts wants every section that a layout speaks of on some route that has it.
func (r *reader) checkLayouts() {
	sections := map[string][]string{} // by layout
	for _, route := range r.m.Routes {
		for _, c := range route.Calls {
			sections[route.Layout.Name] = append(sections[route.Layout.Name], c.Section)
		}
	}
	for _, l := range r.layouts {
		named := slices.Collect(maps.Keys(l.Widths))
		for _, lead := range l.Leads {
			named = append(named, lead.Section)
		}
		for _, section := range named {
			if !slices.Contains(sections[l.Name], section) {
				r.add(l.line, "layout %s: no route with it has a section %q", l.Name, section)
			}
		}
	}
}

func (r *reader) checkLayout(l Layout) {
	line := l.line
	for section, width := range l.Widths {
		if width < 1 || width > schemas.FullWidth {
			r.add(line, "layout %s: widths.%s must lie between 1 and %d", l.Name, section, schemas.FullWidth)
		}
	}
	for _, lead := range l.Leads {
		r.require(line, "layout "+l.Name+": lead: section", lead.Section)
		if !(lead.Confidence >= 0 && lead.Confidence <= 1) || len(lead.Words) == 0 {
			r.add(line, "layout %s: lead %s: confidence must lie between 0 and 1, words must not be empty", l.Name, lead.Section)
		}
	}
}

func (r *reader) require(line int, what, value string) {
	if strings.TrimSpace(value) == "" {
		r.add(line, "%s must not be empty", what)
	}
}
