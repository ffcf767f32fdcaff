package search_test

import (
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/catalog"
	"github.com/parallel-fusion/pfr/tool-workers/search"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func sampleTool(tb testing.TB) tools.Tool {
	tb.Helper()
	t, err := search.New(tooltest.Finder(tb, tooltest.Sample(tb)))
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

func TestGolden(t *testing.T) {
	tool := sampleTool(t)
	for _, file := range []string{"testdata/names.txt", "testdata/playlists.txt"} {
		tooltest.Golden(t, tool, file)
	}
}

func BenchmarkNew(b *testing.B) {
	f := tooltest.Finder(b, tooltest.Sample(b))
	for b.Loop() {
		if _, err := search.New(f); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRun(b *testing.B) {
	tool := sampleTool(b)
	for _, text := range []string{"lady gaga", "lady ga", "love", "the", "bohemian rapsody quen", "xqzwv plorth", "lady gaga bad romance official video hd remastered"} {
		b.Run(text, func(b *testing.B) {
			req := tooltest.Request("search", tooltest.Call{Params: schemas.Params{"text": text}, Limit: 20})
			for b.Loop() {
				if _, err := tool.Run(b.Context(), req); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestConformance(t *testing.T) {
	tooltest.Conform(t, sampleTool(t),
		tooltest.Call{Params: schemas.Params{"text": "lady gaga"}},
		tooltest.Call{Params: schemas.Params{"text": "bohemian rapsody quen"}},
		tooltest.Call{Params: schemas.Params{"text": "Lady Gaga", "entity_types": []string{"track"}}},
		tooltest.Call{Params: schemas.Params{"text": "sad songs", "mood": "sad", "entity_types": []string{"playlist"}}},
	)
}

func TestEmptyCatalogue(t *testing.T) {
	tool, err := search.New(tooltest.Finder(t, tooltest.Catalog(t, "")))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []schemas.Params{{}, {"text": "x", "genre": "rock"}} {
		if r := tooltest.Run(t, tool, tooltest.Call{Params: p}); len(r.Items) != 0 {
			t.Errorf("%v: %v", p, r.Items)
		}
	}
}

// Every way to write a name leads to it.
func TestEveryArtistOfTheSampleIsFirstForItsName(t *testing.T) {
	tool, c := sampleTool(t), tooltest.Sample(t)
	missed := 0
	for a := range c.Artists() {
		for _, text := range []string{a.Name(), strings.ToUpper(a.Name()), "  " + strings.ToLower(a.Name()) + " "} {
			r := tooltest.Run(t, tool, tooltest.Call{Params: schemas.Params{"text": text, "entity_types": []string{"artist"}}, Limit: 1})
			if len(r.Items) == 0 || catalog.Fold(r.Items[0].Title) != catalog.Fold(a.Name()) {
				missed++
				t.Errorf("%q: %v", text, r.Items)
			}
		}
		if missed > 10 {
			t.Fatal("and more")
		}
	}
}

// A typo in a longer name does not lose it.
func TestTyposInNamesOfArtists(t *testing.T) {
	tool, c := sampleTool(t), tooltest.Sample(t)
	found, tried := 0, 0
	for a := range c.Artists() {
		name := []rune(catalog.Fold(a.Name()))
		if len(name) < 8 || a.Popularity() < 70 {
			continue
		}
		swapped := slices.Clone(name)
		swapped[4], swapped[5] = swapped[5], swapped[4]
		tried++
		r := tooltest.Run(t, tool, tooltest.Call{Params: schemas.Params{"text": string(swapped)}, Limit: 5})
		if slices.ContainsFunc(r.Items, func(i schemas.Item) bool { return i.ID == a.ID() }) {
			found++
		}
	}
	const share = 0.85 // a swap of a space, or in a word of three letters, is another name
	if float64(found) < share*float64(tried) {
		t.Errorf("%d of %d names found with a typo", found, tried)
	}
	t.Logf("%d of %d names found with a typo", found, tried)
}
