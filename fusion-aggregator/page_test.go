package fusion_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/parallel-fusion/pfr/schemas"
)

// by returns tracks of artists: "a1 a2 b1" are two by a and one by b. What follows a "/" is
// a genre, or what follows a "@" an album.
func by(names string) []schemas.Item {
	var out []schemas.Item
	for name := range strings.FieldsSeq(names) {
		name, genre, _ := strings.Cut(name, "/")
		name, album, _ := strings.Cut(name, "@")
		it := schemas.Item{ID: "track:" + name, Type: "track", Title: name, Artists: []string{name[:1]}, Subtitle: album}
		if genre != "" {
			it.Genres = strings.Split(genre, "+")
		}
		out = append(out, it)
	}
	return out
}

func TestDiversityWithinASection(t *testing.T) {
	for name, c := range map[string]struct {
		items     string
		perArtist int
		diversity float64
		limit     int
		change    func(*schemas.Decision)
		want      string
	}{
		"by rank alone":             {"a1 a2 a3 b1 b2 c1", 0, 0, 5, nil, "a1 a2 a3 b1 b2"},
		"a cap":                     {"a1 a2 a3 b1 b2 c1", 2, 0, 5, nil, "a1 a2 b1 b2 c1"},
		"a cap fills up":            {"a1 a2 a3 b1", 1, 0, 5, nil, "a1 b1 a2 a3"},
		"a cap of one":              {"a1 a2 a3 b1 b2 c1", 1, 0, 5, nil, "a1 b1 c1 a2 a3"},
		"artists apart":             {"a1 a2 a3 b1 b2 c1", 0, 0.7, 6, nil, "a1 b1 c1 a2 a3 b2"},
		"genres apart":              {"a1/rock b1/rock c1/rock d1/jazz", 0, 0.7, 4, nil, "a1 d1 b1 c1"},
		"albums apart":              {"a1@x b1@x c1@x d1@y", 0, 0.9, 4, nil, "a1 d1 b1 c1"},
		"a little difference":       {"a1 a2 a3 b1 b2 c1", 0, 0.3, 6, nil, "a1 a2 b1 a3 c1 b2"},
		"a hero stays":              {"a1 a2 b1", 0, 1, 3, func(d *schemas.Decision) { d.Calls[0].Component = "hero" }, "a1 b1 a2"},
		"a whole section is itself": {"a1 a2 a3 b1", 1, 0.9, 4, func(d *schemas.Decision) { d.Calls[0].Whole = true }, "a1 a2 a3 b1"},
		"nothing to choose from":    {"a1", 1, 0.9, 4, nil, "a1"},
	} {
		page := pageOf(t, "x", func(d *schemas.Decision) {
			d.Calls[0].PerArtist, d.Calls[0].Diversity, d.Calls[0].Limit = c.perArtist, c.diversity, c.limit
			d.Calls[0].Spare = 10
			if c.change != nil {
				c.change(d)
			}
		}, by(c.items))
		if got := ids(page.Sections[0]); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// Who stands above is a little less welcome below, where difference counts.
func TestDiversityAcrossSections(t *testing.T) {
	for diversity, want := range map[float64]string{0: "a2 b1 c1", 0.7: "b1 a2 c1"} {
		page := pageOf(t, "x", func(d *schemas.Decision) { d.Calls[1].Diversity = diversity }, by("a1"), by("a2 b1 c1"))
		if got := ids(page.Sections[1]); got != want {
			t.Errorf("%v: %s, want %s", diversity, got, want)
		}
	}
}

// What is cut off above may be shown below.
func TestOnlyWhatIsShownIsTaken(t *testing.T) {
	page := pageOf(t, "x", func(d *schemas.Decision) { d.Calls[0].Limit, d.Calls[0].Spare, d.Calls[0].PerArtist = 2, 8, 1 },
		by("a1 a2 b1 b2"), by("b1 b2 a2"))
	if got := ids(page.Sections[0]) + "|" + ids(page.Sections[1]); got != "a1 b1|b2 a2" {
		t.Error(got)
	}
}

func TestEmptySections(t *testing.T) {
	omit := func(sections ...int) func(*schemas.Decision) {
		return func(d *schemas.Decision) {
			for _, i := range sections {
				d.Calls[i].Empty = schemas.EmptyOmit
			}
		}
	}
	for name, c := range map[string]struct {
		change          func(*schemas.Decision)
		lists           [][]schemas.Item
		shown, leftOut  string
		status          schemas.SERPStatus
		reasons         []string // of both, in order
		coverageAtLeast float64
	}{
		"explained":        {nil, [][]schemas.Item{by("a1"), nil, by("a1")}, "s0 s1 s2", "", "complete", []string{"", "nothing was found", "everything found is in the sections above"}, 1},
		"left out":         {omit(1, 2), [][]schemas.Item{by("a1"), nil, by("a1")}, "s0", "s1 s2", "complete", []string{"", "nothing was found", "everything found is in the sections above"}, 1},
		"one of them":      {omit(2), [][]schemas.Item{by("a1"), nil, nil}, "s0 s1", "s2", "complete", []string{"", "nothing was found", "nothing was found"}, 1},
		"never everything": {omit(0, 1), [][]schemas.Item{nil, nil}, "s0 s1", "", "complete", []string{"nothing was found", "nothing was found"}, 1},
	} {
		page := pageOf(t, "x", c.change, c.lists...)
		var reasons []string
		for _, s := range slices.Concat(page.Sections, page.Omitted) {
			reasons = append(reasons, s.Reason)
		}
		if sectionIDs(page.Sections) != c.shown || sectionIDs(page.Omitted) != c.leftOut || page.Status != c.status || page.Coverage < c.coverageAtLeast || !slices.Equal(reasons, c.reasons) {
			t.Errorf("%s: %s, left out %s, %s %v, %q", name, sectionIDs(page.Sections), sectionIDs(page.Omitted), page.Status, page.Coverage, reasons)
		}
	}
}

func sectionIDs(sections []schemas.Section) string {
	var out []string
	for _, s := range sections {
		out = append(out, s.ID)
	}
	return strings.Join(out, " ")
}

// A section that failed is no empty one: it says so on the page.
func TestFailedSectionsAreNotOmitted(t *testing.T) {
	p, _ := page(t, tools{"a": after(0, "1")}, func() schemas.RouteDecision {
		d := decision(450*ms, "a", "b")
		d.Decision.Calls[1].Empty = schemas.EmptyOmit
		return d
	})
	if got := outline(p); got != "partial 0.50 | a=ok[1] | b=no_responder[]" {
		t.Error(got)
	}
}

// The section that leads does so in the slots, in the page, and in what is shown once.
func TestTheLeadingSectionComesFirst(t *testing.T) {
	for confidence, want := range map[float64]string{0.9: "s2[a1] s0[b1] s1[] / 12 12 12", 0.79: "s0[a1 b1] s1[] s2[] / 7 5 12"} {
		synctest.Test(t, func(t *testing.T) {
			a, out := aggregator(t, tools{"s0": gives(by("a1 b1")...), "s1": gives(by("b1")...), "s2": gives(by("a1")...)}, nil)
			d := decision(450*ms, "s0", "s1", "s2")
			d.Decision.Confidence, d.Decision.Lead = confidence, &schemas.Lead{Section: "s2", Confidence: 0.8}
			for i, width := range []int{7, 5, 12} {
				d.Decision.Calls[i].Display = schemas.Display{Flow: schemas.FlowStack, Form: schemas.FormRow, Width: width, Room: 3}
			}
			calls := slices.Clone(d.Decision.Calls)
			if err := a.Handle(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			var sections, widths, slots []string
			for _, s := range out.pages[0].Sections {
				sections, widths = append(sections, s.ID+"["+ids(s)+"]"), append(widths, fmt.Sprint(s.Display.Width))
			}
			for _, s := range out.steps[0].Route.Slots {
				slots = append(slots, s.ID)
			}
			if got := strings.Join(sections, " ") + " / " + strings.Join(widths, " "); got != want || strings.Join(slots, " ") != sectionIDs(out.pages[0].Sections) {
				t.Errorf("%v: %s, slots %s", confidence, got, slots)
			}
			for i := range calls {
				if calls[i].Section != d.Decision.Calls[i].Section || calls[i].Display != d.Decision.Calls[i].Display {
					t.Error("the decision was changed")
				}
			}
		})
	}
}

// A section carries what a frontend and an operator want to know of its call.
func TestSectionsSayWhereTheyComeFrom(t *testing.T) {
	display := schemas.Display{Flow: schemas.FlowShelf, Form: schemas.FormCard, Width: 12, Room: 4}
	kept := gives(by("b1")...)
	p, _ := page(t, tools{"a": after(0, "1"), "b": func(ctx contextOf, req schemas.ToolRequest) (schemas.ToolResponse, error) {
		resp, err := kept(ctx, req)
		resp.Cached = true
		return resp, err
	}}, func() schemas.RouteDecision {
		d := decision(450*ms, "a", "b")
		d.Decision.Calls[1].Display = display
		return d
	})
	a, b := p.Sections[0], p.Sections[1]
	if !a.Mandatory || a.Cached || b.Mandatory || !b.Cached || b.Display != display || b.Repeated {
		t.Errorf("%+v\n%+v", a, b)
	}
}

// A section that is sent when all above it have landed is that of the page. One that is
// sent earlier shows at most what it found, within its limit.
func TestSectionsSentAhead(t *testing.T) {
	slow := func(took time.Duration, items []schemas.Item) tool {
		return func(ctx contextOf, req schemas.ToolRequest) (schemas.ToolResponse, error) {
			if _, err := takes(ctx, took, req); err != nil {
				return schemas.ToolResponse{}, err
			}
			return gives(items...)(ctx, req)
		}
	}
	for name, c := range map[string]struct {
		first, second time.Duration
		want          string
	}{
		"in order":        {10 * ms, 20 * ms, "s0[a1] s1[b1]"},
		"the other order": {20 * ms, 10 * ms, "s1[a1] s0[a1]"},
	} {
		synctest.Test(t, func(t *testing.T) {
			a, out := aggregator(t, tools{"s0": slow(c.first, by("a1 a2")), "s1": slow(c.second, by("a1 b1 b2"))}, nil)
			d := decision(450*ms, "s0", "s1")
			d.Decision.Calls[0].Limit, d.Decision.Calls[0].Spare = 1, 5
			d.Decision.Calls[1].Limit, d.Decision.Calls[1].Spare = 1, 5
			if err := a.Handle(t.Context(), d); err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, step := range out.steps[1:3] {
				got += " " + step.Section.ID + "[" + ids(*step.Section) + "]"
			}
			page := out.pages[0]
			if got != " "+c.want || ids(page.Sections[0]) != "a1" || ids(page.Sections[1]) != "b1" {
				t.Errorf("%s: ahead%s, page %s", name, got, outline(page))
			}
		})
	}
}

// drawItems draws items of a few works in many versions.
func drawItems(t *rapid.T, label string) []schemas.Item {
	titles := []string{"Song", "song!", "Song (Live)", "Song - Remastered 2011", "Other", "Other (Remix)", "Third (feat. B)", "Third"}
	n := rapid.IntRange(0, 14).Draw(t, label)
	items := make([]schemas.Item, n)
	for i := range items {
		typ := rapid.SampledFrom([]string{"track", "track", "album", "artist"}).Draw(t, "type")
		title, artist := rapid.IntRange(0, len(titles)-1).Draw(t, "title"), rapid.SampledFrom([]string{"A", "B", "C", "D"}).Draw(t, "artist")
		items[i] = schemas.Item{
			ID: fmt.Sprint(typ, ":", title, artist, rapid.IntRange(0, 1).Draw(t, "id")), Type: schemas.ItemType(typ),
			Title: titles[title], Artists: []string{artist},
			Genres: rapid.SliceOfN(rapid.SampledFrom([]string{"g", "h", "i"}), 0, 2).Draw(t, "genres"),
		}
	}
	return items
}

// drawDecision draws a decision of some calls, and what their tools find.
func drawDecision(t *rapid.T) (schemas.RouteDecision, [][]schemas.Item) {
	n := rapid.IntRange(1, 4).Draw(t, "calls")
	names, lists := make([]string, n), make([][]schemas.Item, n)
	for i := range n {
		names[i], lists[i] = fmt.Sprint("s", i), drawItems(t, "items")
	}
	d := decision(450*ms, names...)
	for i := range d.Decision.Calls {
		c := &d.Decision.Calls[i]
		c.Limit, c.Spare = rapid.IntRange(1, 8).Draw(t, "limit"), 14
		c.Whole = rapid.IntRange(0, 5).Draw(t, "whole") == 0
		c.PerArtist = rapid.IntRange(0, 3).Draw(t, "cap")
		c.Diversity = rapid.SampledFrom([]float64{0, 0.3, 1}).Draw(t, "diversity")
		c.Empty = rapid.SampledFrom([]schemas.EmptyPolicy{"", schemas.EmptyOmit}).Draw(t, "empty")
	}
	d.Query.Text = rapid.SampledFrom([]string{"song", "song live"}).Draw(t, "query")
	if rapid.Bool().Draw(t, "leads") {
		d.Decision.Lead = &schemas.Lead{Section: names[n-1]}
	}
	return d, lists
}

// Whatever tools find and when, a page keeps its promises.
func TestProperties(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		d, lists := drawDecision(rt)
		run := func(delays []int) (p schemas.SERP) {
			synctest.Test(t, func(t *testing.T) {
				callers := tools{}
				for i, items := range lists {
					callers[d.Decision.Calls[i].Tool] = func(ctx contextOf, req schemas.ToolRequest) (schemas.ToolResponse, error) {
						if _, err := takes(ctx, time.Duration(delays[i])*ms, req); err != nil {
							return schemas.ToolResponse{}, err
						}
						return gives(items...)(ctx, req)
					}
				}
				a, out := aggregator(t, callers, nil)
				d.Query.SubmittedAt = time.Now()
				d.Query.Deadline = time.Now().Add(450 * ms)
				if err := a.Handle(t.Context(), d); err != nil {
					t.Fatal(err)
				}
				p = out.pages[0]
			})
			return p
		}
		delays := rapid.SliceOfN(rapid.IntRange(0, 250), 8, 8).Draw(rt, "delays")
		one, two := run(delays[:4]), run(delays[4:])
		if outline(one) != outline(two) || sectionIDs(one.Omitted) != sectionIDs(two.Omitted) {
			rt.Fatalf("arrival changed the page:\n%s\n%s", outline(one), outline(two))
		}
		if why := broken(one, d.Decision, lists); why != "" {
			rt.Fatalf("%s: %s", why, outline(one))
		}
	})
}
