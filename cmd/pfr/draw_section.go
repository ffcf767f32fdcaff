package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/parallel-fusion/pfr/schemas"
)

// section draws one section as its display says.
func (v view) section(p *paper, s schemas.Section) {
	p.blank()
	invented := allInvented(s.Items)
	v.title(p, s, invented)
	if s.Status == waiting {
		p.line(span{faint, "   …"})
		return
	}
	switch {
	case !s.Status.Answered():
		p.wrap(warn, "   ", statusText(s))
	case s.Status == schemas.SectionEmpty:
		p.wrap(faint, "   ", statusText(s))
	}
	v.text(p, s)
	shown := s.Items
	if room := s.Display.Room; room > 0 && !v.all {
		shown = shown[:min(room, len(shown))]
	}
	if invented {
		shown = unmarked(shown) // the title says it of all
	}
	lead := min(s.Display.Lead, len(shown))
	for i, it := range shown[:lead] {
		v.large(p, it, number(s.Display, i))
	}
	v.items(p, s.Display, shown, lead)
	if hidden := len(s.Items) - len(shown); hidden > 0 {
		p.line(span{faint, fmt.Sprintf("   … %d more (--all)", hidden)})
	}
}

// allInvented reports whether every item is synthetic, and there are some.
func allInvented(items []schemas.Item) bool {
	return len(items) > 0 && !slices.ContainsFunc(items, func(it schemas.Item) bool { return !it.Synthetic })
}

// unmarked returns items that do not say that they are synthetic.
func unmarked(items []schemas.Item) []schemas.Item {
	items = slices.Clone(items)
	for i := range items {
		items[i].Synthetic = false
	}
	return items
}

// title is a rule with the title in it, and who answered when.
func (v view) title(p *paper, s schemas.Section, invented bool) {
	var what strings.Builder
	what.WriteString(s.Tool)
	if s.Status != waiting {
		what.WriteString(" " + millis(s.TookMS))
		if v.verbose && s.ServiceMS > 0 {
			what.WriteString(", " + millis(s.ServiceMS) + " in the tool")
		}
	}
	for _, mark := range []struct {
		on   bool
		text string
	}{{s.Cached, "cached"}, {s.Repeated, "repeated"}, {invented, "synthetic"}, {v.verbose && s.Mandatory, "mandatory"}} {
		if mark.on {
			what.WriteString(" · " + mark.text)
		}
	}
	title := cut(clean(s.Title), p.width-4)
	rule := p.width - width(title) - width(what.String()) - 5
	if rule < 1 {
		p.line(span{faint, "── "}, span{bold, title})
		return
	}
	p.line(span{faint, "── "}, span{bold, title}, span{faint, " " + strings.Repeat("─", rule) + " " + what.String()})
}

// text draws the text of a section: an answer in a frame, an introduction as a quotation.
func (v view) text(p *paper, s schemas.Section) {
	if s.Text == "" {
		return
	}
	switch s.Display.Text {
	case schemas.TextAnswer:
		lines := words(s.Text, p.width-7)
		inner := 0
		for _, line := range lines {
			inner = max(inner, width(line))
		}
		edge := strings.Repeat("─", inner+2)
		p.line(span{accent, "   ┌" + edge + "┐"})
		for _, line := range lines {
			p.line(span{accent, "   │ "}, span{bold, pad(line, inner)}, span{accent, " │"})
		}
		p.line(span{accent, "   └" + edge + "┘"})
	case schemas.TextIntro:
		for _, line := range words("“"+s.Text+"”", p.width-5) {
			p.line(span{faint, "   ▏ "}, span{italic, line})
		}
	case schemas.TextNote:
		p.wrap(normal, "   ", s.Text)
	}
}

// number is what stands before the i-th item.
func number(d schemas.Display, i int) string {
	if d.Numbered || d == (schemas.Display{}) { // a page of a manifest without displays
		return fmt.Sprintf("%3d  ", i+1)
	}
	return "  ·  "
}

// large draws an item that leads its section.
func (v view) large(p *paper, it schemas.Item, number string) {
	bar := span{accent, "   ▌ "}
	p.line(bar, span{bold, strings.TrimLeft(strings.ReplaceAll(number, "·", ""), " ") + it.Title}, span{faint, marks(it)})
	if what := details(it); what != "" {
		p.line(bar, span{normal, what})
	}
	if it.Why != "" {
		p.line(bar, span{faint, it.Why})
	}
}

// items draws what is not large.
func (v view) items(p *paper, d schemas.Display, items []schemas.Item, from int) {
	switch {
	case from == len(items):
	case d.Flow == schemas.FlowShelf:
		v.shelf(p, items[from:])
	case d.Form == schemas.FormCard:
		v.cards(p, d, items, from)
	default:
		v.rows(p, d, items, from)
	}
}

