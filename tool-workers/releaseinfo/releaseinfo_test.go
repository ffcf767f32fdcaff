package releaseinfo_test

import (
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/releaseinfo"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest"
)

func open(tb testing.TB) tools.Tool {
	tb.Helper()
	t, err := releaseinfo.New(tooltest.Finder(tb, tooltest.Sample(tb)))
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

func TestGolden(t *testing.T) { tooltest.Golden(t, open(t), "testdata/calls.txt") }

func TestConformance(t *testing.T) {
	tooltest.Conform(t, open(t),
		tooltest.Call{Params: schemas.Params{"artist": "Lady Gaga"}},
	)
}

func TestEmptyCatalogue(t *testing.T) {
	tool, err := releaseinfo.New(tooltest.Finder(t, tooltest.Catalog(t, "")))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []schemas.Params{{}, {"artist": "x"}} {
		if r := tooltest.Run(t, tool, tooltest.Call{Params: p}); len(r.Items) != 0 {
			t.Errorf("%v: %v", p, r.Items)
		}
	}
}

func TestAnswers(t *testing.T) {
	tool, err := releaseinfo.New(tooltest.Finder(t, tooltest.Catalog(t, `
artist Soon | US | en | pop | 50
album Next One | 2025-07-11 | A
single Teaser | 2025-06-27 | B
album Last One | 2020-02 | C
artist Single Only | US | en | pop | 50
single First Try | 2025-06-27 | B
artist Just Today | US | en | pop | 50
ep Now | 2025-06-28 | B
artist No Records | US | en | pop | 50
artist Yearly | US | en | pop | 50
album Sometime | 2024 | B
artist Two Ahead | US | en | pop | 50
album Later | 2025-12 | A
album Sooner | 2025-08-01 | A
`)))
	if err != nil {
		t.Fatal(err)
	}
	for artist, want := range map[string]string{
		"soon":        "Next One, the next album by Soon, is announced and comes out on 11 July 2025. The latest that is out is Last One, in February 2020.",
		"single only": "First Try, the latest single by Single Only, came out on 27 June 2025, 1 day before this catalogue's date (28 June 2025). No date of a next one is known here.",
		"just today":  "Now, the latest EP by Just Today, came out on 28 June 2025, the day of this catalogue. No date of a next one is known here.",
		"no records":  "No release by No Records is in this catalogue.",
		"yearly":      "Sometime, the latest album by Yearly, came out in 2024. No date of a next one is known here.",
		"two ahead":   "Sooner, the next album by Two Ahead, is announced and comes out on 1 August 2025.",
		"nobody here": "Nothing is known here about releases by “nobody here”.",
		"":            "",
	} {
		r := tooltest.Run(t, tool, tooltest.Call{Params: schemas.Params{"artist": artist}})
		if r.Text != want {
			t.Errorf("%s: %q, want %q", artist, r.Text, want)
		}
	}
}
