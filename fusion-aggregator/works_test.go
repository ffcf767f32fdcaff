package fusion_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parallel-fusion/pfr/schemas"
)

// parseItem reads an item as it stands in testdata/works.txt.
func parseItem(t testing.TB, text, id string) schemas.Item {
	t.Helper()
	text, subtitle, _ := strings.Cut(text, " # ")
	text, date, _ := strings.Cut(text, " @")
	text, artists, _ := strings.Cut(text, " -- ")
	kind, title, ok := strings.Cut(text, " ")
	if !ok {
		t.Fatalf("%q is no item", text)
	}
	it := schemas.Item{Title: strings.TrimSpace(title), Subtitle: strings.TrimSpace(subtitle), ReleaseDate: strings.TrimSpace(date)}
	typ, kind, _ := strings.Cut(kind, "/")
	it.Type, it.Kind, it.ID = schemas.ItemType(typ), kind, typ+":"+id
	if artists != "" {
		for name := range strings.SplitSeq(artists, ";") {
			it.Artists = append(it.Artists, strings.TrimSpace(name))
		}
	}
	return it
}

// gives answers with items as they are.
func gives(items ...schemas.Item) tool {
	return func(_ context.Context, req schemas.ToolRequest) (schemas.ToolResponse, error) {
		resp := respond(req)
		resp.Items = append(resp.Items, items...)
		return resp, nil
	}
}

// pageOf makes the page of lists of items, one section each, for a query.
func pageOf(t testing.TB, query string, change func(*schemas.Decision), lists ...[]schemas.Item) schemas.SERP {
	t.Helper()
	callers, names := tools{}, []string{}
	for i, items := range lists {
		name := fmt.Sprint("s", i)
		callers[name], names = gives(items...), append(names, name)
	}
	d := decision(time.Minute, names...)
	d.Query.Text = query
	for i := range d.Decision.Calls {
		d.Decision.Calls[i].Limit = 50
	}
	if change != nil {
		change(&d.Decision)
	}
	a, out := aggregator(t, callers, nil)
	if err := a.Handle(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if err := out.pages[0].Validate(); err != nil {
		t.Fatal(err)
	}
	return out.pages[0]
}

func TestVersionsOfOneWork(t *testing.T) {
	data, err := os.ReadFile("testdata/works.txt")
	if err != nil {
		t.Fatal(err)
	}
	pairs := 0
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		parts := strings.Split(line, " | ")
		if len(parts) != 3 {
			t.Fatalf("%q is no pair", line)
		}
		pairs++
		one, two := parseItem(t, parts[1], "1"), parseItem(t, parts[2], "2")
		page := pageOf(t, "anything", nil, []schemas.Item{one}, []schemas.Item{two})
		folded := len(page.Sections[1].Items) == 0
		verdict, versions, _ := strings.Cut(parts[0], " ")
		want := strings.Fields(strings.Trim(versions, "-"))
		if got := page.Sections[0].Items[0].Versions; folded != (verdict == "=") || !slices.Equal(got, want) {
			t.Errorf("%s: one work %v, stands for %q", line, folded, got)
		}
	}
	if pairs < 80 {
		t.Errorf("%d pairs", pairs)
	}
}

// ids returns the ids of a section without their types.
func ids(s schemas.Section) string {
	var out []string
	for _, it := range s.Items {
		_, id, _ := strings.Cut(it.ID, ":")
		out = append(out, id)
	}
	return strings.Join(out, " ")
}

func list(t testing.TB, items ...string) []schemas.Item {
	t.Helper()
	var out []schemas.Item
	for _, text := range items {
		id, rest, _ := strings.Cut(text, " ")
		out = append(out, parseItem(t, rest, id))
	}
	return out
}

