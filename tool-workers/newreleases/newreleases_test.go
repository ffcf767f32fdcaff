package newreleases_test

import (
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/newreleases"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest"
)

func open(tb testing.TB) tools.Tool {
	tb.Helper()
	t, err := newreleases.New(tooltest.Finder(tb, tooltest.Sample(tb)))
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

func TestGolden(t *testing.T) { tooltest.Golden(t, open(t), "testdata/calls.txt") }

func TestConformance(t *testing.T) {
	tooltest.Conform(t, open(t),
		tooltest.Call{Params: schemas.Params{"artist": "Lady Gaga"}},
		tooltest.Call{Params: schemas.Params{"artist": "Lady Gaga", "entity_types": []string{"album", "track"}}},
	)
}

func TestEmptyCatalogue(t *testing.T) {
	tool, err := newreleases.New(tooltest.Finder(t, tooltest.Catalog(t, "")))
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []schemas.Params{{}, {"artist": "x", "genre": "rock"}} {
		if r := tooltest.Run(t, tool, tooltest.Call{Params: p}); len(r.Items) != 0 {
			t.Errorf("%v: %v", p, r.Items)
		}
	}
}

func TestOnlyTheWeeksAskedForAndWhatIsToCome(t *testing.T) {
	tool, err := newreleases.New(tooltest.Finder(t, tooltest.Catalog(t, `
artist Busy | US | en | pop | 50
album Old | 2019-05-01 | O1
album New | 2025-06-20 | N1; N2
single Coming | 2025-07-04 | C1
ep Spring | 2025-04-01 | S1
`)))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		params schemas.Params
		want   string
	}{
		{schemas.Params{"artist": "busy"}, "Coming New Spring Old"},
		{schemas.Params{"artist": "busy", "max_weeks_from_release": 4}, "Coming New"},
		{schemas.Params{"artist": "busy", "max_weeks_from_release": 4, "entity_types": []string{"track"}}, "C1 N1 N2"},
		{schemas.Params{"artist": "busy", "max_weeks_from_release": 20, "entity_types": []string{"album", "track"}}, "Coming C1 New N1 N2 Spring S1"},
	} {
		var got []string
		for _, item := range tooltest.Run(t, tool, tooltest.Call{Params: c.params}).Items {
			got = append(got, item.Title)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%v: %q, want %q", c.params, got, c.want)
		}
	}
}
