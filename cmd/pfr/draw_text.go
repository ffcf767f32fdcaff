package main

import (
	"strings"
	"unicode"

	"github.com/mattn/go-runewidth"
)

// ink is how a piece of text looks on a terminal that shows it: the parameters of an ANSI
// sequence. Without colours all inks are the same.
type ink string

const (
	normal ink = ""
	bold   ink = "1"
	faint  ink = "2"
	italic ink = "3"
	good   ink = "32"
	warn   ink = "33"
	bad    ink = "31"
	accent ink = "1;36"
)

// span is a piece of a line.
type span struct {
	ink  ink
	text string
}

// paper is what is drawn on: lines of so many cells. What does not fit is cut off with an
// ellipsis, so that no line breaks.
type paper struct {
	width int
	color bool
	lines []string
}

const (
	minWidth = 20 // less is drawn as if it were so much
	ellipsis = "…"
)

// cells measures as terminals outside East Asia do.
func cells() *runewidth.Condition { return &runewidth.Condition{StrictEmojiNeutral: true} }

// width is the number of cells that a text takes.
func width(s string) int { return cells().StringWidth(s) }

// cut shortens a text to at most so many cells.
func cut(s string, room int) string {
	if room <= 0 {
		return ""
	}
	return cells().Truncate(s, room, ellipsis)
}

// pad makes a text exactly so many cells long.
func pad(s string, to int) string {
	s = cut(s, to)
	return s + strings.Repeat(" ", max(to-width(s), 0))
}

// clean makes a text of somebody else's safe to show: one line, without control characters,
// which could move the cursor, and without marks that turn the direction of writing.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.IsControl(r), r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069', r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s)
}

// paint puts a text in ink.
func (p *paper) paint(k ink, s string) string {
	if !p.color || k == normal || s == "" {
		return s
	}
	return "\x1b[" + string(k) + "m" + s + "\x1b[0m"
}

// line adds a line of spans.
func (p *paper) line(spans ...span) {
	p.lines = append(p.lines, p.fit(p.width, spans...))
}

// fit joins spans to a text of at most so many cells.
func (p *paper) fit(room int, spans ...span) string {
	var b strings.Builder
	left := room
	for i, s := range spans {
		text := clean(s.text)
		w := width(text)
		// The last cell is kept for the ellipsis as long as more is to come.
		if w > left || w == left && more(spans[i+1:]) {
			b.WriteString(p.paint(s.ink, cutWith(text, left)))
			break
		}
		b.WriteString(p.paint(s.ink, text))
		left -= w
	}
	return strings.TrimRight(b.String(), " ")
}

// more reports whether spans have any text.
func more(spans []span) bool {
	for _, s := range spans {
		if strings.TrimSpace(s.text) != "" {
			return true
		}
	}
	return false
}

// cutWith shortens a text to at most so many cells with an ellipsis at its end, which says
// that there is more even if the text itself would fit.
func cutWith(s string, room int) string {
	if room <= 0 {
		return ""
	}
	if width(s) > room {
		return cut(s, room)
	}
	return cells().Truncate(s, room-1, "") + ellipsis
}

// blank adds an empty line.
func (p *paper) blank() { p.lines = append(p.lines, "") }

// wrap adds a text as lines that begin with an indent.
func (p *paper) wrap(k ink, indent, s string) {
	for _, line := range words(s, p.width-width(indent)) {
		p.line(span{k, indent + line})
	}
}

// words wraps a text into lines of at most so many cells. Words that are longer are broken.
func words(s string, room int) []string {
	room = max(room, 2) // for the widest character

	var lines []string
	line := ""
	for word := range strings.FieldsSeq(clean(s)) {
		for width(word) > room {
			if line != "" {
				lines, line = append(lines, line), ""
			}
			head := cells().Truncate(word, room, "")
			if head == "" {
				break
			}
			lines, word = append(lines, head), strings.TrimPrefix(word, head)
		}
		switch {
		case word == "":
		case line == "":
			line = word
		case width(line)+1+width(word) <= room:
			line += " " + word
		default:
			lines, line = append(lines, line), word
		}
	}
	if line != "" {
		lines = append(lines, line)
	}
	return lines
}