// narrow is the width below which there is no room for columns.
const narrow = 60

// rows draws an item a line, the titles in a column.
func (v view) rows(p *paper, d schemas.Display, items []schemas.Item, from int) {
	column := 0
	for _, it := range items[from:] {
		column = max(column, width(clean(it.Title)+marks(it)))
	}
	column = min(column, p.width*2/5)
	if p.width < narrow {
		column = p.width
	}
	for i := from; i < len(items); i++ {
		it := items[i]
		title := cut(clean(it.Title), column-width(marks(it)))
		gap := ""
		if p.width >= narrow {
			gap = strings.Repeat(" ", column-width(title)-width(marks(it)))
		}
		p.line(span{faint, number(d, i)}, span{normal, title}, span{faint, marks(it) + gap},
			span{normal, prefixed("  ", details(it))}, span{faint, prefixed(" · ", it.Why)})
	}
}

const (
	minCard   = 38 // cells
	cardLines = 3
)

// cards draws items side by side.
func (v view) cards(p *paper, d schemas.Display, items []schemas.Item, from int) {
	across := min(max((p.width-1)/minCard, 1), 4)
	inner := (p.width-1)/across - 1
	for i := from; i < len(items); i += across {
		for line := range cardLines {
			var parts []string
			for n, it := range items[i:min(i+across, len(items))] {
				parts = append(parts, v.cardLine(p, card{it, number(d, i+n), line, inner}))
			}
			if text := columns(parts, inner+1); text != "" {
				p.lines = append(p.lines, text)
			}
		}
	}
}

// columns puts texts side by side, so many cells apart.
func columns(texts []string, apart int) string {
	var b strings.Builder
	for _, text := range texts {
		b.WriteString(text + strings.Repeat(" ", max(apart-width(unpainted(text)), 0)))
	}
	return strings.TrimRight(b.String(), " ")
}

// card is one line of an item that is drawn as a card.
type card struct {
	item   schemas.Item
	number string
	line   int // from 0
	room   int // cells
}

// cardLine is a line of a card: the title, what it is, or why it is there.
func (v view) cardLine(p *paper, c card) string {
	switch c.line {
	case 0:
		return p.fit(c.room, span{faint, c.number}, span{bold, c.item.Title}, span{faint, marks(c.item)})
	case 1:
		return p.fit(c.room, span{normal, prefixed("     ", details(c.item))})
	default:
		return p.fit(c.room, span{faint, prefixed("     ", c.item.Why)})
	}
}

// unpainted removes what paint added.
func unpainted(s string) string {
	var b strings.Builder
	for {
		before, after, found := strings.Cut(s, "\x1b[")
		b.WriteString(before)
		if !found {
			return b.String()
		}
		_, s, _ = strings.Cut(after, "m")
	}
}

// shelf draws items one after the other, as compact lines.
func (v view) shelf(p *paper, items []schemas.Item) {
	const indent, gap = "   ", "  │  "
	line, used := []span{{normal, indent}}, 0
	for _, it := range items {
		title, more := clean(it.Title), prefixed(" – ", clean(origin(it)))+marks(it)
		w := width(title) + width(more)
		if used > 0 && len(indent)+used+width(gap)+w > p.width {
			p.line(line...)
			line, used = []span{{normal, indent}}, 0
		}
		if used > 0 {
			line = append(line, span{faint, gap})
			used += width(gap)
		}
		line = append(line, span{normal, title}, span{faint, more})
		used += w
	}
	p.line(line...)
}

// origin is who made an item and when, as far as its title does not say so.
func origin(it schemas.Item) string {
	if it.Type == "artist" {
		return ""
	}
	year, _, _ := strings.Cut(it.ReleaseDate, "-")
	return strings.Join(slices.DeleteFunc(append(slices.Clone(it.Artists), year), func(s string) bool { return s == "" }), ", ")
}

// details say what an item is.
func details(it schemas.Item) string {
	return strings.Join(slices.DeleteFunc([]string{it.Subtitle, it.ReleaseDate}, func(s string) bool { return s == "" }), " · ")
}

// marks are the other versions that an item stands for, and that it is invented.
func marks(it schemas.Item) string {
	text := ""
	if len(it.Versions) > 0 {
		text = " (also " + clean(strings.Join(it.Versions, ", ")) + ")"
	}
	if it.Synthetic {
		text += " (synthetic)"
	}
	return text
}

// prefixed puts a prefix before a text that is not empty.
func prefixed(prefix, s string) string {
	if s == "" {
		return ""
	}
	return prefix + s
}
