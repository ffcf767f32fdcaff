package routes_test

import (
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
	"github.com/parallel-fusion/pfr/schemas/routes"
)

const drawn = `
name: drawn
fallback: news
components:
  list: {flow: stack, form: row, room: 3}
  wall: {flow: grid, form: card, room: 9, lead: 2}
layouts:
  watch:
    sections: news and a date
    widths: {date: 4, news: 8}
    lead:
      - {section: date, confidence: 0.7, words: [when, "come out", cuándo, 何時]}
routes:
  - name: news
    for: things
    examples: [x]
    layout: watch
    quorum: {sections: 1, patience_ms: 0}
    calls:
      - {tool: t, section: news, title: News, component: wall, limit: 4, deadline_ms: 50, per_artist: 2, diversity: 0.5, empty: omit}
      - {tool: t, section: date, title: Date, component: answer, limit: 1, deadline_ms: 50}
      - {tool: t, section: more, title: More, component: list, limit: 10, deadline_ms: 50}
`

func parseDrawn(t *testing.T) (*routes.Manifest, routes.Route) {
	t.Helper()
	m, err := routes.Parse("drawn.yaml", []byte(drawn))
	if err != nil {
		t.Fatal(err)
	}
	route, _ := m.Route("news")
	return m, route
}

// A decision describes its page: a component of the manifest, one of every manifest, and
// one that the manifest has changed. Nobody reserves more room than a section can fill.
func TestDecisionSaysHowSectionsAreDrawn(t *testing.T) {
	m, route := parseDrawn(t)
	d := m.Decide(route, nil, "x")
	for i, want := range []schemas.Display{
		{Flow: schemas.FlowGrid, Form: schemas.FormCard, Lead: 2, Width: 8, Room: 4},
		{Flow: schemas.FlowStack, Form: schemas.FormRow, Text: schemas.TextAnswer, Width: 4, Room: 1},
		{Flow: schemas.FlowStack, Form: schemas.FormRow, Width: 12, Room: 3},
	} {
		if got := d.Calls[i].Display; got != want {
			t.Errorf("%s: %+v, want %+v", d.Calls[i].Section, got, want)
		}
	}
	if c := d.Calls[0]; c.PerArtist != 2 || c.Diversity != .5 || c.Empty != schemas.EmptyOmit {
		t.Errorf("call %+v", c)
	}
	if d.Quorum == nil || *d.Quorum != (schemas.Quorum{Sections: 1}) {
		t.Errorf("quorum %v", d.Quorum)
	}
}

// A section leads for queries with one of its words, as a word, however they are written.
func TestWordsLetASectionLead(t *testing.T) {
	m, route := parseDrawn(t)
	for query, leads := range map[string]bool{
		"when is it out": true, "WHEN?": true, "does it come out soon": true, "¿Cuándo sale?": true,
		"whenever you are": false, "coming out": false, "news": false, "come, out": true, "": false,
	} {
		lead := m.Decide(route, nil, query).Lead
		if (lead != nil) != leads {
			t.Errorf("%q: lead %v", query, lead)
		}
		if lead != nil && *lead != (schemas.Lead{Section: "date", Confidence: .7}) {
			t.Errorf("%q: lead %+v", query, *lead)
		}
	}
}

// Every call that the embedded manifest can make is drawn somehow, composed ones too.
func TestMusicIsDrawn(t *testing.T) {
	m, err := routes.Music()
	if err != nil {
		t.Fatal(err)
	}
	var decisions []schemas.Decision
	for _, r := range m.Routes {
		decisions = append(decisions, m.Decide(r, nil, "x"))
	}
	for _, tool := range m.Compose.Tools {
		d, ok := m.Composed([]schemas.Chosen{{Tool: tool.Tool}}, "x")
		if !ok {
			t.Errorf("%s cannot be composed", tool.Tool)
		}
		decisions = append(decisions, d)
	}
	for _, d := range decisions {
		for _, c := range d.Calls {
			if c.Display == (schemas.Display{}) {
				t.Errorf("%s: section %s is not drawn", d.Route, c.Section)
			}
		}
	}
}
