package routes

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/parallel-fusion/pfr/schemas"
)

// Markdown returns the manifest as a page of documentation. Equal manifests give equal
// bytes.
func (m *Manifest) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# Routes of the %s manifest\n\n", m.Name)
	b.WriteString("This page is generated from the manifest. Change the manifest, not this page.\n\n")
	fmt.Fprintf(&b, "A query takes one route. A query that fits none takes `%s`.\n\n", m.Fallback)
	b.WriteString("| route | for | parameters | sections (tool) | layout |\n|---|---|---|---|---|\n")
	for _, r := range m.Routes {
		fmt.Fprintf(&b, "| [`%s`](#%s) | %s | %s | %s | `%s` |\n",
			r.Name, r.Name, cell(r.For), codes(r.Parameters), r.sections(), r.Layout.Name)
	}
	for _, r := range m.Routes {
		m.writeRoute(&b, r)
	}
	m.writeCompose(&b)
	m.writeComponents(&b)
	return b.String()
}

func (m *Manifest) writeRoute(b *strings.Builder, r Route) {
	fmt.Fprintf(b, "\n## %s\n\nFor %s.\n\n", r.Name, r.For)
	for _, e := range r.Examples {
		fmt.Fprintf(b, "- “%s”\n", e)
	}
	if len(r.Parameters) > 0 {
		b.WriteString("\n| parameter | type | meaning |\n|---|---|---|\n")
	}
	for _, name := range r.Parameters {
		p := m.params[name]
		fmt.Fprintf(b, "| `%s` | %s | %s |\n", name, p.describe(), cell(p.Meaning))
	}
	b.WriteString("\n| section | tool | drawn as | columns | items | within | |\n|---|---|---|---|---|---|---|\n")
	for _, c := range r.Calls {
		fmt.Fprintf(b, "| %s | `%s` | %s | %d | %d | %d ms | %s |\n",
			cell(c.Title), c.Tool, c.Component, m.display(c, r.Layout).Width, c.Limit, c.DeadlineMS, c.need())
	}
	fmt.Fprintf(b, "\nLayout `%s`: %s.\n", r.Layout.Name, r.Layout.Sections)
	if r.Layout.Notice != "" {
		fmt.Fprintf(b, "Above it: “%s”\n", r.Layout.Notice)
	}
	if r.Refine != nil {
		fmt.Fprintf(b, "Where there is a language model for it, it may put the items in another order within %d ms.\n", r.Refine.BudgetMS)
	}
	for _, l := range r.Layout.Leads {
		fmt.Fprintf(b, "Section `%s` comes first where the router is sure (from %g) and the query says %s.\n", l.Section, l.Confidence, codes(l.Words))
	}
	if q := r.Quorum; q != nil {
		fmt.Fprintf(b, "Once all mandatory sections and %d in all are there, the others have %d ms.\n", q.Sections, q.PatienceMS)
	}
	fmt.Fprintf(b, "%s.\n", r.Enabled.describe())
}

// writeComponents explains what sections are drawn as.
func (m *Manifest) writeComponents(b *strings.Builder) {
	b.WriteString("\n## Components\n\nEvery section says how it is drawn, in its `display`.\n\n")
	b.WriteString("| component | items | form | shown at first | large | numbered | text |\n|---|---|---|---|---|---|---|\n")
	for _, name := range slices.Sorted(maps.Keys(m.components)) {
		d := m.components[name]
		numbered, text := "", string(d.Text)
		if d.Numbered {
			numbered = "yes"
		}
		fmt.Fprintf(b, "| %s | %s | %s | %d | %d | %s | %s |\n", name, d.Flow, d.Form, d.Room, d.Lead, numbered, text)
	}
}

func (m *Manifest) writeCompose(b *strings.Builder) {
	if m.Compose == nil {
		return
	}
	fmt.Fprintf(b, "\n## %s\n\nNot a route: with `\"mode\": \"post-fusion\"` a language model composes up to %d of these calls.\n\n", Composed, m.Compose.MaxCalls)
	b.WriteString("| tool | for | parameters | at most | items | within |\n|---|---|---|---|---|---|\n")
	for _, t := range m.Compose.Tools {
		fmt.Fprintf(b, "| `%s` | %s | %s | %d | %d | %d ms |\n", t.Tool, cell(t.For), codes(t.Parameters), t.MaxCalls, t.Limit, t.DeadlineMS)
	}
	b.WriteString("\nThe layout is the first whose types hold all that the calls can return:\n\n")
	for _, l := range m.Compose.Layouts {
		types := "any type"
		if l.Results != nil {
			types = codes(l.Results)
		}
		fmt.Fprintf(b, "- %s: `%s`\n", types, l.Layout.Name)
	}
}

func (p Parameter) describe() string {
	switch {
	case p.Type == Integer && p.Min < p.Max:
		return fmt.Sprintf("integer, %d to %d", p.Min, p.Max)
	case p.Enum != nil && p.Type == List:
		return "any of " + codes(p.Enum)
	case p.Enum != nil:
		return "one of " + codes(p.Enum)
	}
	return string(p.Type)
}

func (c Call) need() string {
	need := "optional"
	if c.Mandatory {
		need = "mandatory"
	}
	if c.LastResort {
		need = "if the page is empty"
	}
	if c.Empty == schemas.EmptyOmit {
		need += ", left out if empty"
	}
	if c.PerArtist > 0 {
		need += fmt.Sprintf(", %d of an artist before others", c.PerArtist)
	}
	return need
}

func (e Enabled) describe() string {
	where := func(all string, some []string) string {
		if some == nil {
			return all
		}
		return strings.Join(some, ", ")
	}
	text := "Offered in " + where("every market", e.Markets) + ", on " + where("every platform", e.Platforms)
	if e.Share < 1 {
		text += fmt.Sprintf(", to %g %% of the clients", 100*e.Share)
	}
	return text
}

func (r Route) sections() string {
	list := make([]string, len(r.Calls))
	for i, c := range r.Calls {
		list[i] = fmt.Sprintf("%s (`%s`)", cell(c.Title), c.Tool)
	}
	return strings.Join(list, ", ")
}

// codes lists names, or a dash for none.
func codes(names []string) string {
	if len(names) == 0 {
		return "–"
	}
	return "`" + strings.Join(names, "`, `") + "`"
}

// cell keeps text within its cell of a table.
func cell(text string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(text, "|", `\|`)), " ")
}
