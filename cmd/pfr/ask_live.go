package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/parallel-fusion/pfr/clients/httpclient"
	"github.com/parallel-fusion/pfr/schemas"
)

// draft is a page on its way.
type draft struct {
	query    string
	route    *httpclient.Route
	sections map[string]schemas.Section
	final    *schemas.SERP
}

func (d *draft) add(e httpclient.Event) {
	switch {
	case e.Route != nil:
		d.route = e.Route
	case e.Section != nil:
		if d.sections == nil {
			d.sections = map[string]schemas.Section{}
		}
		d.sections[e.Section.ID] = *e.Section
	case e.Page != nil:
		d.final = &e.Page.SERP
	}
}

// page returns the page as far as it is known. It has no status until it is final, nor has
// a section that has not landed.
func (d *draft) page() schemas.SERP {
	if d.final != nil {
		return *d.final
	}
	page := schemas.SERP{Query: d.query}
	if d.route == nil {
		return page
	}
	page.CorrelationID, page.Route, page.Layout, page.Notice = d.route.CorrelationID, d.route.Route, d.route.Layout, d.route.Notice
	for _, slot := range d.route.Slots.Slots {
		s, landed := d.sections[slot.ID]
		if !landed {
			s = schemas.Section{ID: slot.ID, Title: slot.Title, Component: slot.Component, Tool: slot.Tool, Display: slot.Display}
		}
		page.Sections = append(page.Sections, s)
	}
	return page
}

// live shows lines that change, in place. They must be no wider than the terminal; of more
// than it has room for only the first are shown, as what has scrolled away cannot be
// changed any more.
type live struct {
	out   io.Writer
	rows  int // of the terminal
	on    bool
	drawn int // lines on the screen
}

func (l *live) show(lines []string) {
	if !l.on || l.rows < 2 {
		return
	}
	lines = lines[:min(len(lines), l.rows-1)]
	var b strings.Builder
	b.WriteString(l.home())
	for _, line := range lines {
		b.WriteString(line + "\x1b[K\n") // over what was there, so that nothing flickers
	}
	fmt.Fprint(l.out, b.String()+"\x1b[J")
	l.drawn = len(lines)
}

// clear removes what was shown.
func (l *live) clear() {
	if l.drawn > 0 {
		fmt.Fprint(l.out, l.home()+"\x1b[J")
	}
	l.drawn = 0
}

// home moves to where the drawing began.
func (l *live) home() string {
	if l.drawn == 0 {
		return ""
	}
	return fmt.Sprintf("\x1b[%dA\r", l.drawn)
}
