package dj_test

import (
	"strings"
	"testing"

	"github.com/parallel-fusion/pfr/schemas"
	tools "github.com/parallel-fusion/pfr/tool-workers"
	"github.com/parallel-fusion/pfr/tool-workers/dj"
	"github.com/parallel-fusion/pfr/tool-workers/tooltest"
)

func open(tb testing.TB) tools.Tool {
	tb.Helper()
	t, err := dj.New(tooltest.Finder(tb, tooltest.Sample(tb)), nil)
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

func TestGolden(t *testing.T) { tooltest.Golden(t, open(t), "testdata/calls.txt") }

func TestConformance(t *testing.T) {
	tooltest.Conform(t, open(t),
		tooltest.Call{Query: "jazz for dinner", Params: schemas.Params{"genre": "jazz", "activity": "dinner"}, Limit: 12},
		tooltest.Call{Params: schemas.Params{"artist": "Khruangbin"}},
	)
}

func TestEmptyCatalogue(t *testing.T) {
	tool, err := dj.New(tooltest.Finder(t, tooltest.Catalog(t, "")), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []schemas.Params{{}, {"artist": "x", "genre": "rock"}} {
		if r := tooltest.Run(t, tool, tooltest.Call{Params: p}); len(r.Items) != 0 {
			t.Errorf("%v: %v", p, r.Items)
		}
	}
}

func TestIntroNamesTheWish(t *testing.T) {
	tool := open(t)
	for _, c := range []struct {
		params schemas.Params
		want   string
	}{
		{schemas.Params{"mood": "sad"}, "sad music"},
		{schemas.Params{"activity": "study"}, "music for study"},
		{schemas.Params{"mood": "calm", "era_from": 1980, "era_to": 1989}, "calm music from the 1980s"},
		{schemas.Params{"genre": "jazz"}, "jazz"},
		{schemas.Params{"language": "spanish"}, "music in Spanish"},
		{schemas.Params{"mood": "happy", "max_weeks_from_release": 8}, "fresh happy music"},
		{nil, "a bit of everything that people love"},
	} {
		opening, _, _ := strings.Cut(tooltest.Run(t, tool, tooltest.Call{Query: "play", Params: c.params, Limit: 12}).Text, ". ")
		if want := "All right: " + c.want; opening != want && !strings.Contains(opening, " "+c.want+",") && !strings.HasSuffix(opening, "on "+c.want) {
			t.Errorf("%v: %q, want %q in it", c.params, opening, c.want)
		}
	}
}
