package routes

import (
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/parallel-fusion/pfr/schemas"
)

// Canonical returns the parameters of route that raw holds, in canonical form: unknown
// names, wrong types and values outside an enum are dropped, integers are clamped to
// their bounds, lists are sorted in the order of their enum without repeats, and empty
// values are left out. Equal meanings get equal bytes, and Canonical of its own result
// changes nothing.
func (m *Manifest) Canonical(route Route, raw schemas.Params) schemas.Params {
	out := schemas.Params{}
	for _, name := range route.Parameters {
		if v := m.params[name].canonical(raw[name]); v != nil {
			out[name] = v
		}
	}
	return out
}

func (p Parameter) canonical(v any) any {
	switch v := v.(type) {
	case string:
		s := strings.Join(strings.Fields(v), " ")
		if p.Type == String && s != "" && len(s) <= schemas.MaxParamBytes && p.allows(s) {
			return s
		}
	case int:
		if p.Type == Integer {
			return p.clamp(v)
		}
	case []string:
		if p.Type == List {
			return p.canonicalList(v)
		}
	}
	return nil
}

func (p Parameter) allows(s string) bool { return p.Enum == nil || slices.Contains(p.Enum, s) }

func (p Parameter) clamp(n int) int {
	if p.Min < p.Max {
		return min(max(n, p.Min), p.Max)
	}
	return n
}

func (p Parameter) canonicalList(v []string) any {
	var list []string
	if p.Enum != nil {
		list = slices.DeleteFunc(slices.Clone(p.Enum), func(e string) bool { return !slices.Contains(v, e) })
	} else {
		list = slices.Compact(slices.Sorted(slices.Values(v)))
	}
	if len(list) == 0 || len(list) > schemas.MaxListParams {
		return nil
	}
	return list
}

// Decide returns the decision for route with params, which need not be canonical: the
// calls with their parameters filled in, the layout and the notice. Where it came from and
// how sure it is are for the caller to add.
func (m *Manifest) Decide(route Route, params schemas.Params, query string) schemas.Decision {
	params = m.Canonical(route, params)
	calls := make([]schemas.Call, len(route.Calls))
	for i, c := range route.Calls {
		calls[i] = c.resolve(params, query)
		calls[i].Display = m.display(c, route.Layout)
	}
	return schemas.Decision{
		Route:           route.Name,
		Params:          params,
		Calls:           calls,
		Layout:          route.Layout.Name,
		Notice:          route.Layout.Notice,
		Refine:          m.refine(route),
		Lead:            route.Layout.lead(query),
		Quorum:          route.Quorum,
		ManifestVersion: m.Version,
	}
}

// lead returns the section that comes first for a query, or nil.
func (l Layout) lead(query string) *schemas.Lead {
	for _, rule := range l.Leads {
		if containsWords(query, rule.Words) {
			return &schemas.Lead{Section: rule.Section, Confidence: rule.Confidence}
		}
	}
	return nil
}

// containsWords reports whether one of words, which may be several with spaces between,
// stands in text as such.
func containsWords(text string, words []string) bool {
	fields := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.Is(unicode.Mn, r) })
	padded := " " + strings.Join(fields, " ") + " "
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(padded, " "+strings.ToLower(w)+" ") })
}

// refine returns the refinement of a route, or nil. The fallback is for named things: what
// was found first stays first.
func (m *Manifest) refine(route Route) *schemas.Refinement {
	if route.Refine == nil {
		return nil
	}
	return &schemas.Refinement{BudgetMS: route.Refine.BudgetMS, KeepTop: route.Name == m.Fallback}
}

func (c Call) resolve(params schemas.Params, query string) schemas.Call {
	filled := schemas.Params{}
	for name, t := range c.Params {
		if v := t.fill(params, query); v != nil {
			filled[name] = v
		}
	}
	return schemas.Call{
		Tool: c.Tool, Section: c.Section, Title: c.Title, Component: c.Component,
		Params: filled, Limit: c.Limit, DeadlineMS: c.DeadlineMS, Mandatory: c.Mandatory, Late: c.Late, Spare: c.Spare, Whole: c.Whole,
		PerArtist: c.PerArtist, Diversity: c.Diversity, Empty: c.Empty, LastResort: c.LastResort,
	}
}

// Template is the value of a call's parameter: a constant, or the first of some
// references that has a value.
type Template struct {
	constant any      // string, int or []string
	refs     []string // names of route parameters, or queryRef
}

// queryRef stands for the text of the query.
const queryRef = "query"

func (t Template) fill(params schemas.Params, query string) any {
	for _, ref := range t.refs {
		if ref == queryRef {
			return query
		}
		if v, ok := params[ref]; ok {
			return v
		}
	}
	return t.constant
}

// newTemplate reads the YAML form of a template: "$a|$query", a constant, or a list.
func newTemplate(v any) (Template, error) {
	switch v := v.(type) {
	case string:
		return parseRefs(v)
	case uint64:
		return Template{constant: int(v)}, nil
	case []any:
		list := make([]string, len(v))
		for i, e := range v {
			s, ok := e.(string)
			if !ok {
				return Template{}, fmt.Errorf("a list holds strings, not %v", e)
			}
			list[i] = s
		}
		return Template{constant: list}, nil
	default:
		return Template{}, fmt.Errorf("want a string, an integer, a list of strings or a $reference, not %v", v)
	}
}

func parseRefs(s string) (Template, error) {
	if !strings.HasPrefix(s, "$") {
		return Template{constant: s}, nil
	}
	var refs []string
	for part := range strings.SplitSeq(s, "|") {
		name, ok := strings.CutPrefix(part, "$")
		if !ok || name == "" {
			return Template{}, fmt.Errorf("%q: want $name, or several separated by |", s)
		}
		refs = append(refs, name)
	}
	return Template{refs: refs}, nil
}

// Offers reports whether the route is offered on this market and platform to this client.
// The share is of clients: one client always gets the same answer, and no client at all
// counts as one.
func (e Enabled) Offers(market, platform, client string) bool {
	if e.Markets != nil && !slices.Contains(e.Markets, market) || e.Platforms != nil && !slices.Contains(e.Platforms, platform) {
		return false
	}
	h := fnv.New32a()
	h.Write([]byte(client))
	return float64(h.Sum32())/(1<<32) < e.Share
}

// paramNames lists the defined parameters, sorted, for messages.
func (m *Manifest) paramNames() string {
	return strings.Join(slices.Sorted(maps.Keys(m.params)), ", ")
}
