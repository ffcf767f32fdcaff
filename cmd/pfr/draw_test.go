package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"github.com/parallel-fusion/pfr/clients/httpclient"
	"github.com/parallel-fusion/pfr/schemas"
)

// recorded returns the pages that the drawings are made of, by layout.
func recorded(t *testing.T) map[string]schemas.SERP {
	t.Helper()
	files, err := filepath.Glob("testdata/ask/*.json")
	if err != nil || len(files) < 8 {
		t.Fatal(files, err)
	}
	pages := map[string]schemas.SERP{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var page schemas.SERP
		if err := json.Unmarshal(data, &page); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		pages[strings.TrimSuffix(filepath.Base(file), ".json")] = page
	}
	return pages
}

// A page of each layout, wide and narrow, with and without colours; and one on which much
// went wrong. UPDATE_GOLDEN=1 rewrites the drawings; look at what has changed.
func TestPagesAreDrawn(t *testing.T) {
	for name, page := range recorded(t) {
		var b strings.Builder
		for _, v := range []struct {
			name string
			view view
		}{
			{"130 columns", view{width: 130}},
			{"100 columns", view{width: 100, links: "http://127.0.0.1:8080"}},
			{"40 columns, all and verbose", view{width: 40, all: true, verbose: true}},
			{"80 columns, in colours", view{width: 80, color: true}},
		} {
			fmt.Fprintf(&b, "=== %s\n%s\n", v.name, strings.ReplaceAll(strings.Join(v.view.page(page), "\n"), "\x1b", "␛"))
		}
		golden(t, filepath.Join("testdata", "ask", name+".txt"), b.String())
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s", file, got)
	}
}

// trace is an explanation with everything in it.
func trace() httpclient.Explanation {
	return httpclient.Explanation{
		Decision: &schemas.Decision{ManifestVersion: "c174f2b09b3f"},
		Why: httpclient.Why{
			Summary: "The student was not sure, and the language model was.", Degraded: "The first answer was not valid.", Spent: "$0.00042 · 812 prompt tokens",
			Tiers: []httpclient.WhyTier{
				{Tier: schemas.Tier{Source: schemas.SourceCache, TookMS: 0.06}, Name: "cache", Text: "had no decision for this query"},
				{Tier: schemas.Tier{Source: schemas.SourceStudent, TookMS: 0.13}, Name: "student", Text: "thought of search, but was not sure: 41 %"},
				{Tier: schemas.Tier{Source: schemas.SourceLLM, TookMS: 212.4}, Name: "language model", Text: "answered personalized_recs"},
			},
			Alternatives: []schemas.Alternative{{Route: "search", Confidence: 0.3}, {Route: "new_releases", Confidence: 0.004}},
		},
		Waterfall: []httpclient.Span{
			{Name: "queue", TookMS: 1.6},
			{Name: "router", StartMS: 1.6, TookMS: 212.6},
			{Name: "for_you", Tool: "personalized_recs", Status: schemas.SectionOK, StartMS: 215, TookMS: 12.2, ServiceMS: 3, Mandatory: true, Cached: true},
			{Name: "playlists", Status: schemas.SectionTimeout, StartMS: 215, TookMS: 300, Repeated: true},
			{Name: "mix\x1b[2J", Status: schemas.SectionOK, StartMS: 515, TookMS: 0},
		},
	}
}

func TestExplanationsAreDrawn(t *testing.T) {
	var b strings.Builder
	for _, v := range []view{{width: 100}, {width: 40}, {width: 80, color: true}} {
		fmt.Fprintf(&b, "=== %d columns\n%s\n", v.width, strings.ReplaceAll(strings.Join(v.explain(trace()), "\n"), "\x1b", "␛"))
	}
	golden(t, "testdata/ask/explain.txt", b.String())
}

func TestSideBySide(t *testing.T) {
	for widths, want := range map[string]string{"12 12": "[12][12]", "5 7": "[5 7]", "7 5 6 6": "[7 5][6 6]", "8 6 4": "[8][6 4]", "3 3 3 3 3": "[3 3 3 3][3]", "0 5 0 7": "[0][5][0][7]", "12 4": "[12][4]"} {
		var sections []schemas.Section
		for w := range strings.FieldsSeq(widths) {
			n, _ := strconv.Atoi(w)
			sections = append(sections, schemas.Section{Display: schemas.Display{Width: n}})
		}
		var b strings.Builder
		for _, row := range sideBySide(sections, 200) {
			var parts []string
			for _, s := range row {
				parts = append(parts, strconv.Itoa(s.Display.Width))
			}
			fmt.Fprintf(&b, "%v", parts)
		}
		if b.String() != want {
			t.Errorf("%s: %s, want %s", widths, b.String(), want)
		}
		if rows := sideBySide(sections, 80); len(rows) != len(sections) {
			t.Errorf("%s: on a narrow screen %d rows", widths, len(rows))
		}
	}
}

// No line is wider than the terminal, so that none breaks, and nothing that a catalogue
// holds reaches the terminal as a command.
func TestLinesFit(t *testing.T) {
	pages := recorded(t)
	crowded := pages["trouble"]
	crowded.Sections = slices.Clone(crowded.Sections)
	for i := range crowded.Sections {
		crowded.Sections[i].Display.Width = 1 + i
		crowded.Sections[i].Display.Text = schemas.TextAnswer
	}
	pages["crowded"] = crowded
	for name, page := range pages {
		for columns := 1; columns < 200; columns += 1 + columns/15 {
			for _, v := range []view{{width: columns}, {width: columns, all: true, verbose: true, color: true}} {
				lines := append(v.page(page), v.explain(trace())...)
				v.check(t, name, lines, page.CorrelationID)
			}
		}
	}
}

// check fails the test unless the lines fit, but for the one with the id.
func (v view) check(t *testing.T, name string, lines []string, id string) {
	t.Helper()
	for _, line := range lines {
		text := line
		if v.color {
			text = unpainted(line)
		}
		if width(text) > max(v.width, minWidth) && !strings.Contains(text, id) {
			t.Fatalf("%s: %d columns: %d cells: %q", name, v.width, width(text), line)
		}
		if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || r == '\u202e' }) {
			t.Fatalf("%s: a command for the terminal: %q", name, line)
		}
	}
}

func TestWords(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "",
		"one two three":          "one two|three",
		"extraordinarily long":   "extraord|inarily|long",
		"漢字漢字漢字 x":               "漢字漢字|漢字 x",
		"cafe\u0301s are open":   "cafe\u0301s|are open",
		"  a \n b\tc  ":          "a b c",
		"12345678 12345678":      "12345678|12345678",
		"1234567 8 1234567 8":    "1234567|8|1234567|8",
		"\x1b[2Jx\u202ey\ufffdz": "[2Jxyz",
		"👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦": "👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦👩‍👩‍👧‍👦|👩‍👩‍👧‍👦",
	} {
		if got := strings.Join(words(text, 8), "|"); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestBars(t *testing.T) {
	for _, c := range []struct {
		start, took, end float64
		want             string
	}{
		{0, 10, 10, "████████"},
		{0, 5, 10, "████"},
		{5, 5, 10, "    ████"},
		{0, 0.2, 10, "▏"},
		{9.99, 0, 10, "       ▏"},
		{10, 0, 10, "       ▏"},
		{0, 1, 10, "▊"},
		{0, 0, 0, ""},
		{8, 8, 10, "      ██"}, // a page that is late by its own account
	} {
		if got := bar(c.start, c.took, c.end, 8); got != c.want {
			t.Errorf("%v + %v of %v: %q, want %q", c.start, c.took, c.end, got, c.want)
		}
	}
}
