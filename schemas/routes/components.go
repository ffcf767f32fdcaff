package routes

import (
	"maps"
	"slices"
	"strings"

	"github.com/parallel-fusion/pfr/schemas"
)

// standardComponents returns the components that every manifest has. One of the same name
// under components takes its place.
func standardComponents() map[string]schemas.Display {
	const full = schemas.FullWidth
	stack, grid, shelf := schemas.FlowStack, schemas.FlowGrid, schemas.FlowShelf
	row, card := schemas.FormRow, schemas.FormCard
	return map[string]schemas.Display{
		"hero":     {Flow: stack, Form: row, Lead: 1, Room: 7, Width: full},
		"list":     {Flow: stack, Form: row, Numbered: true, Room: 6, Width: full},
		"cards":    {Flow: grid, Form: card, Room: 6, Width: full},
		"carousel": {Flow: shelf, Form: card, Room: 8, Width: full},
		"answer":   {Flow: stack, Form: row, Text: schemas.TextAnswer, Room: 1, Width: full},
		"mix":      {Flow: stack, Form: row, Numbered: true, Text: schemas.TextIntro, Room: 6, Width: full},
	}
}

// Components returns how each component is drawn, by its name. A layout may give a section
// less than the whole width.
func (m *Manifest) Components() map[string]schemas.Display { return maps.Clone(m.components) }

// display says how the section of a call is drawn. It never has room for more items than
// the call shows.
func (m *Manifest) display(c Call, l Layout) schemas.Display {
	d := m.components[c.Component]
	d.Room, d.Lead = min(d.Room, c.Limit), min(d.Lead, c.Limit)
	if width, ok := l.Widths[c.Section]; ok {
		d.Width = width
	}
	return d
}

func (m *Manifest) componentNames() string {
	return strings.Join(slices.Sorted(maps.Keys(m.components)), ", ")
}
