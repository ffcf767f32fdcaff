package routes

import (
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
	sections := map[string]bool{}
	for _, c := range route.Calls {
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
	r.require(c.line, subject+": component", c.Component)
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

func (r *reader) require(line int, what, value string) {
	if strings.TrimSpace(value) == "" {
		r.add(line, "%s must not be empty", what)
	}
}