// Who asks for versions gets them all.
func TestAQueryThatAsksForVersionsGetsThem(t *testing.T) {
	items := list(t,
		"plain track Layla -- Eric Clapton", "live track Layla (Live) -- Eric Clapton", "live2 track Layla (Live in Tokyo) -- Eric Clapton",
		"unplugged track Layla (Unplugged) -- Eric Clapton", "remaster track Layla (Remastered 2004) -- Eric Clapton", "session track Layla (BBC Session) -- Eric Clapton")
	for query, want := range map[string]string{
		"layla":                   "plain",
		"Layla LIVE":              "plain live live2",
		"layla unplugged":         "plain unplugged",
		"layla acoustic":          "plain unplugged",
		"eric clapton remastered": "plain remaster",
		"layla bbc sessions":      "plain session",
		"eric clapton singles":    "plain",
		"alive and well":          "plain",
	} {
		if got := ids(pageOf(t, query, nil, items).Sections[0]); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}

// In one section the better ranked version stays, but for a plain one, which takes its
// place. Across sections the first stays, whatever it is.
func TestWhichVersionStays(t *testing.T) {
	live, plain, other := "live track Layla (Live) -- Eric Clapton", "plain track Layla -- Eric Clapton", "other track Cocaine -- Eric Clapton"
	for name, tc := range map[string]struct {
		query string
		lists [][]schemas.Item
		want  string
	}{
		"plain takes the place":        {"layla", [][]schemas.Item{list(t, live, other, plain)}, "[plain other] live"},
		"better ranked":                {"layla", [][]schemas.Item{list(t, plain, other, live)}, "[plain other] live"},
		"of derived ones the first":    {"layla", [][]schemas.Item{list(t, live, "demo track Layla (Demo) -- Eric Clapton")}, "[live] demo"},
		"asked for":                    {"layla live", [][]schemas.Item{list(t, live, other, plain)}, "[live other plain]"},
		"something else asked for":     {"layla demo", [][]schemas.Item{list(t, live, other, plain)}, "[live other] studio"},
		"first section":                {"layla", [][]schemas.Item{list(t, live), list(t, plain, other)}, "[live][other] studio"},
		"three sections":               {"layla", [][]schemas.Item{list(t, plain), list(t, live), list(t, "demo track Layla (Demo) -- Eric Clapton", other)}, "[plain][][other] demo live"},
		"one that an edition stood in": {"layla", [][]schemas.Item{list(t, live, "r track Layla (2004 Remaster) -- Eric Clapton", plain)}, "[plain] live remaster"},
	} {
		page, got := pageOf(t, tc.query, nil, tc.lists...), ""
		for _, s := range page.Sections {
			got += "[" + ids(s) + "]"
		}
		for _, s := range page.Sections {
			for _, it := range s.Items {
				if it.Versions != nil {
					got += " " + strings.Join(it.Versions, " ")
				}
			}
		}
		if got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

// A mix folds within itself, keeps what stands above, and takes nothing from below.
func TestWholeSectionsFoldWithinThemselves(t *testing.T) {
	song, again := "1 track Layla -- Eric Clapton", "2 track Layla (Live) -- Eric Clapton"
	page := pageOf(t, "layla", func(d *schemas.Decision) { d.Calls[1].Whole = true },
		list(t, song), list(t, song, again, "3 track Cocaine -- Eric Clapton"), list(t, "4 track Cocaine (Live) -- Eric Clapton", again))
	if got, want := ids(page.Sections[0])+"|"+ids(page.Sections[1])+"|"+ids(page.Sections[2]), "1|1 3|4"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := page.Sections[2].Items[0].Versions; got != nil {
		t.Errorf("%q", got)
	}
}

// An answer is about what it shows, wherever that stands too.
func TestAnAnswerKeepsWhatItIsAbout(t *testing.T) {
	song := "1 track Layla -- Eric Clapton"
	page := pageOf(t, "layla", func(d *schemas.Decision) {
		d.Calls[1].Display = schemas.Display{Flow: schemas.FlowStack, Form: schemas.FormRow, Text: schemas.TextAnswer, Width: 12, Room: 1}
		d.Lead = &schemas.Lead{Section: "s1"}
	}, list(t, song), list(t, song))
	if got := page.Sections[0].ID + "[" + ids(page.Sections[0]) + "] " + page.Sections[1].ID + "[" + ids(page.Sections[1]) + "]"; got != "s1[1] s0[1]" {
		t.Error(got)
	}
}

// Any title is one work with itself, however it is typed, and with its live version.
func TestAnyTitleFolds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		title := strings.TrimSpace(rapid.StringOfN(rapid.SampledFrom([]rune("aB é9ß日が-()[]（–.,'!live&")), 1, 30, -1).Draw(rt, "title"))
		if title == "" {
			return
		}
		items := make([]schemas.Item, 3)
		for i, text := range []string{title, "  " + strings.ReplaceAll(title, "B", "b") + " ", title + " (Live)"} {
			items[i] = schemas.Item{ID: fmt.Sprint("track:", i), Type: "track", Title: text, Artists: []string{"A"}}
		}
		page := pageOf(t, "anything", nil, items[:1], items[1:])
		if len(page.Sections[1].Items) > 0 {
			rt.Fatalf("%q is not one work with %q", title, page.Sections[1].Items[0].Title)
		}
	})
}
