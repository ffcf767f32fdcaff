package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/parallel-fusion/pfr/schemas"
)

// view is how a page is shown in a terminal.
type view struct {
	width   int  // cells of a line
	color   bool // may be used
	all     bool // items, not only those that are shown at first
	verbose bool // say also what is not shown, and why
	links   string
}

// waiting is the status of a section that has not landed.
const waiting schemas.SectionStatus = ""

// page returns the lines of a page, which may be on its way.
func (v view) page(page schemas.SERP) []string {
	p := &paper{width: max(v.width, minWidth), color: v.color}
	v.head(p, page)
	for _, row := range sideBySide(page.Sections, p.width) {
		v.row(p, row)
	}
	if v.verbose {
		v.omitted(p, page.Omitted)
	}
	p.blank()
	switch {
	case page.Status == "":
		p.line(span{faint, "…"})
	case v.links != "":
		p.lines = append(p.lines, p.paint(faint, v.links+"/explain/"+page.CorrelationID)) // whole, or it is of no use
	default:
		p.lines = append(p.lines, p.paint(faint, page.CorrelationID))
	}
	return p.lines
}

// wide is the width from which sections may stand side by side.
const wide = 116

// sideBySide puts sections together that fill the twelve columns of a wide screen together.
func sideBySide(sections []schemas.Section, columns int) [][]schemas.Section {
	var rows [][]schemas.Section
	used := schemas.FullWidth
	for _, s := range sections {
		w := s.Display.Width
		if columns < wide || w <= 0 || used+w > schemas.FullWidth {
			rows = append(rows, nil)
			used = 0
		}
		if columns < wide || w <= 0 {
			w = schemas.FullWidth
		}
		rows[len(rows)-1] = append(rows[len(rows)-1], s)
		used += w
	}
	return rows
}

// row draws sections side by side.
func (v view) row(p *paper, sections []schemas.Section) {
	if len(sections) == 1 {
		v.section(p, sections[0])
		return
	}
	const gap = 3
	begin, left := len(p.lines), 0
	for _, s := range sections {
		column := &paper{width: (p.width+gap)*s.Display.Width/schemas.FullWidth - gap, color: p.color}
		v.section(column, s)
		for i, line := range column.lines {
			if begin+i == len(p.lines) {
				p.blank()
			}
			beside := p.lines[begin+i]
			if line != "" {
				p.lines[begin+i] = beside + strings.Repeat(" ", left-width(unpainted(beside))) + line
			}
		}
		left += column.width + gap
	}
}

// head says what was asked and what was made of it.
func (v view) head(p *paper, page schemas.SERP) {
	p.line(span{bold, page.Query})
	route := []span{{accent, page.Route.Name}}
	for _, name := range slices.Sorted(maps.Keys(page.Route.Params)) {
		route = append(route, span{faint, " · " + name + ": "}, span{normal, paramText(page.Route.Params[name])})
	}
	p.line(route...)
	v.facts(p, page)
	if page.Notice != "" {
		p.wrap(warn, "! ", page.Notice)
	}
}

func paramText(v any) string {
	if list, ok := v.([]string); ok {
		return strings.Join(list, ", ")
	}
	return fmt.Sprint(v)
}

// facts say how the page came out and who decided, and then where its time went: in one
// line, if that has room for both.
func (v view) facts(p *paper, page schemas.SERP) {
	who := decider(page)
	if page.Status == "" { // on its way
		p.line(span{normal, who})
		return
	}
	status := string(page.Status)
	if page.Coverage < 1 {
		status += fmt.Sprintf(", coverage %.0f %%", 100*page.Coverage)
	}
	t := page.Timings
	times := fmt.Sprintf("router %s, tools %s, total %s", millis(t.RouterMS), millis(t.ToolsMS), millis(t.TotalMS))
	if page.Cost > 0 {
		times += fmt.Sprintf(", $%.5f", page.Cost)
	}
	line := []span{{statusInk(page.Status), status}, {normal, " · " + who}}
	if width(status+who+times)+6 <= p.width {
		p.line(append(line, span{faint, " · " + times})...)
		return
	}
	p.line(line...)
	if width(times) > p.width {
		times = strings.ReplaceAll(times, " ms", "ms") // so that no line begins with a unit
	}
	p.wrap(faint, "", times)
}

// decider is who decided the route, and how sure that was.
func decider(page schemas.SERP) string {
	who := fmt.Sprintf("%s, %.0f %% sure", sourceName(page.Route.Source), math.Floor(100*page.Route.Confidence))
	if page.Route.Arm != "" {
		who += " (" + page.Route.Arm + ")"
	}
	if page.Refined {
		who += " · refined"
	}
	return who
}

// sourceName is what a tier is called.
func sourceName(s schemas.Source) string {
	switch s {
	case schemas.SourceLLM:
		return "language model"
	case schemas.SourcePrecomputed:
		return "decided before"
	case schemas.SourceCache, schemas.SourceStudent, schemas.SourceFallback:
	}
	return string(s)
}

func statusInk(s schemas.SERPStatus) ink {
	switch s {
	case schemas.SERPComplete:
		return good
	case schemas.SERPExpired:
		return bad
	case schemas.SERPPartial, schemas.SERPDegraded:
	}
	return warn
}

// millis writes milliseconds as precisely as they matter.
func millis(ms float64) string {
	if ms >= 100 {
		return fmt.Sprintf("%.0f ms", ms)
	}
	return fmt.Sprintf("%.1f ms", ms)
}

// omitted says what is not on the page.
func (v view) omitted(p *paper, sections []schemas.Section) {
	if len(sections) == 0 {
		return
	}
	p.blank()
	for _, s := range sections {
		p.wrap(faint, "", fmt.Sprintf("not shown: %s (%s, %s): %s", s.Title, s.Tool, millis(s.TookMS), statusText(s)))
	}
}

// statusText says what became of a section that is not ok.
func statusText(s schemas.Section) string {
	what := map[schemas.SectionStatus]string{
		schemas.SectionEmpty: "nothing found", schemas.SectionTimeout: "no answer in time", schemas.SectionError: "the tool failed",
		schemas.SectionInvalid: "the answer was not valid", schemas.SectionShed: "the tool is overloaded", schemas.SectionNoResponder: "the tool is not there",
	}[s.Status]
	if what == "" {
		what = string(s.Status)
	}
	switch {
	case s.Reason == "":
		return what
	case s.Status == schemas.SectionEmpty:
		return s.Reason // which says that there is nothing, and why
	}
	return what + ": " + s.Reason
}
